"""JSON objects as typed structs: descriptions of fields, and errors that name the field at fault.

Knows no protocol.  Decoding is msgspec's, in one pass; what is added is the path of an error as a
request writes it (``tools[0].function.name``), and a bound on nesting, because what reads a schema
later does so by recursion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Meta

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
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise named_error(error, place) from error
    except UnicodeEncodeError as error:  # only from Python: a body is UTF-8
        raise InvalidParameter(f"'{place}' is not Unicode text: {error}.", param=place) from error


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
