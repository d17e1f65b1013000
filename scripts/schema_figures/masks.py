"""Time of logits masks: the sets of tokens of a large vocabulary that may come next.

The schemas are those with the largest grammars, each walked along its first valid instance with a
full mask before every token.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llama_cpp
from llguidance import LLMatcher, LLTokenizer
from llguidance.llamacpp import lltokenizer_from_vocab

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import KeyOrder, schema_to_grammar
from schema_figures.figure import Figure, milliseconds, rows

_SCHEMAS = 50
_TOKENS = 400  # of an instance


def masks(data: Path, every: int, order: KeyOrder = "declared") -> Iterator[Figure]:
    """On the largest schemas of MaskBench."""
    found = [
        row
        for row in rows(data / "schemas" / "maskbench.jsonl.gz", every)
        if any(test["valid"] for test in row["tests"])
    ]
    found.sort(key=lambda row: len(json.dumps(row["schema"])), reverse=True)
    tokenizer = _tokenizer(data / "vocab" / "ggml-vocab-qwen2.gguf")
    figure = Figure(
        f"a full mask, vocabulary of {tokenizer.vocab_size}", "median 0.1 ms, longest 20 ms"
    )
    seconds: list[float] = []
    for row in found[:_SCHEMAS]:
        figure.count(row["id"], _walk(tokenizer, row, seconds, order))
    figure.notes.append(f"{len(seconds)} masks: {milliseconds(seconds)}")
    yield figure


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator, unused-ignore]
def _silence(*_: object) -> None:
    """Swallow the messages of the library while it loads."""


def _tokenizer(path: Path) -> LLTokenizer:
    """The vocabulary of a file without weights; it lives as long as this process."""
    llama_cpp.llama_log_set(_silence, None)
    parameters = llama_cpp.llama_model_default_params()
    parameters.vocab_only = True
    parameters.use_extra_bufts = False
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    with warnings.catch_warnings():
        # llguidance's helper still uses a name that llama-cpp-python has deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        return lltokenizer_from_vocab(llama_cpp.llama_model_get_vocab(model))


def _walk(
    tokenizer: LLTokenizer, row: dict[str, Any], seconds: list[float], order: KeyOrder
) -> str | None:
    """Fault, if there is any; the time of every mask goes to *seconds*."""
    try:
        grammar = schema_to_grammar(row["schema"], key_order=order)
        matcher = LLMatcher(tokenizer, grammar.llguidance(), log_level=0)
    except GrammarError as error:
        return str(error)
    text = next(
        text
        for test in row["tests"]
        if test["valid"] and (text := json.dumps(test["data"], ensure_ascii=False))
    )
    for token in tokenizer.tokenize_str(text)[:_TOKENS]:
        started = time.thread_time()
        matcher.compute_bitmask()
        seconds.append(time.thread_time() - started)
        if matcher.is_error():
            return str(matcher.get_error())
        if not matcher.consume_token(token):
            return None if not grammar.matches(text) else f"llguidance refuses {text[:60]}"
    return None
