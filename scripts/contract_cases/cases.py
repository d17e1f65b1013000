"""Files of cases, and the templates that a case is judged on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Case = dict[str, Any]


def read_cases(folder: Path) -> Iterator[tuple[str, Case]]:
    """Every case of *folder* with the name of its file."""
    for path in sorted(folder.glob("*.json")):
        yield path.stem, json.loads(path.read_text(encoding="utf-8"))


def templates_of(case: Case, there: tuple[str, ...]) -> list[str]:
    """Names among the templates *there* that *case* means, its own first.

    Others are named without their ending, and perhaps without the end of their name.
    """
    begun = [name.split()[0] for name in case.get("also_templates", ())]
    others = [name for name in there if any(name.startswith(start) for start in begun)]
    own = [case["template"]] if case["template"] in there else []
    return [*own, *(name for name in others if name not in own)]
