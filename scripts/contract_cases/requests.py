"""Cases of requests: sent to a server as they stand, they are answered."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from repository import ROOT

from contract_cases.cases import Case

DEMO = ROOT / "gguf_fc" / "demo" / "demo.gguf"
_SHOWN = 200  # characters of an error


@contextmanager
def served() -> Iterator[str]:
    """A server of the demo model; its base URL, without a path."""
    command = [sys.executable, "-m", "gguf_fc", "serve", str(DEMO), "--port", "0", "--threads", "1"]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            urls = (line.split()[1] for line in process.stdout if line.startswith("url"))
            yield next(urls).removesuffix("/v1")
        finally:
            process.terminate()


def faults(url: str, case: Case) -> Iterator[str]:
    """Faults of the answer to ``body``, in which half a character is sent as its escape."""
    wanted = case.get("status", 200)
    request = urllib.request.Request(  # noqa: S310  our own server
        url + case["POST"], json.dumps(case["body"]).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            got, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        got, text = error.code, error.read()
    if got != wanted:
        yield f"{got} instead of {wanted}: {text.decode()[:_SHOWN]}"
