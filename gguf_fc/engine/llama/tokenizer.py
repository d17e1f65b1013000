"""Tokenizing by llama.cpp: texts, and prompts of trusted and untrusted segments.

Knows nothing of contexts; the native vocabulary belongs to the model, which must outlive it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, groupby
from typing import Any

import llama_cpp

from gguf_fc.engine.model import Vocabulary
from gguf_fc.engine.prompt_segments import parts
from gguf_fc.job import Segment

STRETCH = 1 << 15  # characters
LOST_AT_CUT = 16  # tokens of a stretch that may be one with those of its neighbours


class PromptTokenizer:
    """Tokenizer of the native vocabulary *vocab*, whose tokens are *vocabulary*."""

    def __init__(self, vocab: Any, vocabulary: Vocabulary) -> None:
        self._vocab = vocab
        texts = {vocabulary.pieces[token].decode(errors="replace") for token in vocabulary.special}
        self._controls = sorted(texts - {""})

    def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """Tokens of a prompt, with BOS, the begin-of-text token, if the model wants one.

        A prompt that begins with given tokens gets no BOS: it has its own beginning.
        """
        tokens = self.tokenize_plain(segments)
        if segments and segments[0].tokens:
            return tokens
        bos = llama_cpp.llama_vocab_bos(self._vocab)
        wanted = llama_cpp.llama_vocab_get_add_bos(self._vocab) or not tokens
        if wanted and bos >= 0 and tokens[:1] != [bos]:
            tokens.insert(0, bos)
        return tokens

    def tokenize_plain(self, segments: Sequence[Segment]) -> list[int]:
        """Tokens of *segments* and no others."""
        tokens: list[int] = []
        for is_given, group in groupby(segments, key=lambda segment: bool(segment.tokens)):
            if is_given:
                tokens += chain.from_iterable(segment.tokens for segment in group)
                continue
            for part in parts(tuple(group), self._controls):
                tokens += self._tokenize_part(part, first=not tokens)
        return tokens

    def n_tokens(self, text: str, most: int) -> int:
        """Number of tokens of *text*, at least about; it is not counted far beyond *most*.

        It is cut into stretches for that, so a few tokens may be missing at each cut.
        """
        count = 0
        for start in range(0, len(text), STRETCH):
            data = text[start : start + STRETCH].encode()
            n = llama_cpp.llama_tokenize(self._vocab, data, len(data), None, 0, False, False)
            count += max(0, -n - LOST_AT_CUT)
            if count > most:
                break
        return count

    def _tokenize_part(self, part: Segment, *, first: bool) -> list[int]:
        """Tokens of one part, behind others unless it is the *first*.

        Some vocabularies put a space before a text that nothing leads; so a line break leads it,
        and its tokens are taken off again.
        """
        if first:
            return self.tokenize_text(part.text, special=part.special)
        lead = self.tokenize_text("\n", special=False)
        tokens = self.tokenize_text("\n" + part.text, special=part.special)
        if tokens[: len(lead)] == lead:
            return tokens[len(lead) :]
        return self.tokenize_text(part.text, special=part.special)

    def tokenize_text(self, text: str, *, frame: bool = False, special: bool) -> list[int]:
        """Tokens of *text*; with *frame* also those that the model wants around it.

        Control tokens are recognised only if *special*.
        """
        data = text.encode()
        room = len(data) + 8
        while True:
            buffer = (llama_cpp.llama_token * room)()
            n = llama_cpp.llama_tokenize(self._vocab, data, len(data), buffer, room, frame, special)
            if n >= 0:
                return list(buffer[:n])
            room = -n  # what it would have taken
