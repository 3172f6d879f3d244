# SPDX-License-Identifier: BSD-3-Clause
"""The index of the reference, written from what the packages export.

So a new public name needs no line in the manual: it is in ``__all__``, and has a docstring.
"""

import inspect
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import skdist

DOC = Path(__file__).parent.parent
# Pages that name many estimators and describe none.
ABOUT_ALL = {"benchmarks", "choosing", "coming_from", "convergence", "index", "start", "whats_new"}

# Rooms that users do not enter: what they export is for the rest of the code.
INTERNAL = {"kernels", "losses", "solvers", "summaries"}
TITLES = {
    "skdist": "Merging, and settings",
    "skdist._report": "What a fit reports",
    "skdist.compose": "Columns and pipelines",
    "skdist.decomposition": "Decomposition",
    "skdist.ensemble": "Forests",
    "skdist.impute": "Missing values",
    "skdist.inspection": "Pictures",
    "skdist.linear_model": "Linear models",
    "skdist.metrics": "Metrics of Dask collections",
    "skdist.model_selection": "Splitting",
    "skdist.neural_network": "Neural networks",
    "skdist.preprocessing": "Preprocessing",
    "skdist.sharding": "Shards",
    "skdist.svm": "Kernel machines",
}
FIRST = ["skdist.linear_model", "skdist.ensemble", "skdist.svm", "skdist.neural_network"]
LAST = ["skdist", "skdist._report", "skdist.sharding"]
# Where not all that a package exports is for users.
SHOWN = {
    "skdist._report": ["FitReport", "ShardFacts"],
    "skdist.sharding": [
        "shard_rows",
        "ShardedDataset",
        "Shard",
        "replicate",
        "Replicated",
        "Cost",
        "TaskRecord",
        "Note",
        "KeptFit",
        "JournalWarning",
        "ShardLostError",
        "WorkersLostError",
        "effective_workers",
    ],
}


def write_index(folder):
    """Write ``index.rst`` into `folder`; returns the full names it lists, by package."""
    packages = _packages()
    lines = ["=============", "API reference", "=============", "", _INTRODUCTION]
    for package, names in packages.items():
        title = TITLES.get(package, package)
        lines += ["", title, "=" * len(title), "", *_described(package)]
        lines += ["", ".. autosummary::", "   :toctree: generated/", "   :nosignatures:", ""]
        lines += [f"   ~{name}" for name in names]
    folder.mkdir(exist_ok=True)
    page, text = folder / "index.rst", "\n".join(lines)
    if not page.exists() or page.read_text(encoding="utf-8") != text:
        page.write_text(text, encoding="utf-8")
    return packages


def classes_of(packages):
    """What the template says of each class: its parent in scikit-learn and the methods of each."""
    described = {}
    for name in (name for names in packages.values() for name in names):
        value = _look_up(name)
        if inspect.isclass(value):
            own, properties, inherited = _methods(value)
            described[name] = {
                "alias_of": "" if name.endswith(f".{value.__name__}") else value.__name__,
                "guide": _guide_of(name),
                "relatives": _examples_of_relatives(name),
                "parent": _parent(value),
                "own": own,
                "properties": properties,
                "inherited": inherited,
            }
    return described


_INTRODUCTION = """Every estimator is a subclass of scikit-learn's class of the same name without
"Distributed". Its page tells all parameters, and the methods that differ; methods that are
scikit-learn's own are listed with a link."""


def _packages():
    """{package: full names of what it exports}, in the order of the page."""
    found = [f"skdist.{module.name}" for module in pkgutil.iter_modules(skdist.__path__)]
    public = [
        name
        for name in found
        if not name.split(".")[1].startswith("_") and name.split(".")[1] not in INTERNAL
    ]
    middle = [name for name in public if name not in FIRST and name not in LAST]
    packages = {name: _exports(name) for name in [*FIRST, *middle, *LAST]}
    homes = {name.split(".")[-1] for names in packages.values() for name in names}
    here = sorted(set(skdist.__all__) - homes - {"__version__"})
    packages["skdist"] = [f"skdist.{name}" for name in here]
    return packages


def _exports(package):
    """Full names of what a package exports, by the shortest way to import it."""
    if package == "skdist":
        return []
    names = SHOWN.get(package) or import_module(package).__all__
    top = set(skdist.__all__)
    return [f"skdist.{name}" if name in top else f"{package}.{name}" for name in names]


def _described(package):
    """The first paragraph of a package's docstring."""
    text = inspect.getdoc(import_module(package)) or ""
    return [] if package in LAST[:2] else text.split("\n\n")[0].removesuffix("::").splitlines()


def _look_up(full_name):
    package, _, name = full_name.rpartition(".")
    return getattr(import_module(package), name)


def _guide_of(full_name):
    """The page of the guide that names it most; "" where none does."""
    name = full_name.rpartition(".")[2]
    counts = {
        page.relative_to(DOC).with_suffix("").as_posix(): len(
            re.findall(rf"\b{name}\b", page.read_text(encoding="utf-8"))
        )
        for folder in (DOC, DOC / "linear_models")
        for page in sorted(folder.glob("*.rst"))
        if page.stem not in ABOUT_ALL
    }
    page = max(counts, key=counts.get)
    return page if counts[page] else ""


def _examples_of_relatives(full_name):
    """The examples of the page of the guide, for a class that no example names itself."""
    name, guide = full_name.rpartition(".")[2], _guide_of(full_name)
    examples = (DOC.parent / "examples").glob("plot_*.py")
    if not guide or any(re.search(rf"\b{name}\b", e.read_text(encoding="utf-8")) for e in examples):
        return ""
    page = (DOC / guide).with_suffix(".rst").read_text(encoding="utf-8")
    return " ".join(re.findall(r"\.\. minigallery:: (.*)", page))


def _parent(cls):
    """The public class of scikit-learn or skorch that `cls` stands in for; "" where none is."""
    for base in cls.__mro__[1:]:
        if base.__name__ == cls.__name__.removeprefix("Distributed"):
            package = base.__module__.split("._")[0]
            return f"{package}.{base.__name__}" if package.startswith("sklearn") else ""
    return ""


def _methods(cls):
    """Names of public (methods defined by skdist, its properties, what comes from elsewhere)."""
    own, properties, inherited = [], [], []
    for name in sorted(n for n in dir(cls) if not n.startswith("_")):
        home = next(base for base in cls.__mro__ if name in vars(base))
        value = vars(home)[name]
        if inspect.isclass(value) or not (callable(value) or hasattr(value, "__get__")):
            continue
        routing = name.startswith("set_") and name.endswith("_request")  # made by scikit-learn
        documented = getattr(value, "__doc__", None) and not routing
        if not home.__module__.startswith("skdist") or not documented:
            inherited.append(name)
        else:
            (properties if isinstance(value, property) else own).append(name)
    return own, properties, inherited
