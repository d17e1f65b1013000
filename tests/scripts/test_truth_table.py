"""The truth table in small: one family of our own, a few replies for each choice."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.choices import CHOICES
from tests.support.server import ROOT

pytestmark = pytest.mark.live


@pytest.mark.parametrize("constraint", ["llguidance", "llama.cpp"])
def test_no_choice_is_violated_in_any_form_of_call(constraint: str) -> None:
    command = [sys.executable, "scripts/truth_table.py", "--data", "tests/dialect"]
    options = ["--generations", "4", "--only", "tagged", "--constraint", constraint]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(choice in done.stdout for choice in CHOICES)
    assert "tagged" in done.stdout
    assert "0 violations" in done.stdout
