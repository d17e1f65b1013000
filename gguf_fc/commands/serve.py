"""``gguf-fc serve``: the server, until it is stopped."""

from __future__ import annotations

import os
from functools import partial

from gguf_fc.config import Settings
from gguf_fc.models.select_models import open_pool
from gguf_fc.server import server


def run(settings: Settings) -> None:
    """Serve the models that *settings* offer."""
    os.environ.pop("GGUF_FC_API_KEY", None)  # what we start, a worker among it, has no use for it
    server.serve(settings, open_pool(settings), say=partial(print, flush=True))
