# SPDX-License-Identifier: BSD-3-Clause
"""The README says what works: its Python block runs, and its commands are what .ci/run runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def run(*arguments: str) -> str:
    """Run Python in a fresh process; its output. Warnings are errors there too."""
    command = [sys.executable, "-W", "error", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_one_python_block_and_two_commands():
    assert (len(blocks("python")), len(blocks("sh")), README.count("\n```\n")) == (1, 2, 3)


def test_the_python_block_prints_a_good_accuracy(tmp_path):
    script = tmp_path / "readme.py"
    script.write_text(blocks("python")[0], encoding="utf-8")
    assert float(run(str(script))) > 0.9


def test_the_commands_install_and_run_what_is_there():
    main_job, run_tests = blocks("sh")
    assert re.fullmatch(r".* && \.venv/bin/python (examples/\w+\.py)\n", main_job)
    assert (ROOT / main_job.split()[-1]).is_file()
    # not `python -m pytest`: that would test the clone and not what was installed
    assert run_tests.endswith('install ".[test]" && .venv/bin/pytest\n')


@pytest.mark.parametrize("number", [1, 2])
def test_ci_takes_its_commands_from_the_readme(number):
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    function = re.search(r"^readme_command\(\) \{.*?^\}$", script, re.DOTALL | re.MULTILINE)[0]
    command = ["bash", "-c", f"{function}\nreadme_command {number}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == blocks("sh")[number - 1]


def test_links_lead_to_files():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).is_file(), target
