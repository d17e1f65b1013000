"""Splitting reasoning from content.

A row gives the markers, or is of a parser whose markers its own rows show: what stands before the
reasoning and between it and the content.  A template with just these markers is written for the
row, so that what is measured is what a template leads to.

1. Where a row does not say whether the prompt had opened the reasoning, either may be right.
2. A row of a stream may stop before the stream's end: what was said until then may be right too.
3. Where a project's rows expect different things of one text, each of them is right.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from dialect_scores.corpus import Corpus, Row
from dialect_scores.figure import Figure, differs
from dialect_scores.hearing import hear
from gguf_fc import Dialect

Markers = tuple[str, str]
Split = tuple[str, str]  # content and reasoning
_USUAL = ("<think>", "</think>")
_TEMPLATE = """\
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.reasoning_content %}OPEN{{ message.reasoning_content }}CLOSE{% endif -%}
{{ message.content }}
{%- for call in message.tool_calls or [] %}
<tool_call>
{{ {"name": call.function.name, "arguments": call.function.arguments} | tojson }}
</tool_call>
{%- endfor %}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif -%}
"""


def score(corpus: Corpus) -> Iterator[Figure]:
    """One figure for all rows."""
    rows = list(corpus.rows("reasoning.jsonl"))
    shown = _shown_markers(rows)
    dialects: dict[Markers, Dialect] = {}
    real = [corpus.dialect(name) for name in corpus.templates]
    expected: dict[str, list[Split]] = defaultdict(list)
    for row in rows:
        expected[_subject(row)].append(_expected(row))
    figure = Figure("reasoning", 0.95)
    for n, row in enumerate(rows):
        markers = _markers(row, shown)
        if markers not in dialects:
            dialects[markers] = dialect_with(*markers)
        dialect = _calling(real, markers, row["raw_output"]) or dialects[markers]
        found = list(_splits(dialect, row, markers[0]))
        judged = _judged(row, found, expected[_subject(row)])
        figure.count(f"{n} {row.get('detector') or row.get('parser')}", *judged)
    yield figure


def _calling(dialects: list[Dialect], markers: Markers, raw: str) -> Dialect | None:
    """The dialect that reasons between these markers and calls as *raw* does.

    Of several, the one that reads a call first.  A tag that opens may have a word behind it.
    """
    found: list[tuple[int, int]] = []
    for n, dialect in enumerate(dialects):
        reasoning = dialect.syntax.reasoning
        if reasoning is None or reasoning.close.strip() != markers[1]:
            continue
        opening = reasoning.open.strip()
        if not opening.startswith(markers[0]):
            continue
        marks = dialect.syntax.announcements + ((opening,) if opening != markers[0] else ())
        found += [(raw.find(mark), n) for mark in marks if mark in raw]
    return dialects[min(found)[1]] if found else None


def dialect_with(opening: str, closing: str) -> Dialect:
    """The dialect of a template that writes reasoning between these markers."""
    return Dialect.from_template(_TEMPLATE.replace("OPEN", opening).replace("CLOSE", closing))


def _splits(dialect: Dialect, row: Row, opening: str) -> Iterator[Split]:
    """Content and reasoning as we read them, by rules 1 and 2."""
    begun, raw = row.get("starts_in_reasoning"), row["raw_output"]
    prefills = [opening] if begun else ["", opening] if begun is None else [""]
    if raw.lstrip().startswith(opening):
        prefills = [""]
    for prefill in prefills:
        for final in (True, False) if row["mode"] == "stream" else (True,):
            heard = hear(dialect, [raw], [], prefill, final=final)
            yield heard.content.strip(), heard.reasoning.strip()


def _judged(row: Row, found: list[Split], right: list[Split]) -> tuple[str | None, str | None]:
    """Why a row is not right, and the policy behind it."""
    if any(split in right for split in found):
        return None, None
    expected, raw = _expected(row), row["raw_output"]
    reason = differs("content, reasoning", expected, found[0]) or ""
    return f"{reason}\n        raw {raw!r}", _policy(expected, found, raw)


def _policy(expected: Split, found: list[Split], raw: str) -> str | None:
    """What we do otherwise on purpose."""
    if not all(part in raw for part in expected):
        return "nothing is added to what the model wrote"
    whole = _squeezed(expected[1] + expected[0])
    if any(not content and _squeezed(thought) == whole for content, thought in found):
        return "reasoning ends with its closing marker, not with a call or the reply"
    return None


def _subject(row: Row) -> str:
    return f"{row.get('detector')} {row.get('parser')} {row['raw_output']}"


def _expected(row: Row) -> Split:
    expected = row["expected"]
    return _stripped(expected["content"]), _stripped(expected["reasoning_content"])


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _stripped(text: str | None) -> str:
    return (text or "").strip()


def _markers(row: Row, shown: dict[str, Markers]) -> Markers:
    if row.get("start"):
        return row["start"], row["end"]
    return shown.get(row["parser"], _USUAL)


def _shown_markers(rows: list[Row]) -> dict[str, Markers]:
    """The markers each parser's rows show most often."""
    seen: dict[str, Counter[Markers]] = defaultdict(Counter)
    for row in rows:
        thought, said = (
            _stripped(row["expected"][key]) for key in ("reasoning_content", "content")
        )
        raw = row["raw_output"]
        start = raw.find(thought)
        stop = raw.find(said, start + len(thought))
        if "parser" not in row or not thought or not said or min(start, stop) < 0:
            continue
        opening, closing = raw[:start].strip(), raw[start + len(thought) : stop].strip()
        if opening and closing:
            seen[row["parser"]][opening, closing] += 1
    return {parser: counted.most_common(1)[0][0] for parser, counted in seen.items()}
