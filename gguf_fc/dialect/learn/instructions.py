"""Derives a syntax from what a prompt with tools asks for: an example call, or its description.

For templates that show no calls of the history, or show them otherwise than they ask for them.

Theory of operation.  An example is a JSON object with a key for the name and one for the arguments,
whatever stands for the values.  Around it are looked for, from the inside out:

1. a list, perhaps with an ellipsis behind the example;
2. a pair of tags, a code fence, or a mark right before the list;
3. before a fence, a text that is to be "followed by" the list.

Without an example, a mark that is to be "followed by a JSON list" will do.  A syntax derived here
is a hypothesis, as one from renderings is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from gguf_fc.dialect.common_text import common_end, common_start
from gguf_fc.dialect.learn.probe import NAMES, Renderings
from gguf_fc.dialect.syntax import Marked, Placeholder, Syntax

_EXAMPLE = re.compile(
    r'\{\s*"(?P<name>name|tool_name|function_name|function|tool)"\s*:(?P<value>[^{}:]*?),\s*'
    r'"(?P<arguments>arguments|parameters|args|tool_input|input)"\s*:'
)
_LIST_END = re.compile(r"\s*(?:,?\s*\.\.\.[^\]]*)?\]")
_TAG = re.compile(r"<([^<>\s/]+)>\s*\Z")
_FENCE = re.compile(r"```\w*\s*\Z")
_FENCE_END = re.compile(r"\s*```")
_MARK = re.compile(r"(?:<\|[^<>\s]+\|>|\[[A-Z_]+\]|\w+)\Z")
_FOLLOWED = re.compile(
    r"""(?P<mark><\|[^<>\s]+\|>|(?P<quote>['"`])[^'"`\s]+(?P=quote))(?: is)? followed by"""
    r""" an? (?i:json)[- ](?:formatted )?(?P<list>list)?"""
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Syntax that a prompt asks for, and the words that do."""

    syntax: Syntax
    words: str


@dataclass(frozen=True, slots=True)
class _Example:
    name: str  # the key of the name
    arguments: str  # the key of the arguments
    start: int
    stop: int


def asked_for(seen: Renderings) -> Asked | None:
    """Derive the syntax that the prompt asks for; None if it asks for none that is understood."""
    if not all(name in seen.prompt for name in NAMES):
        return None  # the tools are not told either
    for text in (_instructions(seen), seen.prompt):
        if (found := _example(text)) is not None:
            return _by_example(text, found)
        if (told := _FOLLOWED.search(text)) and told["list"]:
            opening = _unquoted(told["mark"])
            syntax = _syntax("name", "arguments", Marked(opening + "[", "]"), in_list=True)
            return Asked(syntax, told.group())
    return None


def _instructions(seen: Renderings) -> str:
    """The text that is in the prompt with tools only."""
    without, prompt = seen.toolless, seen.prompt
    start = len(common_start(without, prompt))
    rest = prompt[start:]
    return rest[: len(rest) - len(common_end(without[start:], rest))]


def _example(text: str) -> _Example | None:
    """The first example of a call; descriptions of the probe's own tools are none."""
    for found in _EXAMPLE.finditer(text):
        if any(name in found["value"] for name in NAMES):
            continue
        if (stop := _closing_brace(text, found.end())) is not None:
            return _Example(found["name"], found["arguments"], found.start(), stop)
    return None


def _closing_brace(text: str, at: int) -> int | None:
    """The place behind the brace that closes the object open at *at*."""
    depth = 1
    for brace in re.finditer(r"[{}]", text[at:]):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return at + brace.end()
    return None


def _by_example(text: str, example: _Example) -> Asked:
    before, after = text[: example.start], text[example.stop :]
    end = _LIST_END.match(after) if before.rstrip().endswith("[") else None
    inner, laid_out = Marked(), Marked()
    if end is not None:
        before, after = before.rstrip()[:-1], after[end.end() :]
        inner = Marked("[", "]")
        layout = end.group()[:-1]
        laid_out = Marked(text[len(before) : example.start], layout[len(layout.rstrip()) :] + "]")
    marks, fence = _marks(text, before, after, in_list=end is not None)
    section = Marked(marks.open + inner.open, inner.close + marks.close)
    syntax = _syntax(example.name, example.arguments, section, in_list=end is not None)
    if end is not None and "\n" in marks.open.strip():
        # A mark and a fence, which models write on one line as well.
        one_line = Marked(section.open.replace("\n", " ", 1), section.close)
        syntax = replace(syntax, also_sections=(one_line,))
    if end is not None and fence != Marked():
        fenced = Marked(fence.open + laid_out.open, laid_out.close + fence.close)
        syntax = replace(syntax, also_sections=(fenced,))
    return Asked(syntax, text[example.start : example.stop])


def _marks(text: str, before: str, after: str, *, in_list: bool) -> tuple[Marked, Marked]:
    """The marks around an example, or the list it stands in; and a fence that may be around it."""
    if (tag := _TAG.search(before)) and (
        closing := re.match(rf"\s*</{re.escape(tag.group(1))}>", after)
    ):
        return Marked(tag.group(), closing.group()), Marked()
    if (fence := _FENCE.search(before)) and (closing := _FENCE_END.match(after)):
        told = _FOLLOWED.search(text)
        prefix = f"{_unquoted(told['mark'])}\n" if told else ""
        marks = Marked(prefix + fence.group(), closing.group())
        # A fence alone is how the example is set off from the text; models may write it as well.
        return (marks, Marked()) if prefix else (Marked(), marks)
    if in_list and (mark := _MARK.search(before)):
        return Marked(mark.group()), Marked()
    return Marked(), Marked()


def _unquoted(mark: str) -> str:
    return mark.strip("'\"`")


def _syntax(name: str, arguments: str, around: Marked, *, in_list: bool) -> Syntax:
    """Calls as JSON objects with such keys, *around* each of them or their list."""
    opening, closing = f'{{"{name}": "', "}"
    if not in_list:
        opening, closing, around = around.open + opening, closing + around.close, Marked()
    call = (opening, Placeholder("name"), f'", "{arguments}": ', Placeholder("arguments"), closing)
    return Syntax(call=call, section=around, separator=", " if in_list else "\n", gap="\n")
