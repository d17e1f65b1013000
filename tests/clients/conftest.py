"""One server for all clients, on the demo model, run by the server's own Python.

The clients run in an environment of their own, so that what they depend on never meets what the
server depends on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.clients.world import Weather
from tests.support.server import ROOT, Server, running

PYTHON = os.environ.get("SERVER_PYTHON", str(ROOT / ".venv" / "bin" / "python"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server"), python=PYTHON) as started:
        yield started


@pytest.fixture(scope="session")
def url(server: Server) -> str:
    """The base URL of OpenAI's protocols; it ends in ``/v1``."""
    return server.url


@pytest.fixture(scope="session")
def root(server: Server) -> str:
    """The base URL of all other protocols."""
    return server.url.removesuffix("/v1")


@pytest.fixture(autouse=True)
def _no_keys_no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients must find the server by what the test says and call nobody else."""
    for name in [name for name in os.environ if name.endswith("_API_KEY")]:
        monkeypatch.delenv(name)


@pytest.fixture
def weather() -> Weather:
    return Weather()
