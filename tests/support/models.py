"""Which GGUF file a live test runs on: the shipped one, a trial one, or one made on the spot."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.random_model import write_random_model

ROOT = Path(__file__).parent.parent.parent
DATA = Path(os.environ.get("GGUF_FC_DATA", ROOT.parent / "shared" / "data"))
DEMO = ROOT / "gguf_fc" / "demo" / "demo.gguf"


def talking_model(folder: Path) -> Path:
    """The best model at hand; without any it talks nonsense."""
    candidates = (DEMO, *sorted(DATA.glob("models/*.gguf")))
    found = next((path for path in candidates if path.exists()), None)
    return found or write_random_model(folder / "random.gguf")
