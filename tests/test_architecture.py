# SPDX-License-Identifier: BSD-3-Clause
"""Who may import whom: the source of skdist is read, not run, and held against one table.

Imports go one way, estimators -> solvers -> kernels, summaries, losses and estimators -> sharding.
The second half of this file shows each rule a source that breaks it.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "skdist").rglob("*.py"))

FAMILIES = (
    "compose",
    "decomposition",
    "ensemble",
    "impute",
    "linear_model",
    "neural_network",
    "preprocessing",
    "svm",
)
LEAVES = {"kernels", "losses", "summaries"}
FACE = {
    "_caller",
    "_carried_settings",
    "_columns",
    "_config",
    "_encode_partition",
    "_estimator",
    "_labels",
    "_lazy_transform",
    "_on_collections",
    "_local_fit",
    "_merge_checks",
    "_plan",
    "_plan_share",
    "_remembered",
    "_report",
    "_rows",
    "_shard_classes",
    "_shard_table",
    "_skew",
    "_sklearn",
    "_transformer",
    "_watching",
    "_whole_fit",
    "sharding",
    "solvers",
    *LEAVES,
}

# room -> the rooms it may import besides itself. A new room needs a line here.
MAY_IMPORT = {
    "__init__": {"_config", "_conflict", "_lazy_names", "_merge", "_plan", "sharding", *FAMILIES},
    "_plan": {"_config", "_labels", "_planned_fit", "_wire", "sharding"},
    "_plan_share": {"sharding", "solvers"},
    "_planned_fit": {"_plan_text", "sharding"},
    "_plan_text": {"_report_text"},
    "_plan_parts": {"_config", "_plan", "_plan_text", "_planned_fit", "_sklearn", "sharding"},
    "_plan_transformers": {"_plan", "_transformer", "sharding"},
    "_carried_settings": {"_config", "_sklearn"},
    "_remembered": {"__init__", "_caller", "_carried_settings", "_config", "_wire", "sharding"},
    "_wire": set(),
    "_merge": {*FACE},
    "_merge_checks": {"_sklearn"},
    "_estimator": FACE,
    "_report": {"_report_text"},
    "_report_text": set(),
    "_watching": {
        "_callbacks",
        "_report_text",
        "_sklearn",
        "_small_data",
        "_status_line",
        "sharding",
    },
    "_whole_fit": {"_remembered", "_sklearn", "_watching", "solvers"},
    "_caller": set(),
    "_small_data": {"_caller", "sharding"},
    "_callbacks": {"_plan", "_sklearn", "sharding"},
    "inspection": {"_report", "_skew", "sharding"},
    "_status_line": {"_report_text", "_time_left", "sharding"},
    "_time_left": set(),
    "_labels": {"sharding"},
    "_columns": {"sharding"},
    "_encode_partition": {"_labels", "sharding"},
    "_lazy_transform": {"_columns", "_on_collections", "_sklearn", "sharding"},
    "_on_collections": {"metrics", "sharding"},
    "_transformer": {
        "_carried_settings",
        "_columns",
        "_encode_partition",
        "_estimator",
        "_lazy_transform",
        "_merge_checks",
        "_report",
        "_rows",
        "_sklearn",
        "_watching",
        "_whole_fit",
        "sharding",
    },
    "metrics": {"_labels", "_sklearn", "kernels", "sharding", "solvers", "summaries"},
    "model_selection": {"_sklearn", "sharding"},
    "_rows": {
        "_columns",
        "_encode_partition",
        "_labels",
        "_report",
        "_shard_table",
        "_sklearn",
        "sharding",
        "solvers",
        "summaries",
    },
    "_local_fit": {"_estimator", "_report", "sharding"},
    "_shard_classes": {"_rows", "sharding", "solvers"},
    "_shard_table": {"_report", "solvers", "summaries"},
    "_skew": {"_caller", "_report", "sharding", "solvers"},
    **{family: {*FACE, "_merge"} for family in FAMILIES},
    "solvers": {"_caller", *LEAVES},
    "kernels": set(),
    "losses": set(),
    "summaries": {"_lazy_names"},
    "_lazy_names": set(),
    "sharding": {"_caller", "_config"},
    "_sklearn": set(),
    "_config": set(),
    "_conflict": set(),
}
# room -> the rooms it may name in annotations, under `if TYPE_CHECKING:`
MAY_ANNOTATE_WITH = {
    "solvers": {"sharding"},
    "_encode_partition": {"_rows"},
    "_planned_fit": {"_plan"},
    "_report": {"sharding"},
    "_report_text": {"_report"},
}

EXECUTION = {"dask", "distributed", "joblib", "loky", "multiprocessing", "concurrent"}
MAY_EXECUTE = {"sharding"}
# Rooms that see nothing of scikit-learn's estimators, so that a test needs none. What they may see:
SKLEARN_ALLOWED = {
    "kernels": (),
    "losses": (),
    "summaries": ("sklearn.utils", "sklearn.exceptions"),
    "solvers": ("sklearn.utils", "sklearn.exceptions"),
    "sharding": ("sklearn.utils", "sklearn.exceptions"),
}
KERNELS_MAY_USE = {"numba", "numpy", "scipy", *sys.stdlib_module_names} - EXECUTION
# What pyproject.toml declares: always there, and there with an extra (so never at import time).
CORE = {"cloudpickle", "joblib", "numba", "numpy", "scipy", "sklearn", "threadpoolctl"}
EXTRAS = {"dask", "distributed", "matplotlib", "pandas", "polars", "pyarrow", "skorch", "torch"}
DECLARED = {"skdist", *CORE, *EXTRAS, *sys.stdlib_module_names}
VAGUE_FILES = {"common.py", "helpers.py", "misc.py", "util.py", "utils.py"}

TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "benchmarks",
    "doc",
    "examples",
    "pyproject.toml",
    "skdist",
    "tests",
}


class Import(NamedTuple):
    """One imported module; `name` is what is taken from it, "" for the module itself."""

    module: str
    name: str
    line: int
    typing_only: bool

    @property
    def full(self) -> str:
        return f"{self.module}.{self.name}".rstrip(".")

    @property
    def top(self) -> str:
        return self.module.split(".")[0]

    @property
    def target_room(self) -> str:
        """The room of skdist that is imported, "" for other packages."""
        parts = self.full.split(".")
        if parts[0] != "skdist":
            return ""
        return parts[1] if len(parts) > 1 else "__init__"


def typing_only_nodes(tree: ast.Module) -> set[ast.AST]:
    guards = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
    ]
    return {inner for guard in guards for child in guard.body for inner in ast.walk(child)}


def imports_of(tree: ast.Module) -> Iterator[Import]:
    """Every import: of statements anywhere in the file, and of calls with a literal name."""
    hidden = typing_only_nodes(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield Import(alias.name, "", node.lineno, node in hidden)
            case ast.ImportFrom(module=module, names=names, level=0):
                for alias in names:
                    yield Import(module, alias.name, node.lineno, node in hidden)
            case ast.Call(func=function, args=[ast.Constant(value=str(module)), *_]):
                if ast.unparse(function).split(".")[-1] in {"import_module", "__import__"}:
                    yield Import(module, "", node.lineno, node in hidden)


def room_of(path: str) -> str:
    """``skdist/sharding/_dataset.py`` is in ``sharding``, ``skdist/losses.py`` in ``losses``."""
    return path.split("/")[1].removesuffix(".py")


def is_private(part: str) -> bool:
    return part.startswith("_") and not part.startswith("__")


def wrong_room(room: str, one: Import) -> str:
    allowed = MAY_IMPORT[room] | {room}
    if one.typing_only:
        allowed = allowed | MAY_ANNOTATE_WITH.get(room, set())
    if one.target_room in {"", *allowed}:
        return ""
    return f"{room} may not import {one.full}"


def wrong_package(room: str, one: Import) -> str:
    if one.top in EXECUTION and room not in MAY_EXECUTE:
        return f"only {sorted(MAY_EXECUTE)} may import {one.full}"
    if one.top == "sklearn" and room in SKLEARN_ALLOWED:
        allowed = SKLEARN_ALLOWED[room]
        if not any(f"{one.full}.".startswith(f"{prefix}.") for prefix in allowed):
            return f"{room} may not import {one.full}"
    if room == "kernels" and one.top not in KERNELS_MAY_USE | {"skdist"}:
        return f"kernels may not import {one.full}"
    if one.top not in DECLARED:
        return f"{one.top} is no dependency that pyproject.toml declares"
    return ""


def wrong_privacy(room: str, one: Import) -> str:
    if one.top == "sklearn" and room != "_sklearn" and any(map(is_private, one.full.split("."))):
        return f"{one.full} is private to scikit-learn: take it through skdist/_sklearn.py"
    return ""


def private_attributes(room: str, tree: ast.Module) -> Iterator[str]:
    """``sklearn.utils._x`` written out, where only ``sklearn`` was imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and room != "_sklearn":
            chain = ast.unparse(node).split(".")
            if chain[0] == "sklearn" and is_private(chain[-1]):
                yield f"line {node.lineno}: {'.'.join(chain)} is private to scikit-learn"


def violations(path: str, source: str) -> list[str]:
    """What is wrong with the file at `path` (relative to the repository, with ``/``)."""
    room, tree = room_of(path), ast.parse(source)
    if room not in MAY_IMPORT:
        return [f"{room} is a room without a line in MAY_IMPORT"]
    wrong = [
        f"line {one.line}: {message}"
        for one in imports_of(tree)
        for rule in (wrong_room, wrong_package, wrong_privacy)
        if (message := rule(room, one))
    ]
    wrong += private_attributes(room, tree)
    wrong += [
        f"line {node.lineno}: a relative import"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    if path.split("/")[-1] in VAGUE_FILES:
        wrong.append("a file is named after what it holds")
    if not source.startswith("# SPDX-License-Identifier: BSD-3-Clause\n"):
        wrong.append("the first line is not the licence")
    return wrong


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_file_keeps_the_rules(path):
    assert violations(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) == []


def test_core_is_what_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.match(r"[\w-]+", line)[0] for line in project["dependencies"]}
    assert {name.replace("scikit-learn", "sklearn") for name in names} == CORE


def test_the_package_was_found():
    assert ROOT / "skdist" / "__init__.py" in SOURCES


def test_top_level_holds_nothing_else():
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone: git cannot say which files belong to the project")
    command = ["git", "-C", str(ROOT), "ls-files"]
    tracked = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert {name.split("/")[0] for name in tracked.splitlines()} == TOP_LEVEL


# ---------------------------------------------------------------- the checker itself


def messages(path: str, body: str) -> list[str]:
    return violations(path, f"# SPDX-License-Identifier: BSD-3-Clause\n{body}\n")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("skdist/ensemble/_forest.py", "from skdist.svm import DistributedSVC"),
        ("skdist/ensemble/_forest.py", "import skdist.svm._cascade"),
        ("skdist/ensemble/_forest.py", "from skdist import svm"),
        ("skdist/ensemble/_forest.py", "from skdist import DistributedRandomForest"),
        ("skdist/ensemble/_forest.py", "import joblib"),
        ("skdist/_estimator.py", "from joblib import Parallel"),
        ("skdist/_estimator.py", "from skdist.ensemble import DistributedRandomForest"),
        ("skdist/_merge.py", "def merge():\n    import dask.array"),
        ("skdist/_config.py", "from concurrent.futures import ThreadPoolExecutor"),
        ("skdist/solvers/cascade.py", "from skdist.sharding import shard_rows"),
        ("skdist/solvers/cascade.py", "from skdist.ensemble import DistributedRandomForest"),
        ("skdist/solvers/cascade.py", "from sklearn.base import BaseEstimator"),
        ("skdist/solvers/cascade.py", "from sklearn import base"),
        ("skdist/solvers/cascade.py", "from distributed import Client"),
        ("skdist/solvers/cascade.py", "import_module('joblib')"),
        ("skdist/solvers/cascade.py", "__import__('dask')"),
        ("skdist/solvers/cascade.py", "importlib.import_module('skdist.sharding')"),
        (
            "skdist/solvers/cascade.py",
            "if TYPE_CHECKING:\n    from skdist.ensemble import DistributedRandomForest",
        ),
        ("skdist/kernels/histogram.py", "import pandas"),
        ("skdist/kernels/histogram.py", "from sklearn.utils import check_array"),
        ("skdist/kernels/histogram.py", "import multiprocessing"),
        ("skdist/kernels/histogram.py", "from skdist.summaries import Trees"),
        ("skdist/summaries/_trees.py", "from skdist.solvers.forest import grow"),
        ("skdist/summaries/_trees.py", "from sklearn.ensemble import RandomForestClassifier"),
        ("skdist/losses.py", "from sklearn.utils import check_array"),
        ("skdist/sharding/_dataset.py", "from skdist.summaries import Trees"),
        ("skdist/sharding/_dataset.py", "from sklearn.linear_model import LogisticRegression"),
        ("skdist/_sklearn.py", "from skdist.ensemble import DistributedRandomForest"),
        ("skdist/ensemble/_forest.py", "from sklearn.tree._tree import Tree"),
        ("skdist/ensemble/_forest.py", "from sklearn.utils import _safe_indexing"),
        ("skdist/ensemble/_forest.py", "import sklearn.utils._param_validation"),
        ("skdist/ensemble/_forest.py", "import sklearn\ntree = sklearn.tree._tree"),
        ("skdist/ensemble/_forest.py", "from ._base import Base"),
        ("skdist/ensemble/_forest.py", "from . import _base"),
        ("skdist/ensemble/_forest.py", "import psutil"),
        ("skdist/ensemble/utils.py", ""),
        ("skdist/helpers/_text.py", ""),
    ],
)
def test_a_breach_is_found(path, body):
    assert len(messages(path, body)) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("skdist/__init__.py", "from skdist.ensemble import DistributedRandomForest"),
        ("skdist/ensemble/_forest.py", "from skdist.ensemble._trees import grow"),
        ("skdist/ensemble/_forest.py", "from skdist.sharding import shard_rows"),
        ("skdist/ensemble/_forest.py", "from skdist.solvers.forest import grow"),
        ("skdist/ensemble/_forest.py", "from skdist._sklearn import Tree"),
        ("skdist/ensemble/_forest.py", "from sklearn.ensemble import RandomForestClassifier"),
        ("skdist/ensemble/_forest.py", "from sklearn import __version__"),
        ("skdist/_sklearn.py", "from sklearn.tree._tree import Tree"),
        ("skdist/solvers/cascade.py", "from skdist.kernels.histogram import histogram"),
        ("skdist/solvers/cascade.py", "from sklearn.utils.extmath import row_norms"),
        (
            "skdist/solvers/cascade.py",
            "if TYPE_CHECKING:\n    from skdist.sharding import ShardedDataset",
        ),
        ("skdist/kernels/histogram.py", "import math\nimport numpy as np\nfrom numba import njit"),
        ("skdist/sharding/_executors.py", "import joblib\nfrom dask.distributed import Client"),
        ("skdist/sharding/_executors.py", "from skdist._config import get_config"),
    ],
)
def test_what_is_allowed_passes(path, body):
    assert messages(path, body) == []


def test_a_file_without_its_licence_is_found():
    assert violations("skdist/losses.py", '"""Losses."""\n') == [
        "the first line is not the licence"
    ]
