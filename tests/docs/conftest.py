"""One server on the demo model for all pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.server import Server, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started
