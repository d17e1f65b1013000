"""The parser: the same turns as the writer's, then what models do wrong."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.dialect.syntax import Syntax
from gguf_fc.dialect.write import write
from gguf_fc.events import CallDelta, CallEnd, CallStart, ParseEvent, ReasoningDelta, TextDelta
from tests.support import syntaxes
from tests.support.syntaxes import CASES, Turn, events_of, new_parser

PARIS = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'


PIECES = [
    *'<>{}[]":,x\\ \n',
    *("<tool_call>", "</tool_call>", "<think>", "</think>", ">>>", "all\n", "get"),
    *('{"name": "', '", "arguments": ', "{}", "}", '{"name": "get"}'),
]


def expected_events(syntax: Syntax, turn: Turn) -> list[ParseEvent]:
    events: list[ParseEvent] = []
    if turn.reasoning:
        events.append(ReasoningDelta(turn.reasoning))
    if turn.content:
        events.append(TextDelta(turn.content))
    for n, call in enumerate(turn.calls):
        id_ = call.id if syntax is syntaxes.WITH_ID else f"call_{n}"
        separators = (syntax.spacing.item, syntax.spacing.key)
        arguments = json.dumps(call.arguments, ensure_ascii=False, separators=separators)
        events += [CallStart(n, id_, call.name), CallDelta(n, arguments), CallEnd(n)]
    return events


def read(text: str, syntax: Syntax = syntaxes.TAGGED) -> list[ParseEvent]:
    """The events of the whole text, which must be those of every way to cut it in two."""
    whole = events_of(new_parser(syntax), [text])
    assert events_of(new_parser(syntax), list(text)) == whole
    for at in range(1, len(text)):
        assert events_of(new_parser(syntax), [text[:at], text[at:]]) == whole
    return whole


def texts(events: list[ParseEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def names(events: list[ParseEvent]) -> list[str]:
    return [event.name for event in events if isinstance(event, CallStart)]


@pytest.mark.parametrize(("syntax", "turn"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_was_written_is_read_however_it_is_cut(syntax: Syntax, turn: Turn) -> None:
    text = write(syntax, content=turn.content, reasoning=turn.reasoning, calls=turn.calls)
    assert read(text, syntax) == expected_events(syntax, turn)


@pytest.mark.parametrize(
    "text",
    [
        "Use <tool_call> like this.",
        "<tool_call>\nnot JSON\n</tool_call>",
        "<tool_call>\n[1, 2]\n</tool_call>",
        '<tool_call>\n{5: 1, "name": "get"}\n</tool_call>',
        '<tool_call>\n{"name": "get", "arguments": [1]}\n</tool_call>',
        '<tool_call>\n{"name": "get", "arguments": "oops"}\n</tool_call>',
        '<tool_call>\n{"name": "unknown", "arguments": {}}\n</tool_call>',
        '<tool_call>\n{"name": 5, "arguments": {}}\n</tool_call>',
        '<tool_call>\n{"arguments": {}}\n</tool_call>',
        '<tool_call>\n{"name": "get_wea',
        "<tool_",
        "a <tool_call",
        "1 < 2 and <b>bold</b>",
        "  indented\n\ttext\n",
    ],
)
def test_what_merely_looks_like_a_call_stays_text(text: str) -> None:
    assert read(text) == [TextDelta(text)]


@pytest.mark.parametrize(
    "text",
    ['{"name": "unknown", "parameters": {}}', '{"a": 1}', "{not JSON", '{"name": "get'],
)
def test_bare_json_that_is_no_call_stays_text(text: str) -> None:
    assert read(text, syntaxes.BARE) == [TextDelta(text)]


def test_bare_json_in_text_is_a_call_if_it_names_a_tool() -> None:
    other = 'Like so: {"name": "unknown", "parameters": {}}'
    assert read(other, syntaxes.BARE) == [TextDelta(other)]
    text, *call = read('Like so: {"name": "get", "parameters": {}}', syntaxes.BARE)
    assert text == TextDelta("Like so:")
    assert call == [CallStart(0, "call_0", "get"), CallDelta(0, "{}"), CallEnd(0)]


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name":"get_weather","arguments":{"city": "Paris"}}</tool_call>',
        '<tool_call> {"arguments": {"city": "Paris"}, "name": "get_weather"}\n\n</tool_call>\n',
        (
            '<tool_call>\n{"name": "get_weather", "extra": [1], "arguments": {"city": "Paris"}}'
            "\n</tool_call>"
        ),
        (
            '<tool_call>\n{"name": "get_weather", "arguments": "{\\"city\\": \\"Paris\\"}"}'
            "\n</tool_call>"
        ),
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}',
    ],
)
def test_json_may_be_spaced_ordered_and_quoted_otherwise(text: str) -> None:
    assert read(text) == [
        CallStart(0, "call_0", "get_weather"),
        CallDelta(0, '{"city": "Paris"}'),
        CallEnd(0),
    ]


def test_a_call_without_arguments_gets_an_empty_object() -> None:
    assert read('<tool_call>\n{"name": "get"}\n</tool_call>') == [
        CallStart(0, "call_0", "get"),
        CallDelta(0, "{}"),
        CallEnd(0),
    ]


@pytest.mark.parametrize("syntax", syntaxes.SYNTAXES.values(), ids=syntaxes.SYNTAXES.keys())
def test_a_call_that_is_cut_off_never_ends_and_is_never_text(syntax: Syntax) -> None:
    call = syntaxes.TURNS["one call"].calls[0]
    text = write(syntax, calls=[call])
    complete = text.index("Paris") + len('Paris"}')
    for length in range(complete):
        events = events_of(new_parser(syntax), [text[:length]])
        assert not any(isinstance(event, CallEnd) for event in events)
        assert not (names(events) and texts(events))
        if not names(events) and syntax is not syntaxes.RECIPIENT:
            assert texts(events).strip() == text[:length].strip()


def test_a_call_that_breaks_midway_never_ends_and_the_rest_is_text() -> None:
    text = '<tool_call>\n{"name": "get_weather", "arguments": {"city": oops}} and more'
    assert read(text) == [
        CallStart(0, "call_0", "get_weather"),
        CallDelta(0, '{"city": '),
        TextDelta("oops}} and more"),
    ]


def test_text_after_and_between_calls_is_kept() -> None:
    events = read(f"One.\n{PARIS}\nTwo.\n{PARIS}\nThree.")
    assert texts(events) == "One.Two.Three."
    assert names(events) == ["get_weather"] * 2


def test_a_call_after_a_broken_one_is_found() -> None:
    events = read(f"<tool_call>\nno {PARIS}")
    assert texts(events) == "<tool_call>\nno"
    assert names(events) == ["get_weather"]


def test_a_call_inside_reasoning_is_no_call() -> None:
    assert read(f"<think>\nMaybe {PARIS}?\n</think>\n\nNo.") == [
        ReasoningDelta(f"Maybe {PARIS}?"),
        TextDelta("No."),
    ]


def test_reasoning_opened_by_the_prompt_goes_on() -> None:
    parser = new_parser(syntaxes.TAGGED, prefill="<think>\n")
    assert events_of(parser, ["Hm.\n</think>\n\nYes."]) == [
        ReasoningDelta("Hm."),
        TextDelta("Yes."),
    ]


def test_a_turn_whose_beginning_is_in_the_prompt_goes_on() -> None:
    parser = new_parser(syntaxes.RECIPIENT, prefill=">>>")
    assert names(events_of(parser, ["get\n{}"])) == ["get"]
    parser = new_parser(syntaxes.RECIPIENT, prefill=">>>")
    assert events_of(parser, ["all\nHello."]) == [TextDelta("Hello.")]


def test_without_tools_everything_is_text() -> None:
    parser = new_parser(syntaxes.TAGGED, names=frozenset())
    assert events_of(parser, [PARIS]) == [TextDelta(PARIS)]
    parser = new_parser(syntaxes.RECIPIENT, names=frozenset())
    assert events_of(parser, [">>>all\nHello."]) == [TextDelta("Hello.")]


def test_without_a_list_of_names_any_name_is_a_call() -> None:
    parser = new_parser(syntaxes.NAME_IN_TAG, names=None)
    assert names(events_of(parser, ["<function=anything>{}</function>"])) == ["anything"]


def test_arguments_go_out_as_they_arrive() -> None:
    parser = new_parser(syntaxes.TAGGED)
    parser.feed('<tool_call>\n{"name": "get_weather", "arguments": {"ci')
    assert parser.feed('ty": "Par') == [CallDelta(0, 'ty": "Par')]


@settings(derandomize=True, max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(PIECES),
        max_size=12,
    ),
    st.sampled_from(list(syntaxes.SYNTAXES)),
)
def test_any_text_is_read_the_same_however_it_is_cut(pieces: list[str], form: str) -> None:
    syntax, text = syntaxes.SYNTAXES[form], "".join(pieces)
    whole = events_of(new_parser(syntax), [text])
    assert events_of(new_parser(syntax), list(text)) == whole
    assert events_of(new_parser(syntax), pieces) == whole


def test_a_long_turn_costs_no_more_per_character_than_a_short_one() -> None:
    def cost(length: int) -> float:
        text = f'<tool_call>\n{{"name": "files.write", "arguments": {{"t": "{"y" * length}"}}}}'
        parser = new_parser(syntaxes.TAGGED)
        start = time.process_time()
        for at in range(0, len(text), 4):
            parser.feed(text[at : at + 4])
        return (time.process_time() - start) / length

    assert cost(100_000) < 4 * min(cost(2_000) for _ in range(5))
