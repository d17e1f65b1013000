"""Names of models as Ollama writes them: with a tag, which is ``latest`` where it says nothing."""

from __future__ import annotations

from gguf_fc.models.pool import LATEST


def tagged(alias: str) -> str:
    """*alias* with a tag; requests may leave it out (``Pool.find``)."""
    return alias if ":" in alias else f"{alias}{LATEST}"
