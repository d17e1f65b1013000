"""Rules of calls that are written as code behind a mark: one call with keywords, or any code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gguf_fc.dialect.code_tools import code_tool
from gguf_fc.dialect.constrain.grammar_pairs import PairsComposer
from gguf_fc.dialect.syntax import Code, Placeholder
from gguf_fc.grammar import (
    Builder,
    Literal,
    Loosened,
    Node,
    choice,
    not_opening,
    sequence,
)
from gguf_fc.grammar.values.spacing import SPACE


@dataclass(frozen=True, slots=True)
class CodeCall:
    """A call as code: its *mark*, and the rules of what stands behind it."""

    mark: str
    call: Node


def or_code(node: Node, code: CodeCall | None) -> Node:
    """*node* or, where there is such a tool, a call as code."""
    return choice(node, sequence(Literal(code.mark), code.call)) if code else node


@dataclass(slots=True)
class CodeComposer:
    """Makes the rules of a call as code."""

    code: Code
    builder: Builder
    report: list[Loosened] = field(default_factory=list)
    any_order: bool = False  # of keywords

    def call(
        self, schemas: Mapping[str, tuple[Any, str]], barred: tuple[str, ...]
    ) -> CodeCall | None:
        """One call of the tools whose parameters are *schemas*, each with its path; None: none.

        Code begins with none of *barred*, which begin other calls.
        """
        taken = [name for name in self.code.takes if name in schemas]
        options = [self._keywords(name, *schemas[name]) for name in taken]
        if code_tool(self.code, {name: schema for name, (schema, _) in schemas.items()}):
            # What begins like a call with keywords is one.
            begun = (*SPACE, *barred, *map(self._begun, taken))
            options.append(not_opening(self.builder, begun))
        if not options:
            return None
        return CodeCall(self.code.open, self.builder.define("code", choice(*options)))

    def _keywords(self, name: str, schema: Any, path: str) -> Node:
        composer = PairsComposer(
            self.code.pairs, self.builder, self.report, any_order=self.any_order
        )
        members = composer.members(schema, path)
        options = [members.some, Literal("") if members.may_be_none else None]
        arguments = choice(*(option for option in options if option is not None))
        texts = {"name": Literal(name), "arguments": arguments}
        return sequence(
            *(texts[p.kind] if isinstance(p, Placeholder) else Literal(p) for p in self.code.call)
        )

    def _begun(self, name: str) -> str:
        """Beginning of a call of that tool with keywords."""
        texts = (name if isinstance(part, Placeholder) else part for part in self.code.call[:2])
        return "".join(texts)
