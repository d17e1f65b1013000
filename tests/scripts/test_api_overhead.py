"""The overhead script in small: every token of every stream arrives; what it took is not judged."""

from __future__ import annotations

import subprocess
import sys

from tests.support.server import ROOT


def test_every_token_of_the_scripted_engine_arrives() -> None:
    command = [sys.executable, "scripts/api_overhead.py"]
    options = ["--tokens", "30", "--requests", "4", "--streams", "1", "2"]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    heading, one, two, first, last = done.stdout.splitlines()
    assert heading.startswith("streams")
    assert [one.split()[0], two.split()[0]] == ["1", "2"]
    assert first.startswith("first text of a reply of one token")
    assert last.startswith("processor time")
