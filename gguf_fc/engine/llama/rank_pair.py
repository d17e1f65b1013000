"""Tokens of a query and a document for a model that ranks, as llama.cpp's server lays them out.

A file may have a template for them, named ``rerank``.  Else they stand between the tokens with
which a classifier of pairs was trained.  Neither text can write a control token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import llama_cpp

from gguf_fc.engine.llama.tokenizer import PromptTokenizer
from gguf_fc.job import Segment

_PLACES = re.compile(r"(\{query\}|\{document\})")


class PairTokenizer:
    """Tokenizer of pairs for the native *model*."""

    def __init__(self, model: Any, tokenizer: PromptTokenizer) -> None:
        self._tokenizer = tokenizer
        self._vocab = llama_cpp.llama_model_get_vocab(model)
        template = llama_cpp.llama_model_chat_template(model, b"rerank")
        self._template: str | None = None if template is None else template.decode()

    def tokens(self, query: str, document: str) -> list[int]:
        """Tokens of the pair."""
        if self._template is not None:
            return self._tokenizer.tokenize_plain(tuple(self._segments(query, document)))
        eos, sep = llama_cpp.llama_vocab_eos(self._vocab), llama_cpp.llama_vocab_sep(self._vocab)
        begin = [llama_cpp.llama_vocab_bos(self._vocab)]
        end, between = [sep if eos < 0 else eos], [sep]
        begin *= llama_cpp.llama_vocab_get_add_bos(self._vocab)
        end *= llama_cpp.llama_vocab_get_add_eos(self._vocab)
        between *= llama_cpp.llama_vocab_get_add_sep(self._vocab)
        first, second = (
            self._tokenizer.tokenize_text(text, special=False) for text in (query, document)
        )
        return [*begin, *first, *end, *between, *second, *end]

    def _segments(self, query: str, document: str) -> Iterator[Segment]:
        texts = {"{query}": query, "{document}": document}
        for part in _PLACES.split(self._template or ""):
            if part:
                yield Segment(texts.get(part, part), special=part not in texts)
