"""Finds for what each template of a file is used.

A template for tools is one whose calls are known; one for documents, or for the schema of an
answer, has to show what it is given.  Names only say which is tried first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gguf_fc.dialect.learn.analysis import Analysis
from gguf_fc.dialect.prompt.file_templates import DOCUMENTS, FileTemplates, variables_of_schema
from gguf_fc.dialect.prompt.values import normalised
from gguf_fc.errors import TemplateError
from gguf_fc.request import Message

_WORD = "Russet plinth"
_TOOLS = re.compile(r"tool|function")
_DOCUMENTS = re.compile(r"rag|document|retriev|ground|cit")
_SCHEMA = re.compile(r"json|schema|structured|format")
_SHOWN_DOCUMENTS = {
    DOCUMENTS: [
        {"doc_id": 1, "title": "Plinths", **dict.fromkeys(("text", "content", "snippet"), _WORD)}
    ]
}
_SHOWN_SCHEMA = variables_of_schema({"type": "object", "properties": {_WORD: {"type": "string"}}})
# Templates made for documents or a schema may fail where there are none.
_DEFAULTS = "".join(
    f"{{% if {name} is not defined %}}{{% set {name} = {{}} %}}{{% endif %}}"
    for name in (DOCUMENTS, *_SHOWN_SCHEMA)
)


def chosen_templates(
    base: Analysis, others: Mapping[str, str], analyse: Callable[[str], Analysis]
) -> FileTemplates[Analysis]:
    """The templates of a file: *base*, and those of *others*, by name, that are of use."""
    first = base.chat.template.text
    found = {name: _analysed(text, analyse) for name, text in others.items() if text != first}
    tools = next(_for_tools(base, found), None)
    documents = _showing(base, found, _SHOWN_DOCUMENTS, _DOCUMENTS)
    schema = _showing(base, found, _SHOWN_SCHEMA, _SCHEMA)
    uses = {name: "not used" if name in found else "the first" for name in others}
    chosen = {"with documents": documents, "for answers in a schema": schema, "with tools": tools}
    uses |= {name: use for use, name in chosen.items() if name is not None}
    return FileTemplates(
        base=base,
        tools=base if tools is None else found[tools],
        documents=None if documents is None else found[documents],
        schema=None if schema is None else found[schema],
        uses=uses,
    )


def _analysed(text: str, analyse: Callable[[str], Analysis]) -> Analysis:
    """Analysis of a template that may do without what it is made for."""
    found = analyse(text)
    if not found.warnings:
        return found
    again = analyse(_DEFAULTS + text)
    return found if again.warnings else again


def _for_tools(base: Analysis, found: Mapping[str, Analysis]) -> Iterator[str]:
    """Names of templates for conversations with tools, best first."""
    named = [name for name in found if _TOOLS.search(name.casefold())]
    yield from (name for name in named if found[name].native)
    if not base.native:
        # Another template that shows calls is of more help than a first one that does not.
        yield from (name for name in found if found[name].native)
        yield from (name for name in named if not found[name].warnings)


def _showing(
    base: Analysis,
    found: Mapping[str, Analysis],
    variables: Mapping[str, Any],
    likely: re.Pattern[str],
) -> str | None:
    """Name of a template that shows what the *variables* say, if the first one does not."""
    if not found or _shows(base, variables):
        return None
    names = sorted(found, key=lambda each: not likely.search(each.casefold()))
    return next((each for each in names if _shows(found[each], variables)), None)


def _shows(analysis: Analysis, variables: Mapping[str, Any]) -> bool:
    user = normalised([Message(role="user", content="Hello")], analysis.needs)
    try:
        return _WORD in analysis.chat.render(user, variables=variables)
    except TemplateError:
        return False
