"""Field table of a completion: the body as types, and the fate of every other field."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from gguf_fc.dialect.openai_json.types import ResponseFormat
from gguf_fc.generation.token_prompts import Prompt
from gguf_fc.protocols.constraints import (
    AsGbnf,
    AsJsonSchema,
    AsOptions,
    AsRegex,
    Gbnf,
    JsonSchema,
    Options,
    Regex,
    Structured,
)
from gguf_fc.protocols.field_types import (
    AsRepeatPenalty,
    FrequencyPenalty,
    IgnoreEos,
    LeastTokens,
    LogitBias,
    LookBack,
    MinP,
    ModelName,
    PresencePenalty,
    RepeatPenalty,
    Seed,
    Stop,
    Temperature,
    TokenLimit,
    TopK,
    TopP,
    TypicalP,
)
from gguf_fc.protocols.fields import Fields, Refused
from gguf_fc.protocols.shared_rows import SHARED_REFUSED, SHARED_WITHOUT_EFFECT
from gguf_fc.protocols.stream_options import StreamOptions
from gguf_fc.typed_json import about

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
    model: ModelName = None
    suffix: Annotated[
        str | None,
        about("the text after the gap that is to be filled; a 400 where the model cannot"),
    ] = None
    max_tokens: Annotated[
        TokenLimit | None,
        about("most tokens of a completion; 16 if left out, as in OpenAI's API; -1: no limit"),
    ] = None
    n_predict: Annotated[TokenLimit | None, about("as `max_tokens`")] = None
    min_tokens: LeastTokens = None
    ignore_eos: IgnoreEos = None
    n: Annotated[Candidates | None, about("completions of each prompt")] = None
    best_of: Annotated[
        Candidates | None,
        about("completions generated; the `n` likeliest on average are returned; no `stream`"),
    ] = None
    echo: Annotated[bool | None, about("begin the text with the prompt")] = None
    logprobs: Annotated[
        Annotated[int, Meta(ge=0, le=MOST_LOGPROBS)] | None,
        about("score each token, with `echo` the prompt's too, and list as many likely ones"),
    ] = None
    temperature: Temperature = None
    top_p: TopP = None
    top_k: TopK = None
    min_p: MinP = None
    typical_p: TypicalP = None
    repeat_penalty: RepeatPenalty = None
    repetition_penalty: AsRepeatPenalty = None
    repeat_last_n: LookBack = None
    frequency_penalty: FrequencyPenalty = None
    presence_penalty: PresencePenalty = None
    logit_bias: LogitBias = None
    seed: Seed = None
    stop: Stop = None
    grammar: Gbnf = None
    guided_grammar: AsGbnf = None
    ebnf: AsGbnf = None
    regex: Regex = None
    guided_regex: AsRegex = None
    choice: Options = None
    guided_choice: AsOptions = None
    json_schema: JsonSchema = None
    guided_json: AsJsonSchema = None
    structured_outputs: Structured = None
    response_format: Annotated[
        ResponseFormat | None, about("the form of the completion, as in a chat completion")
    ] = None
    stream: Annotated[bool | None, about("send the completion as server-sent events")] = None
    stream_options: Annotated[StreamOptions | None, about("only with `stream`")] = None


IN_CHAT = "send them to /v1/chat/completions"

TEXT = Fields(
    TextBody,
    without_effect={
        **SHARED_WITHOUT_EFFECT,
        "reasoning_format": "a completion is text, whatever the model means by it",
    },
    refused={
        **SHARED_REFUSED,
        "messages": Refused(IN_CHAT),
        "tools": Refused(IN_CHAT, harmless=([],)),
    },
)
