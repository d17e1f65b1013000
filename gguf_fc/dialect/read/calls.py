"""Reads one call and says so, piece by piece.

Before ``CallStart`` nothing is said, so that a ``Mismatch`` leaves no trace; afterwards the
arguments go out as they arrive.  Knows the inside of a call, not what stands around it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gguf_fc.dialect.parameter_types import ParameterType
from gguf_fc.dialect.read.pairs import PairsReader
from gguf_fc.dialect.read.reader import Mismatch, Reader, Steps, without_begun, words_of
from gguf_fc.dialect.read.values import expect_object, pass_value, read_value
from gguf_fc.dialect.syntax import CallPattern, Keys, Pairs, Part, Parts, Placeholder, Syntax
from gguf_fc.events import CallDelta, CallEnd, CallStart, ParseEvent
from gguf_fc.grammar.values.spacing import SPACE

_LONGEST_NAME = 256
_NAMESPACE = re.compile(r"[\w-]+(\.[\w-]+)*")


@dataclass(slots=True)
class _OpenCall:
    """A call while it is read."""

    name: str | None = None
    id: str | None = None
    number: str | None = None  # of a model that counts its calls
    arguments: list[str] = field(default_factory=list)  # read before the call could be announced
    started: bool = False
    complete: bool = False  # the arguments were read


@dataclass(slots=True)
class CallReader:
    """Reads calls of one turn.  *count* is how many were announced so far."""

    syntax: Syntax
    schemas: Mapping[str, Any] | None  # of the tools, by name; None: any name is a tool's
    new_id: Callable[[], str]
    reader: Reader
    say: Callable[[ParseEvent], None]
    count: int = field(default=0, init=False)

    def read(self, pattern: CallPattern, taken: int = 0) -> Generator[None, None, bool]:
        """Read one call of which *taken* characters of the opening are read.

        False: it is none, or it broke.
        """
        call = _OpenCall()
        opening = pattern.marker if pattern.keys else pattern.opening.strip()
        try:
            yield from self.reader.skip_space()
            yield from self.reader.expect_words(opening[taken:])
            yield from self.reader.skip_space()
            if pattern.keys is None:
                yield from self._row(call, pattern)
            else:
                yield from self._object(call, pattern, pattern.keys)
            self._end(call)
        except Mismatch:
            self.count += call.started
            return False
        yield from self._closing(pattern)
        return True

    def drop_cut_mark(self) -> None:
        """At the end of a turn that is cut off in a mark of its calls, take what is there of it."""
        reader = self.reader
        left = "".join(reader.pending.split())
        if reader.final and left and any(mark.startswith(left) for mark in self._marks()):
            reader.take(len(reader.pending))

    def _marks(self) -> Iterator[str]:
        """The fixed texts of calls from each of their words on, without white space."""
        syntax = self.syntax
        texts = [syntax.section.close, syntax.separator + syntax.patterns[0].opening]
        texts += (pattern.closing + syntax.section.close for pattern in syntax.patterns)
        for form in syntax.pairs.forms if syntax.pairs else ():
            texts += (form.closing + syntax.patterns[0].closing, form.before, form.between)
        for text in texts:
            words = words_of(text)
            yield from ("".join(words[at:]) for at in range(len(words)))

    # A call that is one JSON object.

    def _object(self, call: _OpenCall, pattern: CallPattern, keys: Keys) -> Steps:
        reader = self.reader
        yield from reader.expect("{")
        late = _late_id(pattern)
        while True:
            yield from reader.skip_space()
            key = json.loads((yield from read_value(reader)))
            yield from reader.skip_space()
            yield from reader.expect(":")
            yield from reader.skip_space()
            if key == keys.arguments and not call.complete:
                call.arguments.clear()
                yield from self._arguments(call, hold=late)
            else:
                self._field(call, keys, key, json.loads((yield from read_value(reader))))
            yield from reader.skip_space()
            if (yield from reader.follows("}")):
                return
            yield from reader.expect(",")

    def _field(self, call: _OpenCall, keys: Keys, key: object, value: object) -> None:
        if key == keys.name and call.name is None:
            call.name = self._known(value)
        elif key == keys.id and keys.id is not None and isinstance(value, str):
            call.id = value
        elif isinstance(value, dict) and not call.complete:
            # Some models name the arguments otherwise than their template does.
            call.arguments = [json.dumps(value, ensure_ascii=False)]
        elif not isinstance(key, str):
            raise Mismatch

    # A call whose name stands free.

    def _row(self, call: _OpenCall, pattern: CallPattern) -> Steps:
        parts, late = pattern.inside, _late_id(pattern)
        for n, part in enumerate(parts):
            if isinstance(part, str):
                yield from self._fixed(part, parts[n + 1 :])
            elif part.kind == "arguments":
                yield from self.reader.skip_space()
                yield from self._arguments(call, hold=late, closing=pattern.closing)
            else:
                text = yield from self._free(part, self._endings(pattern, n))
                self._fill(call, part, text)
        if self.syntax.pairs is not None:
            # A pair more might follow; only what closes the call says that it is whole.
            yield from self.reader.expect_words(_telling(pattern.closing, self.syntax.pairs))

    def _fixed(self, text: str, rest: Parts) -> Steps:
        """A fixed text; before JSON it may be missing."""
        if (yield from self.reader.follows_words(text)):
            return
        yield from self.reader.skip_space()
        yield from self.reader.more()
        if not (rest[:1] == (_ARGUMENTS,) and self.reader.peek == "{"):
            raise Mismatch

    def _fill(self, call: _OpenCall, placeholder: Placeholder, text: str) -> None:
        match placeholder.kind:
            case "name":
                if call.name is not None and self._known(text) != call.name:
                    raise Mismatch
                call.name = self._known(text)
            case "index":
                call.number = text
            case _:
                call.id = text

    def _endings(self, pattern: CallPattern, n: int) -> tuple[str, ...]:
        """The texts that can follow the placeholder *n* of a pattern's inside."""
        rest: Parts = (*pattern.inside[n + 1 :], pattern.closing)
        found: list[str] = []
        for part in rest:
            if isinstance(part, str):
                found += words_of(part)[:1] or [part]
                if part.strip():
                    break
            elif part.kind == "arguments":
                before = self.syntax.pairs.text.before.strip() if self.syntax.pairs else "{"
                found += words_of(before)[:1]
            else:
                break
        if not self.syntax.pairs and _ARGUMENTS in rest:
            found.append("{")
        return tuple(dict.fromkeys(filter(None, found)))

    def _free(
        self, placeholder: Placeholder, endings: tuple[str, ...]
    ) -> Generator[None, None, str]:
        """The short text before one of *endings*."""
        reader, taken = self.reader, ""
        while True:
            text, found = reader.take_before(endings)
            taken += text
            if found or (reader.final and not endings):
                return taken.strip(SPACE)
            possible = placeholder.kind != "name" or self._may_be_name(
                without_begun(taken, endings).strip(SPACE)
            )
            if len(taken) > _LONGEST_NAME or not possible:
                raise Mismatch
            yield from self.reader.wait()

    def _without_namespace(self, name: str) -> str:
        # Where nothing but its name tells a call from text, only the tool's own name does.
        space, _, last = name.rpartition(".")
        return last if self.syntax.lead.strip() and _NAMESPACE.fullmatch(space) else name

    def _may_be_name(self, text: str) -> bool:
        """True if *text* may go on to the name of a tool, with or without a namespace before it."""
        if self.syntax.lead.strip() and _NAMESPACE.fullmatch(text.removesuffix(".")):
            return True
        return self.schemas is None or any(name.startswith(text) for name in self.schemas)

    def _known(self, name: object) -> str:
        """The tool that *name* means; models put its namespace before it or leave that out."""
        if not isinstance(name, str):
            raise Mismatch
        if self.schemas is None or name in self.schemas:
            return name
        if (last := self._without_namespace(name)) in self.schemas:
            return last
        raise Mismatch

    # Arguments.

    def _arguments(self, call: _OpenCall, *, hold: bool, closing: str = "") -> Steps:
        """The arguments; they go out at once where the call can be announced."""

        def say(text: str) -> None:
            self._deliver(call, text)

        if self.syntax.pairs is not None:
            # Text that quotes the mark and the name of a tool goes on otherwise than with a key or
            # the end of the call.
            yield from self.reader.skip_space()
            if self.reader.ended:
                self._begin(call)
            one_by_one = PairsReader(self.reader, say, closing, lambda: self._begin(call))
            schema = (self.schemas or {}).get(call.name or "")
            yield from one_by_one.read(self.syntax.pairs, ParameterType.of(schema))
            call.complete = True
            return
        yield from self.reader.more()
        if self.reader.peek != "{":
            call.arguments = [_as_object((yield from read_value(self.reader)))]
        else:
            yield from expect_object(self.reader)
            if call.name is not None and not hold:
                self._start(call)
            yield from pass_value(self.reader, say)
        call.complete = True

    def _deliver(self, call: _OpenCall, text: str) -> None:
        if call.started:
            self.say(CallDelta(self.count, text))
        else:
            call.arguments.append(text)

    def _start(self, call: _OpenCall) -> None:
        if call.name is None:
            raise Mismatch
        if not call.started:
            call.started = True
            self.reader.release()
            self.say(CallStart(self.count, self._id(call), call.name))

    def _begin(self, call: _OpenCall) -> None:
        """Announce the call, with what is known of its arguments."""
        held, call.arguments = "".join(call.arguments), []
        self._start(call)
        self._deliver(call, held)

    def _id(self, call: _OpenCall) -> str:
        if call.number is not None:
            own = {"name": call.name, "index": call.number}
            return "".join(
                part if isinstance(part, str) else own.get(part.kind) or ""
                for part in self.syntax.id_parts
            )
        return call.id or self.new_id()

    def _end(self, call: _OpenCall) -> None:
        self._start(call)
        if call.arguments or not call.complete:
            self.say(CallDelta(self.count, "".join(call.arguments) or "{}"))
        self.say(CallEnd(self.count))
        self.count += 1

    def _closing(self, pattern: CallPattern) -> Steps:
        """Take what is left of the closing, as far as the model writes it."""
        words = words_of(pattern.after)
        for word in words[1:] if self.syntax.pairs is not None else words:
            if not (yield from self.reader.follows_words(word)):
                return


_ARGUMENTS: Part = Placeholder("arguments")


def _telling(closing: str, pairs: Pairs) -> str:
    """Beginning of *closing* that tells it from the beginning of another pair."""
    words, others = words_of(closing), words_of(pairs.text.before)
    pairwise = enumerate(zip(words, others, strict=False))
    same = next((n for n, (a, b) in pairwise if a != b), min(len(words), len(others)))
    return " ".join(words[: same + 1])


def _late_id(pattern: CallPattern) -> bool:
    """True if the id comes when the arguments are over."""
    kinds = [part.kind for part in pattern.parts if isinstance(part, Placeholder)]
    return "id" in kinds and kinds.index("id") > kinds.index("arguments")


def _as_object(value: str) -> str:
    """The arguments as the text of a JSON object; they may be written as a JSON string, or null."""
    found = json.loads(value)
    try:
        found = json.loads(found or "{}") if isinstance(found, str) else found
    except ValueError as error:
        raise Mismatch from error
    if found is None:
        return "{}"
    if not isinstance(found, dict):
        raise Mismatch
    return json.dumps(found, ensure_ascii=False)
