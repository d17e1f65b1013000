"""Validation of what the model wrote under the schemas it was asked to follow, with counts.

The one door to jsonschema_rs.  The grammar holds a reply to what it can; this is the check against
the client's own schema, by a library that shares no code with the grammar.  Knows schemas and
texts; nothing of tools, events or protocols.

A schema that cannot be used as one is "not checked", with the reason; references to other
documents are never fetched.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import jsonschema_rs

from gguf_fc.request import Schema

KEPT_SCHEMAS = 256
QUICK_CHARACTERS = 4096  # schemas and texts up to this size are checked where they come in
BACKTRACKS = 100_000  # steps one pattern may take; more is not a match
LONGEST_REASON = 300
LONGEST_NUMBER = 4000  # digits; Python reads no more than 4,300

Result = Literal["valid", "invalid", "not_checked"]
Subject = Literal["arguments", "answer"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of one validation; *reason* is given unless it is ``valid``."""

    result: Result
    reason: str | None = None


_TOO_DEEP = Verdict("not_checked", "the schema is nested too deep")

Validator = jsonschema_rs.Validator | Verdict  # a verdict: the schema cannot be used


class Validators:
    """Judges texts under schemas, compiled ones in an LRU cache, and counts the verdicts.

    Safe to use from several threads; two threads may compile the same schema at once.
    """

    def __init__(self, size: int = KEPT_SCHEMAS) -> None:
        self.counts: Counter[tuple[Subject, Result]] = Counter()
        self._size = size
        self._kept: OrderedDict[str, Validator] = OrderedDict()
        self._lock = threading.Lock()

    async def judge(self, subject: Subject, text: str, schema: Schema) -> Verdict:
        """The verdict on *text*, the JSON of one value; what takes long runs off the event loop."""
        key = _key(schema)
        if isinstance(key, Verdict):
            verdict = key
        elif len(key) <= QUICK_CHARACTERS and len(text) <= QUICK_CHARACTERS:
            verdict = self._judge(text, key)
        else:
            verdict = await asyncio.to_thread(self._judge, text, key)
        self.counts[subject, verdict.result] += 1
        return verdict

    def _judge(self, text: str, key: str) -> Verdict:
        validator = self._validator(key)
        if isinstance(validator, Verdict):
            return validator
        try:
            value = json.loads(text, parse_int=_whole, parse_float=_real)
        except OverflowError as error:
            return Verdict("not_checked", str(error))
        except ValueError as error:
            return Verdict("invalid", f"not JSON: {error}")
        except RecursionError:
            return Verdict("not_checked", "the value is nested too deep")
        return _verdict(validator, value)

    def _validator(self, key: str) -> Validator:
        with self._lock:
            if (known := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return known
        made = _compile(json.loads(key))
        with self._lock:
            self._kept[key] = made
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return made


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise OverflowError(f"a number of {len(text)} digits is too large to be checked")
    return int(text)


def _real(text: str) -> float | int:
    """The number *text*; an int where only zeros stand after its point."""
    whole, point, fraction = text.partition(".")
    if point and not fraction.strip("0"):
        return _whole(whole)
    if math.isinf(number := float(text)):
        raise OverflowError(f"the number {text[:40]} is too large to be checked")
    if number == 0 and re.match("-?[0.]*[1-9]", text):
        raise OverflowError(f"the number {text[:40]} is too small to be checked")
    if number.is_integer() and fraction.isdigit():
        raise OverflowError(f"the number {text[:40]} has too many digits to be checked")
    return number


def _key(schema: Schema) -> str | Verdict:
    """Key of a schema: its content as text."""
    try:
        return json.dumps(schema, ensure_ascii=False)
    except RecursionError:
        return _TOO_DEEP


def _compile(schema: Any) -> Validator:
    """A validator of the draft the schema names, or else of the first one it is legal in."""
    try:
        plain = _with_null(schema)
    except RecursionError:
        return _TOO_DEEP
    reason = ""
    makers: tuple[Callable[..., jsonschema_rs.Validator], ...] = (
        jsonschema_rs.validator_for,
        jsonschema_rs.Draft7Validator,
        jsonschema_rs.Draft4Validator,
    )
    for make in makers:
        try:
            return make(
                plain,
                offline=True,
                validate_formats=True,
                pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACKS),
            )
        except ValueError as error:
            reason = reason or _first_line(error)
    return Verdict("not_checked", f"the schema cannot be used: {reason}")


def _with_null(schema: Any) -> Any:
    """OpenAPI's ``nullable: true`` in the words of JSON Schema."""
    if isinstance(schema, list):
        return [_with_null(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {"const", "default", "enum", "example", "examples"}  # these hold values, not schemas
    plain = {key: value if key in kept else _with_null(value) for key, value in schema.items()}
    if plain.get("nullable") is True and "type" in plain:
        return {"anyOf": [{"type": "null"}, plain]}
    return plain


def _verdict(validator: jsonschema_rs.Validator, value: Any) -> Verdict:
    try:
        error = next(iter(validator.iter_errors(value)), None)
    except ValueError as failure:
        return Verdict("not_checked", f"the value cannot be checked: {_first_line(failure)}")
    if error is None:
        return Verdict("valid")
    place = "".join(f"[{part!r}]" for part in error.instance_path)
    return Verdict("invalid", f"${place}: {error.message}"[:LONGEST_REASON])


def _first_line(error: ValueError) -> str:
    return str(error).partition("\n")[0][:LONGEST_REASON]
