# SPDX-License-Identifier: BSD-3-Clause
"""Every example runs as it stands, in a fresh process, without a warning."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def output_of(name):
    command = [sys.executable, "-W", "error", str(EXAMPLES / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_forest_iris_gives_the_same_forest_twice():
    output = output_of("forest_iris.py")
    accuracies = [float(a) for a in re.findall(r"held-out flowers: ([\d.]+)", output)]
    assert len(accuracies) == 2
    assert min(accuracies) > 0.9
    assert output.endswith("The two forests are identical.\n")


def test_forest_merge_knows_what_either_place_knew():
    output = output_of("forest_merge.py")
    rows = re.findall(r"(\w[\w ]+): +(\d+) classes, accuracy ([\d.]+)", output)
    score = {name: float(accuracy) for name, _, accuracy in rows}
    assert [int(classes) for _, classes, _ in rows] == [10, 8, 10, 10]
    assert score["merged"] > max(score["first place alone"], score["second place alone"])


def test_svm_shards_loses_little_where_places_are_alike():
    output = output_of("svm_shards.py")
    alone = float(re.search(r"together: \d+ support vectors, accuracy ([\d.]+)", output)[1])
    rows = re.findall(r"places, (\w+): .*accuracy ([\d.]+), gap at most ([\d.]+)%", output)
    assert [kind for kind, _, _ in rows] == ["alike", "alike", "sorted", "sorted"]
    assert all(float(accuracy) > alone - 0.01 for kind, accuracy, _ in rows if kind == "alike")
    assert all(float(gap) < 10 for kind, _, gap in rows if kind == "alike")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_every_example_has_a_test_above(path):
    assert f'output_of("{path.name}")' in Path(__file__).read_text(encoding="utf-8")
