"""Constraints on a reply under the names that other servers have for them: one may be sent."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import orjson
import pytest

from gguf_fc.errors import InvalidParameter
from gguf_fc.job import Sampling
from gguf_fc.protocols.chat.request import to_request
from gguf_fc.protocols.chat.schema import CHAT
from gguf_fc.protocols.completions.request import to_asked
from gguf_fc.protocols.completions.schema import TEXT
from gguf_fc.protocols.constraints import KINDS
from gguf_fc.request import OwnGrammar, Request, TextRequest

SCHEMA: Any = {"type": "object", "properties": {"a": {"type": "integer"}}}
VALUES: dict[str, Any] = {
    "gbnf": 'root ::= "a"',
    "regex": "[a-z]+",
    "texts": ["yes", "no"],
    "schema": SCHEMA,
}
USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "f"}}
JSON = {"response_format": {"type": "json_object"}}


def sent(path: str, value: Any) -> dict[str, Any]:
    holder, _, name = path.rpartition(".")
    return {holder: {name: value}} if holder else {name: value}


def of(path: str) -> Any:
    return True if path.endswith("json_object") else VALUES[KINDS[path]]


def chat(**fields: Any) -> Request:
    return to_request(CHAT.parse(orjson.dumps({"messages": [USER], **fields}))[0], Sampling())


def text(**fields: Any) -> TextRequest:
    body, ignored = TEXT.parse(orjson.dumps({"prompt": "a", **fields}))
    return to_asked(body, ignored, Sampling()).requests[0]


def refused(read: Any, **fields: Any) -> InvalidParameter:
    with pytest.raises(InvalidParameter) as caught:
        read(**fields)
    return caught.value


@pytest.mark.parametrize("path", KINDS)
def test_every_name_means_the_same_in_both_protocols(path: str) -> None:
    value, kind = of(path), KINDS[path]
    asked, completed = chat(**sent(path, value)), text(**sent(path, value))
    if kind == "schema":
        schema = {"type": "object"} if value is True else SCHEMA
        assert (asked.format.schema, asked.format.schema_at) == (schema, path)
        assert completed.form is not None
        assert (completed.form.schema, completed.form.param) == (schema, path)
        return
    source = tuple(value) if kind == "texts" else value
    for own in (asked.grammar, completed.grammar):
        assert own == OwnGrammar(kind=kind, source=source)  # type: ignore[arg-type]
        assert own.param == path


@pytest.mark.parametrize(("one", "other"), list(combinations(KINDS, 2)))
def test_two_constraints_are_refused(one: str, other: str) -> None:
    first, second = sent(one, of(one)), sent(other, of(other))
    body = {name: {**first.get(name, {}), **second[name]} for name in first.keys() & second.keys()}
    for read in (chat, text):
        error = refused(read, **{**first, **second, **body})
        assert one in error.message
        assert other in error.message


@pytest.mark.parametrize("path", KINDS)
def test_a_constraint_and_a_response_format_are_refused(path: str) -> None:
    for read in (chat, text):
        assert refused(read, **sent(path, of(path)), **JSON).param == path
        read(**sent(path, of(path)), response_format={"type": "text"})


@pytest.mark.parametrize("path", KINDS)
def test_tools_go_with_a_schema_only(path: str) -> None:
    if KINDS[path] == "schema":
        assert chat(**sent(path, of(path)), tools=[TOOL]).format.schema_at == path
    else:
        assert refused(chat, **sent(path, of(path)), tools=[TOOL]).param == path
        chat(**sent(path, of(path)), tools=[])


@pytest.mark.parametrize("path", [path for path in KINDS if KINDS[path] == "schema"])
def test_a_schema_may_be_sent_as_its_text(path: str) -> None:
    if path.endswith("json_object"):
        return
    written = orjson.dumps(SCHEMA).decode()
    assert chat(**sent(path, written)).format.schema == SCHEMA
    for spoilt in ("{", "[]", "1", ""):
        assert refused(chat, **sent(path, spoilt)).param == path
    assert chat(**sent(path, value=False)).format.schema is False


def test_what_asks_for_nothing_is_no_constraint_and_a_structural_tag_is_refused() -> None:
    assert chat(structured_outputs={"json_object": False}).format.type == "text"
    assert chat(structured_outputs={}).grammar is None
    error = refused(chat, structured_outputs={"structural_tag": "{}"})
    assert error.param == "structured_outputs.structural_tag"
    assert refused(chat, choice=[]).param == "choice"
    assert refused(chat, choice=[""]).param == "choice[0]"


@pytest.mark.parametrize("read", [chat, text])
def test_the_fewest_tokens_are_bounded_by_the_most(read: Any) -> None:
    assert read(min_tokens=4, max_tokens=4).min_tokens == 4
    assert read(ignore_eos=True, max_tokens=4).min_tokens > 10_000_000
    assert read(ignore_eos=False).min_tokens == 0
    assert refused(read, min_tokens=5, max_tokens=4).param == "min_tokens"
    assert refused(read, min_tokens=-1).param == "min_tokens"


ASSISTANT = {"role": "assistant", "content": "It is"}


@pytest.mark.parametrize(
    ("last", "fields", "param"),
    [
        (ASSISTANT, {"add_generation_prompt": False, "continue_final_message": True}, None),
        (ASSISTANT, {"add_generation_prompt": False}, None),
        (ASSISTANT, {"continue_final_message": True}, None),
        (ASSISTANT, {"add_generation_prompt": True}, None),
        (ASSISTANT, {"continue_final_message": False}, "continue_final_message"),
        (USER, {"add_generation_prompt": True, "continue_final_message": False}, None),
        (USER, {"add_generation_prompt": False}, "add_generation_prompt"),
        (USER, {"continue_final_message": True}, "continue_final_message"),
    ],
)
def test_a_client_may_say_how_the_messages_end_where_it_is_so(
    last: Any, fields: dict[str, bool], param: str | None
) -> None:
    messages = [USER, last]
    if param is None:
        chat(messages=messages, **fields)
    else:
        assert refused(chat, messages=messages, **fields).param == param
