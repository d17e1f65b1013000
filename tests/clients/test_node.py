"""The clients for Node: each file of ``node/`` is run by Node's own test runner."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "node"
FILES = sorted(path.name for path in FOLDER.glob("*.test.mjs"))


@pytest.mark.parametrize("name", FILES)
def test_a_node_client_works(name: str, url: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    if not (FOLDER / "node_modules").is_dir():
        pytest.skip("its packages are not installed: npm ci in tests/clients/node")
    done = subprocess.run(
        [node, "--test", "--test-reporter=spec", name],
        cwd=FOLDER,
        env={**os.environ, "SERVER_URL": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
