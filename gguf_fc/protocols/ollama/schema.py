"""Field tables of Ollama's protocol: bodies as types, and the fate of every other field.

The policy is ``fields.py``'s.  What Ollama lets be set of a model's loading is an option of this
server's start, so there it has no effect.  This module knows the wire, not what is done with it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from gguf_fc.dialect.openai_json.types import Arguments, ToolName
from gguf_fc.protocols.field_types import (
    FrequencyPenalty,
    LookBack,
    MinP,
    PresencePenalty,
    RepeatPenalty,
    Seed,
    Stop,
    Temperature,
    TopK,
    TopP,
    TypicalP,
)
from gguf_fc.protocols.fields import Fields, Refused
from gguf_fc.protocols.ollama.as_sent import regular_chat
from gguf_fc.typed_json import about

Likely = Annotated[int, Meta(ge=0, le=20)]
Neutral = Annotated[float, Meta(ge=1, le=1)]
Think = Annotated[
    bool | Literal["low", "medium", "high"] | None,
    about("switch reasoning on or off where the template can, or say how much of it"),
]
Form = Annotated[
    Literal["", "json"] | dict[str, Any] | None,
    about("`json` for any object, or the JSON Schema of the answer"),
]


class OllamaOptions(Struct):
    """Sampling, limits and stop strings."""

    temperature: Temperature = None
    top_k: TopK = None
    top_p: TopP = None
    min_p: MinP = None
    seed: Seed = None
    num_predict: Annotated[
        Annotated[int, Meta(ge=-2, le=10_000_000)] | None,
        about("most tokens of a reply; -1 and -2: until the context is full"),
    ] = None
    num_ctx: Annotated[
        Annotated[int, Meta(ge=1, le=2**31 - 1)] | None,
        about("more than a conversation can have here is a warning; a prompt over that, a 400"),
    ] = None
    stop: Stop = None
    repeat_penalty: RepeatPenalty = None
    repeat_last_n: LookBack = None
    presence_penalty: PresencePenalty = None
    frequency_penalty: FrequencyPenalty = None
    mirostat: Annotated[Literal[0] | None, about("not offered; 0 is off")] = None
    tfs_z: Annotated[Neutral | None, about("not offered; 1 is off")] = None
    typical_p: TypicalP = None


class OllamaFunction(Struct):
    """A function a client offers."""

    name: Annotated[ToolName, about("what it is called by")]
    description: Annotated[str | None, about("what the model is told of it")] = None
    parameters: Annotated[
        dict[str, Any] | bool | None, about("JSON Schema of its arguments; none: it takes none")
    ] = None


class OllamaTool(Struct):
    """An entry of ``tools``."""

    function: Annotated[OllamaFunction, about("the function")]
    type: Annotated[Literal["function"], about("the only kind")] = "function"


class OllamaCalled(Struct):
    """The function part of a past call."""

    name: Annotated[str, about("what was called")]
    arguments: Arguments = None
    index: Annotated[int | None, about("calls are read in the order they stand in")] = None


class OllamaCall(Struct):
    """A past call of the assistant's."""

    function: Annotated[OllamaCalled, about("what was called, with what")]
    id: Annotated[str | None, about("what its result is known by")] = None


class OllamaMessage(Struct):
    """A turn of the conversation."""

    role: Annotated[Literal["system", "user", "assistant", "tool"], about("whose turn it is")]
    content: Annotated[str | None, about("text of the message, or a result of a tool")] = None
    thinking: Annotated[str | None, about("an assistant's earlier reasoning")] = None
    images: Annotated[
        list[str] | None, about("refused in the user's newest message; else each is a note")
    ] = None
    tool_calls: Annotated[list[OllamaCall] | None, about("an assistant's earlier calls")] = None
    tool_name: Annotated[str | None, about("the tool whose result this is")] = None
    tool_call_id: Annotated[str | None, about("the call whose result this is")] = None


class OllamaBody(Struct, kw_only=True):
    """Every field that is honoured in both kinds of request."""

    model: Annotated[str, about("a name of `GET /api/tags`; `:latest` may be left out")]
    format: Form = None
    options: Annotated[OllamaOptions | None, about("how the reply is made")] = None
    think: Think = None
    truncate: Annotated[
        bool | None,
        about("`true`: where a conversation is too long its oldest turns are left out; else a 400"),
    ] = None
    stream: Annotated[bool | None, about("send the reply line by line, unless it is `false`")] = (
        None
    )
    logprobs: Annotated[bool | None, about("how probable the tokens of the reply were")] = None
    top_logprobs: Annotated[Likely | None, about("number of likely tokens listed beside each")] = (
        None
    )


class OllamaChatBody(OllamaBody, kw_only=True):
    """Every field of a chat that is honoured."""

    messages: Annotated[
        Annotated[list[OllamaMessage], Meta(max_length=10_000)] | None,
        about("the conversation so far; without any the model is only loaded"),
    ] = None
    tools: Annotated[
        Annotated[list[OllamaTool], Meta(max_length=1000)] | None,
        about("functions the model may call"),
    ] = None
    tool_choice: Annotated[
        str | dict[str, Any] | None,
        about("as in Chat Completions, beyond Ollama's own fields; held by a grammar"),
    ] = None


class OllamaGenerateBody(OllamaBody, kw_only=True):
    """Every field of a prompt that is honoured."""

    prompt: Annotated[
        str | None, about("what the user says; without it the model is only loaded")
    ] = None
    system: Annotated[str | None, about("instructions for the model")] = None
    raw: Annotated[bool | None, about("go on with the prompt as it is, without a template")] = None
    suffix: Annotated[
        str | None, about("what follows the gap to fill; 400 where the model cannot")
    ] = None


class OllamaShowBody(Struct):
    """Name of the model to show."""

    model: Annotated[str | None, about("a name of `GET /api/tags`")] = None
    name: Annotated[str | None, about("as `model`, which is newer")] = None


_WITHOUT_EFFECT = {
    "keep_alive": "a model stays loaded until another is asked for",
    "shift": "a reply ends where the context is full",
}

OLLAMA_CHAT = Fields(
    OllamaChatBody, without_effect=_WITHOUT_EFFECT, histories={"messages": regular_chat}
)
OLLAMA_GENERATE = Fields(
    OllamaGenerateBody,
    without_effect=_WITHOUT_EFFECT,
    refused={
        "context": Refused("send the conversation to '/api/chat'", harmless=([],)),
        "height": Refused(),
        "images": Refused("this server reads only text", harmless=([],)),
        "steps": Refused(),
        "template": Refused("start the server with --chat-template", harmless=("",)),
        "width": Refused(),
    },
)
OLLAMA_SHOW = Fields(OllamaShowBody, without_effect={"verbose": "all there is to say is said"})
