# SPDX-License-Identifier: BSD-3-Clause
"""The script of the README runs as it stands; what the gallery asks of its examples.

The examples of the gallery are executed, warnings being errors, when the manual is built, which CI
does. ``--long`` runs them as the scripts they are, too.
"""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
GALLERY = sorted(EXAMPLES.glob("plot_*.py"))
named = pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.name)


def output_of(path):
    # said by joblib when a worker's memory has grown; as an exception it would end joblib's thread
    allowed = "ignore:A worker stopped while some jobs were given to the executor:UserWarning"
    command = [sys.executable, "-W", "error", "-W", allowed, str(path)]
    quietly = {**os.environ, "MPLBACKEND": "agg"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=quietly)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_forest_iris_gives_the_same_forest_twice():
    output = output_of(EXAMPLES / "forest_iris.py")
    accuracies = [float(a) for a in re.findall(r"held-out flowers: ([\d.]+)", output)]
    assert len(accuracies) == 2
    assert min(accuracies) > 0.9
    assert output.endswith("The two forests are identical.\n")


def test_the_gallery_has_ten_examples():
    assert len(GALLERY) >= 10


def test_no_script_is_left_untested():
    assert set(EXAMPLES.glob("*.py")) == {EXAMPLES / "forest_iris.py", *GALLERY}


@named
def test_an_example_asks_a_question_and_shows_a_picture(path):
    source = path.read_text(encoding="utf-8")
    title = ast.get_docstring(ast.parse(source)).splitlines()[0]
    assert title.endswith("?")
    assert "plt.show()" in source


@pytest.mark.long
@named
def test_an_example_runs_as_a_script(path):
    output_of(path)
