"""Arguments written one by one, and rows of slots: what families of templates seldom show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gguf_fc.dialect.constrain.grammar import Wanted, build_grammar
from gguf_fc.dialect.constrain.grammar_prefix import merged, without_start
from gguf_fc.dialect.learn.analysis import _known
from gguf_fc.dialect.learn.known import Known
from gguf_fc.dialect.learn.probe import probe
from gguf_fc.dialect.prompt.render import Chat, probe_clock
from gguf_fc.dialect.prompt.template import Template
from gguf_fc.dialect.read.parser import Parser
from gguf_fc.dialect.read.values import as_json
from gguf_fc.dialect.syntax import CallPattern, Marked, Parts, Syntax
from gguf_fc.dialect.write import Call, write
from gguf_fc.grammar import (
    PYTHON,
    Choice,
    Literal,
    Reference,
    Repeat,
    Sequence,
    Without,
    choice,
    gbnf_to_grammar,
)
from gguf_fc.request import Tool, ToolChoice
from tests.support.families import Heard, canonical, family_dialect, hear
from tests.support.syntaxes import ARGUMENTS, ID, NAME, TAGGED, THINK

PAIRS = family_dialect("key_value_tags").syntax
NESTED = family_dialect("nested_elements").syntax
ATTRIBUTES = family_dialect("typed_attributes").syntax
GUARDED = family_dialect("guarded_text").syntax


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
    either = {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "object"}]}
    assert reported(PAIRS, object_of(a=either)) == [(".properties.a", "type")]
    several = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    assert [word for _, word in reported(NESTED, object_of(a=several))] == ["uniqueItems"]


def test_a_bare_text_that_is_no_valid_number_is_a_string() -> None:
    either = object_of(a={"type": ["string", "integer"], "minimum": 3})
    assert reported(PAIRS, either) == []
    for text, value in [("2", "2"), ("3", 3)]:
        call = write(PAIRS, calls=[Call("look", {"a": text})])
        assert read(PAIRS, call, either).calls == [("look", canonical({"a": value}))]
    held = object_of(a={"anyOf": [{"enum": ["low", "high"]}, {"type": "integer", "minimum": 3}]})
    assert reported(PAIRS, held) == []
    accepted = [value for value in ("low", "mid", 3, 2) if accepts(PAIRS, held, {"a": value})]
    assert accepted == ["low", 3]


@pytest.mark.parametrize("syntax", [PAIRS, NESTED, TAGGED], ids=["tags", "elements", "json"])
def test_of_a_schema_that_is_too_large_nothing_is_held(syntax: Syntax) -> None:
    large = object_of(a={"type": "integer", "enum": list(range(20_001))})
    assert ("", "schema") in reported(syntax, large)
    assert accepts(syntax, large, {"a": "anything", "b": 1})


@pytest.mark.parametrize("syntax", [PAIRS, NESTED, ATTRIBUTES], ids=["tags", "elements", "typed"])
def test_bare_strings_that_may_be_null_are_held_too(syntax: Syntax) -> None:
    level = object_of(a={"anyOf": [{"enum": ["low", "high"]}, {"type": "null"}]})
    assert accepts(syntax, level, {"a": "low"})
    assert accepts(syntax, level, {"a": None})
    assert not accepts(syntax, level, {"a": "middle"})
    assert reported(syntax, level) == []


@pytest.mark.parametrize(
    ("schema", "keywords"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, []),
        ({"type": ["string", "null"], "pattern": "("}, ["pattern"]),
        ({"const": "</arg_value></a></parameter>"}, ["schema"]),
    ],
)
@pytest.mark.parametrize("syntax", [PAIRS, NESTED, ATTRIBUTES], ids=["tags", "elements", "typed"])
def test_what_is_not_held_of_a_bare_string_is_reported(
    syntax: Syntax, schema: dict[str, Any], keywords: list[str]
) -> None:
    assert [word for _, word in reported(syntax, object_of(a=schema))] == keywords
    assert accepts(syntax, object_of(a=schema), {"a": "anything"})


# Values of no certain kind.

KEYS = st.sampled_from(["a", "b", "rest", "item"])
WORDS = st.one_of(
    st.text(alphabet="ab c\n", max_size=6),
    st.sampled_from(["42", '"42"', '"\\"42\\""', "null", "None", "true", "[]", "{}", '"', "''"]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)
EITHER = {"anyOf": [{"type": "string"}, {"type": "array"}, {"type": "object"}]}


@pytest.mark.parametrize(
    "schema", [{}, {"type": "object"}, EITHER], ids=["any", "object", "either"]
)
@pytest.mark.parametrize(
    "syntax", [PAIRS, NESTED, GUARDED, ATTRIBUTES], ids=["tags", "elements", "guarded", "typed"]
)
@settings(derandomize=True, max_examples=25, deadline=None)
@given(value=VALUES)
def test_a_value_of_no_certain_kind_is_read_as_it_was_written(
    syntax: Syntax, schema: dict[str, Any], value: Any
) -> None:
    parameters = object_of(a=schema)
    assume(schema == {} or isinstance(value, dict) or (schema == EITHER and value in ("42", "[]")))
    assert syntax.pairs is not None
    text = write(syntax, calls=[Call("look", {"a": value})], schemas={"look": parameters})
    tool = Tool(name="look", parameters=parameters)
    grammar = build_grammar(syntax, Wanted(tools=(tool,), choice=ToolChoice("required")))
    assert grammar.matches(text), text
    kept = {} if value is None and not syntax.pairs.nulls else {"a": value}
    assert read(syntax, text, parameters).calls == [("look", canonical(kept))]


def test_beside_a_text_what_looks_like_pairs_is_a_text() -> None:
    text = '<use name="look"><a><b>c</b></a></use>'
    assert read(NESTED, text, object_of(a=EITHER)).calls == [("look", canonical({"a": "<b>c</b>"}))]
    assert read(NESTED, text, object_of(a={})).calls == [("look", canonical({"a": {"b": "c"}}))]


def test_without_a_schema_strings_are_written_as_the_template_does() -> None:
    call = Call("look", {"a": "42"})
    assert "<arg_value>42</arg_value>" in write(PAIRS, calls=[call])
    known = {"look": object_of(a={"type": "string"})}
    assert write(PAIRS, calls=[call], schemas=known) == write(PAIRS, calls=[call])
    assert '<arg_value>"42"<' in write(PAIRS, calls=[call], schemas={"look": None})


# Objects inside.

INSIDE = {
    "type": "object",
    "properties": {name: {"type": "integer"} for name in "abcd"},
    "required": ["c"],
}


@pytest.mark.parametrize("syntax", [PAIRS, NESTED, TAGGED], ids=["tags", "elements", "json"])
def test_members_inside_are_as_free_in_every_notation(syntax: Syntax) -> None:
    schema = object_of(o={**INSIDE, "additionalProperties": True})
    for names, fits in [("abcd", True), ("bacd", True), ("bca", False), ("c", True), ("ab", False)]:
        assert accepts(syntax, schema, {"o": dict.fromkeys(names, 1)}) is fits, names
    for text in ("x < y", "x <> y", "x <y z"):
        assert accepts(syntax, schema, {"o": {"c": 1, "other": {"deep": [1, text]}}})
    for closed in (INSIDE, {**INSIDE, "additionalProperties": False}):
        assert accepts(syntax, object_of(o=closed), {"o": {"c": 1}})
        assert not accepts(syntax, object_of(o=closed), {"o": {"c": 1, "other": 1}})


@pytest.mark.parametrize("syntax", [PAIRS, NESTED, TAGGED], ids=["tags", "elements", "json"])
def test_many_optional_members_inside_come_in_declared_order(syntax: Syntax) -> None:
    many = {name: {"type": "integer"} for name in "abcdefgh"}
    schema = object_of(o={"type": "object", "properties": many, "additionalProperties": False})
    assert accepts(syntax, schema, {"o": {"a": 1, "h": 2}})
    assert not accepts(syntax, schema, {"o": {"h": 1, "a": 2}})


@pytest.mark.parametrize("syntax", [PAIRS, NESTED, TAGGED], ids=["tags", "elements", "json"])
def test_with_a_schema_members_are_written_in_declared_order(syntax: Syntax) -> None:
    schema = object_of(x=INSIDE, y={"type": "array", "items": INSIDE})
    inner = {"d": 1, "c": 2, "a": 3}
    mixed = {"y": [inner], "x": inner}
    assert not accepts(syntax, schema, mixed)
    text = write(syntax, calls=[Call("look", mixed)], schemas={"look": schema})
    right = {name: inner[name] for name in "acd"}
    assert text == write(syntax, calls=[Call("look", {"x": right, "y": [right]})])


@pytest.mark.parametrize("syntax", [PAIRS, NESTED], ids=["tags", "elements"])
def test_another_argument_has_a_name_of_its_own(syntax: Syntax) -> None:
    schema = {**object_of(date={"type": "integer"}), "additionalProperties": {"type": "integer"}}
    assert accepts(syntax, schema, {"rate": 1})
    assert accepts(syntax, schema, {"date": 1, "dates": 1})
    text = write(syntax, calls=[Call("look", {"date": 1, "rate": 1})]).replace("rate", "date")
    tool = Tool(name="look", parameters=schema)
    grammar = build_grammar(syntax, Wanted(tools=(tool,), choice=ToolChoice("required")))
    assert not grammar.matches(text)
    assert not gbnf_to_grammar(grammar.gbnf).matches(text)


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
    assert CallPattern(parts).keys is None


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
