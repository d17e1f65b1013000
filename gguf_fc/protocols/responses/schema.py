"""Field table of a response request: the body as types, and the fate of every other field.

The policy is ``fields.py``'s.  This module knows the wire, not what is done with it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from gguf_fc.protocols.field_types import (
    Effort,
    FrequencyPenalty,
    MinP,
    ModelName,
    PresencePenalty,
    RepeatPenalty,
    Seed,
    Stop,
    Temperature,
    TokenCount,
    TopK,
    TopP,
)
from gguf_fc.protocols.fields import Fields, Refused
from gguf_fc.protocols.responses.as_sent import regular_input
from gguf_fc.protocols.responses.items import Item
from gguf_fc.protocols.responses.tool_types import ResponseTool
from gguf_fc.protocols.shared_rows import (
    CACHE,
    NOTHING_KEPT,
    ONE_ANSWER,
    SHARED_WITHOUT_EFFECT,
)
from gguf_fc.typed_json import about

SummaryStyle = Literal["auto", "concise", "detailed"]
MetadataKey = Annotated[str, Meta(max_length=64)]
MetadataValue = Annotated[str, Meta(max_length=512)]


class TextFormat(Struct):
    """The form asked of the answer."""

    type: Annotated[Literal["text", "json_object", "json_schema"], about("what it is")]
    name: Annotated[str | None, about("repeated in the response")] = None
    schema: Annotated[
        dict[str, Any] | bool | None, about("of the answer; required for `json_schema`")
    ] = None
    strict: Annotated[
        bool | None, about("`true`: refuse a schema that cannot be enforced in full")
    ] = None
    description: Annotated[str | None, about("what the model is told of it")] = None


class TextConfig(Struct):
    """Form and length of the answer."""

    format: Annotated[TextFormat | None, about("its form, if it is not a call")] = None
    verbosity: Annotated[Literal["low", "medium", "high"] | None, about("how much is said")] = None


class ReasoningConfig(Struct):
    """Effort of reasoning, and the form in which it is sent."""

    effort: Annotated[Effort | None, about("how much; `none` switches it off")] = None
    summary: Annotated[
        SummaryStyle | None, about("send the reasoning as its own summary, in full")
    ] = None
    generate_summary: Annotated[SummaryStyle | None, about("as `summary`")] = None


class ResponseStreamOptions(Struct):
    """Additions to a stream."""

    include_obfuscation: Annotated[bool | None, about("nothing is obfuscated")] = None


class ResponsesBody(Struct, kw_only=True):
    """Every field that is honoured."""

    input: Annotated[
        str | Annotated[list[Item], Meta(max_length=10_000)],
        about("what is said, or the items of the conversation so far"),
    ]
    model: ModelName = None
    instructions: Annotated[str | None, about("a system message, for this response only")] = None
    previous_response_id: Annotated[
        str | None, about("go on from this response, if it is still kept")
    ] = None
    store: Annotated[
        bool | None, about("keep the response, so that it can be gone on from; `true` if absent")
    ] = None
    tools: Annotated[
        Annotated[list[ResponseTool], Meta(max_length=1000)] | None,
        about("what the model may call; tools of other types are passed over"),
    ] = None
    tool_choice: Annotated[
        str | dict[str, Any] | None,
        about("`none`, `auto`, `required`, a tool or `allowed_tools`; held by a grammar"),
    ] = None
    parallel_tool_calls: Annotated[
        bool | None, about("`false`: one call at most; default: several, one in the generic format")
    ] = None
    text: Annotated[TextConfig | None, about("the form of an answer that is not a call")] = None
    reasoning: Annotated[
        ReasoningConfig | None, about("how much reasoning, and in which form it is sent")
    ] = None
    max_output_tokens: Annotated[
        TokenCount | None, about("most tokens of a response, reasoning included")
    ] = None
    truncation: Annotated[
        Literal["auto", "disabled"] | None,
        about("`auto`: leave out the oldest turns of a conversation that is too long"),
    ] = None
    temperature: Temperature = None
    top_p: TopP = None
    top_k: TopK = None
    min_p: MinP = None
    repeat_penalty: RepeatPenalty = None
    frequency_penalty: FrequencyPenalty = None
    presence_penalty: PresencePenalty = None
    seed: Seed = None
    stop: Stop = None
    include: Annotated[
        list[str] | None,
        about("`message.output_text.logprobs`, `reasoning.encrypted_content`"),
    ] = None
    top_logprobs: Annotated[
        Annotated[int, Meta(ge=0, le=20)] | None,
        about("likeliest tokens listed beside each token of the text"),
    ] = None
    metadata: Annotated[
        Annotated[dict[MetadataKey, MetadataValue], Meta(max_length=16)] | None,
        about("repeated in the response"),
    ] = None
    stream: Annotated[bool | None, about("send the response as server-sent events")] = None
    stream_options: Annotated[
        ResponseStreamOptions | None, about("only with `stream`; nothing is obfuscated")
    ] = None


NO_SUCH_TOOLS = "there are no tools of the server's own"

RESPONSES = Fields(
    ResponsesBody,
    without_effect={
        **SHARED_WITHOUT_EFFECT,
        "access_programs": ONE_ANSWER,
        "background_options": "it says how `background` is done, which is not offered",
        "client_metadata": NOTHING_KEPT,
        "image": NO_SUCH_TOOLS,
        "max_tool_calls": f"it counts calls of the server's own tools, and {NO_SUCH_TOOLS}",
        "moderation": ONE_ANSWER,
        "prompt_cache_key": CACHE,
        "prompt_cache_options": CACHE,
        "prompt_cache_retention": CACHE,
        "safety_identifier": NOTHING_KEPT,
        "service_tier": ONE_ANSWER,
    },
    refused={
        "background": Refused("keep the connection open, or stream", harmless=(False,)),
        "context_management": Refused("shorten 'input' yourself", harmless=([],)),
        "conversation": Refused("use 'previous_response_id', or send all items in 'input'"),
        "prompt": Refused("send the text in 'instructions' and 'input'"),
    },
    histories={"input": regular_input},
)
