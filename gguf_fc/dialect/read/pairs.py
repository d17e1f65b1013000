"""Reads arguments that are written one by one, and says them as one JSON object as they arrive.

They are pairs of key and value between fixed texts.  Where a notation does not show whether ``40``
is a number or a text, the tool's schema says it.  Knows nothing of what
stands around the arguments.

Held back are: a key, a value that is neither plainly a text nor plainly a list or an object, and
white space that may be the template's; also a closing text whose white space is missing, until it
shows whether the value goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import reduce
from itertools import count

from gguf_fc.dialect.common_text import common_start
from gguf_fc.dialect.parameter_types import ParameterType
from gguf_fc.dialect.read.bare import read_bare
from gguf_fc.dialect.read.reader import Mismatch, Reader, Steps, words_of
from gguf_fc.dialect.read.strings import as_json_string
from gguf_fc.dialect.read.values import pass_value
from gguf_fc.dialect.syntax import Pair, Pairs
from gguf_fc.grammar.schema.json_types import ALL_TYPES
from gguf_fc.grammar.values.notation import JSON, PYTHON
from gguf_fc.grammar.values.spacing import SPACE

_LONGEST_KEY = 256


@dataclass(slots=True)
class PairsReader:
    """Reads from *reader*, says JSON text to *say*.

    *closing* is what stands behind the last pair; *begun* is called when the first key is read.
    """

    reader: Reader
    say: Callable[[str], None]
    closing: str
    begun: Callable[[], None]

    def read(self, pairs: Pairs, schema: ParameterType) -> Steps:
        """All pairs, up to what is none."""
        comma = ""
        self.say("{")
        while (yield from self._begins(pairs)):
            key, form = yield from self._key(pairs, schema)
            if not comma:
                self.begun()
            self.say(f'{comma}"{as_json_string(key)}": ')
            comma = ", "
            yield from self._value(pairs, form, key, schema.member(key))
            yield from self.reader.skip_space()
            # Where models leave out a comma or add one, what is meant is plain all the same.
            for separator in dict.fromkeys((pairs.separator.strip(), "," if pairs.quoted else "")):
                if separator and (yield from self.reader.follows(separator)):
                    break
        self.say("}")

    def _begins(self, pairs: Pairs) -> Generator[None, None, bool]:
        """Take what stands before a key; without such a text, see whether a key comes."""
        yield from self.reader.skip_space()
        before, ending = pairs.text.before.strip(), self.closing.strip()
        if before and ending.startswith(before):
            self.reader.mark()
            ended = yield from self.reader.follows_words(ending)
            self.reader.rewind()
            if ended:
                return False
        if before:
            return (yield from self.reader.follows_words(before))
        return not ending.startswith(self.reader.peek)

    def _key(self, pairs: Pairs, schema: ParameterType) -> Generator[None, None, tuple[str, Pair]]:
        """The key, and how its value is written."""
        forms = sorted(pairs.forms, key=lambda form: -len(form.between))
        common = reduce(common_start, (form.between.strip() for form in forms))
        shared = (words_of(common) or [common])[0]
        key = yield from self._name(pairs, schema, shared)
        for form in forms:
            if (yield from self.reader.follows_words(form.between.strip()[len(shared) :])):
                yield from self._layout(form.between[len(form.between.rstrip(SPACE)) :])
                return key, form
        yield from self.reader.skip_space()
        self.reader.unfinished |= self.reader.ended
        raise Mismatch

    def _name(self, pairs: Pairs, schema: ParameterType, ending: str) -> Generator[None, None, str]:
        """The key and the *ending* behind it, which a key in quotes or a known one may hold."""
        quote = pairs.notation.quote
        if pairs.quotes_keys and (yield from self.reader.follows(quote)):
            key = yield from self.reader.until(quote, _LONGEST_KEY)
            yield from self.reader.skip_space()
            yield from self.reader.expect(ending)
            return key
        before = pairs.text.before.strip()
        odd = [name for name in schema.names if ending in name or name != _bare_name(name)]
        for name in sorted(odd, key=len, reverse=True):
            # Where nothing stands before a key, its own white space is skipped.
            if (yield from self.reader.follows((name if before else name.lstrip(SPACE)) + ending)):
                return name
        return _bare_name((yield from self.reader.until(ending, _LONGEST_KEY)))

    def _layout(self, space: str) -> Steps:
        """Take white space that the template writes, as far as it is there."""
        for character in space:
            if not (yield from self.reader.follows(character)):
                return

    def _value(self, pairs: Pairs, form: Pair, key: str, schema: ParameterType) -> Steps:
        if pairs.quoted:
            # Any notation but JSON's own is read leniently, with the words and quotes of all.
            notation = pairs.scalars if pairs.scalars != JSON else pairs.notation
            yield from pass_value(self.reader, self.say, notation)
            rest = form.after_key(key).strip()
        elif pairs.item is not None:
            yield from self._nested(pairs, form, key, schema)
            rest = ""
        elif pairs.text != pairs.other and form in (pairs.text, pairs.guarded):
            yield from self._text(pairs, form)
            rest = form.after_key(key).strip()[len(form.closing.strip()) :]
        else:
            yield from self._typed(pairs, form, schema)
            rest = form.after_key(key).strip()[len(form.closing.strip()) :]
        yield from self.reader.follows_words(rest)

    def _typed(self, pairs: Pairs, form: Pair, schema: ParameterType) -> Steps:
        """A bare value, of a type that the schema admits."""
        if pairs.text != pairs.other:  # this form is for anything but strings
            schema = schema.only(ALL_TYPES - {"string"})
        types = schema.types
        if types == {"string"} or form == pairs.guarded:
            yield from self._text(pairs, form)
            return
        if "string" not in types and types & {"array", "object"}:
            # Between quotes the closing text may stand.
            yield from self.reader.skip_space()
            yield from self.reader.more()
            if self.reader.peek in ("[", "{"):
                yield from pass_value(self.reader, self.say, PYTHON)
                yield from self.reader.skip_space()
                yield from self.reader.expect(form.closing.strip())
                return
        pieces: list[str] = []
        yield from self._bare(pairs, form, pieces.append)
        self.say(read_bare("".join(pieces), schema))

    def _text(self, pairs: Pairs, form: Pair) -> Steps:
        """A bare text."""
        self.say('"')
        yield from self._bare(pairs, form, lambda piece: self.say(as_json_string(piece)))
        self.say('"')

    def _bare(self, pairs: Pairs, form: Pair, take: Callable[[str], None]) -> Steps:
        """Read up to the closing text, without the white space that belongs to that.

        Without this white space the closing text counts only before another pair or the end of the
        call: elsewhere it is quoted in the value.
        """
        closing, held = form.closing.strip(), ""
        space = form.closing[: len(form.closing) - len(form.closing.lstrip(SPACE))]
        while True:
            text, marker = self.reader.take_until((closing,))
            text = held + text
            if marker is not None:
                if text.endswith(space) or (yield from self._at_end_of_pair(pairs)):
                    take(text.removesuffix(space))
                    return
                text += marker
            cut = len(text) - len(space) if space else len(text)
            held = text[max(0, cut) :]
            if text[: max(0, cut)]:
                take(text[: max(0, cut)])
            if marker is None:
                yield from self.reader.wait()

    def _at_end_of_pair(self, pairs: Pairs) -> Generator[None, None, bool]:
        """Tell whether another pair, the end of the call or that of the text comes next."""
        reader, following = self.reader, list[str]()
        for text in (pairs.separator, pairs.text.before, self.closing):
            following += words_of(text)[:1]
        reader.mark()
        yield from self.reader.skip_space()
        found = self.reader.ended
        for word in following:
            found = found or (yield from self.reader.follows(word))
        reader.rewind()
        return found

    # Values that are pairs again.

    def _nested(self, pairs: Pairs, form: Pair, key: str, schema: ParameterType) -> Steps:
        """A bare scalar, or nested pairs: a list where they have the key of an item."""
        opening, closing = form.before.strip(), form.after_key(key).strip()
        types, pieces = schema.types, list[str]()
        if "string" in types and types != ALL_TYPES:
            # A text may hold anything, also what looks like pairs.
            self.say(read_bare((yield from self.reader.until(closing, None)), schema))
            return
        while True:
            pieces.append((yield from self.reader.until(opening, None)))
            if (yield from self.reader.follows(closing[len(opening) :])):
                self.say(_scalar("".join(pieces), schema))
                return
            if not "".join(pieces).strip():
                break
            pieces.append(opening)
        yield from self._children(pairs, form, closing, schema)

    def _children(self, pairs: Pairs, form: Pair, closing: str, schema: ParameterType) -> Steps:
        """From behind the opening of the first child to the end of the parent."""
        opening, ending, comma = form.before.strip(), "", ""
        for at in count():
            child, _ = yield from self._key(pairs, schema)
            if not ending:
                listed = child == pairs.item and "array" in schema.types
                ending = "]" if listed else "}"
                self.say("[" if listed else "{")
            if ending == "]":
                self.say(comma)
                yield from self._nested(pairs, form, child, schema.item(at))
            else:
                self.say(f'{comma}"{as_json_string(child)}": ')
                yield from self._nested(pairs, form, child, schema.member(child))
            comma = ", "
            yield from self.reader.skip_space()
            yield from self.reader.expect(opening)
            if (yield from self.reader.follows(closing[len(opening) :])):
                self.say(ending)
                return


def _bare_name(text: str) -> str:
    """Key that is written as *text*: models put white space and quotes around it."""
    return text.strip().strip("\"'")


def _scalar(text: str, schema: ParameterType) -> str:
    types = schema.types
    if not text.strip() and "string" not in types:
        return "[]" if "array" in types else "{}" if "object" in types else '""'
    return read_bare(text, schema)
