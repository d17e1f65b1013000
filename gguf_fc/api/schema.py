"""The body of a chat completion request, as types; and what happens to every other field.

One policy for fields, documented in ``docs/api.md``:

1. a field listed in ``ChatBody`` is honoured, or refused with an error that names it;
2. a field in ``NO_EFFECT`` cannot change the answer of a local server: it is accepted and named in
   the ``x-gguf-fc-ignored`` response header;
3. a field in ``UNSUPPORTED`` would change the answer: it is refused, unless it has the value that
   asks for nothing;
4. any other field is refused, with the nearest name we know.

A field that is null counts as absent.  This module knows the wire, not what is done with it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import msgspec
import orjson
from msgspec import Meta, Struct

from gguf_fc.errors import InvalidParameter, UnsupportedParameter

Probability = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
TokenCount = Annotated[int, Meta(ge=1, le=10_000_000)]
StopString = Annotated[str, Meta(min_length=1, max_length=1000)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
ToolName = Annotated[str, Meta(pattern=r"^[\w.:/-]{1,128}$")]


class ContentPart(Struct):
    """One part of a message's content; only text can be read by the models served here."""

    type: str
    text: str | None = None


class CalledFunction(Struct):
    """The function part of a call in the conversation.  *arguments* is JSON text or an object."""

    name: Annotated[str, Meta(min_length=1)]
    arguments: str | dict[str, Any] | None = None


class Call(Struct):
    """A call an assistant made earlier."""

    function: CalledFunction
    id: str | None = None
    type: Literal["function"] = "function"


class ChatMessage(Struct):
    """A turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[ContentPart] | None = None
    name: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: str | None = None
    refusal: str | None = None


class Function(Struct):
    """A function a client offers."""

    name: ToolName
    description: str | None = None
    parameters: dict[str, Any] | bool | None = None
    strict: bool | None = None


class FunctionTool(Struct):
    """An entry of ``tools``."""

    function: Function
    type: Literal["function"] = "function"


class JsonSchema(Struct):
    """The ``json_schema`` part of a response format."""

    name: str | None = None
    schema: dict[str, Any] | bool | None = None
    strict: bool | None = None
    description: str | None = None


class ResponseFormat(Struct):
    """The form asked of the answer."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(Struct):
    """What to add to a stream."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ChatBody(Struct):
    """Every field that is honoured."""

    messages: Annotated[list[ChatMessage], Meta(min_length=1, max_length=10_000)]
    model: str | None = None
    tools: Annotated[list[FunctionTool], Meta(max_length=1000)] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    grammar: str | None = None
    max_tokens: TokenCount | None = None
    max_completion_tokens: TokenCount | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Probability | None = None
    top_k: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    min_p: Probability | None = None
    repeat_penalty: Annotated[float, Meta(gt=0, le=10)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    logit_bias: dict[str, Annotated[float, Meta(ge=-100, le=100)]] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: StopString | Annotated[list[StopString], Meta(max_length=16)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    enable_thinking: bool | None = None
    reasoning_effort: Effort | None = None


# Accepted, without effect on what a local server answers.
NO_EFFECT = frozenset(
    {
        "metadata",
        "moderation",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
    }
)

# Would change the answer; refused unless it has one of these values, which ask for nothing.
UNSUPPORTED: Mapping[str, tuple[object, ...]] = {
    "audio": (),
    "best_of": (1,),
    "function_call": ("none",),
    "functions": ([],),
    "logprobs": (False,),
    "modalities": (["text"],),
    "n": (1,),
    "top_logprobs": (0,),
    "verbosity": ("medium",),
    "web_search_options": (),
}

INSTEAD = {
    "functions": "send them as 'tools'",
    "function_call": "use 'tool_choice'",
    "n": "send the request several times",
}

MAX_DEPTH = 200  # of objects and lists in each other

HONOURED = frozenset(ChatBody.__struct_fields__)


def parse_chat_body(body: bytes) -> tuple[ChatBody, tuple[str, ...]]:
    """Decode *body*; also return the names of the fields that were accepted without effect.

    Raises InvalidParameter or UnsupportedParameter, naming the field.
    """
    fields = _decode_object(body)
    present = {name: value for name, value in fields.items() if value is not None}
    ignored = _sort_out(present)
    kept = {name: value for name, value in present.items() if name in HONOURED}
    try:
        parsed = msgspec.convert(kept, ChatBody)
    except msgspec.ValidationError as error:
        raise _named(error) from error
    return parsed, (*ignored, *_unread_message_fields(kept["messages"]))


def _decode_object(body: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidParameter(f"The body is not JSON: {error}.") from error
    if not isinstance(fields, dict):
        raise InvalidParameter("The body must be a JSON object.")
    for name, value in fields.items():
        if _is_deep(value):
            raise InvalidParameter(f"'{name}' is nested more than {MAX_DEPTH} deep.", param=name)
    return fields


def _is_deep(value: object) -> bool:
    """Whether *value* is nested deeper than whatever reads it later can go."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
        case _:
            return ()


def _sort_out(present: Mapping[str, object]) -> tuple[str, ...]:
    """Apply rules 2 to 4; return the fields without effect."""
    ignored = []
    for name, value in present.items():
        if name in HONOURED or value in UNSUPPORTED.get(name, ()):
            continue
        if name in NO_EFFECT:
            ignored.append(name)
        elif name in UNSUPPORTED:
            hint = INSTEAD.get(name, "leave it out")
            raise UnsupportedParameter(
                f"'{name}' is not supported by this server; {hint}.", param=name
            )
        else:
            raise UnsupportedParameter(_unknown(name), param=name)
    return tuple(ignored)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, sorted(HONOURED | NO_EFFECT), n=1)
    hint = f" Did you mean '{near[0]}'?" if near else " Leave it out."
    return f"Unknown field '{name}'.{hint}"


def _unread_message_fields(messages: list[dict[str, Any]]) -> tuple[str, ...]:
    """Fields of messages that clients echo back and no template reads, such as ``annotations``."""
    return tuple(
        f"messages[{n}].{name}"
        for n, message in enumerate(messages)
        for name, value in message.items()
        if name not in ChatMessage.__struct_fields__ and value not in (None, [], {})
    )


_AT = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>\w+)`")


def _named(error: msgspec.ValidationError) -> InvalidParameter:
    """The decoder's error with its path as ``param``."""
    found = _AT.match(str(error))
    what, path = (found["what"], found["path"] or "") if found else (str(error), "")
    param = path.lstrip(".")
    if missing := _MISSING.match(what):
        param = f"{param}.{missing['field']}".lstrip(".")
        return InvalidParameter(f"'{param}' is required.", param=param)
    return InvalidParameter(f"'{param}' cannot be used: {what}.", param=param or None)
