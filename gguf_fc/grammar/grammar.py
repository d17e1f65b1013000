"""A finished grammar: what to print, what to ask, and what it could not hold.

``schema_to_grammar`` is the public way from a JSON Schema to a ``Grammar``; everything here works
without a model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from typing import Literal as OneOf

from gguf_fc.errors import GrammarError
from gguf_fc.grammar.compile.schema import compile_schema
from gguf_fc.grammar.match import Matcher
from gguf_fc.grammar.notations.ambiguity_limit import refuse_crowded
from gguf_fc.grammar.notations.by_character import apart
from gguf_fc.grammar.notations.gbnf_parser import parse_gbnf
from gguf_fc.grammar.notations.gbnf_printer import plain_rules, print_gbnf
from gguf_fc.grammar.notations.llguidance import print_llguidance
from gguf_fc.grammar.notations.named_tokens import named_tokens
from gguf_fc.grammar.notations.size_limit import refuse_long
from gguf_fc.grammar.prune import prune
from gguf_fc.grammar.regex.automaton import regex_automaton
from gguf_fc.grammar.regex.parse import Unsupported, parse_regex
from gguf_fc.grammar.regex.to_rules import automaton_rules
from gguf_fc.grammar.rules import Builder, Literal, Rules, choice
from gguf_fc.grammar.schema.tree import Loosened
from gguf_fc.grammar.values.spacing import Spacing
from gguf_fc.grammar.values.spelling import char_class

KeyOrder = OneOf["declared", "any"]


@dataclass(frozen=True)
class Grammar:
    """Rules with what was loosened on the way to them.

    A rule that nothing can match is dropped where there is another way; a grammar that matches
    no text at all raises ``GrammarError`` as soon as it is used.  One that fixes more text than a
    reply can hold can be printed as GBNF, but neither matched nor run.
    """

    rules: Rules
    report: tuple[Loosened, ...] = ()
    by_character: bool = False  # the rules were not written with a lexer in mind

    @cached_property
    def gbnf(self) -> str:
        """The grammar as llama.cpp reads it."""
        return print_gbnf(self._plain)

    def refuse_crowded(self) -> None:
        """Raise GrammarError if llama.cpp's sampler would take too long for the grammar."""
        refuse_long(self._pruned)
        refuse_crowded(self._plain)

    def matches(self, text: Iterable[str]) -> bool:
        """True if the whole of *text* is in the language.

        Where the grammar names tokens, *text* is a list of characters and written tokens.
        """
        return self._matcher.matches(text)

    def begins(self, text: Iterable[str]) -> bool:
        """True if *text* can be continued to one in the language, or is in it."""
        return self._matcher.begins(text)

    def llguidance(self, special: Mapping[str, int] | None = None) -> str:
        """The grammar as llguidance reads it.

        *special* maps the text of each control token of the vocabulary to its id.  llguidance
        matches such a token only where the grammar names it, never as text.
        """
        known = special or {}
        refuse_long(self._pruned)
        rules = apart(self._pruned, known) if self.by_character else self._pruned
        return print_llguidance(rules, known)

    def tokens(self, special: Mapping[str, int]) -> frozenset[int]:
        """The control tokens, of those in *special*, that the grammar names."""
        return named_tokens(self._pruned, special)

    @cached_property
    def _pruned(self) -> Rules:
        return prune(self.rules)

    @cached_property
    def _plain(self) -> Rules:
        return plain_rules(self._pruned)

    @cached_property
    def _matcher(self) -> Matcher:
        refuse_long(self._pruned)
        return Matcher(self._pruned)


def gbnf_to_grammar(text: str) -> Grammar:
    """The grammar that *text* is, in llama.cpp's notation.  Raises GrammarError, saying where."""
    return Grammar(parse_gbnf(text), by_character=True)


def regex_to_grammar(pattern: str) -> Grammar:
    """The grammar of the texts that match the whole of *pattern*.  Raises GrammarError."""
    try:
        dfa = regex_automaton(parse_regex(pattern))
    except Unsupported as error:
        raise GrammarError(str(error)) from error
    builder = Builder()
    return Grammar(builder.build(automaton_rules(dfa, char_class, builder)))


def texts_to_grammar(texts: Iterable[str]) -> Grammar:
    """The grammar of *texts*, one of which is to be written."""
    return Grammar(Builder().build(choice(*map(Literal, dict.fromkeys(texts)))))


def schema_to_grammar(
    schema: Any,
    closed: bool = False,  # noqa: FBT001, FBT002  the documented public signature
    spacing: Spacing | tuple[str, str] | None = None,
    key_order: KeyOrder = "declared",
) -> Grammar:
    """The grammar of the JSON texts that are valid under *schema*.

    *closed* reads an absent ``additionalProperties`` as false where there are ``properties``, at
    every depth, as requests do.  *spacing* fixes the white space
    between tokens; None allows any that JSON allows.  *key_order* ``any`` lets the members of an
    object of up to eight properties come in any order, not only as they are declared.
    """
    fixed = Spacing(*spacing) if isinstance(spacing, tuple) else spacing
    builder = Builder()
    root, report = compile_schema(
        schema, builder, spacing=fixed, closed=closed, any_order=key_order == "any"
    )
    return Grammar(builder.build(root), report)
