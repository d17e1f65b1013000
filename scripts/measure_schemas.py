#!/usr/bin/env python3
"""How well and how fast schemas become grammars, over real schemas with judged instances.

    scripts/measure_schemas.py [DATA] [--every N]

DATA holds ``schemas/maskbench.jsonl.gz`` and ``schemas/grammar_cases.jsonl`` (default: the
environment variable GGUF_FC_DATA, or ../shared/data).  A schema passes when every instance is
judged rightly.  A wrong judgement that the report announced is counted apart.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gguf_fc.errors import GrammarError
from gguf_fc.gbnf import Grammar, schema_to_grammar

ROOT = Path(__file__).resolve().parent.parent


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON lines of *path*."""
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    yield from map(json.loads, text.splitlines())


def judged_wrongly(grammar: Grammar, row: dict[str, Any]) -> str | None:
    """What is wrong with the first instance that is judged wrongly."""
    for test in row["tests"]:
        accepted = grammar.matches(json.dumps(test["data"], ensure_ascii=False))
        if accepted and not test["valid"]:
            return "too much, as reported" if grammar.report else "too much, silently"
        if test["valid"] and not accepted:
            return "valid instance refused"
    return None


def measure_instances(path: Path, every: int) -> None:
    """Schemas with instances that are valid or not."""
    results: Counter[str] = Counter()
    keywords: Counter[str] = Counter()
    seconds: list[float] = []
    for number, row in enumerate(rows(path)):
        if number % every:
            continue
        started = time.perf_counter()
        try:
            grammar = schema_to_grammar(row["schema"])
            grammar.matches("")
            seconds.append(time.perf_counter() - started)
            wrong = judged_wrongly(grammar, row)
        except GrammarError as error:
            wrong = f"error: {error}"[:60]
        else:
            if wrong and wrong.startswith("too much"):
                keywords.update({entry.keyword for entry in grammar.report})
        results[wrong or "right"] += 1
    total = results.total()
    print(f"{path.name}: {results['right']} of {total} right ({results['right'] / total:.1%})")
    for result, count in results.most_common():
        print(f"  {count:6} {result}")
    print(f"  keywords in those reports: {dict(keywords.most_common(8))}")
    slowest = max(seconds) * 1000
    print(f"  compile ms: median {statistics.median(seconds) * 1000:.1f}, slowest {slowest:.0f}")


def measure_texts(path: Path) -> None:
    """Schemas with texts that must match or must not."""
    right, total = 0, 0
    for row in rows(path):
        total += 1
        grammar = schema_to_grammar(row["schema"])
        missed = [text for text in row["must_match"] if not grammar.matches(text)]
        extra = [text for text in row["must_not_match"] if grammar.matches(text)]
        right += not missed and not extra
        if missed or extra:
            print(f"  {row['name']}: refused {missed}, accepted {extra}")
    print(f"{path.name}: {right} of {total} right")


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("GGUF_FC_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument("data", nargs="?", type=Path, default=Path(default))
    parser.add_argument("--every", type=int, default=1, help="only every N-th schema")
    arguments = parser.parse_args()
    schemas = arguments.data / "schemas"
    if not schemas.exists():
        print(f"no schemas in {arguments.data}; set GGUF_FC_DATA")
        return 1
    measure_texts(schemas / "grammar_cases.jsonl")
    measure_instances(schemas / "maskbench.jsonl.gz", arguments.every)
    return 0


if __name__ == "__main__":
    sys.exit(main())
