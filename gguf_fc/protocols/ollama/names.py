"""Names of models as Ollama writes them: with a tag, which is ``latest`` where it says nothing."""

from __future__ import annotations

from gguf_fc.models.models_yaml import Entry
from gguf_fc.models.pool import Pool

_LATEST = ":latest"


def tagged(alias: str) -> str:
    """*alias* with a tag."""
    return alias if ":" in alias else f"{alias}{_LATEST}"


def entry_of(pool: Pool, name: str) -> Entry:
    """The entry *name* means, with or without the tag.  Raises ModelNotFound."""
    return pool.find(name if name in pool.names else name.removesuffix(_LATEST))
