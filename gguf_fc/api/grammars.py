"""Compiled grammars, kept: the same tools come with every request of a conversation."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

import msgspec

from gguf_fc.dialect import Dialect
from gguf_fc.gbnf import Grammar
from gguf_fc.job import GrammarText
from gguf_fc.request import Request


class GrammarCache:
    """The most recently used grammars, by everything they depend on.

    Safe to use from several threads; two threads may compile the same grammar at once.
    """

    def __init__(self, size: int = 64) -> None:
        self._size = size
        self._kept: OrderedDict[bytes, tuple[Dialect, Grammar, GrammarText]] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self,
        dialect: Dialect,
        request: Request,
        prefill: str,
        control_tokens: Mapping[str, int],
    ) -> tuple[Grammar, GrammarText]:
        """The grammar over the whole output, and its texts for a vocabulary's control tokens."""
        key = _key(dialect, request, prefill)
        with self._lock:
            if (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return found[1], found[2]
        grammar = dialect.grammar(
            tools=request.tools,
            tool_choice=request.tool_choice,
            parallel_tool_calls=request.parallel_tool_calls,
            response_format=request.format,
            prefill=prefill,
        )
        text = GrammarText(gbnf=grammar.gbnf, llguidance=grammar.llguidance(control_tokens))
        with self._lock:
            # The dialect is kept with its grammar so that its identity is not given out again.
            self._kept[key] = (dialect, grammar, text)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return grammar, text


def _key(dialect: Dialect, request: Request, prefill: str) -> bytes:
    return msgspec.json.encode(
        (
            id(dialect),
            request.tools,
            request.tool_choice,
            request.parallel_tool_calls,
            request.format,
            prefill,
        )
    )
