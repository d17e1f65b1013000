"""The language a model speaks: derived from its chat template, written, constrained, read.  Pure.

``Dialect`` is the front door; ``Parser`` is what reads a reply as it streams.
"""

from __future__ import annotations

from gguf_fc.dialect.analysis import Learned, Store
from gguf_fc.dialect.derive import Finding
from gguf_fc.dialect.dialect import Dialect, describe
from gguf_fc.dialect.parser import Parser
from gguf_fc.dialect.reply import Reply, ReplyCall
from gguf_fc.dialect.segments import Prompt
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.dialect.unsaid import Unsaid

__all__ = [
    "Dialect",
    "Finding",
    "Learned",
    "Parser",
    "Prompt",
    "Reply",
    "ReplyCall",
    "Store",
    "Syntax",
    "Unsaid",
    "describe",
]
