"""``gguf-fc pull`` and ``gguf-fc list``: models of the Hub, and those that are offered."""

from __future__ import annotations

from gguf_fc.config import Settings
from gguf_fc.errors import DownloadError
from gguf_fc.models.context_size import size_text
from gguf_fc.models.download import Hub
from gguf_fc.models.hub_reference import HubReference
from gguf_fc.models.select_models import listed


def pull(text: str) -> None:
    """Fetch the model that *text* refers to; print its path.  Raises DownloadError."""
    reference = HubReference.parse(text)
    if reference is None:
        raise DownloadError(f"'{text}' is not OWNER/REPO[:QUANT].")
    print(Hub().pull(reference))


def list_models(settings: Settings) -> None:
    """Print the models on offer, then those in the Hub's cache."""
    print("offered")
    for entry in listed(settings):
        print(f"  {entry.alias:<24} {entry.source}")
    cached = list(Hub().cached())
    print("in the cache" if cached else "in the cache: nothing")
    for model in cached:
        print(f"  {model.repo}:{model.file}  {size_text(model.n_bytes)}")
