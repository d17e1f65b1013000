"""Derives from renderings how arguments are written one by one.

Theory of operation.  A turn with one argument is cut at its name N, key K and value V, one with two
arguments at both; what is between is fixed text:

    N head K between V tail        N head K between V middle K between V tail

1. What *head* and *middle* end with in common stands before a key.
2. What *middle* and *tail* begin with in common stands after a value; the key may be in it again.
3. What is left of *middle* separates arguments.  White space at the joints belongs to the layout
   around an argument, not to the argument.
4. Values other than strings have the same texts around them, or less by the quotes of a string, or
   texts of their own.  How they are spelled is tried: every notation that writes what is seen.

Knows nothing of what stands around the arguments.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gguf_fc.dialect.common_text import common_end, common_start, from_whole_tag, to_whole_tag
from gguf_fc.dialect.learn.probe import ARGUMENTS, NAMES, TWO_KEYS, VALUES, Renderings
from gguf_fc.dialect.read.values import spell
from gguf_fc.dialect.syntax import Pair, Pairs, Part, Placeholder
from gguf_fc.dialect.write import in_order, write_pair
from gguf_fc.grammar.values.notation import JSON, PYTHON, Escapes, Notation
from gguf_fc.grammar.values.spacing import SPACE

_KEY = "\0"  # stands for a key in a text


@dataclass(frozen=True, slots=True)
class FoundPairs:
    """Notation of pairs, and their offsets in a turn of the probe."""

    pairs: Pairs

    def span(self, turn: str, n: int) -> tuple[int, int] | None:
        """Offsets of the arguments of the *n*-th call; None if they are absent."""
        (key, value), *_ = ARGUMENTS[n].items()
        text = write_pair(self.pairs, key, value)
        at = turn.find(text)
        return (at, at + len(text)) if at >= 0 else None


def derive_pairs(seen: Renderings, turn_of: Callable[[str], str]) -> FoundPairs | None:
    """Derive the notation of pairs; None if the renderings show no pairs."""
    one, both = turn_of(seen.one or ""), turn_of(seen.both or "")
    single = _cut(one, ["zeta_key"], ["azure"])
    keys = sorted(TWO_KEYS, key=both.find)
    double = _cut(both, keys, [TWO_KEYS[key] for key in keys])
    if single is None or double is None:
        return None
    head, between, tail = single.texts
    middle = double.texts[2]
    before = _layout_apart(from_whole_tag(middle, common_end(head, middle)))
    after = common_start(middle, double.texts[4])[: len(middle) - len(before)]
    after = to_whole_tag(after).rstrip(SPACE)
    text = Pair(before, between, _with_key(after))
    pairs = Pairs(
        text=text,
        other=text,
        separator=middle[len(after) : len(middle) - len(before)],
        ordered=keys != list(TWO_KEYS),
    )
    if not after:
        return None  # nothing says where a bare value ends
    values = {kind: turn_of(rendered) for kind, rendered in seen.values.items()}
    return _spelled(pairs, values, tail, seen.guards)


def as_told(pairs: Pairs, prompt: str) -> Pairs:
    """*pairs* with the line break before a value that the examples in the prompt have.

    A model follows what it is asked for: where a history drops the line break behind each tag, and
    no example does, the examples are what it was trained on.
    """
    return replace(pairs, text=_told(pairs.text, prompt), other=_told(pairs.other, prompt))


def _told(form: Pair, prompt: str) -> Pair:
    before, between = re.escape(form.before), re.escape(form.between)
    if not (before.strip() and between.strip()) or form.between.endswith("\n"):
        return form
    shown = set(re.findall(rf"{before}[^<>=\s]+{between}(.)", prompt, re.DOTALL))
    return replace(form, between=form.between + "\n") if shown == {"\n"} else form


@dataclass(frozen=True, slots=True)
class _Cut:
    texts: list[str]  # before a key, before a value, before the next key, ..., after the last value


def _cut(turn: str, keys: list[str], values: list[str]) -> _Cut | None:
    """The fixed texts of a turn from behind its name on, with repeated keys as ``_KEY``."""
    at = turn.find(keys[0])
    start = turn.rfind(NAMES[0], 0, max(0, at)) + len(NAMES[0])
    texts: list[str] = []
    for key, value in zip(keys, values, strict=True):
        at = turn.find(key, start)
        stop = turn.find(value, at + len(key))
        if at < 0 or stop < 0:
            return None
        texts += [turn[start:at], turn[at + len(key) : stop]]
        start = stop + len(value)
    texts.append(turn[start:])
    repeated = [text.replace(keys[0], _KEY).replace(keys[-1], _KEY) for text in texts]
    return _Cut(repeated)


def _spelled(pairs: Pairs, values: dict[str, str], tail: str, guards: str) -> FoundPairs | None:
    """Complete the pairs with the notation of values other than plain strings."""
    rest = tail.removeprefix(_after(pairs.text))
    if "number" in values and (form := _form(values["number"], "40", pairs, rest)) is not None:
        quote = pairs.text.between.removeprefix(form.between)
        if quote and pairs.text == _quoted(form, quote):
            notation = replace(pairs.notation, quote=quote, escapes=_escapes(quote))
            pairs = replace(pairs, text=form, other=form, quoted=True, notation=notation)
        else:
            pairs = replace(pairs, other=form)
    omitted = "null" in values and "zeta_key" not in values["null"]
    pairs = replace(pairs, scalars=_scalars(pairs, values), nulls=not omitted)
    pairs = _structured(pairs, values)
    return FoundPairs(_strings(pairs, values, rest, guards))


def _form(turn: str, value: str, pairs: Pairs, rest: str) -> Pair | None:
    """The texts around a *value* that is no string."""
    start = turn.find(pairs.text.before + "zeta_key")
    at = turn.find(value, start)
    stop = turn.find(rest, at + len(value)) if rest else len(turn)
    if start < 0 or at < 0 or stop < 0:
        return None
    between = turn[start + len(pairs.text.before) + len("zeta_key") : at]
    after = turn[at + len(value) : stop].replace("zeta_key", _KEY)
    return Pair(pairs.text.before, between, _with_key(after))


def _quoted(form: Pair, quote: str) -> Pair:
    return Pair(form.before, form.between + quote, _with_key(quote + _after(form)))


def _scalars(pairs: Pairs, values: dict[str, str]) -> Notation:
    """Spelling of true, false and null as whole values."""

    def shown(kind: str, usual: str, other: str) -> str:
        return other if _written(pairs.other, other) in values.get(kind, "") else usual

    return replace(
        pairs.notation,
        true=shown("true", "true", "True"),
        false=shown("false", "false", "False"),
        null=shown("null", "null", "None"),
    )


def _structured(pairs: Pairs, values: dict[str, str]) -> Pairs:
    """The notation of lists and objects, or pairs within pairs."""
    shown = {kind: values.get(kind, "") for kind in ("list", "object")}
    best, most = pairs.notation, 0.0
    for notation in _notations(pairs):
        hits = sum(
            _written(pairs.other, _spelling(kind, notation, ordered=pairs.ordered)) in text
            for kind, text in shown.items()
        )
        # Templates that write lists one way and objects another: the strings decide.
        own = pairs.quoted and notation.quote == pairs.notation.quote
        if hits and hits + own / 2 > most:
            best, most = notation, hits + own / 2
    if most:
        return replace(pairs, notation=best)
    form = pairs.text
    inside = shown["list"].partition(form.before + "zeta_key" + form.between)[2]
    if form.before and inside.startswith(form.before):
        name = inside[len(form.before) :].partition(form.between)[0]
        nested = replace(pairs, item=name)
        if write_pair(nested, "zeta_key", VALUES["list"]) in shown["list"]:
            return nested
    return pairs


def _notations(pairs: Pairs) -> Iterator[Notation]:
    """Every way to spell lists and objects that is tried, the usual ones first."""
    quotes = dict.fromkeys((pairs.notation.quote, '"', "'"))
    for quote, item, key, words, quoted_keys in itertools.product(
        quotes, (", ", ","), (": ", ":"), (JSON, PYTHON, pairs.scalars), (True, False)
    ):
        yield Notation(
            item=item,
            key=key,
            quote=quote,
            escapes=_escapes(quote),
            quoted_keys=quoted_keys,
            true=words.true,
            false=words.false,
            null=words.null,
        )


def _escapes(quote: str) -> Escapes:
    """Escapes within a quote: JSON's, Python's in its single quote, none within a mark."""
    return "json" if quote == '"' else "python" if quote == "'" else "none"


def _spelling(kind: str, notation: Notation, *, ordered: bool) -> str:
    return spell(in_order(VALUES[kind]) if ordered else VALUES[kind], notation)


def _strings(pairs: Pairs, values: dict[str, str], rest: str, guards: str) -> Pairs:
    """Complete the pairs with the form of strings that hold what the plain form cannot."""
    shown = values.get("text", "")
    if not shown or write_pair(pairs, "zeta_key", VALUES["text"]) in shown:
        return pairs
    if pairs.quoted:
        return pairs
    form = _form(shown, VALUES["text"], pairs, rest)
    return pairs if form is None else replace(pairs, guarded=form, guards=guards)


def _written(form: Pair, text: str) -> str:
    return form.before + "zeta_key" + form.between + text + form.after_key("zeta_key")


def _after(pair: Pair) -> str:
    return pair.after_key(_KEY)


def _with_key(text: str) -> tuple[Part, ...]:
    """*text* with the placeholder of a key wherever it holds one."""
    parts: list[Part] = []
    for n, piece in enumerate(text.split(_KEY)):
        parts += [Placeholder("key"), piece] if n else [piece]
    return tuple(part for part in parts if part != "")


def _layout_apart(text: str) -> str:
    return text.lstrip(SPACE)
