"""Calls laid out otherwise than the template does: by white space inside their marks alone."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from gguf_fc import Dialect
from gguf_fc.dialect.constrain.grammar import Wanted, build_grammar
from gguf_fc.dialect.read.reply import read
from gguf_fc.dialect.syntax import Marked, Pair, Pairs, Syntax
from gguf_fc.dialect.write import Call, write
from gguf_fc.grammar import PYTHON
from gguf_fc.request import Tool, ToolChoice
from tests.support.lexing import LlguidanceGrammar
from tests.support.syntaxes import (
    ARGUMENTS,
    ARRAY,
    BARE,
    NAME,
    NAME_IN_TAG,
    TAGGED,
    TIGHT,
    TOOLS,
    new_parser,
)

PARIS = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
LYON = '{"name": "get_weather", "arguments": {"city": "Lyon"}}'
UNTHINKING = replace(TAGGED, reasoning=None)
INDENTED = PARIS.replace("{", "{\n    ").replace("}", "\n}").replace(", ", ",\n    ")
AROUND = f"<calls>[\n  {PARIS}\n]</calls>"
LAYOUTS = {
    "no line break in tags": (TAGGED, f"<tool_call>{PARIS}</tool_call>"),
    "text before": (UNTHINKING, f"Let me see.\n<tool_call>{PARIS}\n</tool_call>"),
    "two calls": (TAGGED, f"<tool_call>{PARIS}</tool_call>\n<tool_call>\n{LYON}\n</tool_call>"),
    "list on lines": (ARRAY, AROUND),
    "list of two on lines": (ARRAY, f"<calls>[\n  {PARIS},\n  {LYON}\n]</calls>"),
    "line break in a tight tag": (
        TIGHT,
        '<c>\n{"name": "get_weather", "arguments":{"city":"Paris"}}\n</c>',
    ),
    "indented": (replace(ARRAY, indented=True), f"<calls>[\n{INDENTED}\n]</calls>"),
}


@pytest.mark.parametrize(("syntax", "text"), LAYOUTS.values(), ids=LAYOUTS)
def test_another_layout_of_calls_is_read_and_allowed_but_never_forced(
    syntax: Syntax, text: str
) -> None:
    auto, required = (
        build_grammar(syntax, Wanted(tools=TOOLS, choice=ToolChoice(mode)))
        for mode in ("auto", "required")
    )
    assert auto.matches(text)
    assert LlguidanceGrammar(auto.llguidance()).matches(text)
    assert not required.matches(text)
    calls = read(new_parser(syntax), text).tool_calls
    assert [call.name for call in calls] == ["get_weather"] * text.count("get_weather")
    assert not auto.matches(text.replace("Paris", '"'))
    assert not auto.matches(text.replace("get_weather", "get_whether"))


@pytest.mark.parametrize("syntax", [TAGGED, ARRAY, TIGHT, NAME_IN_TAG])
def test_two_characters_tell_the_written_layout_and_all_behind_is_forced(syntax: Syntax) -> None:
    text = write(syntax, calls=[Call("get_weather", {"city": "Paris"})])
    tool = TOOLS[:1]
    chosen = {
        mode: LlguidanceGrammar(
            build_grammar(syntax, Wanted(tools=tool, choice=ToolChoice(mode))).llguidance()
        ).steps(text)[1]
        for mode in ("auto", "required")
    }
    # One tells a call from text that quotes the mark, one the written layout from others; or
    # one tells a name from other words, one arguments from what follows a name in prose.
    assert chosen["auto"] - chosen["required"] <= len(syntax.marker) + 2


def test_indented_arguments_are_allowed_where_the_template_indents_them() -> None:
    template = (
        "{% if tools %}Answer with <|calls|> followed by a JSON list of tools. "
        "{{ tools | tojson }}{% endif %}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
        "{% if m.tool_calls %}<|calls|>{{ m.tool_calls | map(attribute='function') | list "
        "| tojson(indent=4) }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )
    tool = {
        "type": "function",
        "function": {"name": "get_weather", "parameters": TOOLS[0].parameters},
    }
    text = f"<|calls|>[\n{INDENTED}\n]"
    assert Dialect.from_template(template).grammar([tool], "auto").matches(text)
    plain = template.replace("(indent=4)", "")
    assert not Dialect.from_template(plain).grammar([tool], "auto").matches(text)


MARKED = replace(
    BARE, also=(("<|begin|>" + str(BARE.call[0]), *BARE.call[1:-1], "}<|end|>"),), parallel=False
)
LOOSE_MARKS = '<|begin|>{"name": "get_weather", "parameters": {"city": "Paris"}}<|end|>'


def test_marks_that_may_stand_around_a_bare_call_are_allowed_and_begin_no_text() -> None:
    auto, none = (
        build_grammar(MARKED, Wanted(tools=TOOLS, choice=ToolChoice(mode)))
        for mode in ("auto", "none")
    )
    bare = LOOSE_MARKS.removeprefix("<|begin|>").removesuffix("<|end|>")
    for text in (LOOSE_MARKS, bare, "Hello <b>there</b>."):
        assert auto.matches(text)
        assert LlguidanceGrammar(auto.llguidance()).matches(text)
    (call,) = read(new_parser(MARKED), LOOSE_MARKS).tool_calls
    assert call.name == "get_weather"
    assert not auto.matches(LOOSE_MARKS.replace("get_weather", "get_whether"))
    assert not none.matches(LOOSE_MARKS)


@pytest.mark.parametrize("quote", ['"', "'"])
def test_strings_of_python_calls_stand_in_either_quote(quote: str) -> None:
    written = replace(PYTHON, quote=quote)
    form = Pair("", "=", ())
    pairs = Pairs(
        text=form, other=form, separator=", ", quoted=True, scalars=written, notation=written
    )
    syntax = Syntax(
        call=("", NAME, "(", ARGUMENTS, ")"),
        section=Marked("[", "]"),
        separator=", ",
        pairs=pairs,
    )
    auto = build_grammar(syntax, Wanted(tools=TOOLS[:1]))
    for text in ("[get_weather(city='a\"b\\'c')]", '[get_weather(city="a\'b\\"c", days=2)]'):
        assert auto.matches(text)
        assert LlguidanceGrammar(auto.llguidance()).matches(text)
        (call,) = read(new_parser(syntax), text).tool_calls
        assert json.loads(call.arguments)["city"] in ("a\"b'c", "a'b\"c")
    assert not auto.matches("[get_weather(city='a\")]")


@pytest.mark.parametrize("syntax", [TAGGED, ARRAY, TIGHT, replace(ARRAY, indented=True), BARE])
def test_many_tools_in_other_layouts_are_not_too_much_for_llama_cpp(syntax: Syntax) -> None:
    schema = {"type": "object", "properties": {"at": {"enum": ["left", "right"]}}}
    tools = tuple(Tool(name=f"look_{n}", parameters=schema) for n in range(60))
    grammar = build_grammar(syntax, Wanted(tools=tools))
    grammar.refuse_crowded()  # raises where it is
    places = re.findall(r"\[[^\]]*\]\{0,\d{2,}\}", grammar.gbnf)
    assert len(places) <= 2, "llama.cpp writes a repetition out wherever it stands"
