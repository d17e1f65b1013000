#!/usr/bin/env python3
"""Replay cases of the contract between grammar, parser, prompt and client; print which are right.

    scripts/contract_scores.py [FOLDER] [--data DIR]

FOLDER holds the cases, one a file (default: ``cases/contract`` in DIR), DIR the corpus with the
templates that they name and with ``syntax_cases.jsonl`` (default: the environment variable
GGUF_FC_DATA, or ../shared/data).  Exit code 1 if one is not right.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from repository import DATA

from contract_cases import prompts, replies, requests, schemas
from contract_cases.cases import Case, read_cases, templates_of
from dialect_scores import syntax_cases
from dialect_scores.corpus import Corpus
from dialect_scores.figure import Figure
from gguf_fc import Dialect

Judge = Callable[[Dialect, Case, str], Iterator[str]]  # the last is the template
# By the field that a case of this shape has.
JUDGES: dict[str, Judge] = {
    "model_output": replies.faults,
    "must_refuse": schemas.faults,
    "messages": prompts.faults,
}


def judged(cases: list[tuple[str, Case]], corpus: Corpus) -> Figure:
    """A figure of all *cases*: each is one row on each template it names, or one request."""
    figure = Figure("contract cases", 1.0)
    asked = [(name, case) for name, case in cases if "POST" in case]
    for name, case in cases:
        judges = [judge for field, judge in JUDGES.items() if field in case]
        if "POST" not in case and not judges:
            figure.count(name, f"of no shape that is known: {', '.join(case)}")
        for template in templates_of(case, corpus.templates) if judges else ():
            dialect, text = corpus.dialect(template), corpus.text(template)
            found = [fault for judge in judges for fault in judge(dialect, case, text)]
            figure.count(f"{name} ({template})", "; ".join(found) or None)
    if asked:
        with requests.served() as url:
            for name, case in asked:
                figure.count(name, "; ".join(requests.faults(url, case)) or None)
    return figure


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--data", type=Path, default=DATA)
    arguments = parser.parse_args()
    folder = arguments.folder or arguments.data / "cases" / "contract"
    cases = list(read_cases(folder))
    if not cases:
        print(f"no cases in {folder}; name a folder, or set GGUF_FC_DATA")
        return 1
    corpus = Corpus(arguments.data)
    figures = [judged(cases, corpus), *syntax_cases.score(corpus)]
    for figure in figures:
        print("\n".join(figure.lines(listed=True)))
    return 0 if all(figure.met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
