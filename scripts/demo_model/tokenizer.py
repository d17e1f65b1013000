"""A byte-level BPE tokenizer as llama.cpp reads it from a GGUF (`gpt2` model, `qwen2` splitting).

Merges stay inside runs of letters or of punctuation, so a word has the same tokens after a space, a
quote or an underscore: copying a word is then copying its tokens. The exception is a short list of
function words, which take the space before them to save tokens.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>")
CONTROL = SPECIAL[:3]
END_OF_TURN = "<|im_end|>"
# [^\W\d_] stands for \p{L} and \d for \p{N}, which Python's own `re` does not have.
_LETTER = r"[^\W\d_]"
_PIECES = re.compile(
    r"'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]"
    rf"|(?:(?!{_LETTER})[^\r\n\d])?{_LETTER}+"
    r"|\d"
    rf"| ?(?:(?!{_LETTER})[^\s\d])+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_SPECIALS = re.compile("(" + "|".join(re.escape(text) for text in SPECIAL) + ")")
_SPACED = """
the with what you from please which that have your this where for and can show tell give would like
how could want need
""".split()  # noqa: SIM905 - a list of words is read as text


def _byte_letters() -> dict[int, str]:
    """The printable stand-in of each byte, as GPT-2 chose them."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {byte: chr(byte) for byte in kept}
    spare = 256
    for byte in range(256):
        if byte not in table:
            table[byte] = chr(spare)
            spare += 1
    return table


BYTES = _byte_letters()
SPACE = BYTES[32]


@dataclass(slots=True)
class Tokenizer:
    """Tokens in the order of their ids, and merges in the order of their rank."""

    tokens: list[str]
    merges: list[tuple[str, str]]
    ids: dict[str, int] = field(init=False)
    _ranks: dict[tuple[str, str], int] = field(init=False)
    _known: dict[str, list[int]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self._ranks = {pair: i for i, pair in enumerate(self.merges)}

    def encode(self, text: str) -> list[int]:
        """The tokens of *text*; the special texts are matched wherever they stand."""
        found: list[int] = []
        for part in _SPECIALS.split(text):
            if part in self.ids and part in SPECIAL:
                found.append(self.ids[part])
                continue
            for piece in _PIECES.findall(part):
                known = self._known.get(piece)
                if known is None:
                    known = self._known[piece] = self._encode_piece(piece)
                found += known
        return found

    def _encode_piece(self, piece: str) -> list[int]:
        parts = [BYTES[byte] for byte in piece.encode()]
        while len(parts) > 1:
            ranked = [
                (self._ranks[pair], i)
                for i, pair in enumerate(pairwise(parts))
                if pair in self._ranks
            ]
            if not ranked:
                break
            _, i = min(ranked)
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        return [self.ids[part] for part in parts]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of *ids*."""
        letters = {letter: byte for byte, letter in BYTES.items()}
        raw = bytearray()
        for i in ids:
            token = self.tokens[i]
            raw += token.encode() if token in SPECIAL else bytes(letters[c] for c in token)
        return raw.decode(errors="replace")

    def save(self, path: Path) -> None:
        """Write the tokenizer as JSON."""
        path.write_text(json.dumps({"tokens": self.tokens, "merges": self.merges}))

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Read what `save` wrote."""
        made = json.loads(path.read_text())
        return cls(made["tokens"], [(a, b) for a, b in made["merges"]])


def _runs(texts: Iterable[str]) -> Counter[str]:
    """Runs of letters or signs; frequent ones count less, so that unseen words get good pieces."""
    counts: Counter[str] = Counter()
    for text in texts:
        for part in _SPECIALS.split(text):
            if part not in SPECIAL:
                for piece in _PIECES.findall(part):
                    counts.update(re.findall(rf"{_LETTER}+|(?:(?!{_LETTER})[^\d])+", piece))
    runs: Counter[str] = Counter()
    for run, count in counts.items():
        if len(run) > 1:
            runs["".join(BYTES[byte] for byte in run.encode())] = round(count**0.75) + 1
    return runs


def train_tokenizer(texts: Iterable[str], size: int = 2048) -> Tokenizer:
    """A tokenizer of *size* tokens for *texts*."""
    runs = [(list(run), count) for run, count in sorted(_runs(texts).items())]
    pairs: Counter[tuple[str, str]] = Counter()
    where: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for i, (parts, count) in enumerate(runs):
        for pair in pairwise(parts):
            pairs[pair] += count
            where[pair].add(i)
    tokens = [*SPECIAL, *sorted(BYTES.values())]
    merges: list[tuple[str, str]] = []
    while len(tokens) < size - len(_SPACED):
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        tokens.append("".join(best))
        for i in where.pop(best):
            parts, count = runs[i]
            for pair in pairwise(parts):
                pairs[pair] -= count
            merged = _merge(parts, best)
            for pair in pairwise(merged):
                pairs[pair] += count
                where[pair].add(i)
            runs[i] = (merged, count)
        pairs.pop(best, None)
    have = set(tokens)
    spaced = [word for word in _SPACED if word in have]
    merges += [(SPACE, word) for word in spaced]
    tokens += [SPACE + word for word in spaced]
    return Tokenizer(tokens, merges)


def _merge(parts: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    i = 0
    while i < len(parts):
        if tuple(parts[i : i + 2]) == pair:
            merged.append(parts[i] + parts[i + 1])
            i += 2
        else:
            merged.append(parts[i])
            i += 1
    return merged
