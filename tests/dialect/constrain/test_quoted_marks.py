"""Text that quotes a mark is text to the reader and to the grammar of auto, in every form."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gguf_fc.dialect.constrain.grammar import Wanted, build_grammar
from gguf_fc.dialect.read.parser import Parser
from gguf_fc.dialect.syntax import Placeholder, Syntax
from gguf_fc.dialect.write import Call, write
from gguf_fc.grammar import gbnf_to_grammar
from gguf_fc.request import Tool, ToolChoice
from tests.support import syntaxes
from tests.support.families import FAMILIES, family_dialect, hear
from tests.support.lexing import LlguidanceGrammar

TEXT = {"type": "string"}
TOOLS = (
    Tool(name="write_file", parameters={"type": "object", "properties": {"path": TEXT}}),
    Tool(name="get", parameters={"type": "object", "properties": {}}),
)
SCHEMAS = {tool.name: tool.parameters for tool in TOOLS}
SYNTAX_OF = {**{name: family_dialect(name).syntax for name in FAMILIES}, **syntaxes.SYNTAXES}
ANNOUNCED = {name: syntax for name, syntax in SYNTAX_OF.items() if syntax.form == "announced"}
MARKS = [(name, mark) for name, syntax in ANNOUNCED.items() for mark in syntax.announcements]
PROSE = (
    "The mark {mark} begins a call.",
    "Write `{mark}` before it, and `{closing}` behind.",
    "First {mark}, then {mark}!",
    "It looks so:\n{mark}\n...\n{closing}\nThat is all.",
    "{mark} is the mark.",
    "\"{mark}\" or '{mark}' or ({mark})",
    "Use {mark} \n- for that",
)


def framed(syntax: Syntax, text: str) -> str:
    """*text* as content stands in the syntax."""
    return syntax.content.open + text + syntax.content.close


def accepted(syntax: Syntax, text: str, mode: str = "auto") -> bool:
    """Whether the grammar accepts *text*, by each of the engines."""
    grammar = build_grammar(syntax, Wanted(tools=TOOLS, choice=ToolChoice(mode)))  # type: ignore[arg-type]
    engine = LlguidanceGrammar(grammar.llguidance())
    found = {reading.matches(text) for reading in (grammar, engine, gbnf_to_grammar(grammar.gbnf))}
    assert len(found) == 1, text
    return found.pop()


@pytest.mark.parametrize("prose", PROSE)
@pytest.mark.parametrize(("name", "mark"), MARKS)
def test_prose_that_quotes_a_mark_is_content_and_in_the_grammar(
    name: str, mark: str, prose: str
) -> None:
    syntax = ANNOUNCED[name]
    closing = (syntax.patterns[0].closing + syntax.section.close).strip()
    said = prose.format(mark=mark, closing=closing)
    text = framed(syntax, said)
    assert accepted(syntax, text)
    assert not accepted(syntax, text, "required")
    heard = hear(Parser(syntax, SCHEMAS, str), [text])
    assert (heard.content, heard.started) == (said, 0)
    assert hear(Parser(syntax, SCHEMAS, str), text) == heard


@pytest.mark.parametrize(
    ("name", "prose"),
    [
        ("key_tags", "The tag <function=write_file> names it. No call here."),
        ("key_tags", "<function=write_file>\nis how it begins, and <function=other> too"),
        ("name in tag", "<function=write_file> and <function=get>, as in a.b"),
        ("name in tag", "Say <function=name>."),
    ],
)
def test_prose_that_quotes_a_mark_with_a_name_is_in_the_grammar(name: str, prose: str) -> None:
    assert accepted(SYNTAX_OF[name], prose)


@pytest.mark.parametrize("name", ANNOUNCED)
def test_behind_quoted_marks_a_call_is_still_a_call(name: str) -> None:
    syntax = ANNOUNCED[name]
    if syntax.content.open or not (said := f"It is {syntax.marker}.\n"):
        pytest.skip("the prose would be a part of its own")
    call = write(syntax, calls=[Call("write_file", {"path": "a"}, "abcdefgh0")])
    assert accepted(syntax, said + call)
    assert hear(Parser(syntax, SCHEMAS, str), said + call).ended == 1


@pytest.mark.parametrize("name", ANNOUNCED)
def test_a_call_of_a_tool_that_is_not_offered_is_no_prose(name: str) -> None:
    syntax = ANNOUNCED[name]
    call = write(syntax, calls=[Call("unknown", {"path": "a"}, "abcdefgh0")])
    assert not accepted(syntax, call)
    assert not accepted(syntax, framed(syntax, "Look. " + call.lstrip()))


def test_an_id_between_name_and_arguments_does_not_make_a_call_prose() -> None:
    parts = ("[CALLS]", Placeholder("name"), "[ID]", Placeholder("id"), "[ARGS]")
    syntax = Syntax(call=(*parts, Placeholder("arguments")))
    for call in ("[CALLS]unknown[ID]abcdefgh0[ARGS]{}", "[CALLS]get[ID]a b[ARGS]{}"):
        assert not accepted(syntax, call)
    assert accepted(syntax, "[CALLS]get[ID]abcdefgh0[ARGS]{}")
    assert accepted(syntax, "The mark [CALLS] begins a call.")


@pytest.mark.parametrize(
    "attempt",
    [
        '<tool_call>\n{"nam',
        "<tool_call>[",
        "<tool_call>get",
        "<tool_call>\n write_file(",
        "<tool_call>{'",
    ],
)
def test_an_attempt_at_a_call_is_held_to_its_form(attempt: str) -> None:
    assert not accepted(replace(syntaxes.TAGGED, reasoning=None), attempt)
    assert not accepted(syntaxes.TAGGED, attempt)


def test_text_may_begin_like_a_mark_beside_reasoning() -> None:
    for text in ("<b>Yes</b>", "<tool>", "<thin", "<"):
        assert accepted(syntaxes.TAGGED, text) == (text not in {"<thin", "<"})
