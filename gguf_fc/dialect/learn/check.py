"""Proves a derived syntax against the template it was derived from.

A syntax is trusted only if writing, constraining and reading with it agree with what the template
itself renders.  Knows nothing of how the syntax was found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

from gguf_fc.dialect.common_text import beyond
from gguf_fc.dialect.constrain.grammar import Wanted, build_grammar
from gguf_fc.dialect.learn.probe import ARGUMENTS, IDS, NAMES, RICH, TEXT, USER, Renderings
from gguf_fc.dialect.read.parser import Parser
from gguf_fc.dialect.read.reply import Reply, read
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.dialect.write import Call, write
from gguf_fc.grammar.schema.json_types import json_type
from gguf_fc.request import Tool, ToolChoice


# Where a notation does not show the kind of a value, the tool's schema says it.
def _schema_of(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {"type": json_type(value)}
    members = {key: _schema_of(item) for key, item in value.items()}
    return {"type": "object", "properties": members, "additionalProperties": True}


_SCHEMA = _schema_of(RICH)
_TOOLS = tuple(Tool(name=name, parameters=_SCHEMA) for name in NAMES)


def objections(syntax: Syntax, prefill: str, seen: Renderings) -> list[str]:
    """Reasons not to trust the syntax; empty if it passes."""
    return list(_objections(syntax, prefill, seen))


def self_objections(syntax: Syntax) -> list[str]:
    """Reasons not to trust a syntax that no rendering shows: its readings must agree."""
    calls = [Call(NAMES[0], RICH, IDS[0])]
    text = write(syntax, calls=calls)
    if not _same(_read(syntax, text), _kept(syntax, calls)):
        return [f"{text!r} is not read back as the same calls"]
    return list(_grammar_objections(syntax))


def _objections(syntax: Syntax, prefill: str, seen: Renderings) -> Iterator[str]:
    # Some templates write the tools behind the messages: their definitions look like a call's text.
    written = write(syntax, calls=[Call(NAMES[0], {}, IDS[0])])
    if any(name in written for name in NAMES[1:]):
        yield "the definitions of tools stand in what looks like a call"
        return
    if USER in written:
        yield "what the user says stands in what looks like a call"
        return
    for rendered, calls in _turns(seen):
        text = write(syntax, calls=calls)
        shown = _shows(rendered, text.removeprefix(prefill), syntax)
        if not shown and not _read_alike(syntax, rendered, seen.prompt, calls):
            yield f"the template does not write {text!r}"
            return
        if not _same(_read(syntax, text), _kept(syntax, calls)):
            yield f"{text!r} is not read back as the same calls"
            return
    yield from _grammar_objections(syntax)


def _shows(rendered: str, text: str, syntax: Syntax) -> bool:
    """True if *text* is in *rendered*, but for a mistake of some templates.

    They close the section of calls behind each call but the first, and leave a single one open.
    """
    close = syntax.section.close
    if text in rendered or not close:
        return text in rendered
    return text.removesuffix(close) in rendered or rendered.count(close) > 1


def _read_alike(syntax: Syntax, rendered: str, prompt: str, calls: list[Call]) -> bool:
    """True if the template's own spelling, where it differs from ours, is read as these calls.

    Some templates write a list as Python does and an object as JSON; both are understood.
    """
    lead = syntax.lead.strip()
    rendered = beyond(rendered, prompt)
    at = rendered.find(lead) if lead else -1
    return (
        at >= 0
        and syntax.pairs is not None
        and _same(_read(syntax, rendered[at:]), calls, said=True)
    )


def _turns(seen: Renderings) -> Iterator[tuple[str, list[Call]]]:
    calls = [Call(*call) for call in zip(NAMES, ARGUMENTS, IDS, strict=True)]
    for count_, rendered in enumerate((seen.one, seen.two, seen.three), start=1):
        if rendered is not None:
            yield rendered, calls[:count_]
    if seen.rich is not None:
        yield seen.rich, [Call(NAMES[0], RICH, IDS[0])]


def _grammar_objections(syntax: Syntax) -> Iterator[str]:
    call = Call(NAMES[0], RICH, IDS[0])
    text = write(syntax, calls=[call])
    said = write(syntax, content=TEXT)
    required, auto, none = (
        build_grammar(syntax, Wanted(tools=_TOOLS, choice=ToolChoice(mode)))
        for mode in ("required", "auto", "none")
    )
    for grammar in (required, auto):
        if not grammar.matches(text):
            yield f"the grammar refuses {text!r}"
    unknown, cut = text.replace(NAMES[0], "unknown_name"), text[:-9]
    # Where a call is known by the name it begins with, another name is text.
    damaged = unknown if syntax.lead.strip() else cut
    # Text may quote a mark: what is read as text, all of it, is no call.
    taken = auto.matches(damaged) and _read(syntax, damaged).content != damaged
    if required.matches(unknown) or required.matches(cut) or taken:
        yield "the grammar accepts a damaged call"
    if none.matches(text) or required.matches(said):
        yield "the grammar does not tell calls from text"
    if not (auto.matches(said) and none.matches(said)) or _read(syntax, said).content != TEXT:
        yield f"text is not written as {said!r}"


def _read(syntax: Syntax, text: str) -> Reply:
    numbers = count()
    parser = Parser(syntax, dict.fromkeys(NAMES, _SCHEMA), lambda: f"call_{next(numbers)}")
    return read(parser, text)


def _kept(syntax: Syntax, calls: list[Call]) -> list[Call]:
    """The calls without arguments that are null, where the template leaves those out."""
    if syntax.pairs is None or syntax.pairs.nulls:
        return calls
    return [
        replace(call, arguments={k: v for k, v in call.arguments.items() if v is not None})
        for call in calls
    ]


def _same(reply: Reply, calls: list[Call], *, said: bool = False) -> bool:
    """True if exactly these calls were read, and no content beside them unless *said* allows it."""
    found = [(call.name, json.loads(call.arguments)) for call in reply.tool_calls]
    return found == [(call.name, call.arguments) for call in calls] and (said or not reply.content)
