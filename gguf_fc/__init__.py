"""A local OpenAI-compatible server for GGUF models whose tool calls can be trusted.

What is importable from here is stable; ``docs/library.md`` shows it at work.
"""

from typing import TYPE_CHECKING

from gguf_fc.lazy import first_use

if TYPE_CHECKING:
    from gguf_fc.dialect import Dialect
    from gguf_fc.grammar import schema_to_grammar
else:
    __getattr__ = first_use(
        __name__,
        {
            "Dialect": "gguf_fc.dialect:Dialect",
            "schema_to_grammar": "gguf_fc.grammar:schema_to_grammar",
        },
    )

__version__ = "0.1.0"

__all__ = ["Dialect", "__version__", "schema_to_grammar"]
