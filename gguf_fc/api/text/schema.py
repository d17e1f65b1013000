"""The table of a completion: the body as types, and what becomes of every other field."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from gguf_fc.api.chat_types import ResponseFormat, StreamOptions
from gguf_fc.api.fields import Fields, Refused, about
from gguf_fc.api.kinds import LookBack, Penalty, Probability, RepeatPenalty, StopString, TokenLimit
from gguf_fc.api.prompts import Prompt
from gguf_fc.api.schema import CHAT

MOST_CANDIDATES = 128  # for one prompt
MOST_LOGPROBS = 20
Candidates = Annotated[int, Meta(ge=1, le=MOST_CANDIDATES)]


class TextBody(Struct):
    """Every field that is honoured."""

    prompt: Annotated[
        Prompt | None,
        about(
            "a text, a list of texts, or tokens instead of text: a list, or a list of lists; "
            "left out, it is the beginning of a text"
        ),
    ] = None
    model: Annotated[str | None, about("a name of `GET /v1/models`; any other is a 404")] = None
    suffix: Annotated[
        str | None,
        about("the text after the gap that is to be filled; a 400 where the model cannot"),
    ] = None
    max_tokens: Annotated[
        TokenLimit | None,
        about("most tokens of a completion; 16 if left out, as in OpenAI's API; -1: no limit"),
    ] = None
    n_predict: Annotated[TokenLimit | None, about("as `max_tokens`")] = None
    n: Annotated[Candidates | None, about("completions of each prompt")] = None
    best_of: Annotated[
        Candidates | None,
        about("make so many, return the `n` whose tokens are likeliest on average; no `stream`"),
    ] = None
    echo: Annotated[bool | None, about("begin the text with the prompt")] = None
    logprobs: Annotated[
        Annotated[int, Meta(ge=0, le=MOST_LOGPROBS)] | None,
        about("score each token, with `echo` the prompt's too, beside so many likely ones"),
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
        RepeatPenalty | None, about("divides the logits of recent tokens; 1 is off")
    ] = None
    repetition_penalty: Annotated[RepeatPenalty | None, about("as `repeat_penalty`")] = None
    repeat_last_n: Annotated[
        LookBack | None, about("tokens the penalties look back at; 0: none, -1: all")
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
        about("the same seed and request give the same completion; each choice has the next one"),
    ] = None
    stop: Annotated[
        StopString | Annotated[list[StopString], Meta(max_length=16)] | None,
        about("texts that end a completion"),
    ] = None
    grammar: Annotated[
        str | None,
        about("GBNF over the completion; not with `json_schema` or `response_format`"),
    ] = None
    json_schema: Annotated[
        dict[str, Any] | bool | None,
        about("a JSON Schema the completion is held to; not with `response_format`"),
    ] = None
    response_format: Annotated[
        ResponseFormat | None, about("the form of the completion, as in a chat completion")
    ] = None
    stream: Annotated[bool | None, about("send the completion as server-sent events")] = None
    stream_options: Annotated[StreamOptions | None, about("only with `stream`")] = None


# Fields without effect, and refused ones, that mean here what they mean in a chat completion.
AS_IN_CHAT = (
    *("cache_prompt", "id_slot", "keep_alive", "return_progress", "slot_id"),
    *("timings_per_token", "user"),
)
REFUSED_AS_IN_CHAT = (
    *("dry_multiplier", "dynatemp_range", "guided_choice", "guided_grammar", "guided_json"),
    *("guided_regex", "ignore_eos", "lora", "min_tokens", "mirostat", "return_tokens", "samplers"),
    *("skip_special_tokens", "stop_token_ids", "structured_outputs", "top_n_sigma", "typical_p"),
    "xtc_probability",
)
IN_CHAT = "send them to /v1/chat/completions"

TEXT = Fields(
    TextBody,
    without_effect={name: CHAT.without_effect[name] for name in AS_IN_CHAT},
    refused={
        **{name: CHAT.refused[name] for name in REFUSED_AS_IN_CHAT},
        "messages": Refused(IN_CHAT),
        "tools": Refused(IN_CHAT, harmless=([],)),
    },
)
