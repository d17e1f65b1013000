"""The example of docs/library.md runs and prints what it should."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_library_example_runs() -> None:
    page = (ROOT / "docs" / "library.md").read_text()
    code = page.split("```python\n")[1].split("```")[0]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("True")
    assert "get_weather {'city': 'Paris'}" in lines
    assert lines.count("True False") == 2
