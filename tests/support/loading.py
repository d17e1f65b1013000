"""How tests load a model into their own process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gguf_fc.job import Load


def in_process(path: Path, **options: Any) -> Load:
    """*path* for one thread and without weight repacking.

    Some processors announce AMX and cannot use it: with repacking llama.cpp dies at the first batch
    of two tokens.  A server finds that out in a child process; a test would die with it.
    """
    return Load(path=str(path), n_threads=1, use_extra_bufts=False, **options)
