"""Derives a syntax from renderings, each finding with its evidence.

Theory of operation.  A turn is what follows the longest text it shares with the prompt.  In it
the probe's names, ids and arguments are found; everything between them is fixed text:

    lead N middle A [...]  between  N middle A [...]  tail

1. What *lead* and *between* end with in common opens a call; the rest of *lead* opens the section.
2. What *between* and *tail* begin with in common closes a call.
3. What is left of *between* separates calls; what is left of *tail* before the end of the turn
   closes the section.
4. Where the prompt itself already ends with the opening of a call, *lead* is empty or short and
   the missing part is taken from *between*.

A syntax derived here is a hypothesis: ``check`` decides.  Knows nothing of jinja2.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from gguf_fc.dialect.common_text import (
    beyond,
    common_end,
    common_start,
    from_whole_tag,
    to_whole_tag,
)
from gguf_fc.dialect.learn.derive_pairs import FoundPairs, as_told, derive_pairs
from gguf_fc.dialect.learn.derive_reasoning import (
    content_opening,
    derive_reasoning,
    without_reasoning,
)
from gguf_fc.dialect.learn.probe import ARGUMENTS, IDS, NAMES, NEXT, RICH, TEXT, USER, Renderings
from gguf_fc.dialect.learn.variants import variants
from gguf_fc.dialect.prompt.continuation import reasoning_at_end
from gguf_fc.dialect.syntax import Marked, Part, Placeholder, PlaceholderKind, Syntax
from gguf_fc.grammar import Spacing

_COUNT = "\1"  # stands for a number that counts calls
_TAG = re.compile(r"<[^<>\s]+>")
_SPACINGS = (Spacing(", ", ": "), Spacing(",", ":"), Spacing(", ", ":"), Spacing(",", ": "))


@dataclass(frozen=True, slots=True)
class Finding:
    """Fact about a template, and the rendering or text it was seen in."""

    name: str
    value: str
    evidence: str


class NotDerivable(Exception):
    """Raised where no call that a ``Syntax`` can describe is shown; the message says why."""


@dataclass(frozen=True, slots=True)
class Derived:
    """Derived syntax, the part of it that the prompt may already hold, and the findings."""

    syntax: Syntax
    prefill: str  # the end of the prompt that belongs to the turn
    header: str  # what stands before it, from the user's text on
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _CallSpans:
    """Offsets of one call's placeholders in a turn, in order."""

    placeholders: tuple[tuple[int, int, PlaceholderKind], ...]

    @property
    def start(self) -> int:
        return self.placeholders[0][0]

    @property
    def end(self) -> int:
        return self.placeholders[-1][1]


def derive(seen: Renderings) -> Derived:
    """Derive the syntax the renderings suggest.  Raises NotDerivable."""
    if seen.one is None:
        raise NotDerivable(
            seen.failures[0] if seen.failures else "the template does not show calls"
        )
    return _Deriver(seen).run()


def header_of(seen: Renderings, syntax: Syntax, prefill: str) -> str:
    """Generation prompt without *prefill*: the text between the user's and the model's own."""
    header = seen.prompt[seen.prompt.rfind(USER) + len(USER) :].removesuffix(prefill)
    own = reasoning_at_end(syntax, header)
    return header[: len(header) - len(own)]


class _Deriver:
    def __init__(self, seen: Renderings) -> None:
        self.seen = seen
        self.findings: list[Finding] = []
        self.reasoning = derive_reasoning(seen)
        if found := self.reasoning:
            self._note("reasoning", f"{found.open!r} ... {found.close!r}", "a turn with reasoning")

    def run(self) -> Derived:
        one = self._turn(self.seen.one or "")
        found = None if _arguments_span(one, ARGUMENTS[0]) else self._pairs(one)
        first = _locate(one, 0, found)
        quoted = found is None and _quoted(one)
        spacing, ascii_only = self._spacing(quoted=quoted) if found is None else (Spacing(), False)
        lead, tail = one[: first.start], self._tail(one[first.end :])
        inner = self._counted(_parts(one, first), found)
        if self.seen.two is not None:
            opening, closing, section, separator, prefill = self._from_two(lead, found)
        else:
            opening, closing, section = _single(lead, tail, inner)
            separator, prefill = "\n", ""
        absent = self._around_absent_text(section.open + opening)
        if absent.open:
            bare = (section.open + opening).removeprefix(absent.open + absent.close)
            opening, section = bare, Marked("", section.close)
        content = self._content(prefill)
        call = (*_with_count(opening), *inner, *([closing] if closing else []))
        told = as_told(found.pairs, self.seen.prompt) if found else None
        if found and told and told != found.pairs:
            self._note("values", repr(told.text), "examples in the prompt with tools")
        syntax = Syntax(
            call=call,
            also=variants(call, absent),
            bare_call=self._bare_call(found, opening, closing),
            section=section,
            separator=separator,
            gap=self._gap(section.open + opening, separator, content),
            content=content,
            reasoning=self.reasoning,
            end=self._turn_end(),
            pairs=told,
            quoted=quoted,
            spacing=spacing,
            ascii_only=ascii_only,
            parallel=self.seen.two is not None,
            opened=prefill,
        )
        if not content.open:
            syntax = self._spaced(syntax)
        self._note("call", "".join(_shown(part) for part in syntax.call), f"turn {one!r}")
        self._note("parallel", "yes" if syntax.parallel else "no", "two calls in one turn")
        return Derived(syntax, prefill, header_of(self.seen, syntax, prefill), tuple(self.findings))

    def _spaced(self, syntax: Syntax) -> Syntax:
        """*syntax* with the white space before text, and the header before a call behind text.

        Where a call takes the place of content, text beside it is a turn before it.
        """
        turn = self._turn(self.seen.plain or "")
        before = turn[: max(0, turn.rfind(TEXT))]
        header = header_of(self.seen, syntax, "")
        tags = _TAG.findall(header) if self.seen.needs.metadata else []
        gap = tags[-1] if tags and header.rstrip().endswith(tags[-1]) else syntax.gap
        return replace(syntax, space="" if before.strip() else before, gap=gap)

    def _around_absent_text(self, lead: str) -> Marked:
        """Tags that a turn of calls begins with, and that stand around its text if it has any."""
        both = self._turn(self.seen.text_and_call or "")
        before, found, after = both.partition(TEXT)
        tag = _TAG.match(after)
        if not (found and _TAG.fullmatch(before) and tag and lead.startswith(before + tag.group())):
            return Marked()
        self._note("text beside calls", f"{before!r} ... {tag.group()!r}", f"turn {both!r}")
        return Marked(before, tag.group())

    def _pairs(self, one: str) -> FoundPairs:
        """Derive arguments that are written one by one.  Raises NotDerivable."""
        found = derive_pairs(self.seen, self._turn)
        if found is None:
            raise NotDerivable("the template writes arguments neither as JSON nor as plain pairs")
        self._note("pairs", repr(found.pairs.text), f"turn {one!r}")
        return found

    def _counted(self, parts: tuple[Part, ...], found: FoundPairs | None) -> tuple[Part, ...]:
        """Parts of a call, with a placeholder for a number that counts the calls of a turn."""
        if self.seen.two is None:
            return parts
        two = self._turn(self.seen.two)
        second = _parts(two, _locate(two, 1, found))
        counted: list[Part] = []
        for part, other in zip(parts, second, strict=False):
            numbers = re.search(r"\d+", part) if isinstance(part, str) else None
            if numbers and isinstance(part, str) and isinstance(other, str) and part != other:
                start, stop = numbers.span()
                if other == f"{part[:start]}{int(numbers.group()) + 1}{part[stop:]}":
                    counted += [part[:start], Placeholder("index"), part[stop:]]
                    continue
            counted.append(part)
        return tuple(part for part in counted if part != "")

    def _bare_call(
        self, found: FoundPairs | None, opening: str, closing: str
    ) -> tuple[Part, ...] | None:
        """Parts of a call without arguments; None if the renderings show none of its own form."""
        if found is None or self.seen.none is None:
            return None
        turn = self._tail(self._turn(self.seen.none))
        start = turn.find(opening + NAMES[0])
        ending = closing.strip()
        stop = turn.find(ending, turn.rfind(NAMES[0]) + len(NAMES[0])) + len(ending)
        if start < 0 or stop < len(ending):
            return None
        parts: list[Part] = [opening]
        for n, text in enumerate(turn[start + len(opening) : stop].split(NAMES[0])):
            parts += [Placeholder("name"), text] if n else [text]
        return tuple(part for part in parts if part != "")

    def _from_two(self, lead: str, pairs: FoundPairs | None) -> tuple[str, str, Marked, str, str]:
        """Opening, closing, section, separator and prefill by rules 1 to 4 of the theory."""
        two = self._turn(self.seen.two or "")
        first, second = _locate(two, 0, pairs), _locate(two, 1, pairs)
        between, tail = two[first.end : second.start], two[second.end :]
        prefill = ""
        if not lead.strip().strip('{["'):
            prefill = _longest_shared_end(self.seen.prompt, between, lead).lstrip()
        lead, between = _counted_lead(lead, between)
        opening = from_whole_tag(prefill + lead, common_end(prefill + lead, between))
        section_open = (prefill + lead)[: len(prefill + lead) - len(opening)]
        between = between[: len(between) - len(opening)]
        closing = to_whole_tag(common_start(between, tail))
        # White space behind the last call is the template's own: a model may end its turn before.
        closing = closing.rstrip() or closing
        separator = between[len(closing) :]
        section_close = self._tail(tail[len(closing) :]) if section_open.strip() else ""
        self._note("separator", separator, f"between two calls: {between + opening!r}")
        return opening, closing, Marked(section_open, section_close), separator, prefill

    def _turn(self, rendered: str) -> str:
        """The assistant's turn in a rendering: what it has beyond the prompt, without reasoning."""
        turn = beyond(rendered, self.seen.prompt)
        return without_reasoning(turn, self.reasoning)

    def _spacing(self, *, quoted: bool) -> tuple[Spacing, bool]:
        """Separators and escaping of the template's JSON: the first found in the rich call."""
        from_rich = self.seen.rich or ""
        for spacing in _SPACINGS:
            for ascii_only in (False, True):
                text = _dumped(RICH, spacing, ascii_only=ascii_only)
                text = json.dumps(text, ensure_ascii=ascii_only) if quoted else text
                if text in from_rich:
                    self._note("spacing", repr((spacing.item, spacing.key)), text)
                    return spacing, ascii_only
        raise NotDerivable("the template does not write arguments as JSON")

    def _end(self) -> str:
        """The text that ends a turn."""
        plain = self.seen.plain or ""
        at = plain.rfind(TEXT)
        return plain[at + len(TEXT) :] if at >= 0 else ""

    def _tail(self, text: str) -> str:
        """Cut the end of the turn off *text*.

        Where a turn of calls ends otherwise than a turn of text, it ends at the first tag that
        stands behind a turn of text; some templates write the header of the next turn there.
        """
        end = self._end()
        if end and text.endswith(end):
            return text.removesuffix(end)
        followed = self.seen.followed or ""
        at = followed.rfind(TEXT) + len(TEXT)
        behind = end + followed[at : followed.rfind(NEXT)]
        places = (text.find(tag) for tag in _TAG.findall(behind))
        return text[: min((at for at in places if at >= 0), default=len(text))]

    def _gap(self, opening: str, separator: str, content: Marked) -> str:
        """Text between content and the first call."""
        framed = bool(content.open)
        both = self.seen.text_and_call
        if both is None:
            # Where text has a frame of its own, calls follow it as they follow each other.
            if framed and _TAG.search(separator):
                return separator
            return "" if framed or opening.startswith("\n") else "\n"
        turn = both[both.rfind(TEXT) + len(TEXT) :]
        gap = turn[: max(0, turn.find(opening))]
        gap = gap.lstrip().removeprefix(content.close) if content.close else gap
        anew = self.seen.prompt.rpartition(USER)[2].strip()  # as every turn begins
        return gap if framed or gap.strip() in ("", anew) else ""

    def _content(self, prefill: str) -> Marked:
        """Marks around content."""
        if self.seen.plain is None:
            return Marked()
        turn = self._turn(self.seen.plain)
        if opening := content_opening(self.seen, prefill + turn):
            self._note("content", opening, f"turn {turn!r}")
        return Marked(opening, self._content_close() if opening else "")

    def _content_close(self) -> str:
        """Closing mark of content before the mark that ends every turn."""
        end, calls = self._end(), (self.seen.one or "").rpartition("azure")[2]
        shared = (end.find(tag) for tag in _TAG.findall(end) if tag in calls)
        return end[: min(shared, default=0)].strip()

    def _turn_end(self) -> str:
        """The mark that ends a turn of text."""
        behind = self._end().lstrip().removeprefix(self._content_close())
        found = _TAG.match(behind.strip())
        return found.group() if found else ""

    def _note(self, name: str, value: str, evidence: str) -> None:
        self.findings.append(Finding(name, value, evidence))


def _locate(turn: str, n: int, pairs: FoundPairs | None = None) -> _CallSpans:
    """The placeholders of the *n*-th call of a turn."""
    span = pairs.span(turn, n) if pairs else _arguments_span(turn, ARGUMENTS[n])
    if span is None:
        raise NotDerivable("the template does not write arguments as a JSON object")
    placeholders: list[tuple[int, int, PlaceholderKind]] = [(*span, "arguments")]
    known: tuple[tuple[str, PlaceholderKind], ...] = ((NAMES[n], "name"), (IDS[n], "id"))
    for text, kind in known:
        placeholders += [
            (found.start(), found.end(), kind) for found in re.finditer(re.escape(text), turn)
        ]
    if not any(kind == "name" for _, _, kind in placeholders):
        raise NotDerivable("the template does not write the name of a call")
    return _CallSpans(tuple(sorted(placeholders)))


def _arguments_span(turn: str, arguments: dict[str, str]) -> tuple[int, int] | None:
    """Offsets of the arguments as a JSON object, or as one inside a JSON string."""
    for spacing in _SPACINGS:
        text = _dumped(arguments, spacing, ascii_only=False)
        for written in (text, json.dumps(text)):
            if (at := turn.find(written)) >= 0:
                return at, at + len(written)
    return None


def _quoted(turn: str) -> bool:
    """True if the arguments stand in *turn* as text inside a JSON string."""
    texts = (_dumped(ARGUMENTS[0], spacing, ascii_only=False) for spacing in _SPACINGS)
    return any(json.dumps(text) in turn for text in texts)


def _counted_lead(lead: str, between: str) -> tuple[str, str]:
    """Text before the first and the second call, with ``_COUNT`` for a number that counts them."""
    for number in reversed(list(re.finditer(r"\d+", lead))):
        behind = lead[number.end() :]
        following = str(int(number.group()) + 1) + behind
        if between.endswith(following):
            before = between[: len(between) - len(following)]
            return lead[: number.start()] + _COUNT + behind, before + _COUNT + behind
    return lead, between


def _with_count(opening: str) -> tuple[Part, ...]:
    before, count, behind = opening.partition(_COUNT)
    return (before, Placeholder("index"), behind) if count else (opening,)


def _parts(turn: str, call: _CallSpans) -> tuple[Part, ...]:
    """The placeholders and the texts between them."""
    parts: list[Part] = []
    end = call.start
    for start, stop, kind in call.placeholders:
        if start > end:
            parts.append(turn[end:start])
        parts.append(Placeholder(kind))
        end = stop
    return tuple(parts)


def _single(lead: str, tail: str, inner: tuple[Part, ...]) -> tuple[str, str, Marked]:
    """Opening, closing and section where a turn shows one call only: all of it is the call's."""
    syntax = Syntax(call=(lead, *inner, tail))
    if syntax.keys is not None and not syntax.marker:
        # What follows bare JSON ends the turn; it may differ from the end of other turns.
        return lead, tail[: len(tail) - len(syntax.after)], Marked()
    return lead, tail, Marked()


def _dumped(value: Any, spacing: Spacing, *, ascii_only: bool) -> str:
    return json.dumps(value, ensure_ascii=ascii_only, separators=(spacing.item, spacing.key))


def _longest_shared_end(prompt: str, between: str, lead: str) -> str:
    """The longest end of *prompt* that, followed by *lead*, ends *between*."""
    for at in range(max(0, len(prompt) - len(between)), len(prompt)):
        if prompt[at:].strip() and between.endswith(prompt[at:] + lead):
            return prompt[at:]
    return ""


def _shown(part: Part) -> str:
    return part if isinstance(part, str) else f"{{{part.kind}}}"
