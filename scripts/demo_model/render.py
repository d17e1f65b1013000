"""Renders conversations with the demo model's chat template, the way the server does.

It knows Jinja and the template file; it does not know how conversations are made.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE_FILE = Path(__file__).with_name("template.jinja")


def _tojson(value: Any, **options: Any) -> str:
    # Jinja's own filter escapes for HTML and sorts keys; models are trained on plain JSON.
    return json.dumps(value, ensure_ascii=False, **options)


@cache
def template() -> Template:
    """The compiled chat template."""
    environment = Environment(trim_blocks=True, lstrip_blocks=True)  # noqa: S701 - no HTML here
    environment.filters["tojson"] = _tojson
    return environment.from_string(TEMPLATE_FILE.read_text(encoding="utf-8"))


def render(
    messages: list[dict[str, Any]],
    tools: list[dict[str, Any]] | None = None,
    *,
    add_generation_prompt: bool = False,
) -> str:
    """The prompt text of *messages* with *tools* on offer."""
    return template().render(
        messages=messages,
        tools=tools or None,
        add_generation_prompt=add_generation_prompt,
        bos_token="",
        eos_token="<|im_end|>",  # noqa: S106
    )
