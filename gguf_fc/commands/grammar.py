"""``gguf-fc grammar``: a JSON Schema as GBNF, and its keywords that the grammar cannot hold."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from gguf_fc.errors import ConfigError, GrammarError
from gguf_fc.grammar import KeyOrder, schema_to_grammar


def run(name: str, *, as_json: bool, key_order: KeyOrder) -> None:
    """Print the grammar of the schema in the file *name* (``-``: standard input).

    Raises ConfigError if it cannot be read, GrammarError if it is no schema.
    """
    grammar = schema_to_grammar(_schema(name), key_order=key_order)
    if as_json:
        report = [item._asdict() for item in grammar.report]
        found = {"gbnf": grammar.gbnf, "report": report}
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    print(grammar.gbnf, end="")
    for item in grammar.report:
        print(f"not enforced: {item.path}: {item.keyword}: {item.reason}", file=sys.stderr)


def _schema(name: str) -> Any:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name} cannot be read: {error}") from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise GrammarError(f"{name}: not JSON: {place}: {error.msg}.") from error
    except RecursionError as error:
        raise GrammarError(f"{name}: nested too deep.") from error
