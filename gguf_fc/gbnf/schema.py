"""JSON Schema to rules."""

from __future__ import annotations

from typing import Any

from gguf_fc.gbnf.rules import Builder, Node, Without
from gguf_fc.gbnf.schema_tree import Loosened
from gguf_fc.gbnf.spacing import Spacing


def compile_schema(
    schema: Any,  # noqa: ANN401  a JSON Schema is any JSON object or boolean
    builder: Builder,
    *,
    spacing: Spacing | None,
    closed: bool = False,
    path: str = "$",
) -> tuple[Node, tuple[Loosened, ...]]:
    """The rule of the JSON texts valid under *schema*, and what it lets through beyond that."""
    del schema, spacing, closed
    return builder.define(path, Without()), ()
