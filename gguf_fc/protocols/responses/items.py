"""Items of a Responses conversation, as types, for input and output alike.

The same types read the input of a request and the output of an earlier response, so one can be
sent back as the other.  Knows the wire, not what a model reads of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from gguf_fc.protocols.responses.tool_types import ResponseTool
from gguf_fc.typed_json import about

Status = Literal["in_progress", "completed", "incomplete"]
CallId = Annotated[str, about("links a call and its result")]
Name = Annotated[str, about("of the tool")]
Namespace = Annotated[str | None, about("the group of tools that it is in")]
NewId = Callable[[str], str]  # a fresh id behind a prefix


class ItemPart(Struct, omit_defaults=True):
    """One part of a content; only text can be read by the models served here."""

    type: Annotated[
        str, about("`input_text`, `output_text`, `refusal`, ...; any other is a note in its place")
    ]
    text: Annotated[str | None, about("required, but for a `refusal`")] = None
    refusal: Annotated[str | None, about("read as text")] = None
    annotations: Annotated[list[Any] | None, about("as they were sent; not read")] = None
    logprobs: Annotated[list[Any] | None, about("as they were sent; not read")] = None


class ResponseItem(Struct, kw_only=True, tag_field="type", omit_defaults=True):
    """Fields of all items."""

    id: Annotated[str | None, about("by which it can be referred to, if it is kept")] = None
    status: Annotated[Status | None, about("as it was sent; shown again")] = None


class MessageItem(ResponseItem, kw_only=True, tag="message"):
    """A turn of the conversation; its ``type`` may be left out."""

    role: Annotated[Literal["user", "assistant", "system", "developer"], about("whose turn it is")]
    content: Annotated[str | list[ItemPart], about("text of the message")]
    phase: Annotated[str | None, about("as it was sent; not read")] = None


class FunctionCallItem(ResponseItem, kw_only=True, tag="function_call"):
    """A past call."""

    call_id: CallId
    name: Name
    namespace: Namespace = None
    arguments: Annotated[
        Any, about("JSON; repaired if it is not quite JSON, else kept as a text `input`")
    ]


class FunctionCallOutputItem(ResponseItem, kw_only=True, tag="function_call_output"):
    """The result of a call."""

    call_id: CallId
    output: Annotated[str | list[ItemPart], about("what the tool returned")]
    name: Annotated[str | None, about("of the tool")] = None
    namespace: Namespace = None


class CustomToolCallItem(ResponseItem, kw_only=True, tag="custom_tool_call"):
    """A past call of a custom tool, whose argument is one text."""

    call_id: CallId
    name: Name
    namespace: Namespace = None
    input: Annotated[str, about("the text")]


class CustomToolCallOutputItem(ResponseItem, kw_only=True, tag="custom_tool_call_output"):
    """The result of such a call."""

    call_id: CallId
    output: Annotated[str | list[ItemPart], about("what the tool returned")]
    name: Annotated[str | None, about("of the tool")] = None
    namespace: Namespace = None


class ReasoningItem(ResponseItem, kw_only=True, tag="reasoning"):
    """Earlier reasoning of the assistant's."""

    summary: Annotated[list[ItemPart], about("read where nothing else is there")] = []
    content: Annotated[list[ItemPart] | None, about("the reasoning")] = None
    encrypted_content: Annotated[
        str | None, about("the reasoning as this server packed it; another's is not read")
    ] = None


class ItemReference(ResponseItem, kw_only=True, tag="item_reference"):
    """An item that is kept here, by its id; its ``type`` may be left out."""

    id: Annotated[str, Meta(min_length=1, description="of an item that is kept here")]


class AdditionalToolsItem(ResponseItem, kw_only=True, tag="additional_tools"):
    """Tools that stand in the conversation instead of ``tools``; they are offered too."""

    tools: Annotated[list[ResponseTool], about("as the field `tools` has them")] = []


class OtherItem(ResponseItem, kw_only=True, tag="other"):
    """An item of any other type, which only the server that made it can use; passed over."""


Kept = (
    MessageItem
    | FunctionCallItem
    | FunctionCallOutputItem
    | CustomToolCallItem
    | CustomToolCallOutputItem
    | ReasoningItem
    | AdditionalToolsItem
)
Item = (
    MessageItem
    | FunctionCallItem
    | FunctionCallOutputItem
    | CustomToolCallItem
    | CustomToolCallOutputItem
    | ReasoningItem
    | AdditionalToolsItem
    | ItemReference
    | OtherItem
)

_PREFIXES = {
    MessageItem: "msg_",
    FunctionCallItem: "fc_",
    FunctionCallOutputItem: "fco_",
    CustomToolCallItem: "ctc_",
    CustomToolCallOutputItem: "ctco_",
    ReasoningItem: "rs_",
    AdditionalToolsItem: "at_",
}


def settled(item: Kept, new_id: NewId) -> Kept:
    """*item* as it is kept and listed: with an id, a status and its content as parts."""
    changes: dict[str, Any] = {"id": item.id or new_id(_PREFIXES[type(item)])}
    if not isinstance(item, ReasoningItem | AdditionalToolsItem):
        changes["status"] = item.status or "completed"
    if isinstance(item, MessageItem):
        kind = "output_text" if item.role == "assistant" else "input_text"
        parts = item.content
        if isinstance(parts, str):
            parts = [ItemPart(kind, parts)]
        changes["content"] = [_with_annotations(part) for part in parts]
    return msgspec.structs.replace(item, **changes)


def shown(item: Kept) -> dict[str, Any]:
    """*item* as JSON."""
    found: dict[str, Any] = msgspec.to_builtins(item)
    if isinstance(item, ReasoningItem):
        found["summary"] = msgspec.to_builtins(item.summary)
    return found


def kept_items(output: list[dict[str, Any]]) -> tuple[Kept, ...]:
    """The output of a response as items of a conversation."""
    return tuple(msgspec.convert(output, list[Kept]))


def _with_annotations(part: ItemPart) -> ItemPart:
    """*part* with annotations, which clients expect in an assistant's text."""
    if part.type != "output_text" or part.annotations is not None:
        return part
    return msgspec.structs.replace(part, annotations=[])
