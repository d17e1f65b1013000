"""Schemas and grammars with texts that must match or must not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import Grammar, parse_gbnf, schema_to_grammar
from schema_figures.figure import Figure, rows


def texts(schemas: Path, every: int) -> Iterator[Figure]:
    """llama.cpp's own test cases."""
    of_schemas = Figure("llama.cpp's cases of schemas and texts", "100 %")
    for row in rows(schemas / "grammar_cases.jsonl", every):
        grammar = schema_to_grammar(row["schema"], closed=True)
        of_schemas.count(row["name"], *_wrong(grammar, row["must_match"], row["must_not_match"]))
    of_grammars = Figure("llama.cpp's cases of grammars and texts", "100 %")
    for row in rows(schemas / "gbnf_cases.jsonl", every):
        of_grammars.count(row["name"], *_grammar_wrong(row))
    yield from (of_schemas, of_grammars)


def _grammar_wrong(row: dict[str, Any]) -> tuple[str | None, str]:
    try:
        grammar = Grammar(parse_gbnf(row["grammar"]))
        grammar.matches("")
    except GrammarError as error:
        return (None if row.get("invalid") else "an error", str(error))
    if row.get("invalid"):
        return "not refused", ""
    return _wrong(
        grammar,
        [_symbols(text) for text in row["must_match"]],
        [_symbols(text) for text in row["must_not_match"]],
    )


def _wrong(
    grammar: Grammar,
    accepts: Sequence[str | list[str]],
    refuses: Sequence[str | list[str]],
) -> tuple[str | None, str]:
    """Fault, if there is any, and the texts."""
    missed = [text for text in accepts if not grammar.matches(text)]
    extra = [text for text in refuses if grammar.matches(text)]
    if not missed and not extra:
        return None, ""
    return "texts judged wrongly", f"refused {missed}, accepted {extra}"


def _symbols(text: str) -> list[str]:
    """Characters and tokens; the cases write a token as U+00FF and four bytes."""
    found = re.findall(r"\xff(.{4})|(.)", text, re.DOTALL)
    return [f"<[{int.from_bytes(n.encode('latin-1'), 'big')}]>" if n else c for n, c in found]
