# SPDX-License-Identifier: BSD-3-Clause
"""Tell when the files of another distribution lie in this package's folder.

An older, unmaintained distribution called ``sk-dist`` installs a folder of the same name,
``skdist/``. Installed into one environment the two overwrite each other file by file, in an order
that only the installer knows. No import from such a folder can be trusted, so importing is refused
with an error; a warning would be followed by failures that name neither cause nor cure.

Where sk-dist was installed last its ``skdist/__init__.py`` is the one that runs, and nothing here
is asked: ``from skdist import DistributedRandomForest`` then fails with Python's own words.
"""

from pathlib import Path

# Paths that sk-dist installs and skdist has none of. Files and not folders: an uninstalled sk-dist
# may leave an empty ``distribute/__pycache__`` behind, which harms nobody.
SK_DIST_FILES = ("distribute/__init__.py", "preprocessing.py", "postprocessing.py")


def refuse_sk_dist(folder: Path) -> None:
    """Raise if `folder`, this package's, also holds files that sk-dist installed.

    Parameters
    ----------
    folder : Path
        The folder to look at: the one that holds ``skdist/__init__.py``.

    Raises
    ------
    ImportError
        A file of sk-dist is there. The message names it, and the commands that mend it.

    Notes
    -----
    Costs three calls of ``stat``.
    """
    found = [name for name in SK_DIST_FILES if (folder / name).is_file()]
    if found:
        raise ImportError(
            f"{folder} holds files of another distribution, sk-dist ({', '.join(found)}), which "
            "installs a folder of the same name and overwrites files of skdist. The two cannot "
            "share an environment. Uninstall sk-dist, then install skdist again:\n"
            "    pip uninstall sk-dist\n"
            "    pip install --force-reinstall --no-deps skdist",
            name="skdist",
            path=str(folder),
        )
