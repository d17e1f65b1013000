"""Events of a reply: the model's text as it streams, split into reasoning, text and calls.

A stream is any number of reasoning, text and call events, then exactly one ``Finish``.
The pieces of a call arrive in order: ``CallStart``, ``CallDelta`` any number of times, ``CallEnd``;
a call without its ``CallEnd`` was cut off and must never be reported as complete.
Where logprobs are wanted, ``Scores`` stand before what their tokens were read as.
Joined, the ``arguments`` of a call are one JSON object as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gguf_fc.job import Done
from gguf_fc.scored_tokens import TokenLogprob


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of the reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class CallStart:
    """A call begins.  *index* counts the calls of this reply from 0."""

    index: int
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallDelta:
    """More of a call's arguments, as JSON text."""

    index: int
    arguments: str


@dataclass(frozen=True, slots=True)
class CallEnd:
    """The call is complete."""

    index: int


@dataclass(frozen=True, slots=True)
class Scores:
    """Log probabilities of the tokens that come next."""

    tokens: tuple[TokenLogprob, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """Validation of a part of the reply under the schema it was asked to follow.

    *subject* is ``tool_calls[0]`` or ``content``; *reason* is given unless the result is ``valid``.
    """

    subject: str
    result: Literal["valid", "invalid", "not_checked"]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of the reply: why, what it cost, and what its checks found."""

    done: Done
    checks: tuple[Check, ...] = ()
    reasoning_tokens: int = 0  # of the completion, the marks around it included
    repeated_calls: int = 0  # calls that ended the reply, as they repeat others, and are not in it


ParseEvent = ReasoningDelta | TextDelta | CallStart | CallDelta | CallEnd
Event = ParseEvent | Scores | Finish
