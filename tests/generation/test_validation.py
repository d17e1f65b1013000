"""Verdicts on values, schemas that cannot be used, and what is kept and counted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from gguf_fc.events import (
    CallDelta,
    CallEnd,
    CallStart,
    Check,
    Finish,
    ParseEvent,
    ReasoningDelta,
    TextDelta,
)
from gguf_fc.generation import validation
from gguf_fc.generation.reply_reader import ReplyReader
from gguf_fc.generation.validation import Validators, Verdict
from gguf_fc.job import Chunk, Done, FinishReason
from gguf_fc.request import Format, Message, Request, Tool

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "minLength": 3}},
    "required": ["city"],
}


@dataclass
class Scripted:
    """A parser that finds *events* in any text."""

    events: list[ParseEvent]

    def feed(self, _piece: str) -> list[ParseEvent]:
        return self.events

    def finish(self, *, whole: bool = True, stopped: bool = False) -> list[ParseEvent]:  # noqa: ARG002
        return []


def judge(text: str, schema: Any, validators: Validators | None = None) -> Verdict:
    return asyncio.run((validators or Validators()).judge("arguments", text, schema))


@pytest.mark.parametrize(
    ("schema", "text", "reason"),
    [
        (CITY, '{"city": "Paris"}', None),
        (CITY, '{"city": "P"}', "$['city']: \"P\" is shorter than 3 characters"),
        (CITY, "{}", '$: "city" is a required property'),
        (CITY, '{"city": ', "not JSON"),
        (True, "[]", None),
        (False, "[]", "$: "),
        ({"type": "string", "format": "date"}, '"2026-02-30"', 'is not a "date"'),
        ({"const": 12345678901234567890123}, "12345678901234567890123", None),
        ({"multipleOf": 7}, "3865917771962576255557493888861755742555862222242195777772.0", None),
        ({"multipleOf": 0.5}, "-2.5", None),
        ({"type": "integer"}, "2.0", None),
        ({"type": "integer"}, "2.0e0", None),
        ({"type": "integer"}, "2.05", "$: "),
        ({"type": "string", "nullable": True}, "null", None),
        ({"type": "string", "nullable": True}, "1", "$: "),
        ({"properties": {"a": {"type": "integer", "nullable": True}}}, '{"a": null}', None),
        ({"enum": [{"type": "a", "nullable": True}]}, '{"type": "a", "nullable": true}', None),
        ({"type": "integer", "minimum": 3, "exclusiveMinimum": True}, "3", "$: "),
        ({"items": [{"type": "null"}], "additionalItems": False}, "[null, 1]", "$"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}, "null", None),
        ({"anyOf": [{"$ref": "#"}, {"type": "null"}]}, "null", None),
    ],
)
def test_a_value_is_judged_by_its_schema(schema: Any, text: str, reason: str | None) -> None:
    verdict = judge(text, schema)
    assert verdict.result == ("valid" if reason is None else "invalid")
    assert (reason or "") in (verdict.reason or "")


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "strange"}, "the schema cannot be used"),
        ({"pattern": "["}, "the schema cannot be used"),
        ({"$ref": "#/nowhere"}, "the schema cannot be used"),
        ({"$ref": "https://example.org/a.json"}, "Retrieval is disabled"),
        ({"$ref": "file:///etc/passwd"}, "Retrieval is disabled"),
        ({"$schema": "https://example.org/mine"}, "Unknown meta-schema"),
        (nested(300), "the schema"),
        (nested(900), "the schema is nested too deep"),
    ],
)
def test_a_schema_that_cannot_be_used_is_not_checked(schema: Any, reason: str) -> None:
    verdict = judge("{}", schema)
    assert verdict.result in ("not_checked", "valid")
    if verdict.result == "not_checked":
        assert reason in (verdict.reason or "")


def test_a_value_nested_too_deep_is_not_checked() -> None:
    assert judge("[" * 100_000 + "]" * 100_000, {}).result == "not_checked"


def test_a_number_beyond_all_floats_is_not_checked() -> None:
    verdict = judge("[1, -2E6356]", {"items": {"type": "number"}})
    assert verdict == Verdict("not_checked", "the number -2E6356 is too large to be checked")
    assert judge("9" * 5000, {}).result == "not_checked"
    assert judge("9" * 50 + ".5", {}).result == "not_checked"
    assert judge("-0.02E-1867", {}).result == "not_checked"
    assert judge("-0.00E-1867", {"const": 0}).result == "valid"
    assert judge("1.5e1", {"type": "integer"}).result == "valid"


def test_half_a_character_is_not_checked() -> None:
    verdict = judge('"\\ud800"', {"type": "string"})
    assert verdict.result == "not_checked"
    assert "cannot be checked" in (verdict.reason or "")


def test_a_hostile_pattern_ends_soon() -> None:
    pattern = r"^(?=(a+)+$)(?!b)(\w+)\2+x$"
    assert judge('"' + "a" * 3000 + '!"', {"pattern": pattern}).result == "invalid"


def test_a_schema_is_compiled_once_however_it_is_ordered_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: list[Any] = []
    real = validation._compile

    def counting(schema: Any) -> Any:
        compiled.append(schema)
        return real(schema)

    monkeypatch.setattr(validation, "_compile", counting)
    validators = Validators(size=1)
    for _ in range(3):
        judge("1", {"type": "integer"}, validators)
    judge("1", {"type": "null"}, validators)
    judge("1", {"type": "integer"}, validators)
    assert len(compiled) == 3


def test_large_texts_are_judged_elsewhere_and_all_are_counted() -> None:
    validators = Validators()
    assert judge('"' + "x" * 10_000 + '"', {"type": "string"}, validators).result == "valid"
    judge("1", {"type": "string"}, validators)
    judge("1", {"type": "strange"}, validators)
    assert validators.counts == {
        ("arguments", "valid"): 1,
        ("arguments", "invalid"): 1,
        ("arguments", "not_checked"): 1,
    }


def done(reason: FinishReason = "stop") -> Done:
    return Done(
        id="a",
        finish_reason=reason,
        prompt_tokens=1,
        cached_tokens=0,
        completion_tokens=1,
        forced_tokens=0,
        decode_steps=1,
        prompt_ms=0,
        completion_ms=0,
    )


def checks(
    events: list[ParseEvent], form: Format | None = None, reason: FinishReason = "stop"
) -> tuple[Check, ...]:
    request = Request(
        model=None,
        messages=(Message(role="user", content="x"),),
        tools=(Tool(name="weather", parameters=CITY), Tool(name="ping")),
        format=form or Format(),
    )

    async def run() -> tuple[Check, ...]:
        reader = ReplyReader(Scripted(list(events)), request, Validators())
        await reader.feed(Chunk(id="1", text="", n_tokens=1))
        *_, last = await reader.finish(done(reason))
        assert isinstance(last, Finish)
        return last.checks

    return asyncio.run(run())


def call(index: int, name: str, *pieces: str) -> list[ParseEvent]:
    deltas = [CallDelta(index, piece) for piece in pieces]
    return [CallStart(index, "id", name), *deltas, CallEnd(index)]


def test_each_complete_call_is_checked_against_its_tool() -> None:
    events = [
        *call(0, "weather", '{"city": ', '"Paris"}'),
        *call(1, "weather", "{}"),
        *call(2, "ping", "{}"),
        CallStart(3, "id", "weather"),
        CallDelta(3, '{"ci'),
    ]
    found = checks(events)
    assert [(check.subject, check.result) for check in found] == [
        ("tool_calls[0]", "valid"),
        ("tool_calls[1]", "invalid"),
        ("tool_calls[2]", "valid"),
    ]


def test_an_answer_is_checked_against_its_format() -> None:
    form = Format(type="json_schema", schema={"type": "integer"})
    said: list[ParseEvent] = [ReasoningDelta("4.5"), TextDelta("4"), TextDelta("2")]
    assert checks(said, form) == (Check("content", "valid"),)
    assert checks([TextDelta("4.5")], form)[0].result == "invalid"
    assert checks([TextDelta("{}")], Format(type="json_object"))[0].result == "valid"
    assert checks([TextDelta("{}")]) == ()


def test_what_was_cut_off_or_not_said_is_not_checked() -> None:
    form = Format(type="json_schema", schema={"type": "integer"})
    assert checks([TextDelta("4")], form, "length") == ()
    (only,) = checks(call(0, "ping", "{}"), form)
    assert only.subject == "tool_calls[0]"
