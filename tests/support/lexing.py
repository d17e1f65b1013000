"""What the two real engines say about a text, one character at a time.

llguidance runs on bytes or on a real vocabulary.  llama.cpp's own grammar sampler ends the process
when it accepts a token that it rejects, so each token is tested before it is accepted.
"""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Self

import llama_cpp
from llguidance import LLMatcher, LLTokenizer
from llguidance.llamacpp import lltokenizer_from_vocab


class LlguidanceGrammar:
    """A grammar as llguidance runs it."""

    def __init__(self, text: str, tokenizer: LLTokenizer | None = None) -> None:
        self.tokenizer = tokenizer or LLTokenizer("byte")
        self._start = LLMatcher(self.tokenizer, text, log_level=0)
        assert not self._start.is_error(), self._start.get_error()

    def matches(self, text: str) -> bool:
        """Whether the whole of *text* is accepted; control tokens in it are tokens."""
        return self.takes(self.tokenizer.tokenize_str(text, parse_special=True))

    def takes(self, tokens: list[int]) -> bool:
        """Whether just these tokens are accepted."""
        matcher = self._start.deep_copy()
        whole = matcher.try_consume_tokens(tokens) == len(tokens)
        assert not matcher.is_error(), matcher.get_error()
        return whole and matcher.is_accepting()

    def steps(self, text: str) -> tuple[int, int]:
        """How many tokens *text* has, and how many of them have to be chosen."""
        tokens = self.tokenizer.tokenize_str(text, parse_special=True)
        matcher = self._start.deep_copy()
        at = chosen = 0
        while at < len(tokens):
            if forced := matcher.compute_ff_tokens():
                assert tokens[at : at + len(forced)] == forced
                assert matcher.consume_tokens(forced)
                at += len(forced)
            else:
                assert matcher.consume_token(tokens[at])
                at += 1
                chosen += 1
        return len(tokens), chosen


class Vocabulary:
    """A vocabulary without weights."""

    def __init__(self, path: Path) -> None:
        parameters = llama_cpp.llama_model_default_params()
        parameters.vocab_only = True
        parameters.use_extra_bufts = False
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        assert self._model
        self.pointer = llama_cpp.llama_model_get_vocab(self._model)
        self.end = llama_cpp.llama_vocab_eos(self.pointer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        llama_cpp.llama_model_free(self._model)

    @cached_property
    def tokenizer(self) -> LLTokenizer:
        """The same vocabulary for llguidance."""
        with warnings.catch_warnings():
            # Its helper still uses a name that llama-cpp-python has deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            return lltokenizer_from_vocab(self.pointer)

    def characters(self) -> dict[str, int]:
        """The tokens that are one ASCII character."""
        piece = ctypes.create_string_buffer(8)
        found: dict[str, int] = {}
        for token in range(llama_cpp.llama_vocab_n_tokens(self.pointer)):
            size = llama_cpp.llama_token_to_piece(self.pointer, token, piece, 8, 0, False)
            if size == 1 and piece.raw[0] < 0x80:
                found.setdefault(piece.raw[:1].decode(), token)
        return found


class LlamaGrammar:
    """A grammar as llama.cpp's sampler runs it."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._text = text.encode()

    def is_valid(self) -> bool:
        """Whether llama.cpp can read the grammar."""
        sampler = self._sampler()
        if sampler:
            llama_cpp.llama_sampler_free(sampler)
        return bool(sampler)

    def matches(self, text: Iterable[str], tokens: dict[str, int]) -> bool:
        """Whether the whole of *text*, written with *tokens*, is accepted."""
        sampler = self._sampler()
        assert sampler
        try:
            for character in text:
                if not self._allows(sampler, tokens[character]):
                    return False
                llama_cpp.llama_sampler_accept(sampler, tokens[character])
            return self._allows(sampler, self._vocabulary.end)
        finally:
            llama_cpp.llama_sampler_free(sampler)

    def _sampler(self) -> object:
        return llama_cpp.llama_sampler_init_grammar(self._vocabulary.pointer, self._text, b"root")

    @staticmethod
    def _allows(sampler: object, token: int) -> bool:
        entry = llama_cpp.llama_token_data(token, 1.0, 0.0)
        entries = (llama_cpp.llama_token_data * 1)(entry)
        candidates = llama_cpp.llama_token_data_array(entries, 1, -1, False)
        llama_cpp.llama_sampler_apply(sampler, ctypes.byref(candidates))
        return bool(entries[0].logit > float("-inf"))
