"""Arguments written one by one, and rows of slots: what families of templates seldom show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gguf_fc.dialect.analysis import _known
from gguf_fc.dialect.chat import Chat, probe_clock
from gguf_fc.dialect.grammar import Wanted, build_grammar
from gguf_fc.dialect.grammar_prefix import merged, without_start
from gguf_fc.dialect.known import Known
from gguf_fc.dialect.parser import Parser
from gguf_fc.dialect.probe import probe
from gguf_fc.dialect.syntax import Marked, Parts, Row, Syntax
from gguf_fc.dialect.template import Template
from gguf_fc.dialect.values import as_json
from gguf_fc.dialect.write import Call, write
from gguf_fc.gbnf import PYTHON, Choice, Literal, Reference, Repeat, Sequence, Without, choice
from gguf_fc.request import Tool, ToolChoice
from tests.support.families import Heard, canonical, family_dialect, hear
from tests.support.syntaxes import ARGUMENTS, ID, NAME, TAGGED, THINK

PAIRS = family_dialect("key_value_tags").syntax
NESTED = family_dialect("nested_elements").syntax


def object_of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def read(syntax: Syntax, text: str, schema: Any = None, prefill: str = "") -> Heard:
    def parser() -> Parser:
        return Parser(syntax, {"look": schema}, lambda: "call_0", prefill)

    whole = hear(parser(), [text])
    assert hear(parser(), text) == whole
    return whole


def accepts(syntax: Syntax, schema: Any, arguments: dict[str, Any]) -> bool:
    tool = Tool(name="look", parameters=schema)
    grammar = build_grammar(syntax, Wanted(tools=(tool,), choice=ToolChoice("required")))
    return grammar.matches(write(syntax, calls=[Call("look", arguments)]))


def reported(syntax: Syntax, schema: Any) -> list[tuple[str, str]]:
    tool = Tool(name="look", parameters=schema)
    grammar = build_grammar(syntax, Wanted(tools=(tool,)))
    return [
        (item.path.removeprefix("tools[0].function.parameters"), item.keyword)
        for item in grammar.report
    ]


@pytest.mark.parametrize(
    ("schema", "valid", "invalid"),
    [
        ({"type": "string", "enum": ["low", "high"]}, "low", "middle"),
        ({"type": "string", "pattern": "^[a-c]+$"}, "abc", "abd"),
        ({"type": "string", "maxLength": 3}, "abc", "abcd"),
        ({"const": "x"}, "x", "y"),
        ({"type": "string", "format": "date"}, "2026-11-21", "today"),
    ],
)
@pytest.mark.parametrize("syntax", [PAIRS, NESTED], ids=["tags", "elements"])
def test_bare_strings_are_held_to_their_schema(
    syntax: Syntax, schema: Any, valid: str, invalid: str
) -> None:
    assert accepts(syntax, object_of(a=schema), {"a": valid})
    assert not accepts(syntax, object_of(a=schema), {"a": invalid})


def test_what_bare_text_cannot_be_held_to_is_reported() -> None:
    either = {"type": ["string", "integer"], "minimum": 3}
    assert reported(PAIRS, object_of(a=either)) == [(".properties.a", "type")]
    assert ("", "minProperties") in reported(PAIRS, {**object_of(a={}), "minProperties": 1})
    several = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    assert [word for _, word in reported(NESTED, object_of(a=several))] == ["uniqueItems"]
    broken = {"type": "array", "items": "text"}
    assert (".properties.a", "schema") in reported(PAIRS, object_of(a=broken))


def test_an_object_inside_of_which_nothing_is_said_may_hold_anything() -> None:
    for syntax in (TAGGED, PAIRS, NESTED):
        assert accepts(syntax, object_of(a={"type": "object"}), {"a": {"b": "c"}})
        assert accepts(syntax, object_of(a={"type": "object"}), {"a": {}})
    none = {"type": "object", "additionalProperties": False}
    assert not accepts(NESTED, object_of(a=none), {"a": {"b": "c"}})


def test_a_tool_whose_schema_names_no_key_takes_no_arguments() -> None:
    for syntax in (TAGGED, PAIRS):
        assert accepts(syntax, {"type": "object", "description": "Nothing."}, {})
        assert not accepts(syntax, {"type": "object", "description": "Nothing."}, {"a": "b"})


# Rows of slots.


@pytest.mark.parametrize(
    ("call", "text", "id_"),
    [
        (("<a ", NAME, " ", ID, ">", ARGUMENTS, "</a>"), '<a look id9>{"x": 1}</a>', "id9"),
        (("<a ", ID, ":", NAME, ">", ARGUMENTS, "</a>"), '<a id9:look>{"x": 1}</a>', "id9"),
        (("<a ", NAME, "|", NAME, ">", ARGUMENTS, "</a>"), '<a look|look>{"x": 1}</a>', "call_0"),
    ],
)
def test_slots_may_stand_in_any_order(call: Parts, text: str, id_: str) -> None:
    heard = read(Syntax(call=call), text)
    assert (heard.calls, heard.ids) == ([("look", canonical({"x": 1}))], [id_])


@pytest.mark.parametrize("text", ["<a look|get>{}</a>", "<a look|unknown>{}</a>"])
def test_a_name_that_is_written_twice_is_the_same(text: str) -> None:
    syntax = Syntax(call=("<a ", NAME, "|", NAME, ">", ARGUMENTS, "</a>"))
    parser = Parser(syntax, {"look": None, "get": None}, lambda: "call_0")
    heard = hear(parser, text)
    assert (heard.started, heard.content) == (0, text)


@pytest.mark.parametrize(
    ("fields", "arguments"),
    [
        ('"params": {"x": 1}', {"x": 1}),
        ('"arguments": null', {}),
        ('"arguments": ""', {}),
    ],
)
def test_json_arguments_may_be_named_otherwise_or_missing(fields: str, arguments: Any) -> None:
    heard = read(TAGGED, f'<tool_call>\n{{"name": "look", {fields}}}\n</tool_call>')
    assert heard.calls == [("look", canonical(arguments))]


@pytest.mark.parametrize(
    "parts", [("{x}",), ("{", NAME), (NAME, ARGUMENTS), ("{}", NAME), ('{"a": "', NAME, '"}')]
)
def test_a_row_that_is_no_json_object_has_no_keys(parts: Parts) -> None:
    assert Row(parts).keys is None


def test_only_a_call_that_counts_has_an_id_of_its_own() -> None:
    assert TAGGED.id_parts == ()
    assert family_dialect("counted_objects").syntax.id_parts != ()


# Reasoning, and what closes it.


@pytest.mark.parametrize(
    ("text", "content", "reasoning"),
    [
        ("<think>Never closed", "", "Never closed"),
        ("<think>A</think>B<think></think>C", "BC", "A"),
        ("<think>A</think>B <think> C", "B <think> C", "A"),
        ("<think>A</think>B</think>C", "B</think>C", "A"),
        ("<think>A</think>B</think>", "B", "A"),
        ("</think>B", "B", ""),
        ("<think>\n<think>A</think>B", "B", "A"),
    ],
)
def test_marks_of_reasoning_that_are_none_are_text(text: str, content: str, reasoning: str) -> None:
    heard = read(replace(TAGGED, reasoning=THINK), text)
    assert (heard.content, heard.reasoning) == (content, reasoning)


@pytest.mark.parametrize(
    ("text", "prefill", "content"),
    [
        ("<think>\nA\n</think>\n\nB", "", "<think>\nA\n</think>\n\nB"),
        ("A\n</think>\n\nB", "<think>\n", "<think>\nA\n</think>\n\nB"),
        ("B", "<think>\n\n</think>\n\n", "B"),
        ("</think>B", "<think>", "<think></think>B"),
        ("</think>B", "", "</think>B"),
        ("<think>A", "", "<think>A"),
        ("Plain", "", "Plain"),
        ("<think>A <tool_call> B</think>C", "", "<think>A <tool_call> B</think>C"),
        ("<think>A <tool_call> B", "", "<think>A <tool_call> B"),
    ],
)
def test_reasoning_that_is_text_stands_between_its_marks(
    text: str, prefill: str, content: str
) -> None:
    def parser() -> Parser:
        syntax = replace(TAGGED, reasoning=THINK)
        return Parser(syntax, {"look": None}, lambda: "call_0", prefill, inline=True)

    heard = hear(parser(), [text])
    assert hear(parser(), text) == heard
    assert (heard.content, heard.reasoning) == (content, "")


def test_a_call_inside_of_reasoning_that_is_text_is_none() -> None:
    call = write(TAGGED, calls=[Call("look", {})])
    syntax = replace(TAGGED, reasoning=THINK)
    parser = Parser(syntax, {"look": None}, lambda: "call_0", inline=True)
    heard = hear(parser, f"<think>So: {call}</think>{call}")
    assert (heard.calls, heard.content) == ([("look", "{}")], f"<think>So: {call}</think>")


def test_words_with_which_the_prompt_has_the_model_begin_are_reasoning() -> None:
    syntax = replace(TAGGED, reasoning=Marked("Let me think.", "So:"))
    heard = read(syntax, " Hm. So: yes.", prefill="Let me think.")
    assert (heard.reasoning, heard.content) == ("Let me think. Hm.", "yes.")


# Values.


@pytest.mark.parametrize(
    ("text", "json"),
    [
        ("''", '""'),
        ("'''a'b'''", '"a\'b"'),
        ('"""x"""', '"x"'),
        ("('a', 1,)", '["a",1]'),
        ("{'a': True, b: None}", '{"a": true,"b": null}'),
        ("[1 2]", None),
        ("{1 2}", None),
        ("{'a' 1}", None),
        ("?", None),
        ("Nope", None),
        ("'open", None),
        ("<", None),
    ],
)
def test_python_s_values_are_read_as_json(text: str, json: str | None) -> None:
    assert as_json(text, PYTHON) == json
    longer = replace(PYTHON, quote='<|"|>', escapes="none")
    assert as_json('<|"|>a<b<|"|>', longer) == '"a<b"'
    assert as_json("<|x", longer) is None


# Rules without their beginning.


def test_what_cannot_begin_like_a_text_is_nothing() -> None:
    nothing = Choice(())
    assert without_start(Reference("rule"), "a") == nothing
    assert without_start(Repeat(Reference("rule")), "a") == nothing
    assert without_start(Literal("b"), "a") == nothing
    row = Sequence((choice(Literal("ab"), Literal("cd")), Literal("e")))
    assert without_start(row, "a") == Literal("be")
    assert without_start(Sequence((Literal("a"), Without(()))), "ab") == Without(())


def test_two_rules_are_written_with_their_common_beginning_once() -> None:
    assert merged(Literal("abc"), Literal("abd")) == Sequence(
        (Literal("ab"), choice(Literal("c"), Literal("d")))
    )


# The data file.


def test_an_entry_that_contradicts_itself_is_not_used() -> None:
    chat = Chat(
        template=Template("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"),
        bos_token="",
        eos_token="",
        clock=probe_clock,
    )
    wrong = Known(name="x", evidence="y", contains=(), syntax=Syntax(call=("<a>", NAME)))
    found = _known(chat, probe(chat), wrong)
    assert not found.native
    assert "not read back" in found.evidence[0].evidence


def test_a_key_without_end_breaks_the_call() -> None:
    text = f"<tool_call>look\n<arg_key>{'k' * 400}</arg_key>\n<arg_value>1</arg_value></tool_call>"
    parser = Parser(PAIRS, {"look": None}, lambda: "call_0")
    assert hear(parser, text).ended == 0
