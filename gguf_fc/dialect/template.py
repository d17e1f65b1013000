"""The one door to jinja2: renders a model's chat template as its authors expect.

A template comes out of a file from anywhere, so it runs in a sandbox, on copies of the values,
and what it may build is bounded.  What is rendered is the caller's business: nothing here knows
roles or tools.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser as JinjaParser
from jinja2.sandbox import SandboxedEnvironment

from gguf_fc.errors import TemplateError

_MOST_TEXT = 16_000_000  # characters of a template's output
_MOST_REPEATED = 100_000  # length of what ``*`` may build
_MOST_TURNS = 100_000  # of all loops over ``range``


class _Generation(Extension):
    """``{% generation %}`` marks what a model is trained on; to render it is its body."""

    tags = {"generation"}  # noqa: RUF012  declared so by jinja2

    def parse(self, parser: JinjaParser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Sandbox(SandboxedEnvironment):
    """Lists may be changed (templates do; values are copies), large products may not be built."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(
        self,
        context: jinja2.runtime.Context,
        operator: str,
        left: Any,
        right: Any,
    ) -> Any:
        factors = (left, right)
        numbers = all(isinstance(factor, int | float) for factor in factors)
        if operator == "**" or not numbers:
            sizes = [len(f) if hasattr(f, "__len__") else abs(f) for f in factors]
            if operator == "**" or sizes[0] * sizes[1] > _MOST_REPEATED:
                raise OverflowError(f"'{operator}' would build too much")
        return super().call_binop(context, operator, left, right)


class Template:
    """A compiled chat template.  Raises TemplateError if it does not compile."""

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._template = _environment().from_string(text)
        except jinja2.TemplateSyntaxError as error:
            raise TemplateError(
                f"The chat template does not compile: line {error.lineno}: {error.message}."
            ) from error
        except RecursionError as error:
            raise TemplateError("The chat template is nested too deeply to compile.") from error

    def render(self, variables: Mapping[str, Any], now: datetime) -> str:
        """The text for these variables.  Raises TemplateError whatever goes wrong inside."""

        def strftime_now(form: str) -> str:
            return now.strftime(form)

        own = copy.deepcopy(dict(variables))
        given = {"strftime_now": strftime_now, "range": _Counter().range}
        try:
            return _joined(self._template.generate({**own, **given}))
        except TemplateError:
            raise
        # A template is a program of someone else's: it can fail in any way there is.
        except Exception as error:
            raise TemplateError(f"The chat template failed: {_reason(error)}") from error


class _Counter:
    """Bounds how often the loops of one rendering can turn, however they are nested."""

    def __init__(self) -> None:
        self._left = _MOST_TURNS

    def range(self, *bounds: int) -> range:
        counted = range(*bounds)
        self._left -= len(counted)
        if self._left < 0:
            raise OverflowError(f"more than {_MOST_TURNS} turns of loops over 'range'")
        return counted


def _environment() -> SandboxedEnvironment:
    environment = _Sandbox(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _Generation]
    )
    environment.filters["tojson"] = _to_json
    environment.filters["from_json"] = json.loads
    # Nothing is escaped here, so nothing needs to be marked as safe; a marked string would
    # escape every plain one it is joined with.
    environment.filters["safe"] = str
    environment.globals["raise_exception"] = _raise
    return environment


def _joined(pieces: Iterator[str]) -> str:
    taken: list[str] = []
    length = 0
    for piece in pieces:
        taken.append(piece)
        length += len(piece)
        if length > _MOST_TEXT:
            raise TemplateError(f"The chat template wrote more than {_MOST_TEXT} characters.")
    return "".join(taken)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,  # noqa: FBT001, FBT002  called so by templates
    indent: int | str | None = None,
    separators: tuple[str, str] | list[str] | None = None,
    sort_keys: bool = False,  # noqa: FBT001, FBT002
) -> str:
    """JSON as Python writes it, not escaped for HTML."""
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=None if separators is None else (separators[0], separators[1]),
        sort_keys=sort_keys,
    )


def _raise(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _reason(error: Exception) -> str:
    """The error in words, with the template's line where it is known."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    place = f"line {line}: " if line is not None else ""
    return f"{place}{error or type(error).__name__}"


Clock = Callable[[], datetime]
