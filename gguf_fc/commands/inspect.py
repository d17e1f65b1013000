"""``gguf-fc inspect``: a model's metadata, and the syntax derived from its chat template."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from gguf_fc.config import Settings
from gguf_fc.models.inspect import (
    TEMPLATE_ENDINGS,
    inspect_model,
    inspect_template,
    inspection_text,
)
from gguf_fc.models.load_plan import locate
from gguf_fc.models.select_models import offered


def run(model: str, settings: Callable[[], Settings], *, as_json: bool) -> None:
    """Print the inspection of *model*; a template on its own needs no *settings*."""
    path = Path(model).expanduser()
    if path.suffix in TEMPLATE_ENDINGS:
        found = inspect_template(path)
    else:
        chosen = settings()
        entry = offered(chosen)[0]
        found = inspect_model(locate(entry), chosen.chat_template or entry.chat_template)
    print(json.dumps(found, indent=2, ensure_ascii=False) if as_json else inspection_text(found))
