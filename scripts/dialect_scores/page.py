"""``docs/templates.md``: the figures, what each template was found to be, and what is not right."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from dialect_scores.corpus import Corpus
from dialect_scores.figure import Figure
from dialect_scores.templates import reason_of
from gguf_fc import Dialect

_CALL = {"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}
_HEAD = """\
# Templates

Written by `scripts/template_scores.py --page docs/templates.md`; do not edit. Measured on real chat
templates, on the parser tests of other servers, and on calls of the Berkeley function-calling
leaderboard. What each figure counts is said in `scripts/dialect_scores/`.
"""
_MISSING = Path(__file__).with_name("missing.toml")
_LONGEST_LIST, _LONGEST_REASON = 60, 160


def page(corpus: Corpus, figures: Sequence[Figure]) -> str:
    """The whole page."""
    return "\n".join(_lines(corpus, figures)) + "\n"


def _lines(corpus: Corpus, figures: Sequence[Figure]) -> Iterator[str]:
    yield _HEAD
    if corpus.every > 1:
        yield from (f"Of the calls, every {corpus.every}th was measured.", "")
    yield from ("## Figures", "", "| figure | right | of | share | wanted |")
    yield "|---|---|---|---|---|"
    for figure in figures:
        wanted = "" if figure.wanted is None else f"{figure.wanted:.0%}"
        yield f"| {figure.name} | {figure.right} | {figure.total} | {figure.share:.1%} | {wanted} |"
    yield from _missing(corpus)
    yield from ("", "## What was found", "")
    yield "| template | tools | reasoning | parallel | a call, or why there is none |"
    yield "|---|---|---|---|---|"
    yield from (_row(name, corpus.dialect(name)) for name in corpus.templates)
    for figure in figures:
        yield from _missed(figure)


def _missing(corpus: Corpus) -> Iterator[str]:
    """Evidence that templates which stay generic lack, as far as it is written down."""
    written = tomllib.loads(_MISSING.read_text(encoding="utf-8"))
    generic = {name for name in corpus.templates if not corpus.dialect(name).native}
    if lines := [
        f"- {_code(name)}: {row['why']}" for name, row in written.items() if name in generic
    ]:
        yield from ("", "## Evidence that is missing", "", *lines)


def _row(name: str, dialect: Dialect) -> str:
    syntax = dialect.syntax
    reasoning = _code(syntax.reasoning.open.strip()) if syntax.reasoning else ""
    cells = [name.removesuffix(".jinja"), "native" if dialect.native else "generic", reasoning]
    if dialect.native:
        cells += ["yes" if syntax.parallel else "no", _code(dialect.write(tool_calls=[_CALL]))]
    else:
        cells += ["", _cut(reason_of(dialect)).replace("|", "\\|").replace("\n", " ")]
    return f"| {' | '.join(cells)} |"


def _missed(figure: Figure) -> Iterator[str]:
    """The rows that are not right, each with the first line of its reason."""
    if not figure.misses:
        return
    yield from ("", f"## Not right: {figure.name}", "")
    yield from (f"{line.removesuffix('.')}." for line in figure.summary())
    yield ""
    for miss in figure.misses[:_LONGEST_LIST]:
        yield f"- {_code(miss.row)}: {miss.policy or _code(_cut(miss.reason.splitlines()[0]))}"
    if (more := len(figure.misses) - _LONGEST_LIST) > 0:
        yield f"- and {more} more"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]} ..."


def _code(text: str) -> str:
    """*text* in one line of code that is safe in a table."""
    shown = text.replace("\n", "\\n").replace("|", "\\|")
    fence = "``" if "`" in shown else "`"
    return f"{fence}{shown}{fence}"
