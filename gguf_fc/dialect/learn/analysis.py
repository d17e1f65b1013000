"""Analysis of one chat template: probed, derived and checked, or given up on.

Done once per template; kept beyond the process where the caller has a store.  Never fails: a
template whose own call syntax cannot be used gets the generic one, with the reason said.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any, Protocol

from gguf_fc.dialect.learn.check import objections, self_objections
from gguf_fc.dialect.learn.derive import Finding, NotDerivable, derive, header_of
from gguf_fc.dialect.learn.derive_reasoning import derive_reasoning
from gguf_fc.dialect.learn.inputs import inputs_of
from gguf_fc.dialect.learn.instructions import Asked, asked_for
from gguf_fc.dialect.learn.known import Known, Origin, code_for, known_for, told_for, vocabulary_for
from gguf_fc.dialect.learn.probe import USER, Renderings, ends_dated, other_views, probe
from gguf_fc.dialect.learn.thinking import Thinking
from gguf_fc.dialect.learn.turn_marks import turn_marks
from gguf_fc.dialect.prompt.generic import CHAT_TEMPLATE, generic_syntax
from gguf_fc.dialect.prompt.needs import Needs, Told
from gguf_fc.dialect.prompt.render import Chat, Compile, CompiledTemplate
from gguf_fc.dialect.prompt.template import Clock, Template
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.errors import RunawayTemplate, TemplateError

_OBJECT = re.compile(r"""\{\s*"\w+"\s*:\s*"\s*\Z""")  # that the name of a call stands in
_TOLD = "The chat template does not show tools: they are described in the system message."


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """Result of an analysis, without the template itself: what a store keeps."""

    needs: Needs
    syntax: Syntax
    native: bool
    calls_as_text: bool = False  # the template drops calls: they are written into the content
    thinking: Thinking = field(default_factory=Thinking)  # what can be set of it
    prefill: str = ""  # the end of the prompt that belongs to the model's turn
    header: str = ""  # what stands before it, from the user's text on
    turn_marks: tuple[str, ...] = ()  # texts that begin another turn, if no control token ends one
    evidence: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis(Learned):
    """Template with the syntax, the needs and the thinking variables found for it."""

    chat: Chat

    @classmethod
    def of(cls, chat: Chat, learned: Learned) -> Analysis:
        """Join a stored result with the template of *chat*."""
        return cls(chat=replace(chat, inputs=learned.needs.inputs), **_fields(learned))

    def with_evidence(self, *findings: Finding) -> Analysis:
        """Add *findings* to the evidence."""
        return replace(self, evidence=(*self.evidence, *findings))

    @property
    def learned(self) -> Learned:
        """The part a store keeps."""
        return Learned(**_fields(self))


class Store(Protocol):
    """Storage of analyses beyond the process; those of other versions of us are not in it."""

    def read(self, key: str) -> Learned | None: ...

    def write(self, key: str, learned: Learned) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """Facts of a model file that an analysis depends on."""

    text: str  # of the chat template
    bos_token: str = ""
    eos_token: str = ""
    tokens: tuple[str, ...] = ()  # control tokens that name reasoning or calls
    origin: Origin = field(default_factory=Origin)

    @property
    def key(self) -> str:
        """Key of the analysis: 32 hexadecimal digits."""
        origin = (self.origin.architecture, self.origin.pre_tokenizer)
        known = [self.text, self.bos_token, self.eos_token, origin, *self.tokens]
        facts = json.dumps(known).encode()
        return hashlib.blake2b(facts, digest_size=16).hexdigest()

    def chat(self, template: CompiledTemplate, clock: Clock) -> Chat:
        """A *template* with the tokens of the file."""
        return Chat(
            template=template, bos_token=self.bos_token, eos_token=self.eos_token, clock=clock
        )


def analyse(
    facts: FileFacts,
    *,
    clock: Clock,
    compile_template: Compile = Template,
    store: Store | None = None,
) -> Analysis:
    """Analyse a template; what was compiled in this process is cached.

    With a *store* the result is read from there, or written there for the next time.
    """
    if compile_template is Template and store is None:
        return _remembered(facts, clock)
    return _understood(facts, clock, compile_template, store)


@lru_cache(maxsize=64)
def _remembered(facts: FileFacts, clock: Clock) -> Analysis:
    return _understood(facts, clock, Template, None)


def _understood(
    facts: FileFacts, clock: Clock, compile_template: Compile, store: Store | None
) -> Analysis:
    try:
        chat = facts.chat(compile_template(facts.text), clock)
        if store is None:
            return _analysed(facts, chat)
        if (learned := store.read(facts.key)) is not None:
            return Analysis.of(chat, learned)
        found = _analysed(facts, chat)
        if not ends_dated(found.chat, found.needs):
            store.write(facts.key, found.learned)
    except (TemplateError, RunawayTemplate) as error:
        plain = facts.chat(Template(CHAT_TEMPLATE), clock)
        warning = f"{error.message} A generic chat format is used instead of the template."
        return Analysis(
            chat=plain,
            needs=Needs(),
            syntax=generic_syntax(),
            native=False,
            turn_marks=turn_marks(probe(plain), facts.eos_token),
            warnings=(warning,),
        )
    return found


def _analysed(facts: FileFacts, chat: Chat) -> Analysis:
    """Analyse a template that renders.

    Raises TemplateError if the prompt lacks the user's text: nobody could answer it.
    """
    chat = replace(chat, inputs=inputs_of(chat))
    seen = probe(chat)
    if USER.casefold() not in seen.prompt.casefold():  # some templates change a text's case
        raise TemplateError("The chat template leaves out what the user says.")
    seen = replace(seen, text=facts.text, tokens=facts.tokens)
    known = known_for(facts.text, facts.origin, seen.prompt)
    found = _known(chat, seen, known) if known else _native_or_generic(chat, seen)
    if known and found.native and not known.fits(facts.text):
        words = "architecture, pre-tokenizer and the end of a prompt"
        found = found.with_evidence(Finding("file", facts.origin.architecture, words))
    found = replace(
        found,
        syntax=_with_code(found.syntax, facts.text),
        turn_marks=turn_marks(seen, facts.eos_token),
    )
    return _told(found, facts.text) if found.native and not found.needs.tells_tools else found


def _told(found: Analysis, text: str) -> Analysis:
    """Add the words in which the models of the template *text* were trained to be told of tools."""
    needs, evidence = found.needs, found.evidence
    if not needs.told.text and (known := told_for(text)):
        needs = replace(needs, told=known.told)
        evidence = (*evidence, Finding("told", known.name, known.evidence))
    warnings = (*found.warnings, _TOLD)
    return replace(found, needs=needs, evidence=evidence, warnings=warnings)


def _native_or_generic(chat: Chat, seen: Renderings) -> Analysis:
    asked, found = asked_for(seen), _derived(chat, seen)
    if isinstance(found, str):
        views = (replace(v, text=seen.text, tokens=seen.tokens) for v in other_views(chat, seen))
        others = (_derived(chat, view) for view in views)
        found = next((other for other in others if isinstance(other, Analysis)), found)
    if isinstance(found, str):
        return _asked(chat, seen, asked) or _by_tokens(chat, seen) or _generic(chat, seen, found)
    return (_asked(chat, seen, asked) if _mistaken(found.syntax, asked) else None) or found


def _mistaken(shown: Syntax, asked: Asked | None) -> bool:
    """True if the history cannot be what the model was *asked* for.

    What it is asked to mark is not bare JSON, and what it is asked to write as JSON is JSON.
    """
    if asked is None or not asked.syntax.marker:
        return False
    broken = shown.pairs is None and shown.keys is None and _OBJECT.search(shown.lead) is not None
    return broken or (not shown.marker and shown.keys is not None)


def _derived(chat: Chat, seen: Renderings) -> Analysis | str:
    """Analysis by a syntax derived from renderings and checked; the reason if there is none."""
    try:
        derived = derive(seen)
    except NotDerivable as reason:
        return str(reason)
    if objected := objections(derived.syntax, derived.prefill, seen):
        return objected[0]
    return Analysis(
        chat=chat,
        needs=seen.needs,
        thinking=seen.thinking,
        syntax=derived.syntax,
        native=True,
        prefill=derived.prefill,
        header=derived.header,
        evidence=(*derived.findings, Finding("check", "passed", "written, read and constrained")),
    )


def _asked(chat: Chat, seen: Renderings, asked: Asked | None) -> Analysis | None:
    """Analysis by the syntax the prompt asks for; None if it asks for none that can be trusted."""
    if asked is None:
        return None
    indented = re.search(r'\{\n\s+"zeta_key": "azure"\n', seen.one or "") is not None
    syntax = replace(asked.syntax, reasoning=derive_reasoning(seen), indented=indented)
    words = Finding("instructions", asked.words, "the prompt with tools asks for this form")
    return _by_evidence(chat, seen, syntax, words)


def _by_tokens(chat: Chat, seen: Renderings) -> Analysis | None:
    """Analysis by control tokens for calls, if the template tells tools and shows no call."""
    known = vocabulary_for(seen.tokens) if seen.needs.tells_tools else None
    if known is None:
        return None
    syntax = replace(known.syntax, reasoning=derive_reasoning(seen))
    tokens = Finding("tokens", " ".join(known.tokens), known.evidence)
    return _by_evidence(chat, seen, syntax, tokens)


def _by_evidence(chat: Chat, seen: Renderings, syntax: Syntax, found: Finding) -> Analysis | None:
    """Analysis by a *syntax* that no history shows; None if it objects to itself."""
    if self_objections(syntax):
        return None
    return Analysis(
        chat=chat,
        needs=seen.needs,
        thinking=seen.thinking,
        syntax=syntax,
        native=True,
        calls_as_text=seen.one is None,
        header=header_of(seen, syntax, ""),
        evidence=(found,),
    )


def _with_code(syntax: Syntax, text: str) -> Syntax:
    """Add the code calls of tools built into the models of the template *text*."""
    framed = bool(syntax.content_openings)
    return syntax if framed else replace(syntax, code=code_for(text))


def _known(chat: Chat, seen: Renderings, known: Known) -> Analysis:
    """Analysis by an entry of the data file; the reasoning is derived where the entry has none."""
    syntax, needs = (
        known.syntax,
        replace(
            seen.needs,
            told=Told(text=known.told),
            result_text=known.result_text,
            tight=known.tight or seen.needs.tight,
        ),
    )
    if syntax.reasoning is None:
        syntax = replace(syntax, reasoning=derive_reasoning(seen))
    if objected := self_objections(syntax):
        return _generic(chat, seen, objected[0])
    if known.result_role:
        needs = replace(needs, result_role=known.result_role)
    if seen.one is None and not syntax.parallel:
        needs = replace(needs, one_call=True)
    return Analysis(
        chat=chat,
        needs=needs,
        thinking=seen.thinking,
        syntax=syntax,
        native=True,
        calls_as_text=seen.one is None,
        header=header_of(seen, syntax, ""),
        evidence=(Finding("known", known.name, known.evidence),),
    )


def _generic(chat: Chat, seen: Renderings, reason: str) -> Analysis:
    syntax = generic_syntax(derive_reasoning(seen))
    return Analysis(
        chat=chat,
        needs=seen.needs,
        thinking=seen.thinking,
        syntax=syntax,
        native=False,
        header=header_of(seen, syntax, ""),
        evidence=(Finding("fallback", "generic", reason),),
    )


def _fields(learned: Learned) -> dict[str, Any]:
    return {each.name: getattr(learned, each.name) for each in fields(Learned)}
