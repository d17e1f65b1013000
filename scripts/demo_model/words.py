"""The words of the training data and the split that keeps some of them unseen.

The split is by *word*, made before anything else: a word and its plural, past and -ing forms are
either trained on or held out, in tool names, keys, values and sentences alike. Invented words are
split by the same rule. It knows nothing of tools or conversations.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from random import Random

Split = Literal["train", "held-out"]

HERE = Path(__file__).parent
HELD_OUT_SHARE = 10  # one word in so many
_ENDINGS = ("ings", "ing", "ies", "ied", "ers", "er", "ed", "es", "s", "y", "e")
_STEM = 3  # an ending is cut only where so many letters are left
_LETTERS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_ONSETS = (
    "b c d f g h j k l m n p r s t v w z br ch cl cr dr fl fr gl gr pl pr qu sh sk sl sp st th tr"
)
_CORES = "a e i o u a e i o u ai ea ee oa oo ou y"
_CODAS = "b ck d ft g l ll lm ln m mp n nd ng nk nt p r rd rk rm rn rt s sk ss st t th x z"
_ONSET, _CORE, _CODA = _ONSETS.split(), _CORES.split(), _CODAS.split()
# Only fixed phrases of the generator use these; the split must leave them trained.
_PHRASES = """
please can you could would like need want give show tell what is the of for with where and also
then about now same again too without yes no true false using value set my our an that it do to i
have tool no fitting there are none done failed error not found a in on at by from get returns
return lookup look up given something by one several me which here how much many time run make it
its this let us next be so first after second both twice each system assistant user tools string
integer number boolean null any name arguments start end call calls type function parameters
properties required description object array items enum role content information helpful brief
answer help people use fit friendly access over time com org net json csv txt md py api https
somebody again
""".split()  # noqa: SIM905 - a list of words is read as text


def chance(rng: Random, share: float) -> bool:
    """True so often as *share* says."""
    return rng.random() < share


def words_of(text: str) -> list[str]:
    """The words of *text* in lower case; names in camel case are taken apart."""
    return [word.lower() for word in _LETTERS.findall(text)]


def stem(word: str) -> str:
    """*word* without its ending, so that its forms share one side of the split."""
    word = word.lower()
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM:
            return word[: -len(ending)]
    return word


def _sections() -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in (HERE / "words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), [])
        else:
            current.extend(line.split())
    return sections


@cache
def _forced() -> tuple[frozenset[str], frozenset[str]]:
    """Stems that are trained because fixed texts use them, and stems held out by name."""
    held_text = (HERE / "families_held_out.txt").read_text(encoding="utf-8")
    first = held_text.splitlines()[0].removeprefix("words:")
    held = frozenset(stem(word) for word in first.split())
    trained = set(_PHRASES)
    for name in ("families.txt", "small_talk.txt"):
        trained.update(words_of((HERE / name).read_text(encoding="utf-8")))
    return frozenset(stem(word) for word in trained), held


@cache
def _phrase_stems() -> frozenset[str]:
    return frozenset(stem(word) for word in _PHRASES)


def is_phrase(word: str) -> bool:
    """True if *word* belongs to the fixed phrases rather than to a subject."""
    return stem(word) in _phrase_stems()


@cache
def is_held_out(word: str) -> bool:
    """True if *word* may appear only in evaluation."""
    trained, held = _forced()
    root = stem(word)
    if root in held:
        return True
    if root in trained or len(root) < _STEM:
        return False
    return hashlib.blake2b(root.encode(), digest_size=4).digest()[0] % HELD_OUT_SHARE == 0


def held_out_words(text: str) -> list[str]:
    """The words of *text* that training must not see."""
    return [word for word in words_of(text) if is_held_out(word)]


def invent(rng: Random) -> str:
    """A pronounceable word of one to three syllables."""
    parts = []
    for _ in range(rng.choice((1, 2, 2, 2, 3))):
        parts += [rng.choice(_ONSET), rng.choice(_CORE)]
    if chance(rng, 0.6) or len(parts) == 2:  # noqa: PLR2004 - one open syllable is too short
        parts.append(rng.choice(_CODA))
    return "".join(parts)


@dataclass(slots=True)
class Lexicon:
    """Draws words of one side of the split."""

    split: Split
    invented: float = 0.4
    _pools: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, words in _sections().items():
            self._pools[name] = [word for word in words if self.allows(word)]

    def allows(self, word: str) -> bool:
        """True if *word* is on this side."""
        return is_held_out(word) == (self.split == "held-out")

    def made_up(self, rng: Random) -> str:
        """An invented word of this side."""
        while True:
            word = invent(rng)
            if self.allows(word):
                return word

    def draw(self, rng: Random, section: str) -> str:
        """A word of *section*, or an invented or stray one so that there is no end of words."""
        roll = rng.random()
        if roll < self.invented:
            return self.made_up(rng)
        if roll < self.invented + 0.25:
            section = "others"
        return rng.choice(self._pools[section])

    def name(self, rng: Random, section: str) -> str:
        """A proper name: a city or a person, sometimes invented."""
        if chance(rng, 0.35):
            return self.made_up(rng).capitalize()
        return rng.choice(self._pools[section])
