#!/usr/bin/env python3
"""Write the tables of ``docs/api.md`` from the tables in the code.

    scripts/api_docs.py           # rewrites the page in place
    scripts/api_docs.py --check   # only says whether it is up to date (exit code 1: it is not)

A table stands between ``<!-- fields: NAME -->`` or ``<!-- operations -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import argparse
import re
import sys

from repository import ROOT

from gguf_fc.server.operations import OPERATIONS
from gguf_fc.server.pages.field_tables import markdown, tables

PAGE = ROOT / "docs" / "api.md"
GENERATED = re.compile(r"(<!-- (?P<what>[^>]*?) -->\n).*?(<!-- end -->)", re.DOTALL)


def written(page: str) -> str:
    """*page* with every table made anew."""
    return GENERATED.sub(lambda found: f"{found[1]}{_text(found['what'])}\n{found[3]}", page)


def _text(what: str) -> str:
    if what == "operations":
        rows = [f"| `{one.method} {one.path}` | {one.summary} |" for one in OPERATIONS]
        return "\n".join(("| route | what it does |", "|---|---|", *rows))
    wanted = what.removeprefix("fields: ")
    fields = next(one.fields for one in OPERATIONS if one.fields and one.table == wanted)
    return "\n\n".join(map(markdown, tables(fields)))


def main() -> None:
    """Write or check the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    page = PAGE.read_text()
    new = written(page)
    if options.check:
        sys.exit(None if new == page else f"{PAGE} is out of date: run scripts/api_docs.py")
    PAGE.write_text(new)


if __name__ == "__main__":
    main()
