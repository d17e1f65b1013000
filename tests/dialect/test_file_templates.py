"""Templates of a file beside its first one, and the conversations that are rendered with them."""

from __future__ import annotations

from typing import Any

from gguf_fc import Dialect
from gguf_fc.request import Message, Tool, ToolCall
from tests.support.templates import template_text

USER: dict[str, Any] = {"role": "user", "content": "How is Paris?"}
CALL: dict[str, Any] = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "a", "function": {"name": "get_weather", "arguments": {"city": "Paris"}}}
    ],
}
RESULT: dict[str, Any] = {"role": "tool", "tool_call_id": "a", "content": "It is sunny."}
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
TURNS = (
    "{% for m in messages %}<turn>{{ m.role }}\n{{ m.content }}</turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<turn>assistant\n{% endif %}"
)
RAG = "{% for d in documents %}<doc>{{ d.title }}: {{ d.text }}</doc>{% endfor %}" + TURNS
SCHEMA = "<schema>{{ json_schema | tojson }}</schema>" + TURNS
BOOK = [{"title": "A book", "text": "Of bread."}]
ANSWER = {"type": "object", "properties": {"temperature": {"type": "number"}}}


def several(**others: str) -> Dialect:
    return Dialect.from_template(template_text("no_tools"), other_templates=others)


def test_tools_are_rendered_with_the_template_for_them() -> None:
    dialect = several(tool_use=template_text("tagged"))
    assert dialect.native
    assert dialect.templates.uses == {"tool_use": "with tools"}
    assert dialect.render([USER]).text.startswith("<turn>user")
    assert dialect.render([USER], tools=[WEATHER]).text.startswith("<|im_start|>system")


def test_calls_of_the_past_are_rendered_with_the_template_for_tools() -> None:
    """So a conversation keeps its beginning when a request comes without its tools."""
    dialect = several(tool_use=template_text("tagged"))
    prompt = dialect.render([USER, CALL, RESULT, USER])
    assert prompt.warning is None
    assert "<turn>" not in prompt.text
    assert dialect.write(tool_calls=[CALL["tool_calls"][0]["function"]]) in prompt.text
    assert "It is sunny." in prompt.text


def test_a_template_for_tools_that_fails_without_them_is_not_used_for_calls_of_the_past() -> None:
    picky = "{% if not tools %}{{ raise_exception('No tools.') }}{% endif %}"
    dialect = several(tool_use=picky + template_text("tagged"))
    prompt = dialect.render([USER, CALL, RESULT, USER])
    assert prompt.text.startswith("<turn>user")
    assert prompt.warning is None
    assert "Paris" in prompt.text
    assert "It is sunny." in prompt.text


def test_a_template_for_tools_by_another_name_is_used_where_the_first_shows_no_calls() -> None:
    dialect = several(agent=template_text("tagged"))
    assert dialect.native
    assert dialect.templates.uses == {"agent": "with tools"}


def test_a_template_that_shows_no_calls_is_not_used_for_tools() -> None:
    dialect = Dialect.from_template(
        template_text("tagged"), other_templates={"tool_use": "{% if %}", "tool_two": TURNS}
    )
    assert dialect.native
    assert dialect.warnings == ()
    assert set(dialect.templates.uses.values()) == {"not used"}
    assert "get_weather" in dialect.render([USER], tools=[WEATHER]).text


def test_documents_are_rendered_with_the_template_that_shows_them() -> None:
    dialect = several(tool_use=template_text("tagged"), rag=RAG)
    assert dialect.templates.uses == {"tool_use": "with tools", "rag": "with documents"}
    prompt = dialect.render([USER], documents=BOOK)
    assert prompt.text.startswith("<doc>A book: Of bread.</doc><turn>user")
    assert dialect.render([USER], documents=[]).text == dialect.render([USER]).text
    assert "get_weather" in dialect.render([USER], tools=[WEATHER], documents=BOOK).text


def test_a_template_that_shows_no_documents_is_not_used_for_them() -> None:
    assert several(rag=TURNS + " ").templates.uses == {"rag": "not used"}


def test_a_schema_is_told_by_the_template_that_shows_it() -> None:
    dialect = several(tool_use=template_text("tagged"), json_schema=SCHEMA)
    assert dialect.templates.uses["json_schema"] == "for answers in a schema"
    variables = dialect.templates.schema_variables(ANSWER, [Message(role="user")], [])
    prompt = dialect.render([USER], **variables).text
    assert prompt.startswith("<schema>{")
    assert "temperature" in prompt
    called = Message(role="assistant", tool_calls=(ToolCall("a", "get_weather", "{}"),))
    assert dialect.templates.schema_variables(ANSWER, [], [Tool(name="look")]) == {}
    assert dialect.templates.schema_variables(ANSWER, [called], []) == {}
    assert several().templates.schema_variables(ANSWER, [], []) == {}


def test_the_choice_stays_the_same_as_a_conversation_grows() -> None:
    dialect = several(tool_use=template_text("tagged"), rag=RAG)
    turns = [USER, CALL, RESULT]
    for more in ([USER], [USER, {"role": "assistant", "content": "Well."}, USER]):
        begun = dialect.render(turns, add_generation_prompt=False).text
        grown = dialect.render([*turns, *more], add_generation_prompt=False).text
        assert grown.startswith(begun)
