"""Fate of each field of a request: one policy, and one table for each protocol.

A protocol declares its request as a ``Fields``: a struct of what it honours, and two maps of what
it does not.  ``docs/api.md`` and ``/openapi.json`` are made from the same tables.  The policy:

1. a field of the struct is honoured, or refused with an error that names it;
2. a field in *without_effect* cannot change the answer of a local server: it is accepted and named
   in the ``x-gguf-fc-ignored`` response header;
3. a field in *refused* would change the answer: it is refused, unless it has a value that asks for
   nothing;
4. any other field of the body is refused, with the nearest name we know;
5. any other field further inside is accepted and named like those of rule 2: clients echo what
   they were sent, and other servers send more than we do.

A field that is null counts as absent, at any depth.  This module knows no protocol.
"""

from __future__ import annotations

import codecs
import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

import msgspec
import orjson
from msgspec import Struct
from msgspec import inspect as kinds

from gguf_fc.errors import InvalidParameter, UnsupportedParameter
from gguf_fc.protocols.whole_characters import with_whole_characters
from gguf_fc.typed_json import MAX_DEPTH, as_meant, fitting, is_tagged, named_error, refuse_deep

T = TypeVar("T", bound=Struct)
V = TypeVar("V")

MAX_NAMED = 32  # fields without effect that a header lists
LONGEST_NAME = 120  # characters of a name or path of the client's that are repeated

# A field as the protocol has it, and the paths of what is not read as it was sent.
Regular = Callable[[Any], tuple[Any, Iterable[str]]]


class PassedOver(Struct):
    """A tagged object that is accepted unread, and reported as a whole."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A field that would change the answer, and that is not offered.

    *instead* is what to do about it; the *harmless* values ask for nothing and are let pass.
    """

    instead: str = "leave it out"
    harmless: tuple[object, ...] = ()

    def lets_pass(self, value: object) -> bool:
        """True if *value* asks for nothing.  ``true`` is not 1 here, but 1.0 is."""
        return any(
            isinstance(value, bool) == isinstance(other, bool) and value == other
            for other in self.harmless
        )


@dataclass(frozen=True, eq=False)
class Fields(Generic[T]):
    """The table of one kind of request.

    *without_effect* says of each field why it has none.  A struct may rename its fields.  The
    *histories*, by the name of their field, are rewritten before they are read as types.
    """

    body: type[T]
    without_effect: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, Refused] = field(default_factory=dict)
    histories: Mapping[str, Regular] = field(default_factory=dict)

    @cached_property
    def honoured(self) -> frozenset[str]:
        """Names of the fields that have an effect."""
        return frozenset(item.encode_name for item in msgspec.structs.fields(self.body))

    @cached_property
    def known(self) -> frozenset[str]:
        """Every name in the table."""
        return self.honoured | self.without_effect.keys() | self.refused.keys()

    @cached_property
    def _kind(self) -> kinds.Type:
        return kinds.type_info(self.body)

    def parse(self, raw: bytes) -> tuple[T, tuple[str, ...]]:
        """Decode *raw*; also return the paths of what was accepted without effect.

        Raises InvalidParameter or UnsupportedParameter, naming the field.
        """
        return self.convert(decode_object(raw))

    def convert(self, fields: Mapping[str, Any]) -> tuple[T, tuple[str, ...]]:
        """Read *fields*, an object that is decoded already, as ``parse`` does."""
        present = {name: value for name, value in fields.items() if value is not None}
        ignored = tuple(self._without_effect(present))
        kept = {name: value for name, value in present.items() if name in self.honoured}
        aside: list[str] = []
        for name in self.histories.keys() & kept.keys():
            kept[name], unread = self.histories[name](kept[name])
            aside += unread
        try:
            parsed = msgspec.convert(as_meant(kept, self._kind), self.body)
        except msgspec.ValidationError as error:
            raise named_error(error) from error
        named = (*ignored, *aside, *_unread(kept, self._kind, ""))
        return parsed, tuple(dict.fromkeys(named))

    def _without_effect(self, present: Mapping[str, object]) -> Iterator[str]:
        """Apply rules 2 to 4."""
        for name, value in present.items():
            if name in self.honoured:
                continue
            if name in self.without_effect:
                yield name
            elif (refused := self.refused.get(name)) is None:
                raise UnsupportedParameter(self._unknown(name), param=shortened(name))
            elif not refused.lets_pass(value):
                raise UnsupportedParameter(
                    f"'{name}' is not supported by this server; {refused.instead}.", param=name
                )

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(shortened(name), sorted(self.known), n=1)
        hint = f" Did you mean '{near[0]}'?" if near else " Leave it out."
        return f"Unknown field '{shortened(name)}'.{hint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    """Remarks that go with a reply: fields without effect, and warnings."""

    ignored: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def headers(self) -> dict[str, str]:
        """Response headers that carry them."""
        return ignored_header(self.ignored) | warning_header(self.warnings)


def agreed(values: Mapping[str, V | None]) -> V | None:
    """Value of synonymous fields, which *values* has by name; None if none was sent.

    Raises InvalidParameter if they differ.
    """
    given = {name: value for name, value in values.items() if value is not None}
    if not given:
        return None
    (first, value), *rest = given.items()
    for other, differing in rest:
        if differing != value:
            raise InvalidParameter(
                f"'{other}' and '{first}' differ; send one of them.", param=other
            )
    return value


def ignored_header(paths: Iterable[str]) -> dict[str, str]:
    """Response header that names the fields without effect; empty if there are none.

    Names come from the client, so what a header cannot carry is written as an escape.
    """
    shown = [_in_header(path) for path in paths]
    if len(shown) > MAX_NAMED:
        shown = [*shown[:MAX_NAMED], f"and {len(shown) - MAX_NAMED} more"]
    return {"x-gguf-fc-ignored": ", ".join(shown)} if shown else {}


def warning_header(warnings: Iterable[str]) -> dict[str, str]:
    """Response header with *warnings*, one behind the other; empty if there are none."""
    told = " ".join(warnings).encode("unicode_escape").decode("ascii")
    return {"x-gguf-fc-warning": told} if told else {}


def shortened(name: str) -> str:
    """*name*, of which no more is repeated than tells which it is."""
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}..."


def _in_header(path: str) -> str:
    escaped = shortened(path).encode("unicode_escape").decode("ascii")
    return escaped.replace(" ", r"\x20").replace(",", r"\x2c")


def decode_object(raw: bytes) -> dict[str, Any]:
    """Decode *raw*, the text of a JSON object, perhaps behind a byte order mark.

    Raises InvalidParameter, also where it is nested deeper than what reads it later can go.
    """
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        try:
            fields = orjson.loads(with_whole_characters(raw))
        except orjson.JSONDecodeError:
            raise InvalidParameter(f"The body is not JSON: {error}.", param="body") from error
    if not isinstance(fields, dict):
        raise InvalidParameter("The body must be a JSON object.", param="body")
    # Fewer brackets than the bound cannot be nested deeper; counting them is nearly free.
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        for name, value in fields.items():
            refuse_deep(value, name)
    return fields


def _unread(value: object, kind: kinds.Type, path: str) -> Iterator[str]:
    """Paths of the members of *value*, decoded as *kind*, that *kind* has no field for.

    Positions in lists are written ``[*]``, so that a long conversation names a field once.
    """
    match kind, value:
        case kinds.Metadata(type=inner), _:
            yield from _unread(value, inner, path)
        case kinds.UnionType(types=types), _:
            for one in fitting(value, types):
                yield from _unread(value, one, path)
        case kinds.ListType(item_type=item), list():
            for entry in value:
                yield from _unread(entry, item, f"{path}[*]")
        case kinds.DictType(value_type=item), dict():
            for name, entry in value.items():
                yield from _unread(entry, item, f"{path}.{name}")
        case kinds.StructType(), dict() if is_tagged(value, kind):
            yield from _unread_members(value, kind, path)
        case _:
            pass  # a plain value, or one that is free to hold anything


def _unread_members(
    value: Mapping[str, object], kind: kinds.StructType, path: str
) -> Iterator[str]:
    if issubclass(kind.cls, PassedOver):
        yield f"{path} of type {kind.tag}"
        return
    declared = {item.encode_name: item.type for item in kind.fields}
    for name, entry in value.items():
        where = f"{path}.{name}".lstrip(".")
        if name in declared:
            yield from _unread(entry, declared[name], where)
        elif name != kind.tag_field and entry not in (None, [], {}):
            yield where
