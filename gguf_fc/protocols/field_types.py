"""Types of values, and whole fields, that the bodies of several protocols share."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from gguf_fc.typed_json import about

Probability = Annotated[float, Meta(ge=0, le=1)]
TokenCount = Annotated[int, Meta(ge=1, le=10_000_000)]
TokenLimit = Annotated[int, Meta(ge=-1, le=10_000_000)]  # -1: none
StopString = Annotated[str, Meta(min_length=1, max_length=1000)]
_Penalty = Annotated[float, Meta(ge=-2, le=2)]
_Division = Annotated[float, Meta(gt=0, le=10)]

LeastTokens = Annotated[
    Annotated[int, Meta(ge=0, le=10_000_000)] | None,
    about("fewest tokens of a reply; a stop string, or a form that is complete, still ends it"),
]
IgnoreEos = Annotated[
    bool | None, about("`true`: the model cannot end its reply, which goes on to its limit")
]
ModelName = Annotated[str | None, about("a name of `GET /v1/models`; any other is a 404")]
Stop = Annotated[
    StopString | Annotated[list[StopString], Meta(max_length=128)] | None,
    about("texts that end the reply, looked for in everything the model writes"),
]

# How a token is chosen: the fields that ``sampling_of`` reads.
Temperature = Annotated[
    Annotated[float, Meta(ge=0, le=2)] | None, about("0 always takes the likeliest token")
]
TopP = Annotated[Probability | None, about("nucleus sampling; 1 is off")]
TopK = Annotated[
    Annotated[int, Meta(ge=-1, le=1_000_000)] | None,
    about("choose among the likeliest tokens, this many; 0 and -1 are off"),
]
MinP = Annotated[
    Probability | None, about("least probability, as a share of the likeliest's; 0 is off")
]
TypicalP = Annotated[
    Probability | None,
    about("choose among the tokens whose surprise is nearest the mean, this much in all; 1 is off"),
]
RepeatPenalty = Annotated[_Division | None, about("divides the logits of recent tokens; 1 is off")]
AsRepeatPenalty = Annotated[_Division | None, about("as `repeat_penalty`")]
LookBack = Annotated[
    Annotated[int, Meta(ge=-1, le=1_000_000)] | None,
    about("tokens the penalties look back at; 0: none, -1: all"),
]
FrequencyPenalty = Annotated[
    _Penalty | None, about("taken from a recent token's logit for each time it came")
]
PresencePenalty = Annotated[_Penalty | None, about("taken from a recent token's logit once")]
LogitBias = Annotated[
    dict[str, Annotated[float, Meta(ge=-100, le=100)]] | None,
    about("token id to what is added to its logit"),
]
Seed = Annotated[
    Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None,
    about("the same seed and request give the same reply; each choice has the next one"),
]


Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
