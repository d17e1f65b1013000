"""What the grammar of the whole output accepts, the parser reads: hostile texts of every form."""

from __future__ import annotations

import json
from itertools import permutations
from random import Random
from typing import Any

import pytest

from gguf_fc.dialect.constrain.grammar import Wanted, build_grammar
from gguf_fc.dialect.read.parser import Parser
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.dialect.write import Call, write
from gguf_fc.grammar import Grammar, gbnf_to_grammar
from gguf_fc.request import Tool, ToolChoice
from tests.support import syntaxes
from tests.support.families import FAMILIES, Heard, canonical, family_dialect, hear
from tests.support.lexing import LlguidanceGrammar
from tests.support.sampling import Sampler, hostile_pieces

TEXT = {"type": "string"}
_PROPERTIES = {
    "object or null": {"type": ["object", "null"]},
    "one of": {"enum": ["a", "b"]},
    "either": {"type": ["string", "integer"]},
    "list": {"type": "array", "items": TEXT},
}
TOOLS = (
    Tool(
        name="write_file",
        parameters={
            "type": "object",
            "properties": {"path": TEXT, "content": TEXT, "n": {"type": "integer"}},
            "required": ["path"],
        },
    ),
    Tool(name="get", parameters={"type": "object", "properties": _PROPERTIES}),
    Tool(name="free", parameters={"type": "object", "additionalProperties": True}),
)
# Only the string is held that holds arguments; and a key is not held to be repeated behind a value.
NOT_HELD = {"quoted_arguments": TOOLS[:0], "nested_elements": TOOLS[:1]}
SYNTAX_OF = {**{name: family_dialect(name).syntax for name in FAMILIES}, **syntaxes.SYNTAXES}
HELD = {name: syntax for name, syntax in SYNTAX_OF.items() if NOT_HELD.get(name) != ()}
EVERY_SYNTAX = pytest.mark.parametrize("name", HELD)
KEYS = (
    "a b",
    "a:b",
    "a,b",
    "a=b",
    "a>b",
    "2nd",
    "é",
    "",
    "{",
    "it's",
    '"q"',
    " x ",
    "</parameter>",
)


def grammar_of(syntax: Syntax, tools: tuple[Tool, ...], mode: str = "required") -> Grammar:
    choice = ToolChoice(mode)  # type: ignore[arg-type]
    return build_grammar(syntax, Wanted(tools=tools, choice=choice))


def read(syntax: Syntax, tools: tuple[Tool, ...], text: str) -> Heard:
    """What is read of the whole *text*, which must be the same character by character."""
    schemas = {tool.name: tool.parameters for tool in tools}
    whole = hear(Parser(syntax, schemas, str), [text])
    assert hear(Parser(syntax, schemas, str), text) == whole, text
    return whole


def look(schema: dict[str, Any]) -> tuple[Tool, ...]:
    return (Tool(name="look", parameters=schema),)


@pytest.mark.parametrize("mode", ["required", "auto"])
@EVERY_SYNTAX
def test_what_is_drawn_from_the_grammar_is_read_whole(name: str, mode: str) -> None:
    syntax, tools = HELD[name], NOT_HELD.get(name, TOOLS)
    grammar, required = (grammar_of(syntax, tools, choice) for choice in (mode, "required"))
    drawn = Random(3)  # noqa: S311
    sampler = Sampler(grammar.rules, hostile_pieces(syntax), drawn)
    for _ in range(12):
        text = sampler.text()
        assert grammar.matches(text), text
        heard = read(syntax, tools, text)
        assert heard.started == heard.ended, text
        if mode == "required":
            assert (heard.content.strip(), bool(heard.calls)) == ("", True), text
        calls = [Call(called, json.loads(given), "abcdefgh0") for called, given in heard.calls]
        schemas = {tool.name: tool.parameters for tool in tools}
        assert not calls or required.matches(write(syntax, calls=calls, schemas=schemas)), text


@pytest.mark.parametrize("key", KEYS)
@EVERY_SYNTAX
def test_a_key_may_hold_any_character_or_is_refused(name: str, key: str) -> None:
    syntax, number = HELD[name], {"type": "integer"}
    inner = {"type": "object", "additionalProperties": number}
    for schema, arguments in (
        ({"type": "object", "properties": {"o": inner}}, {"o": {key: 1}}),
        ({"type": "object", "additionalProperties": number}, {key: 1}),
        ({"type": "object", "properties": {key: number, "z": TEXT}}, {key: 1, "z": "x"}),
    ):
        tools = look(schema)
        text = write(syntax, calls=[Call("look", arguments, "abcdefgh0")])
        if grammar_of(syntax, tools).matches(text):
            assert read(syntax, tools, text).calls == [("look", canonical(arguments))], text


@EVERY_SYNTAX
def test_beside_a_tool_that_takes_anything_every_call_is_in_the_grammar_of_the_engine(
    name: str,
) -> None:
    syntax, text = HELD[name], {"path": TEXT}
    optional = Tool(name="list", parameters={"type": "object", "properties": text})
    tools = (optional, Tool(name="any", parameters={"type": "object", "properties": {"o": {}}}))
    for mode in ("required", "auto"):
        engine = LlguidanceGrammar(grammar_of(syntax, tools, mode).llguidance())
        for arguments in ({}, {"path": "a"}):
            assert engine.matches(write(syntax, calls=[Call("list", arguments, "abcdefgh0")]))


@EVERY_SYNTAX
def test_arguments_in_any_order_are_in_the_grammar_where_that_is_asked_for(name: str) -> None:
    syntax, given = HELD[name], {"n": 1, "path": "a", "content": "b"}
    wanted = Wanted(tools=TOOLS[:1], choice=ToolChoice("required"), key_order="any")
    grammar = build_grammar(syntax, wanted)
    for keys in permutations(given):
        arguments = {key: given[key] for key in keys}
        text = write(syntax, calls=[Call("write_file", arguments, "abcdefgh0")])
        assert grammar.matches(text), text
        assert read(syntax, TOOLS, text).calls == [("write_file", canonical(given))]
    sampler = Sampler(grammar.rules, hostile_pieces(syntax), Random(1))  # noqa: S311
    for _ in range(5):
        assert read(syntax, TOOLS[:1], text := sampler.text()).calls, text


QUOTED = (
    "A block ends with </parameter> here.",
    "</parameter>",
    "x </parameter>, y",
    "</parameter>!\n</function>",
    "<parameter=path>\nno</parameter>.",
)


@pytest.mark.parametrize("value", QUOTED)
def test_a_value_may_quote_the_tag_that_closes_it(value: str) -> None:
    syntax, tools = SYNTAX_OF["key_tags"], TOOLS[:1]
    arguments = {"path": "a.md", "content": value}
    text = write(syntax, calls=[Call("write_file", arguments)])
    assert read(syntax, tools, text).calls == [("write_file", canonical(arguments))]


def test_a_tag_that_would_close_a_value_too_early_is_refused() -> None:
    syntax, tools = SYNTAX_OF["key_tags"], TOOLS[:1]
    grammar = grammar_of(syntax, tools)
    engine = LlguidanceGrammar(grammar.llguidance())
    again = gbnf_to_grammar(grammar.gbnf)
    for value, accepted in [
        (QUOTED[0], True),
        (QUOTED[2], True),
        ("a</parameter>\n<parameter=n>\n1", False),
        ("a</parameter> </function>", False),
        ("a</parameter>\n\n</function>", False),
    ]:
        text = write(syntax, calls=[Call("write_file", {"path": value})])
        matched = [reading.matches(text) for reading in (grammar, engine, again)]
        assert matched == [accepted] * 3, value


@pytest.mark.parametrize(
    "prose",
    [
        "The tag <function=write_file> names it. No call here.",
        "<tool_call>\n<function=write_file>\nis how it begins",
        "<function=write_file>{...}</function>",
    ],
)
def test_prose_that_quotes_a_mark_and_a_name_is_content(prose: str) -> None:
    for name in ("key_tags", "name in tag"):
        heard = read(SYNTAX_OF[name], TOOLS, prose)
        assert (heard.content, heard.started) == (prose, 0)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("key_tags", "<tool_call>\n<function=write_file>\n"),
        ("name in tag", "<function=write_file>{"),
    ],
)
def test_a_text_that_ends_where_arguments_begin_is_a_call(name: str, text: str) -> None:
    heard = read(SYNTAX_OF[name], TOOLS, text)
    assert (heard.content, heard.started, heard.ended) == ("", 1, 0)


def test_a_name_may_have_a_namespace_before_it_but_no_text() -> None:
    syntax = SYNTAX_OF["name in tag"]
    assert read(syntax, TOOLS, "<function=a.b.get>{}</function>").ended == 1
    heard = read(syntax, TOOLS, text := "<function= is followed by <b>.get>{}</function>")
    assert (heard.content, heard.started) == (text, 0)
