"""The ASGI application: its parts put together.  ``routes`` lists what can be asked."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from gguf_fc.errors import GgufFcError
from gguf_fc.generation.generator import Generator
from gguf_fc.models.pool import Pool
from gguf_fc.server.access.guard import Access, Guard
from gguf_fc.server.errors import BugsAnswered, on_bug, on_error, on_http_error
from gguf_fc.server.metrics import Metrics
from gguf_fc.server.paths import MeantPaths
from gguf_fc.server.routes import OPEN_PATHS, routes


def create_app(pool: Pool, access: Access | None = None) -> Starlette:
    """The application that serves *pool*, which it stops when it ends.

    *access*: who may connect; None: programs and pages of this machine.
    """
    metrics = Metrics(pool, clock=time.monotonic)
    generator = Generator(pool, watch=metrics.watch)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await pool.stop()

    return Starlette(
        routes=routes(generator, metrics),
        middleware=[
            Middleware(MeantPaths),
            Middleware(
                Guard,
                access=access or Access(),
                open_paths=OPEN_PATHS,
                refused=metrics.count_refusal,
                admitted=metrics.count_request,
            ),
            Middleware(BugsAnswered),
        ],
        exception_handlers={
            GgufFcError: on_error,
            HTTPException: on_http_error,
            Exception: on_bug,  # of the layers above
        },
        lifespan=lifespan,
    )
