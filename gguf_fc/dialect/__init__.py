"""The language a model speaks: derived from its chat template, written, constrained, read.  Pure.

``Dialect`` is the front door; ``Parser`` is what reads a reply as it streams.
"""

from __future__ import annotations

from gguf_fc.dialect.dialect import Dialect, describe
from gguf_fc.dialect.learn.analysis import Learned, Store
from gguf_fc.dialect.learn.derive import Finding
from gguf_fc.dialect.prompt.segments import Prompt
from gguf_fc.dialect.read.parser import Parser
from gguf_fc.dialect.read.reply import Reply, ReplyCall
from gguf_fc.dialect.skip_prefill import SkipPrefill
from gguf_fc.dialect.syntax import Syntax

# The name of ``SkipPrefill`` in earlier releases.
Unsaid = SkipPrefill

__all__ = [
    "Dialect",
    "Finding",
    "Learned",
    "Parser",
    "Prompt",
    "Reply",
    "ReplyCall",
    "SkipPrefill",
    "Store",
    "Syntax",
    "Unsaid",
    "describe",
]
