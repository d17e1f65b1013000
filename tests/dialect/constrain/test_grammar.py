"""The grammar over the whole output: what each tool choice lets through, and what not."""

from __future__ import annotations

import dataclasses

import pytest

from gguf_fc.dialect.constrain.grammar import Wanted, build_grammar
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.dialect.write import Call, write
from gguf_fc.errors import GrammarError
from gguf_fc.grammar import Grammar
from gguf_fc.request import Format, Tool, ToolChoice
from tests.support import syntaxes
from tests.support.syntaxes import CASES, SYNTAXES, TOOLS, Turn

PARIS = Call("get_weather", {"city": "Paris"}, "abcdefgh0")
LYON = Call("get_weather", {"city": "Lyon", "days": 3}, "abcdefgh1")
EVERY_SYNTAX = pytest.mark.parametrize("syntax", SYNTAXES.values(), ids=SYNTAXES.keys())
NAMED_GET = ToolChoice("named", "get")


def grammar(syntax: Syntax, choice: str | ToolChoice = "auto", **wanted: object) -> Grammar:
    mode = choice if isinstance(choice, ToolChoice) else ToolChoice(choice)  # type: ignore[arg-type]
    asked = dataclasses.replace(Wanted(tools=TOOLS, choice=mode), **wanted)  # type: ignore[arg-type]
    return build_grammar(syntax, asked)


@pytest.mark.parametrize(("syntax", "turn"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_auto_accepts_every_turn_that_can_be_written(syntax: Syntax, turn: Turn) -> None:
    text = write(syntax, content=turn.content, reasoning=turn.reasoning, calls=turn.calls)
    assert grammar(syntax).matches(text)


@EVERY_SYNTAX
def test_no_grammar_accepts_a_damaged_call(syntax: Syntax) -> None:
    text = write(syntax, calls=[PARIS])
    damaged = [
        text.replace("get_weather", "get_whether"),
        text.replace("city", "town"),
        text.replace('"Paris"', "7"),
        text.replace('{"city', '{ "city'),
        text[: text.index("Paris")],
    ]
    for choice in ("auto", "required", ToolChoice("named", "get_weather")):
        accepting = grammar(syntax, choice)
        assert [bad for bad in damaged if accepting.matches(bad)] == []


@EVERY_SYNTAX
def test_the_tool_choice_is_a_grammar(syntax: Syntax) -> None:
    said = write(syntax, content="Hello there.")
    weather, get = write(syntax, calls=[PARIS]), write(syntax, calls=[Call("get", {}, "abcdefgh0")])
    expected = {
        "none": (True, False, False),
        "auto": (True, True, True),
        "required": (False, True, True),
    }
    for choice, answers in expected.items():
        accepting = grammar(syntax, choice)
        assert tuple(map(accepting.matches, (said, weather, get))) == answers, choice
    named = grammar(syntax, NAMED_GET)
    assert [named.matches(text) for text in (said, weather, get)] == [False, False, True]


@EVERY_SYNTAX
def test_parallel_calls_are_at_most_one_where_they_are_not_wanted(syntax: Syntax) -> None:
    both = write(syntax, calls=[PARIS, LYON])
    for choice in ("auto", "required"):
        assert grammar(syntax, choice).matches(both) == syntax.parallel
        assert not grammar(syntax, choice, parallel=False).matches(both)
        assert grammar(syntax, choice, parallel=False).matches(write(syntax, calls=[PARIS]))


@EVERY_SYNTAX
def test_an_allowed_tool_is_one_of_several(syntax: Syntax) -> None:
    allowed = grammar(syntax, ToolChoice("required", allowed=("get", "files.write")))
    assert allowed.matches(write(syntax, calls=[Call("get", {}, "abcdefgh0")]))
    assert not allowed.matches(write(syntax, calls=[PARIS]))


@EVERY_SYNTAX
def test_a_response_format_constrains_what_is_not_a_call(syntax: Syntax) -> None:
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "integer"}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    form = Format(type="json_schema", schema=schema)
    answer, prose = (write(syntax, content=text) for text in ('{"answer": 4}', "Four."))
    with_tools = grammar(syntax, "auto", format=form)
    assert with_tools.matches(write(syntax, calls=[PARIS]))
    for accepting in (with_tools, grammar(syntax, "none", format=form)):
        assert accepting.matches(answer)
        assert not accepting.matches(prose)
        assert not accepting.matches(write(syntax, content='{"answer": "four"}'))


def test_any_json_object_answers_json_object() -> None:
    accepting = grammar(syntaxes.TAGGED, "none", format=Format(type="json_object"))
    assert accepting.matches('{"a": [1, {"b": null}]}')
    assert not accepting.matches("[1]")


def test_bare_text_may_not_begin_like_a_call() -> None:
    for choice in ("auto", "none"):
        accepting = grammar(syntaxes.BARE, choice)
        assert accepting.matches("Here: {}")
        assert not accepting.matches(' {"x": 1}')
        assert accepting.matches("")


def test_reasoning_may_stand_first_and_hold_anything() -> None:
    call = write(syntaxes.TAGGED, calls=[PARIS])
    thought = f"<think>\nSo {call} or not\n</think>\n\n"
    assert grammar(syntaxes.TAGGED, "none").matches(thought + "No.")
    assert grammar(syntaxes.TAGGED, "required").matches(thought + call)
    assert not grammar(syntaxes.TAGGED, "required").matches(thought + "No.")
    assert not grammar(syntaxes.TAGGED, "none").matches(thought + call)
    assert not grammar(syntaxes.TAGGED).matches("<think>\nNever closed")


@pytest.mark.parametrize(
    ("prefill", "accepted", "refused"),
    [
        ("<think>\n", "Hm.\n</think>\n\nYes.", "<think>\nHm.\n</think>\n\nYes"),
        ("<think>\n\n</think>\n\n", "Yes.", "<tool_call>\n{Yes."),
    ],
)
def test_reasoning_that_the_prompt_has_begun_goes_on(
    prefill: str, accepted: str, refused: str
) -> None:
    continuing = grammar(syntaxes.TAGGED, prefill=prefill)
    assert continuing.matches(accepted)
    if prefill == "<think>\n":
        assert not continuing.matches("never closed")
    else:
        assert not continuing.matches(refused)


@pytest.mark.parametrize("choice", ["auto", "required", "none"])
@pytest.mark.parametrize("syntax", [syntaxes.RECIPIENT, syntaxes.HEADED], ids=["short", "long"])
def test_a_turn_that_the_prompt_has_begun_goes_on(syntax: Syntax, choice: str) -> None:
    opening = syntax.call[0]
    assert isinstance(opening, str)
    whole, continuing = grammar(syntax, choice), grammar(syntax, choice, prefill=opening)
    for turn in (write(syntax, content="Hello."), write(syntax, calls=[PARIS])):
        assert continuing.matches(turn.removeprefix(opening)) == whole.matches(turn)
        assert not continuing.matches(turn)


def test_keys_nobody_declared_are_refused_unless_the_schema_invites_them() -> None:
    accepting = grammar(syntaxes.TAGGED)
    assert accepting.matches(write(syntaxes.TAGGED, calls=[Call("files.write", {"any": 1})]))
    assert not accepting.matches(write(syntaxes.TAGGED, calls=[Call("get", {"any": 1})]))


def test_a_schema_that_cannot_be_compiled_loosens_its_own_tool_only() -> None:
    many: dict[str, object] = {f"p{n}": {} for n in range(5_001)}
    broken = Tool(name="broken", parameters={"type": "object", "properties": many})
    loosened = grammar(syntaxes.TAGGED, tools=(*TOOLS, broken))
    assert loosened.matches(write(syntaxes.TAGGED, calls=[Call("broken", {"x": [1]})]))
    assert not loosened.matches(write(syntaxes.TAGGED, calls=[Call("get_weather", {"x": 1})]))
    assert [(item.path, item.keyword) for item in loosened.report] == [
        ("tools[3].function.parameters", "schema")
    ]


def test_what_cannot_be_enforced_is_reported_under_its_tool() -> None:
    odd = Tool(
        name="odd",
        parameters={
            "type": "object",
            "properties": {"x": {"type": "array", "uniqueItems": True}},
        },
    )
    report = grammar(syntaxes.TAGGED, tools=(odd,)).report
    assert [(item.path, item.keyword) for item in report] == [
        ("tools[0].function.parameters.properties.x", "uniqueItems")
    ]


@EVERY_SYNTAX
def test_a_tool_that_is_named_is_called_exactly_once(syntax: Syntax) -> None:
    named = grammar(syntax, ToolChoice("named", "get_weather"))
    assert named.matches(write(syntax, calls=[PARIS]))
    assert not named.matches(write(syntax, calls=[PARIS, LYON]))
    assert not named.matches(write(syntax, calls=[]))


@pytest.mark.parametrize("odd", ["", "OBJECT", "string", None, 3, ["array"]])
def test_arguments_are_an_object_whatever_type_the_parameters_name(odd: object) -> None:
    parameters = {"type": odd, "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    tool = Tool(name="odd", parameters=parameters)
    accepting = grammar(syntaxes.TAGGED, tools=(*TOOLS, tool))
    assert accepting.matches(write(syntaxes.TAGGED, calls=[Call("odd", {"x": 1})]))
    for wrong in ({}, {"x": "1"}, {"x": 1, "y": 1}):
        assert not accepting.matches(write(syntaxes.TAGGED, calls=[Call("odd", wrong)]))
    assert [(item.path, item.keyword) for item in accepting.report] == [
        ("tools[3].function.parameters", "type")
    ]


def test_a_tool_whose_keywords_are_all_null_takes_no_arguments() -> None:
    empty = Tool(name="ping", parameters={"type": "", "properties": None, "required": None})
    accepting = grammar(syntaxes.TAGGED, tools=(empty,))
    assert accepting.matches(write(syntaxes.TAGGED, calls=[Call("ping", {})]))
    assert not accepting.matches(write(syntaxes.TAGGED, calls=[Call("ping", {"a": 1})]))


def test_an_answer_in_a_schema_has_no_other_members_at_any_depth() -> None:
    inner = {"type": "object", "properties": {"b": {"type": "integer"}}}
    form = Format(type="json_schema", schema={"type": "object", "properties": {"a": inner}})
    answer = grammar(syntaxes.TAGGED, "none", tools=(), format=form)
    assert answer.matches('{"a": {"b": 1}}')
    assert not answer.matches('{"a": {"c": 1}}')
    assert not answer.matches('{"c": 1}')


def test_a_call_cannot_be_required_of_no_tool() -> None:
    with pytest.raises(GrammarError, match="no tool can be called"):
        grammar(syntaxes.TAGGED, "required", tools=())


def test_without_tools_text_is_free_of_call_markers_only() -> None:
    free = grammar(syntaxes.TAGGED, tools=())
    assert free.matches("Anything <b>at all</b>")
    assert not free.matches("<tool_call>")
    assert grammar(syntaxes.BARE, tools=()).matches('{"x": 1}')


def test_an_answer_that_the_prompt_has_begun_goes_on() -> None:
    for syntax in (syntaxes.TAGGED, syntaxes.ARRAY, syntaxes.BARE, syntaxes.FENCED):
        for begun in ("Hello, ", "get", "`"):
            continuing = grammar(syntax, prefill=begun)
            assert continuing.matches("world.")


def test_a_schema_of_true_or_false_allows_no_arguments_or_no_call() -> None:
    anything, nothing = (Tool(name=f"say_{p}", parameters=p) for p in (True, False))
    accepting = grammar(syntaxes.TAGGED, tools=(anything, nothing))
    assert accepting.matches(write(syntaxes.TAGGED, calls=[Call("say_True", {})]))
    assert not accepting.matches(write(syntaxes.TAGGED, calls=[Call("say_False", {})]))
