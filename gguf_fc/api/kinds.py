"""Kinds of values that the bodies of several protocols have in common, with their limits."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Probability = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
RepeatPenalty = Annotated[float, Meta(gt=0, le=10)]
TokenCount = Annotated[int, Meta(ge=1, le=10_000_000)]
TokenLimit = Annotated[int, Meta(ge=-1, le=10_000_000)]  # -1: none
StopString = Annotated[str, Meta(min_length=1, max_length=1000)]
ToolName = Annotated[str, Meta(pattern=r"^[\w.:/-]{1,128}$")]
LookBack = Annotated[int, Meta(ge=-1, le=1_000_000)]  # tokens; 0: none, -1: all
