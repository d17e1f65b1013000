"""Tools that were built into a model: called as code behind a mark, where they are offered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gguf_fc.dialect import Dialect
from gguf_fc.dialect.learn.known import code_entries, code_for
from gguf_fc.dialect.syntax import Marked
from gguf_fc.events import CallEnd, CallStart
from tests.support.families import Heard, canonical, function, hear

MARK = "<|python_tag|>"
HEAD = "{# <|python_tag|> #}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
CALLS = "{% for call in m.tool_calls or [] %}"
TAIL = "{% endfor %}<|eot|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
BARE = '{"name": "{{ call.function.name }}", "parameters": {{ call.function.arguments | tojson }}}'
TAGGED = "<function={{ call.function.name }}>{{ call.function.arguments | tojson }}</function>"
DIALECTS = {
    name: Dialect.from_template(HEAD + CALLS + written + TAIL)
    for name, written in (("bare", BARE), ("tagged", TAGGED))
}
EVERY_DIALECT = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)


def tool(name: str, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return function(name, parameters)


SEARCH = tool("brave_search", query={"type": "string", "maxLength": 20})
CODE = tool("code_interpreter", code={"type": "string"})
LOOK = tool("look", at={"enum": ["left", "right"]})
TOOLS = [SEARCH, CODE, LOOK]


def heard(dialect: Dialect, text: str, tools: list[dict[str, Any]]) -> Heard:
    whole = hear(dialect.parser(tools=tools), [text])
    assert hear(dialect.parser(tools=tools), text) == whole
    return whole


@EVERY_DIALECT
@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ('brave_search.call(query="Who is \\"A\\"?")', "brave_search", {"query": 'Who is "A"?'}),
        ("brave_search.call(query='Who?')", "brave_search", {"query": "Who?"}),
        ('\nimport math\nprint("é")\n', "code_interpreter", {"code": 'import math\nprint("é")\n'}),
        ("look.call(at='left')", "code_interpreter", {"code": "look.call(at='left')"}),
        ("brave_search.find(1)", "code_interpreter", {"code": "brave_search.find(1)"}),
    ],
)
def test_code_behind_the_mark_is_a_call(
    dialect: Dialect, text: str, name: str, arguments: dict[str, Any]
) -> None:
    read = heard(dialect, MARK + text, TOOLS)
    assert (read.calls, read.content, read.ended) == ([(name, canonical(arguments))], "", 1)


@EVERY_DIALECT
def test_the_mark_may_stand_before_any_call(dialect: Dialect) -> None:
    call = dialect.write(tool_calls=[{"name": "look", "arguments": {"at": "left"}}])
    assert heard(dialect, MARK + call, TOOLS).calls == [("look", canonical({"at": "left"}))]


@EVERY_DIALECT
@pytest.mark.parametrize("tools", [[LOOK], [], [tool("python", a={}, b={})], [tool("ipython")]])
def test_without_a_tool_of_that_name_it_is_text(
    dialect: Dialect, tools: list[dict[str, Any]]
) -> None:
    text = f"{MARK}print(1)"
    assert heard(dialect, text, tools).content == text


@EVERY_DIALECT
def test_text_that_is_no_call_stays_text_without_an_interpreter(dialect: Dialect) -> None:
    text = f"{MARK}print(1)"
    read = heard(dialect, text, [SEARCH])
    assert (read.content, read.started) == (text, 0)


@EVERY_DIALECT
def test_plain_text_is_text_where_such_tools_are_offered(dialect: Dialect) -> None:
    assert heard(dialect, " It is 5.", TOOLS).content == " It is 5."
    assert dialect.grammar(TOOLS).matches("It is 5.")


@EVERY_DIALECT
def test_a_call_that_breaks_is_not_complete(dialect: Dialect) -> None:
    read = heard(dialect, f'{MARK}brave_search.call(query="Who", 5', TOOLS)
    assert (read.started, read.ended) == (1, 0)


@EVERY_DIALECT
def test_code_that_was_cut_off_is_not_complete(dialect: Dialect) -> None:
    parser = dialect.parser(tools=TOOLS)
    events = [*parser.feed(f"{MARK}print("), *parser.finish(whole=False)]
    assert isinstance(events[0], CallStart)
    assert not any(isinstance(event, CallEnd) for event in events)


@EVERY_DIALECT
def test_code_is_complete_up_to_a_stop_string_of_the_client(dialect: Dialect) -> None:
    parser = dialect.parser(tools=TOOLS)
    events = [*parser.feed(f"{MARK}print(1)"), *parser.finish(stopped=True)]
    assert isinstance(events[-1], CallEnd)


def test_text_may_stand_before_the_mark_where_calls_have_marks() -> None:
    read = heard(DIALECTS["tagged"], f"I compute. {MARK}print(1)", TOOLS)
    assert read.content == "I compute."
    assert read.calls == [("code_interpreter", canonical({"code": "print(1)"}))]
    assert DIALECTS["tagged"].grammar(TOOLS).matches(f"I compute. {MARK}print(1)")


@EVERY_DIALECT
@pytest.mark.parametrize(
    ("text", "tools", "accepted"),
    [
        ('brave_search.call(query="Who?")', TOOLS, True),
        ('brave_search.call(query="Who is it, and why at all?")', TOOLS, False),
        ("brave_search.call(at=5)", TOOLS, False),
        ("print('look')", TOOLS, True),
        ("print('look')", [SEARCH, LOOK], False),
        ('brave_search.call(query="Who?")', [LOOK], False),
    ],
)
def test_a_required_call_may_be_code_that_is_valid(
    dialect: Dialect, text: str, tools: list[dict[str, Any]], *, accepted: bool
) -> None:
    for choice in ("auto", "required"):
        grammar = dialect.grammar(tools, choice)
        assert grammar.matches(MARK + text) == accepted or (choice, tools) == ("auto", [LOOK])
        call = dialect.write(tool_calls=[{"name": "look", "arguments": {"at": "left"}}])
        assert grammar.matches(call)
        if tools != [LOOK]:  # otherwise all of it is text
            assert not grammar.matches(MARK + call.replace("left", "up"))


@EVERY_DIALECT
def test_a_named_interpreter_is_given_whatever_stands_there(dialect: Dialect) -> None:
    choice = {"type": "function", "function": {"name": "code_interpreter"}}
    text = f'{MARK}brave_search.call(query="Who?")'
    assert dialect.grammar(TOOLS, choice).matches(text)
    code = canonical({"code": text.removeprefix(MARK)})
    assert heard(dialect, text, [CODE]).calls == [("code_interpreter", code)]


@EVERY_DIALECT
def test_an_answer_in_a_form_or_code_may_be_asked_for(dialect: Dialect) -> None:
    asked = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "integer"}}}
    grammar = dialect.grammar(TOOLS, "auto", response_format=asked)
    assert grammar.matches("5")
    assert grammar.matches(f"{MARK}print(1)")
    assert not grammar.matches("print(1)")


def test_a_tool_without_arguments_may_be_built_in() -> None:
    grammar = DIALECTS["bare"].grammar([tool("wolfram_alpha")], "required")
    assert grammar.matches(f"{MARK}wolfram_alpha.call()")


def test_reasoning_may_come_first() -> None:
    thought = "{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}"
    dialect = Dialect.from_template(
        HEAD.replace("{{ m.content", thought + "{{ m.content") + CALLS + TAGGED + TAIL
    )
    assert dialect.syntax.reasoning == Marked("<think>", "</think>")
    for text in (f"<think>So.</think>{MARK}print(1)", f"{MARK}print(1)"):
        assert dialect.grammar(TOOLS).matches(text)
        assert heard(dialect, text, TOOLS).ended == 1


def test_an_entry_is_used_for_what_contains_one_of_its_texts_and_lacks_others() -> None:
    for entry in code_entries():
        for text in entry.contains_one:
            assert code_for(f"a {text} b") is entry.syntax
        assert code_for("".join((*entry.contains_one, *entry.lacks))) is None
    assert code_for("a b") is None


def test_a_syntax_with_code_is_data() -> None:
    code = DIALECTS["bare"].syntax.to_dict()["code"]
    assert code["open"] == MARK
    assert json.loads(json.dumps(code)) == code
