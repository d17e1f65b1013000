"""Field table of a chat completion: the body as types, and the fate of every other field.

The policy is ``fields.py``'s.  This module knows the wire, not what is done with it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from gguf_fc.dialect.openai_json.as_sent import regular_messages
from gguf_fc.dialect.openai_json.types import (
    Choice,
    ContentPart,
    Functions,
    Messages,
    ResponseFormat,
    Tools,
)
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
    Effort,
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
from gguf_fc.protocols.shared_rows import (
    CACHE,
    NOTHING_KEPT,
    ONE_ANSWER,
    SHARED_REFUSED,
    SHARED_WITHOUT_EFFECT,
    STAYS_LOADED,
)
from gguf_fc.protocols.stream_options import StreamOptions
from gguf_fc.typed_json import about

AS_BUDGET = about("as `thinking_budget`")


class Prediction(Struct):
    """Predicted output: text much of which the reply will repeat, such as a file that is edited."""

    content: Annotated[str | list[ContentPart], about("the text")]
    type: Annotated[Literal["content"], about("the only kind")] = "content"


class ThinkingSwitch(Struct):
    """Switch for reasoning, as other servers of this protocol have it."""

    type: Annotated[Literal["enabled", "disabled", "auto", "adaptive"], about("on, off, or as is")]
    budget_tokens: Annotated[TokenLimit | None, about("as `thinking_budget`")] = None


class ReasoningSwitch(Struct):
    """Effort and budget of reasoning, as routers of this protocol and Responses have them."""

    effort: Annotated[Effort | None, about("as `reasoning_effort`")] = None
    max_tokens: Annotated[TokenLimit | None, about("as `thinking_budget`")] = None
    enabled: Annotated[bool | None, about("as `enable_thinking`")] = None


class ChatBody(Struct):
    """Every field that is honoured."""

    messages: Annotated[Messages, about("the conversation so far")]
    model: ModelName = None
    # Tools.
    tools: Annotated[Tools, about("what the model may call")] = None
    tool_choice: Annotated[
        Choice,
        about("`none`, `auto`, `required`, a tool or `allowed_tools`; held by a grammar"),
    ] = None
    parallel_tool_calls: Annotated[
        bool | None, about("`false`: one call at most; default: several, one in the generic format")
    ] = None
    functions: Annotated[
        Functions,
        about("legacy form of `tools`; the reply then has `function_call`, one at most"),
    ] = None
    function_call: Annotated[Choice, about("`none`, `auto` or `{name}`: which of `functions`")] = (
        None
    )
    # The form of an answer.
    response_format: Annotated[
        ResponseFormat | None, about("the form of an answer that is not a call")
    ] = None
    json_schema: JsonSchema = None
    guided_json: AsJsonSchema = None
    grammar: Gbnf = None
    guided_grammar: AsGbnf = None
    ebnf: AsGbnf = None
    regex: Regex = None
    guided_regex: AsRegex = None
    choice: Options = None
    guided_choice: AsOptions = None
    structured_outputs: Structured = None
    verbosity: Annotated[
        Literal["low", "medium", "high"] | None,
        about("`low` and `high` ask the model, in words, for a short or a full answer"),
    ] = None
    prediction: Annotated[
        Prediction | None, about("text that the reply may repeat; makes it faster, not different")
    ] = None
    # How much.
    n: Annotated[
        Annotated[int, Meta(ge=1, le=32)] | None, about("choices; they share the prompt")
    ] = None
    max_tokens: Annotated[TokenLimit | None, about("as `max_completion_tokens`")] = None
    max_completion_tokens: Annotated[
        TokenLimit | None, about("most tokens of a reply, reasoning included; -1: no limit")
    ] = None
    n_predict: Annotated[TokenLimit | None, about("as `max_completion_tokens`")] = None
    min_tokens: LeastTokens = None
    ignore_eos: IgnoreEos = None
    stop: Stop = None
    # How it is sent.
    stream: Annotated[bool | None, about("send the reply as server-sent events")] = None
    stream_options: Annotated[StreamOptions | None, about("only with `stream`")] = None
    logprobs: Annotated[
        bool | None, about("score each token the model writes, those of calls included")
    ] = None
    top_logprobs: Annotated[
        Annotated[int, Meta(ge=0, le=20)] | None,
        about("likeliest tokens listed in each place; only with `logprobs`"),
    ] = None
    # How a token is chosen.
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
    # The end of the conversation.
    add_generation_prompt: Annotated[
        bool | None,
        about("`false` where the last message is an assistant's, which is always gone on with"),
    ] = None
    continue_final_message: Annotated[bool | None, about("`true` there, and only there")] = None
    # Reasoning, and the template.
    reasoning_effort: Annotated[
        Effort | None, about("how much reasoning; `none` switches it off")
    ] = None
    enable_thinking: Annotated[
        bool | None, about("switch reasoning on or off where the template can")
    ] = None
    thinking: Annotated[ThinkingSwitch | None, about("the same, with a budget")] = None
    reasoning: Annotated[ReasoningSwitch | None, about("the same, with an effort")] = None
    thinking_budget: Annotated[
        TokenLimit | None, about("most tokens of reasoning; 0: none, -1: no limit")
    ] = None
    thinking_budget_tokens: Annotated[TokenLimit | None, AS_BUDGET] = None
    reasoning_budget: Annotated[TokenLimit | None, AS_BUDGET] = None
    reasoning_budget_tokens: Annotated[TokenLimit | None, AS_BUDGET] = None
    reasoning_format: Annotated[
        str | None,
        about("`none`: reasoning stays in the content; any other: it is `reasoning_content`"),
    ] = None
    chat_template_kwargs: Annotated[
        dict[str, Any] | None,
        about("variables of the model's chat template, by the template's own names"),
    ] = None


CHAT = Fields(
    ChatBody,
    without_effect={
        **SHARED_WITHOUT_EFFECT,
        "metadata": NOTHING_KEPT,
        "models": "the model named in `model` answers",
        "moderation": ONE_ANSWER,
        "prompt_cache_key": CACHE,
        "prompt_cache_options": CACHE,
        "prompt_cache_retention": CACHE,
        "provider": ONE_ANSWER,
        "reasoning_control": "a reply is ended by closing its connection",
        "route": ONE_ANSWER,
        "safety_identifier": NOTHING_KEPT,
        "service_tier": ONE_ANSWER,
        "store": NOTHING_KEPT,
        "ttl": STAYS_LOADED,
        "usage": "`usage` comes with every whole reply; for streams see `stream_options`",
        "verbose": "see `POST /v1/explain`",
    },
    refused={
        **SHARED_REFUSED,
        "audio": Refused("models served here write text"),
        "best_of": Refused("use 'n'", harmless=(1,)),
        "chat_template": Refused("start the server with another model, or set its variables"),
        "documents": Refused("put them into 'messages' or 'chat_template_kwargs'", harmless=([],)),
        "echo": Refused(harmless=(False,)),
        "include_reasoning": Refused("use 'enable_thinking'", harmless=(True,)),
        "modalities": Refused("models served here write text", harmless=(["text"],)),
        "parse_tool_calls": Refused(harmless=(True,)),
        "mm_processor_kwargs": Refused("models served here read text", harmless=({},)),
        "plugins": Refused("offer functions in 'tools'", harmless=([],)),
        "prompt_logprobs": Refused("use POST /v1/completions with 'echo'", harmless=(0,)),
        "reasoning_budget_message": Refused(harmless=("",)),
        "separate_reasoning": Refused("use 'reasoning_format'", harmless=(True,)),
        "stream_reasoning": Refused("reasoning is streamed as it comes", harmless=(True,)),
        "transforms": Refused("a conversation is never cut to fit", harmless=([],)),
        "web_search_options": Refused("offer a search function in 'tools'"),
    },
    histories={"messages": regular_messages},
)
