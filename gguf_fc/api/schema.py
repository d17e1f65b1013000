"""The table of a chat completion: the body as types, and what becomes of every other field.

The policy is ``fields.py``'s.  This module knows the wire, not what is done with it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from gguf_fc.api.fields import Fields, Refused, about

Probability = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
TokenCount = Annotated[int, Meta(ge=1, le=10_000_000)]
StopString = Annotated[str, Meta(min_length=1, max_length=1000)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
ToolName = Annotated[str, Meta(pattern=r"^[\w.:/-]{1,128}$")]


class ContentPart(Struct):
    """One part of a message's content; only text can be read by the models served here."""

    type: Annotated[str, about("`text`; any other is refused")]
    text: Annotated[str | None, about("the text, required")] = None


class CalledFunction(Struct):
    """The function part of a call in the conversation."""

    name: Annotated[Annotated[str, Meta(min_length=1)], about("what was called")]
    arguments: Annotated[
        str | dict[str, Any] | None, about("JSON text or an object; mended where it is not quite")
    ] = None


class Call(Struct):
    """A call an assistant made earlier."""

    function: Annotated[CalledFunction, about("what was called, with what")]
    id: Annotated[str | None, about("what its result is known by")] = None
    type: Annotated[Literal["function"], about("the only kind")] = "function"


class ChatMessage(Struct):
    """A turn of the conversation."""

    role: Annotated[
        Literal["system", "developer", "user", "assistant", "tool"], about("whose turn it is")
    ]
    content: Annotated[
        str | list[ContentPart] | None, about("what was said; required of the role `tool`")
    ] = None
    name: Annotated[str | None, about("of the speaker, or of the tool")] = None
    reasoning_content: Annotated[str | None, about("an assistant's earlier reasoning")] = None
    tool_calls: Annotated[list[Call] | None, about("an assistant's earlier calls")] = None
    tool_call_id: Annotated[str | None, about("the call that a tool's result answers")] = None
    refusal: Annotated[str | None, about("read as content where there is none")] = None


class Function(Struct):
    """A function a client offers."""

    name: Annotated[ToolName, about("what the model calls it")]
    description: Annotated[str | None, about("shown to the model")] = None
    parameters: Annotated[
        dict[str, Any] | bool | None, about("JSON Schema of an object; none: no arguments")
    ] = None
    strict: Annotated[
        bool | None, about("refuse the request if a keyword of the schema cannot be enforced")
    ] = None


class FunctionTool(Struct):
    """An entry of ``tools``."""

    function: Annotated[Function, about("the function")]
    type: Annotated[Literal["function"], about("the only kind")] = "function"


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


class StreamOptions(Struct):
    """What to add to a stream."""

    include_usage: Annotated[bool | None, about("a last chunk with `usage`")] = None
    include_obfuscation: Annotated[
        bool | None, about("nothing is added: a loopback line needs no padding")
    ] = None


class ChatBody(Struct):
    """Every field that is honoured."""

    messages: Annotated[
        list[ChatMessage],
        Meta(min_length=1, max_length=10_000, description="the conversation so far"),
    ]
    model: Annotated[str | None, about("a name of `GET /v1/models`; any other is a 404")] = None
    tools: Annotated[
        Annotated[list[FunctionTool], Meta(max_length=1000)] | None,
        about("functions the model may call"),
    ] = None
    tool_choice: Annotated[
        str | dict[str, Any] | None,
        about("`none`, `auto`, `required`, a function or `allowed_tools`; held by a grammar"),
    ] = None
    parallel_tool_calls: Annotated[bool | None, about("`false`: one call at most")] = None
    response_format: Annotated[
        ResponseFormat | None, about("the form of an answer that is not a call")
    ] = None
    grammar: Annotated[
        str | None, about("GBNF over the whole reply; not with `tools` or `response_format`")
    ] = None
    max_tokens: Annotated[TokenCount | None, about("as `max_completion_tokens`")] = None
    max_completion_tokens: Annotated[
        TokenCount | None, about("most tokens of a reply, reasoning included")
    ] = None
    temperature: Annotated[
        Annotated[float, Meta(ge=0, le=2)] | None, about("0 always takes the likeliest token")
    ] = None
    top_p: Annotated[Probability | None, about("nucleus sampling; 1 is off")] = None
    top_k: Annotated[
        Annotated[int, Meta(ge=0, le=1_000_000)] | None,
        about("choose among the likeliest so many; 0 is off"),
    ] = None
    min_p: Annotated[
        Probability | None, about("least probability, as a share of the likeliest's; 0 is off")
    ] = None
    repeat_penalty: Annotated[
        Annotated[float, Meta(gt=0, le=10)] | None,
        about("divides the logits of recent tokens; 1 is off"),
    ] = None
    frequency_penalty: Annotated[
        Penalty | None, about("taken from a recent token's logit for each time it came")
    ] = None
    presence_penalty: Annotated[Penalty | None, about("taken from a recent token's logit once")] = (
        None
    )
    logit_bias: Annotated[
        dict[str, Annotated[float, Meta(ge=-100, le=100)]] | None,
        about("token id to what is added to its logit"),
    ] = None
    seed: Annotated[
        Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None,
        about("the same seed and request give the same reply"),
    ] = None
    stop: Annotated[
        StopString | Annotated[list[StopString], Meta(max_length=16)] | None,
        about("texts that end the reply, looked for in everything the model writes"),
    ] = None
    stream: Annotated[bool | None, about("send the reply as server-sent events")] = None
    stream_options: Annotated[StreamOptions | None, about("only with `stream`")] = None
    chat_template_kwargs: Annotated[
        dict[str, Any] | None,
        about("variables of the model's chat template, by the template's own names"),
    ] = None
    enable_thinking: Annotated[
        bool | None, about("switch reasoning on or off where the template can")
    ] = None
    reasoning_effort: Annotated[
        Effort | None, about("how much reasoning; `none` switches it off")
    ] = None


ONE_ANSWER = "a local server has one way to answer"
NOTHING_KEPT = "nothing is kept or sent anywhere"
CACHE = "the prefix cache works by itself"

CHAT = Fields(
    ChatBody,
    without_effect={
        "metadata": NOTHING_KEPT,
        "moderation": ONE_ANSWER,
        "prediction": "drafts are found in the conversation itself",
        "prompt_cache_key": CACHE,
        "prompt_cache_options": CACHE,
        "prompt_cache_retention": CACHE,
        "safety_identifier": NOTHING_KEPT,
        "service_tier": ONE_ANSWER,
        "store": NOTHING_KEPT,
        "user": NOTHING_KEPT,
    },
    refused={
        "audio": Refused(),
        "best_of": Refused(harmless=(1,)),
        "function_call": Refused("use 'tool_choice'", harmless=("none",)),
        "functions": Refused("send them as 'tools'", harmless=([],)),
        "logprobs": Refused(harmless=(False,)),
        "modalities": Refused(harmless=(["text"],)),
        "n": Refused("send the request several times", harmless=(1,)),
        "top_logprobs": Refused(harmless=(0,)),
        "verbosity": Refused(harmless=("medium",)),
        "web_search_options": Refused("offer a search function in 'tools'"),
    },
)
