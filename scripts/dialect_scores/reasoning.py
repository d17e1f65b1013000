"""Splitting reasoning from content.

A row gives the markers, or is of a parser whose markers its own rows show: what stands before the
reasoning and between it and the content.  If the corpus has a template that the parser is named for
and that has these markers, that is the row's; if not, a template with just these markers is
written, so that what is measured is what a template leads to.

1. Where a row does not say whether the prompt had opened the reasoning, either may be right.
2. A row of a stream may stop before the stream's end: what was said until then may be right too.
3. A parser that is named for appending the mark leaves reasoning in the content and restores the
   mark with which the prompt has opened it, as ``inline`` does here.
4. Where a project's rows expect different things of one text, each of them is right.
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
_APPENDING = "AppendThink"
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
    dialects: dict[tuple[str, Markers], Dialect] = {}
    expected: dict[str, list[Split]] = defaultdict(list)
    for row in rows:
        expected[_subject(row)].append(_expected(row))
    figure = Figure("reasoning", 0.95)
    for n, row in enumerate(rows):
        key = _parser(row), _markers(row, shown)
        if key not in dialects:
            dialects[key] = _named(corpus, *key) or dialect_with(*key[1])
        found = list(_splits(dialects[key], row))
        judged = _judged(row, found, expected[_subject(row)])
        figure.count(f"{n} {_parser(row)}", *judged)
    yield figure


def _named(corpus: Corpus, parser: str, markers: Markers) -> Dialect | None:
    """The dialect of the first template with the parser's name in its own, and these markers."""
    name = _letters(parser.removesuffix("Detector").removesuffix("ReasoningParser"))
    for template in corpus.templates:
        if name in _letters(template):
            dialect = corpus.dialect(template)
            reasoning = dialect.syntax.reasoning
            if reasoning is None or dialect.syntax.thought_end != markers[1]:
                continue
            if reasoning.open.strip().startswith(markers[0]):
                return dialect
    return None


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))


def dialect_with(opening: str, closing: str) -> Dialect:
    """The dialect of a template that writes reasoning between these markers."""
    return Dialect.from_template(_TEMPLATE.replace("OPEN", opening).replace("CLOSE", closing))


def _splits(dialect: Dialect, row: Row) -> Iterator[Split]:
    """Content and reasoning as we read them, by rules 1 to 3."""
    begun, raw = row.get("starts_in_reasoning"), row["raw_output"]
    opening = dialect.syntax.reasoning.open.strip() if dialect.syntax.reasoning else ""
    prefills = [opening] if begun else ["", opening] if begun is None else [""]
    if any(raw.lstrip().startswith(header + opening) for header in ("", *dialect.syntax.headers)):
        prefills = [""]
    inline = _APPENDING in _parser(row)
    if inline:
        prefills = [opening]
    for prefill in prefills:
        for final in (True, False) if row["mode"] == "stream" else (True,):
            heard = hear(dialect, [raw], [], prefill, final=final, inline=inline)
            yield heard.content.strip(), heard.reasoning.strip()


def _judged(row: Row, found: list[Split], right: list[Split]) -> tuple[str | None, str | None]:
    """Reason why a row is not right, and the policy behind it."""
    if any(split in right for split in found):
        return None, None
    expected, raw = _expected(row), row["raw_output"]
    reason = differs("content, reasoning", expected, found[0]) or ""
    return f"{reason}\n        raw {raw!r}", _policy(expected, found, raw)


def _policy(expected: Split, found: list[Split], raw: str) -> str | None:
    """Deliberate difference of ours that explains the row."""
    if not all(part in raw for part in expected):
        return "nothing is added to what the model wrote"
    whole = _squeezed(expected[1] + expected[0])
    if any(not content and _squeezed(thought) == whole for content, thought in found):
        return "reasoning ends with its closing marker, not with a call or the reply"
    return None


def _subject(row: Row) -> str:
    return f"{_parser(row)} {row['raw_output']}"


def _parser(row: Row) -> str:
    return str(row.get("detector") or row["parser"])


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
