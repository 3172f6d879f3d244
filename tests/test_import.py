# SPDX-License-Identifier: BSD-3-Clause
"""What `import skdist` costs and needs: counted in modules of fresh processes, not in seconds."""

import ast
import json
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

import skdist
from skdist._conflict import SK_DIST_FILES

PACKAGE = Path(skdist.__file__).parent
TORCH = {"skorch", "torch"}
HEAVY = {"dask", "distributed", "matplotlib", "numba", "pandas", "polars", "pyarrow", *TORCH}

# Refuses the packages of every extra, as if none were installed.
WITHOUT_EXTRAS = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"dask", "distributed", "fsspec", "matplotlib", "pandas", "polars",
                                  "psutil", "pyarrow", "skorch", "toolz", "torch", "tornado"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""


def python(code: str, *, cwd=None, env=None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd, env=env)


def modules_after(statement: str) -> set[str]:
    done = python(f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))")
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_import_skdist_loads_hardly_anything():
    ours = modules_after("import skdist")
    assert not HEAVY & ours
    assert "sklearn" not in ours
    assert len(ours - modules_after("pass")) <= 30
    assert len(ours) < len(modules_after("import sklearn"))


def test_a_public_class_loads_little_more_than_the_class_it_stands_for():
    ours = modules_after("from skdist import DistributedRandomForestClassifier")
    theirs = modules_after("from sklearn.ensemble import RandomForestClassifier")
    extra = ours - theirs
    assert not HEAVY & extra
    assert len(extra) <= 100, sorted(extra)
    assert len([name for name in extra if not name.startswith("skdist")]) <= 5, sorted(extra)


def test_a_linear_model_loads_no_compiler():
    statement = (
        "from skdist import DistributedLogisticRegression, DistributedPoissonRegressor\n"
        "X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1]\n"
        "DistributedLogisticRegression(n_jobs=1).fit(X, y)\n"
        "DistributedPoissonRegressor(n_jobs=1).fit(X, y)\n"
    )
    ours = modules_after(statement)
    theirs = modules_after("from sklearn.linear_model import LogisticRegression, PoissonRegressor")
    assert not HEAVY & (ours - theirs)


def test_a_transformer_loads_no_compiler():
    statement = (
        "import numpy as np\n"
        "from skdist import (DistributedMinMaxScaler, DistributedOneHotEncoder, DistributedPCA,\n"
        "    DistributedSimpleImputer, DistributedStandardScaler)\n"
        "X = np.arange(24.0).reshape(8, 3) % 5\n"
        "for n_shards in (None, 2):\n"
        "    DistributedMinMaxScaler(n_shards=n_shards).fit(X)\n"
        "    DistributedOneHotEncoder(n_shards=n_shards).fit(X)\n"
        "    DistributedPCA(svd_solver='covariance_eigh', n_shards=n_shards).fit(X)\n"
        "    DistributedSimpleImputer(strategy='median', n_shards=n_shards).fit(X)\n"
        "    DistributedStandardScaler(n_shards=n_shards).fit(X)\n"
    )
    theirs = modules_after("from sklearn.decomposition import PCA")
    assert not HEAVY & (modules_after(statement) - theirs)


def test_local_fits_need_no_extra():
    done = python(
        WITHOUT_EXTRAS
        + "from sklearn.datasets import load_iris\n"
        + "from skdist import DistributedRandomForest\n"
        + "X, y = load_iris(return_X_y=True)\n"
        + "for method in ('exact', 'hist'):\n"
        + "    forest = DistributedRandomForest(10, tree_method=method, random_state=0)\n"
        + "    assert forest.fit(X, y).score(X, y) > 0.9\n"
    )
    assert done.returncode == 0, done.stderr


def test_nothing_but_the_nets_imports_torch():
    ours = modules_after("import skdist.neural_network, skdist\nskdist.merge, dir(skdist)")
    assert not TORCH & ours
    assert TORCH <= modules_after("from skdist import DistributedNeuralNetClassifier")


@pytest.mark.parametrize("kind", ["Classifier", "Regressor"])
def test_without_torch_nets_say_what_to_install(kind):
    name = f"DistributedNeuralNet{kind}"
    done = python(WITHOUT_EXTRAS + f"from skdist import {name}")
    assert done.returncode != 0
    assert f"ImportError: {name} needs torch and skorch" in done.stderr
    assert 'pip install "skdist[torch]"' in done.stderr


@pytest.mark.parametrize("name", skdist.__all__)
def test_public_name_is_there_and_listed(name):
    assert getattr(skdist, name) is not None
    assert name in dir(skdist)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'skdist' has no attribute 'nonsense'"):
        skdist.nonsense  # noqa: B018


def test_what_runs_and_what_type_checkers_see_agree():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    guard = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in guard.body for alias in node.names}
    assert seen == skdist._HOMES
    assert set(skdist.__all__) == {*seen, "__version__"}


def test_the_installed_package_is_what_is_tested():
    """Under `pip install .` that is the copy in site-packages, not the clone's folder."""
    installed = distribution("skdist")
    assert installed.version == skdist.__version__
    url = json.loads(installed.read_text("direct_url.json") or "{}")
    if not url.get("dir_info", {}).get("editable", False):
        assert PACKAGE == Path(str(installed.locate_file("skdist")))


def test_the_wheel_holds_nothing_but_skdist():
    files = distribution("skdist").files
    tops = {file.parts[0] for file in files if file.suffix == ".py"}
    assert tops <= {"skdist"}


@pytest.fixture
def copy_of_package(tmp_path):
    """The package's files in a folder of their own, and a way to import them in a fresh process."""
    shutil.copytree(PACKAGE, tmp_path / "skdist", ignore=shutil.ignore_patterns("__pycache__"))

    def import_it():
        return python("import skdist; print(skdist.__file__)", cwd=tmp_path)

    return tmp_path / "skdist", import_it


@pytest.mark.parametrize("name", SK_DIST_FILES)
def test_files_of_sk_dist_are_named_and_refused(copy_of_package, name):
    folder, import_it = copy_of_package
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).touch()
    done = import_it()
    assert done.returncode != 0
    assert f"ImportError: {folder} holds files of another distribution, sk-dist ({name})" in (
        done.stderr
    )
    assert "pip uninstall sk-dist\n" in done.stderr


def test_a_clean_folder_and_an_uninstalled_sk_dist_are_fine(copy_of_package):
    folder, import_it = copy_of_package
    (folder / "distribute" / "__pycache__").mkdir(parents=True)
    done = import_it()
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()) == folder / "__init__.py"


def test_packages_are_there_without_an_import_of_their_own():
    code = "import skdist; print(skdist.model_selection.train_test_split.__name__, skdist.metrics)"
    assert python(code).stdout.startswith("train_test_split <module 'skdist.metrics'")
