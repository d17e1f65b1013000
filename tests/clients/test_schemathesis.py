"""Schemathesis reads ``/openapi.json`` and sends what fits it and what does not.

No answer is an error of the server's, or one that the document does not describe.  The cases follow
from a fixed seed.  All phases, at length, against a server that runs with a small ``--ctx``:

    schemathesis run http://127.0.0.1:8080/openapi.json --phases examples,coverage,fuzzing
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.conftest import PYTHON
from tests.support.server import ROOT, running

CASES = 6  # an operation
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


@pytest.mark.timeout(300)
def test_nothing_that_is_sent_makes_the_server_fail_or_say_what_it_does_not_describe(
    tmp_path: Path,
) -> None:
    # In a small window, replies without a limit come to an end soon.
    with running(tmp_path, "--ctx", "128", python=PYTHON) as server:
        done = subprocess.run(
            [
                str(Path(sys.executable).parent / "schemathesis"),
                *("--no-color", "run", f"{server.root}/openapi.json"),
                *("--phases", "examples,fuzzing", "--max-examples", str(CASES)),
                *("--seed", "1", "--generation-database", "none"),
                *("--checks", ",".join(CHECKS), "--continue-on-failure", "--no-shrink"),
                *("--request-timeout", "60", "--suppress-health-check", "all"),
            ],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "SCHEMATHESIS_HOOKS": "tests.clients.few_tokens",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✅ Fuzzing" in done.stdout
