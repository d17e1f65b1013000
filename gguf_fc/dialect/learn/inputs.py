"""Finds the variables by which a template is told of tools, where they are not the usual ones.

Candidates are names in the template's text; the first with which the names of tools and their
parameters stand in the prompt is taken.  Knows nothing of how calls are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

from gguf_fc.dialect.prompt.needs import SYSTEM_TOOLS, Inputs, Shape
from gguf_fc.dialect.prompt.render import Chat
from gguf_fc.dialect.prompt.values import tool_values
from gguf_fc.errors import TemplateError
from gguf_fc.request import Tool

_USER = "Amber cornice"
_NAMES = ("inputs_first", "inputs_second")
_KEY = "inputs_key"
_TOOLS = tuple(
    Tool(
        name=name,
        description="Looks.",
        parameters={
            "type": "object",
            "properties": {_KEY: {"type": "string", "description": "Where."}},
            "required": [_KEY],
        },
    )
    for name in _NAMES
)
_TOOL_VARIABLE = re.compile(r"(?<![\w.'\"])[a-z_]*(?:tool|function)[a-z_]*\b(?!\s*[(=.'\"])")
_DATE_VARIABLE = re.compile(r"(?<![\w.'\"])[a-z_]*date[a-z_]*\b(?!\s*[(=.'\"])")
_MESSAGE_TOOLS = re.compile(r"\[['\"]tools['\"]\]|\w\.tools\b|get\(['\"]tools['\"]")
_QUOTED = re.compile(r"""['"]([A-Za-z_]*(?:functions|tools)[a-z_]*)['"]""", re.IGNORECASE)
_MOST_NAMES = 8  # that are tried


def inputs_of(chat: Chat) -> Inputs:
    """Find the inputs of the template of *chat*; the usual ones where none tell it of tools."""
    return next(
        (inputs for inputs in _candidates(chat.template.text) if _told(chat, inputs)), Inputs()
    )


def _candidates(text: str) -> Iterator[Inputs]:
    """Inputs to try, the usual ones first."""
    names = ["tools", *_found(_TOOL_VARIABLE, text)]
    if _MESSAGE_TOOLS.search(text):
        names.append(SYSTEM_TOOLS)
    for date in ("", *_found(_DATE_VARIABLE, text)):
        for name in dict.fromkeys(names):
            yield from (Inputs(tools=name, shape=shape, date=date) for shape in get_args(Shape))
    roles = (role.lower() for role in _found(_QUOTED, text))
    yield from (Inputs(role=role) for role in dict.fromkeys(roles))


def _found(pattern: re.Pattern[str], text: str) -> list[str]:
    return list(dict.fromkeys(pattern.findall(text)))[:_MOST_NAMES]


def _told(chat: Chat, inputs: Inputs) -> bool:
    """True if a prompt shows the user's text, and of the tools every name."""
    user = {"role": "user", "content": _USER}
    try:
        prompt = replace(chat, inputs=inputs).render([user], tool_values(_TOOLS))
    except TemplateError:
        return False
    return all(word in prompt for word in (_USER, *_NAMES, _KEY))
