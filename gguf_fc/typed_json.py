"""JSON objects as typed structs: descriptions of fields, and errors that name the field at fault.

Knows no protocol.  Decoding is msgspec's, in one pass; what is added is the path of an error as a
request writes it (``tools[0].function.name``), a bound on nesting, because what reads a schema
later does so by recursion, and two readings of what clients write (``as_meant``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Meta
from msgspec import inspect as kinds

from gguf_fc.errors import InvalidParameter

MAX_DEPTH = 200  # of objects and lists in each other

_AT = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>\w+)`")


def about(text: str) -> Meta:
    """Description of a field: one line, shown in ``docs/api.md`` and ``/openapi.json``."""
    return Meta(description=text)


def convert(value: object, kind: Any, place: str = "") -> Any:
    """*value* as the type *kind*; *place* is the path of the value in its request.

    Raises InvalidParameter, with the path of the first thing that does not fit.
    """
    try:
        return msgspec.convert(as_meant(value, _kind_of(kind)), kind)
    except msgspec.ValidationError as error:
        raise named_error(error, place) from error
    except UnicodeEncodeError as error:  # only from Python: a body is UTF-8
        raise InvalidParameter(f"'{place}' is not Unicode text: {error}.", param=place) from error


@lru_cache(maxsize=256)
def _kind_of(type_: Any) -> kinds.Type:
    return kinds.type_info(type_)


def as_meant(value: object, kind: kinds.Type) -> object:
    """*value* as its sender means it, for the decoder, which is stricter than JSON.

    Where *kind* has an integer, ``4096.0`` is the integer: JSON knows one kind of number.  In an
    object that *kind* describes, a member that is null and may be left out is left out.
    """
    match kind, value:
        case kinds.Metadata(type=inner), _:
            return as_meant(value, inner)
        case kinds.UnionType(types=types), _:
            return _as_one_means(value, types)
        case kinds.IntType(), float() if value.is_integer():
            return int(value)
        case kinds.LiteralType(values=values), float() if value in values:
            return int(value)
        case kinds.ListType(item_type=item), list():
            return [as_meant(entry, item) for entry in value]
        case kinds.DictType(value_type=item), dict():
            return {name: as_meant(entry, item) for name, entry in value.items()}
        case kinds.StructType(), dict():
            return _members_as_meant(value, kind)
        case _:
            return value


def _as_one_means(value: object, types: tuple[kinds.Type, ...]) -> object:
    """*value* as the one of *types* that fits it means it; a fraction may stay one."""
    if isinstance(value, float) and any(isinstance(one, kinds.FloatType) for one in types):
        return value
    for one in fitting(value, types):
        value = as_meant(value, one)
    return value


_Types = tuple[kinds.Type, ...]
_Tagged = dict[tuple[str, object], kinds.Type]
_tagged: dict[int, tuple[_Types, _Types, _Tagged]] = {}  # by the id of the types, which they hold


def fitting(value: object, types: _Types) -> _Types:
    """Types among *types*, a union's, that *value* may be: of tagged objects only the one it names.

    A long conversation has thousands of values of a union of dozens of types: they are looked up.
    """
    found = _tagged.get(id(types))
    if found is None:
        tagged = [one for one in types if isinstance(one, kinds.StructType) and one.tag_field]
        others = tuple(one for one in types if one not in tagged)
        by_tag: _Tagged = {(str(one.tag_field), one.tag): one for one in tagged}
        found = _tagged[id(types)] = (types, others, by_tag)
    _, others, by_tag = found
    if not isinstance(value, dict) or not by_tag:
        return others
    names = dict.fromkeys(name for name, _ in by_tag)
    tags = ((name, value[name]) for name in names if isinstance(value.get(name), str | int))
    return (*others, *(by_tag[tag] for tag in tags if tag in by_tag))


def is_tagged(value: object, kind: kinds.StructType) -> bool:
    """True if *value* is an object with the tag of *kind*, if that has one."""
    return isinstance(value, dict) and (
        kind.tag_field is None or value.get(kind.tag_field) == kind.tag
    )


def _members_as_meant(value: Mapping[str, object], kind: kinds.StructType) -> dict[str, object]:
    declared = {item.encode_name: item for item in kind.fields}
    meant = {}
    for name, entry in value.items():
        item = declared.get(name)
        if item is None or not (entry is None and not item.required):
            meant[name] = entry if item is None else as_meant(entry, item.type)
    return meant


def named_error(error: msgspec.ValidationError, place: str = "") -> InvalidParameter:
    """The decoder's *error*, with the path of its value, behind *place*, as ``param``."""
    found = _AT.match(str(error))
    what, path = (found["what"], found["path"] or "") if found else (str(error), "")
    param = f"{place}{path}".lstrip(".")
    if missing := _MISSING.match(what):
        param = f"{param}.{missing['field']}".lstrip(".")
        return InvalidParameter(f"'{param}' is required.", param=param)
    return InvalidParameter(f"'{param}' cannot be used: {what}.", param=param or None)


def refuse_deep(value: object, name: str) -> None:
    """Raise InvalidParameter where *value*, the field *name*, is nested too deep."""
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise InvalidParameter(f"'{name}' is nested more than {MAX_DEPTH} deep.", param=name)


def _inside(value: object) -> Iterable[object]:
    match value:
        case dict():
            return value.values()
        case list() | tuple():
            return value
        case _:
            return ()
