#!/usr/bin/env python3
"""Score how well real templates and outputs are read; writes ``docs/templates.md``.

    scripts/template_scores.py [--data DIR] [--only toolparse,bfcl] [--every N] [--list]
                               [--page docs/templates.md]

DIR holds the corpus (default: the environment variable GGUF_FC_DATA, or ../shared/data).
``--every`` takes every N-th row of the largest files, ``--list`` prints each row that is not right,
``--page`` writes all of it as a page.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from repository import DATA

from dialect_scores import bfcl, prompts, reasoning, streams, syntax_cases, templates, toolparse
from dialect_scores.corpus import Corpus
from dialect_scores.figure import Figure
from dialect_scores.formats import Formats
from dialect_scores.page import page


def measures(corpus: Corpus) -> dict[str, Callable[[], Iterator[Figure]]]:
    """Measures by name."""

    def formats() -> Formats:
        return Formats.of(corpus, corpus.rows(toolparse.FILE))

    return {
        "templates": lambda: templates.score(corpus),
        "toolparse": lambda: toolparse.score(corpus, formats()),
        "reasoning": lambda: reasoning.score(corpus),
        "prompts": lambda: prompts.score(corpus),
        "streams": lambda: streams.score_splits(corpus, formats()),
        "cut_off": lambda: streams.score_cut_off(corpus),
        "bfcl": lambda: bfcl.score(corpus),
        "syntax": lambda: syntax_cases.score(corpus),
        "linear": lambda: streams.score_linear(corpus),
    }


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", help="names of measures, with commas between them")
    parser.add_argument("--every", type=int, default=1, help="only every N-th row")
    parser.add_argument("--list", action="store_true", help="print what is not right")
    parser.add_argument("--page", type=Path, help="write docs/templates.md")
    arguments = parser.parse_args()
    if not (arguments.data / "templates").exists():
        print(f"no templates in {arguments.data}; set GGUF_FC_DATA")
        return 1
    corpus = Corpus(arguments.data, arguments.every)
    known, figures = measures(corpus), []
    chosen = arguments.only.split(",") if arguments.only else list(known)
    if unknown := [name for name in chosen if name not in known]:
        parser.error(f"no measure {', '.join(unknown)}; there are {', '.join(known)}")
    for name in chosen:
        start = time.perf_counter()
        for figure in known[name]():
            figures.append(figure)
            print("\n".join(figure.lines(listed=arguments.list)), flush=True)
        print(f"  ({name}: {time.perf_counter() - start:.1f} s)")
    if arguments.page:
        arguments.page.write_text(page(corpus, figures), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
