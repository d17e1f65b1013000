#!/usr/bin/env python3
"""Score how well and how fast schemas become grammars; writes ``docs/json-schema.md``.

    scripts/schema_scores.py [--data DIR] [--only maskbench,bfcl] [--every N] [--masks] [--list]
                             [--key-order any] [--page docs/json-schema.md]

DIR holds the corpora (default: the environment variable GGUF_FC_DATA, or ../shared/data).
``--every`` takes every N-th row, ``--masks`` measures masks as well, ``--list`` prints each row
that is not right, ``--key-order any`` lets members come in any order where they are few, and
``--page`` writes the figures and what is supported as a page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

from repository import DATA

from gguf_fc.grammar import KeyOrder
from schema_figures.calls import calls
from schema_figures.figure import Figure
from schema_figures.instances import maskbench, suites
from schema_figures.masks import masks
from schema_figures.page import page
from schema_figures.texts import texts


def measures(data: Path, every: int, order: KeyOrder) -> dict[str, Callable[[], Iterator[Figure]]]:
    """Measures by name."""
    schemas = data / "schemas"
    return {
        "maskbench": lambda: maskbench(schemas, every, order),
        "bfcl": lambda: calls(data, every, order),
        "suite": lambda: suites(schemas, every, order),
        "texts": lambda: texts(schemas, 1),
        "masks": lambda: masks(data, every, order),
    }


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", default="maskbench,bfcl,suite,texts", help="which figures")
    parser.add_argument("--every", type=int, default=1, help="only every N-th row")
    parser.add_argument("--masks", action="store_true", help="measure masks as well")
    parser.add_argument("--list", action="store_true", help="print each row that is not right")
    parser.add_argument("--key-order", choices=get_args(KeyOrder), default="declared")
    parser.add_argument("--page", type=Path, help="write a page")
    arguments = parser.parse_args()
    if not (arguments.data / "schemas").exists():
        print(f"no schemas in {arguments.data}; set GGUF_FC_DATA")
        return 1
    known = measures(arguments.data, arguments.every, arguments.key_order)
    figures: list[Figure] = []
    for name in [*arguments.only.split(","), *(["masks"] if arguments.masks else [])]:
        for figure in known[name]():
            print(" | ".join(figure.cells), flush=True)
            if arguments.list:
                for miss, detail in zip(figure.misses, figure.details, strict=True):
                    print(f"    {miss}: {detail}", flush=True)
            figures.append(figure)
    if arguments.page:
        arguments.page.write_text(page(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
