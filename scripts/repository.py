"""The checkout that the scripts belong to; every one of them begins by importing this.

So each can be called by its path from any folder, with any Python from 3.11 on, after
``scripts/setup --dev`` and nothing else:

- the checkout comes first among the places that modules are imported from, for the script and for
  the programs that it starts: what is measured is the code beside it, whatever is installed;
- an interpreter without the project's packages hands over to the one in ``.venv``.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "scripts"
# Corpora of templates, schemas and cases, which are no part of the repository.
DATA = Path(os.environ.get("GGUF_FC_DATA", ROOT.parent / "shared" / "data"))
PACKAGE = "orjson"  # stands for all that scripts/setup installs


def _hand_over() -> None:
    """Run this program again by the interpreter in .venv; ends this process."""
    python = ROOT / ".venv" / "bin" / "python"
    if not python.exists() or Path(sys.executable) == python:
        sys.exit(f"{PACKAGE} is not installed: run scripts/setup --dev")
    os.execv(python, [str(python), *sys.argv])  # noqa: S606 - no shell is needed


def _first(places: list[str]) -> list[str]:
    """*places* after those of the checkout."""
    own = [str(ROOT), str(SCRIPTS)]
    return own + [place for place in places if place and place not in own]


if find_spec(PACKAGE) is None:
    _hand_over()
sys.path[:] = _first(sys.path)
os.environ["PYTHONPATH"] = os.pathsep.join(
    _first(os.environ.get("PYTHONPATH", "").split(os.pathsep))
)
