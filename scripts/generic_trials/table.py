"""Answers to figures: a row for each candidate and model, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import mean

from generic_trials.trial import Answer

_HEAD = """\
| model | form | called | right tool | useful | abstained | decided rightly | tokens | prompt |
|---|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one candidate on one model."""

    model: str
    candidate: str
    needing: int
    called: int
    right: int
    useful: int
    others: int
    abstained: int
    tokens: float  # of a reply
    prompt_tokens: float

    @classmethod
    def of(cls, model: str, candidate: str, answers: Sequence[Answer]) -> Figures:
        needing = [answer for answer in answers if answer.needed]
        others = [answer for answer in answers if not answer.needed]
        return cls(
            model=model,
            candidate=candidate,
            needing=len(needing),
            called=sum(answer.called for answer in needing),
            right=sum(answer.right for answer in needing),
            useful=sum(answer.useful for answer in needing),
            others=len(others),
            abstained=sum(not answer.called for answer in others),
            tokens=round(mean(answer.tokens for answer in answers), 1),
            prompt_tokens=round(mean(answer.prompt_tokens for answer in answers)),
        )

    @property
    def decided(self) -> float:
        """Mean of both rates, so that neither calling always nor never is worth anything."""
        return (self.called / self.needing + self.abstained / self.others) / 2

    def row(self) -> str:
        """A row of the table."""
        return (
            f"| {self.model} | {self.candidate} | {self.called}/{self.needing} | {self.right} "
            f"| {self.useful} | {self.abstained}/{self.others} | {self.decided:.0%} "
            f"| {self.tokens:.0f} | {self.prompt_tokens:.0f} |"
        )


def markdown(found: Sequence[Figures]) -> str:
    """The table."""
    return "\n".join([_HEAD, *(figures.row() for figures in found)])


def as_json(found: Sequence[Figures]) -> list[Mapping[str, object]]:
    """The same as JSON-able data."""
    return [{**asdict(figures), "decided": round(figures.decided, 3)} for figures in found]
