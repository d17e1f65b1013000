"""Tools in a form in which a template shows every name that a model can be held to.

Theory of operation.

1. A template that prints schemas its own way may drop what is nested or referred to, know one type
   in each place, or take a parameter that is called ``type`` for the keyword.  The model would be
   held to names it was never told.
2. References and alternatives that the template does not show are written out
   (``shown_keywords``).
3. The tools are rendered with a mark for every name (``marks``); a mark that is missing is hidden.
   The words of the template itself stand in every prompt and may be taken for keywords: each that
   is shown under a mark has to stand there as itself as well.
4. A tool with something hidden, or one that the template fails over, is given in simpler forms, one
   after the other; the last one tells its schema as JSON behind its description.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gguf_fc.dialect.prompt.tools.alternatives import has_alternatives, single, typed
from gguf_fc.dialect.prompt.tools.marks import MarkedTool, marked_tool, marks_in
from gguf_fc.dialect.prompt.tools.references import has_references, inlined
from gguf_fc.dialect.prompt.tools.shown_keywords import (
    Render,
    shown_alternatives,
    shows_references,
)
from gguf_fc.errors import TemplateError

_Json = dict[str, Any]
_SIMPLER, _DESCRIBED = 1, 2  # forms of a tool; 0: as the template takes it
_QUOTED = re.compile(r"['\".]([\w$]+)")
_KEYWORDS = frozenset(
    {
        *("type", "description", "title", "properties", "required", "items", "enum", "default"),
        *("anyOf", "oneOf", "allOf", "const", "format", "nullable", "additionalProperties"),
        *("name", "parameters", "function", "examples", "minimum", "maximum", "pattern", "$ref"),
    }
)


class ToolForms:
    """Forms of tools for the template of this *text*."""

    def __init__(self, text: str) -> None:
        self._special = _KEYWORDS | set(_QUOTED.findall(text))
        # Found out when they first matter.
        self._references: bool | None = None
        self._alternatives: frozenset[str] | None = None

    def shown(self, tools: Sequence[_Json], render: Render) -> list[_Json]:
        """*tools*, as template values, in forms in which *render* shows all of their names.

        Raises TemplateError if there are none.
        """
        marked = [marked_tool(tool, n) for n, tool in enumerate(tools)]
        levels = [0] * len(tools)
        while True:
            given = self._formed(tools, levels, render)
            others = self._formed([each.tool for each in marked], levels, render)
            rendered = _Rendered(given, others, marked, render)
            try:
                hidden = self._hidden(rendered, levels)
            except TemplateError:
                hidden = rendered.refused()
                if not hidden:
                    raise
            if not hidden:
                return given
            for n in hidden:
                levels[n] += 1
            if max(levels) > _DESCRIBED:
                names = ", ".join(str(tools[n]["function"]["name"]) for n in hidden)
                raise TemplateError(f"The chat template does not show the parameters of {names}.")

    def _formed(self, tools: Sequence[_Json], levels: Sequence[int], render: Render) -> list[_Json]:
        return [self._form(tool, level, render) for tool, level in zip(tools, levels, strict=True)]

    def _form(self, tool: _Json, level: int, render: Render) -> _Json:
        function = tool["function"]
        schema = function["parameters"]
        if level == 0:
            return {**tool, "function": {**function, "parameters": self._known(schema, render)}}
        simple = {**function, "parameters": typed(single(inlined(schema)))}
        if level == _DESCRIBED:
            told = (
                f"{function['description']}\nParameters: {json.dumps(schema, ensure_ascii=False)}"
            )
            simple["description"] = told.strip()
        return {**tool, "function": simple}

    def _known(self, schema: _Json, render: Render) -> _Json:
        """*schema* without the keywords that the template does not show."""
        if has_references(schema):
            if self._references is None:
                self._references = shows_references(render)
            schema = schema if self._references else inlined(schema)
        if has_alternatives(schema):
            if self._alternatives is None:
                self._alternatives = shown_alternatives(render)
            schema = single(schema, self._alternatives)
        return schema

    def _hidden(self, rendered: _Rendered, levels: Sequence[int]) -> set[int]:
        """Numbers of tools of which the template does not show all."""
        seen = marks_in(rendered.marked_prompt)
        hidden = {
            n
            for n, (tool, marked) in enumerate(zip(rendered.tools, rendered.marked, strict=True))
            if not (marked.words.keys() <= seen and tool["function"]["name"] in rendered.prompt)
        }
        special = {
            n: words
            for n, each in enumerate(rendered.marked)
            if levels[n] < _DESCRIBED and (words := self._special & set(each.words.values()))
        }
        if all(map(rendered.shows, set().union(*special.values()))):
            return hidden
        return hidden | {
            n for n, words in special.items() if not all(map(rendered.alone(n).shows, words))
        }


@dataclass(frozen=True)
class _Rendered:
    """Tools in some form, with their names and with marks instead."""

    tools: Sequence[_Json]
    others: Sequence[_Json]  # the tools with marks
    marked: Sequence[MarkedTool]
    render: Render

    @cached_property
    def prompt(self) -> str:
        return self.render(self.tools)

    @cached_property
    def marked_prompt(self) -> str:
        return self.render(self.others)

    def shows(self, word: str) -> bool:
        """True if *word* stands as itself wherever marks stand for it."""
        marks = [mark for each in self.marked for mark, own in each.words.items() if own == word]
        as_mark = sum(map(self.marked_prompt.count, marks))
        return _count(word, self.prompt) - _count(word, self.marked_prompt) == as_mark

    def refused(self) -> set[int]:
        """Numbers of tools that the template fails over."""
        return {n for n in range(len(self.tools)) if not self.alone(n).renders()}

    def renders(self) -> bool:
        """True if the template does not fail over the tools."""
        try:
            return bool(self.prompt and self.marked_prompt)
        except TemplateError:
            return False

    def alone(self, n: int) -> _Rendered:
        """The tool *n* without the others."""
        one = slice(n, n + 1)
        return _Rendered(self.tools[one], self.others[one], self.marked[one], self.render)


def _count(word: str, text: str) -> int:
    """Occurrences of *word* in *text*, and not as a part of another."""
    return len(re.findall(rf"(?<![\w$-]){re.escape(word)}(?![\w-])", text))
