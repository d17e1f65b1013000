"""OpenAI's objects as types: messages, tools, calls and formats, of every generation of its API.

Tools, custom tools, and the functions that came before them.  Types only: the modules beside this
one read them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from gguf_fc.typed_json import about

# Python's ``$`` matches before a last line break too, and only Python has ``\Z``.
ToolName = Annotated[str, Meta(pattern=r"^[\w.:/-]{1,128}(?!\n)$")]
Arguments = Annotated[
    Any,
    about("JSON text or an object; repaired if it is not quite JSON, else kept as a text `input`"),
]


class ContentPart(Struct):
    """One part of a message's content; only text can be read by the models served here."""

    type: Annotated[
        str,
        about("`text`, `input_text`, `output_text` or `refusal`; any other is a note in its place"),
    ]
    text: Annotated[str | None, about("required, but for a `refusal`")] = None
    refusal: Annotated[str | None, about("required of the type `refusal`")] = None


class CalledFunction(Struct):
    """The function part of a call in the conversation."""

    name: Annotated[str | None, about("what was called; required, though it may be empty")]
    arguments: Arguments = None


class CalledCustom(Struct):
    """The custom part of a call in the conversation."""

    name: Annotated[str, about("what was called")]
    input: Annotated[str | None, about("with what")] = None


class PastCall(Struct):
    """A call an assistant made earlier."""

    function: Annotated[CalledFunction | None, about("required of the type `function`")] = None
    custom: Annotated[CalledCustom | None, about("required of the type `custom`")] = None
    id: Annotated[str | None, about("what its result is known by")] = None
    type: Annotated[
        Literal["function", "custom"] | None, about("what was called; default: `function`")
    ] = None


class ChatMessage(Struct):
    """A turn of the conversation."""

    role: Annotated[
        Literal["system", "developer", "user", "assistant", "tool", "function", "observation"],
        about("whose turn it is; other words for one of these (`model`, `ipython`) are known too"),
    ]
    content: Annotated[
        str | list[ContentPart] | dict[str, Any] | bool | int | float | None,
        about("text of the message; of a tool's result also another JSON value"),
    ] = None
    name: Annotated[str | None, about("of the speaker, or of the tool")] = None
    reasoning_content: Annotated[str | None, about("an assistant's earlier reasoning")] = None
    reasoning: Annotated[str | None, about("as `reasoning_content`, which comes first")] = None
    tool_calls: Annotated[list[PastCall] | None, about("an assistant's earlier calls")] = None
    function_call: Annotated[
        CalledFunction | None, about("an assistant's earlier call, in the legacy form")
    ] = None
    tool_call_id: Annotated[str | None, about("the call that a tool's result answers")] = None
    refusal: Annotated[str | None, about("read as content where there is none")] = None


class LegacyFunction(Struct):
    """An entry of ``functions``."""

    name: Annotated[ToolName, about("what the model calls it")]
    description: Annotated[str | None, about("shown to the model")] = None
    parameters: Annotated[
        dict[str, Any] | bool | None, about("JSON Schema of an object; none: no arguments")
    ] = None


class FunctionTool(LegacyFunction):
    """A function a client offers."""

    strict: Annotated[
        bool | None, about("refuse the request if a keyword of the schema cannot be enforced")
    ] = None


class CustomToolGrammar(Struct):
    """The grammar of a custom tool's input."""

    syntax: Annotated[Literal["regex", "lark"], about("`regex`; `lark` is refused")]
    definition: Annotated[str, about("what the whole input matches")]


class CustomToolFormat(Struct):
    """The form of a custom tool's input."""

    type: Annotated[Literal["text", "grammar"], about("any text, or a grammar's")]
    grammar: Annotated[CustomToolGrammar | None, about("required of the type `grammar`")] = None


class CustomTool(Struct):
    """A tool whose input is a text instead of JSON."""

    name: Annotated[ToolName, about("what the model calls it")]
    description: Annotated[str | None, about("shown to the model")] = None
    format: Annotated[CustomToolFormat | None, about("none: any text")] = None


class ChatTool(Struct):
    """An entry of ``tools``."""

    function: Annotated[FunctionTool | None, about("required of the type `function`")] = None
    custom: Annotated[CustomTool | None, about("required of the type `custom`")] = None
    type: Annotated[Literal["function", "custom"], about("takes JSON arguments, or a text")] = (
        "function"
    )


class JsonSchema(Struct):
    """The ``json_schema`` part of a response format."""

    name: Annotated[str | None, about("a name for the form")] = None
    schema: Annotated[dict[str, Any] | bool | None, about("JSON Schema, required")] = None
    strict: Annotated[
        bool | None, about("refuse the request if a keyword of the schema cannot be enforced")
    ] = None
    description: Annotated[str | None, about("what the form is for; shown to the model")] = None


class ResponseFormat(Struct):
    """The form asked of the answer."""

    type: Annotated[
        Literal["text", "json_object", "json_schema"], about("any text, any object, or a schema")
    ]
    json_schema: Annotated[JsonSchema | None, about("required of the type `json_schema`")] = None
    schema: Annotated[
        dict[str, Any] | bool | None, about("another place for the schema, of either JSON type")
    ] = None


# Whole fields of a request; null counts as absent.
Messages = Annotated[list[ChatMessage], Meta(min_length=1, max_length=10_000)]
Tools = Annotated[list[ChatTool], Meta(max_length=1000)] | None
Functions = Annotated[list[LegacyFunction], Meta(max_length=1000)] | None
Choice = str | dict[str, Any] | None
