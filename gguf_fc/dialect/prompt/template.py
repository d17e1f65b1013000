"""The one door to jinja2: renders a model's chat template as its authors expect.

A template comes out of a file from anywhere, so it runs in a sandbox, on copies of the values,
and what it may build is bounded.  How long it runs and what memory it takes can only be bounded
from outside: ``rendering`` does that.  What is rendered is the caller's business: nothing here
knows roles or tools.
"""

from __future__ import annotations

import copy
import functools
import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from datetime import datetime
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser as JinjaParser
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment

from gguf_fc.errors import TemplateError

_MOST_TEXT = 16_000_000  # characters of a template's output
_MOST_REPEATED = 100_000  # length of what ``*`` may build
_MOST_TURNS = 10_000_000  # of all loops over ``range``; some look back from every message
_NO_KEYS = "only a namespace or a mapping has keys to assign to"
_WIDTH = re.compile(r"[%:{][^a-zA-Z]*\d{6}")  # of six digits, in a format
_WIDTH_FROM_ARGUMENT = re.compile(r"%[^a-zA-Z]*\*|:[^{}]*\{")


class _Generation(Extension):
    """``{% generation %}`` marks what a model is trained on; to render it is its body."""

    tags = {"generation"}  # noqa: RUF012  declared so by jinja2

    def parse(self, parser: JinjaParser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Generator(CodeGenerator):
    """``{% set message.key = value %}`` sets a key, as engines other than jinja2 have it.

    jinja2 itself assigns to namespaces only.  What is changed is a copy.
    """

    def visit_Assign(self, node: nodes.Assign, frame: Frame) -> None:  # noqa: N802  jinja2's name
        for target in dict.fromkeys(found.name for found in node.find_all(nodes.NSRef)):
            self.writeline(f"if not isinstance({frame.symbols.ref(target)}, (Namespace, dict)):")
            self.indent()
            self.writeline(f"raise TemplateRuntimeError({_NO_KEYS!r})")
            self.outdent()
        self.push_assign_tracking()
        self.newline(node)
        self.visit(node.target, frame)
        self.write(" = ")
        self.visit(node.node, frame)
        self.pop_assign_tracking(frame)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Sandbox in which only lists and mappings may be changed: templates do, and they are copies.

    What would build very much from very little is refused before it is built.
    """

    code_generator_class = _Generator
    intercepted_binops = frozenset({"*", "**", "+", "%"})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if type(obj) in (list, dict):
            return SandboxedEnvironment.is_safe_attribute(self, obj, attr, value)
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(
        self,
        context: jinja2.runtime.Context,
        operator: str,
        left: Any,
        right: Any,
    ) -> Any:
        if _too_much(operator, left, right):
            raise OverflowError(f"'{operator}' would build too much")
        return super().call_binop(context, operator, left, right)

    def call(
        self,
        context: jinja2.runtime.Context,
        obj: Any,
        /,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        text = getattr(inspect.unwrap(obj) if callable(obj) else obj, "__self__", None)
        if isinstance(text, str):
            _refuse_widths(text, obj.__name__, (*args, *kwargs.values()))
        return super().call(context, obj, *args, **kwargs)


def _too_much(operator: str, left: Any, right: Any) -> bool:
    match operator:
        case "**":
            return True
        case "*":
            numbers = isinstance(left, int | float) and isinstance(right, int | float)
            return not numbers and _size(left) * _size(right) > _MOST_REPEATED
        case "+":
            return isinstance(left, Sized) and _size(left) + _size(right) > _MOST_TEXT
        case _:
            return isinstance(left, str) and _is_wide(left, right)


def _size(operand: Any) -> int | float:
    if isinstance(operand, int | float):
        return abs(operand)
    return len(operand) if isinstance(operand, Sized) else 0


def _refuse_widths(text: str, method: str, arguments: Iterable[Any]) -> None:
    """Refuse large numbers for a width or a count in a call of a text's method."""
    if method in ("format", "format_map"):
        wide = _is_wide(text, arguments)
    else:
        wide = any(isinstance(item, int) and item > _MOST_REPEATED for item in arguments)
    if wide or (method == "replace" and _replaced_length(text, *arguments) > _MOST_TEXT):
        raise OverflowError(f"'{method}' would build too much")


def _is_wide(form: str, arguments: Any) -> bool:
    """True if a format holds a large width, or takes one from its arguments."""
    values = arguments if isinstance(arguments, tuple | list) else (arguments,)
    from_arguments = _WIDTH_FROM_ARGUMENT.search(form) and any(
        isinstance(value, int) and abs(value) > _MOST_REPEATED for value in values
    )
    return bool(from_arguments or _WIDTH.search(form))


def _replaced_length(text: str, old: Any, new: Any, *_: Any) -> int:
    return len(text) + text.count(str(old)) * len(str(new))


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
        # Such as a number of a thousand digits, or a thousand brackets in each other.
        except Exception as error:
            raise TemplateError(f"The chat template does not compile: {_reason(error)}.") from error

    def render(self, variables: Mapping[str, Any], now: datetime) -> str:
        """The text for these variables.  Raises TemplateError whatever goes wrong inside."""

        def strftime_now(form: str) -> str:
            return now.strftime(form)

        given = {"strftime_now": strftime_now, "range": _Counter().range}
        functions = self._template.environment.globals
        try:
            own = {
                name: copy.deepcopy(value)
                for name, value in variables.items()
                if name not in functions  # a variable is data and hides none of them
            }
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
    for name in ("center", "indent", "format"):
        environment.filters[name] = _narrow(environment.filters[name])
    environment.globals["raise_exception"] = _raise
    del environment.globals["lipsum"]  # text made at random has no place in a prompt
    return environment


def _narrow(padding: Callable[..., str]) -> Callable[..., str]:
    """The filter *padding*, named for the method it resembles, for small widths."""

    @functools.wraps(padding)
    def narrow(value: Any, *args: Any, **kwargs: Any) -> str:
        method = padding.__name__.removeprefix("do_")
        _refuse_widths(str(value), method, (*args, *kwargs.values()))
        return padding(value, *args, **kwargs)

    return narrow


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
        default=_listed,
    )


def _listed(value: Any) -> list[Any]:
    """List what a filter such as ``map`` yields, as a template's author sees it."""
    if isinstance(value, Iterator):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


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
