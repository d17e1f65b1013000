"""Every name that a grammar can force stands in the prompt."""

from __future__ import annotations

import pytest

from gguf_fc import Dialect
from gguf_fc.dialect.openai_json.library import read_tools
from gguf_fc.dialect.prompt.generic import generic_syntax, told_tools
from gguf_fc.dialect.prompt.needs import Told
from tests.support.corpus import ours, real
from tests.support.visible_tools import COUNTS, SCHEMAS, Json, tools_of, words_of

USER = {"role": "user", "content": "zquser"}
KINDS = list(SCHEMAS)
EVERY = 12  # of the kinds, for each real template


def hidden(dialect: Dialect, tools: list[Json]) -> list[str]:
    prompt = dialect.render([USER], tools=tools)
    if prompt.warning:
        return [prompt.warning]
    return [word for word in (*words_of(tools), "zquser") if word not in prompt.text]


@pytest.mark.parametrize("kind", KINDS)
def test_templates_of_ours_show_every_name(kind: str) -> None:
    for name, dialect in ours().items():
        for count in COUNTS[:2]:
            assert hidden(dialect, tools_of(kind, count)) == [], (name, count)


def test_real_templates_show_every_name() -> None:
    if not real():
        pytest.skip("there is no folder of real templates")
    for at, (name, dialect) in enumerate(real().items()):
        for kind in KINDS[at % EVERY :: EVERY]:
            assert hidden(dialect, tools_of(kind, 1)) == [], (name, kind)


def test_tools_in_typescript_show_every_name() -> None:
    """What TypeScript cannot say is told behind the description."""
    told = Told(text="namespace functions {\n{typescript}}")
    for kind in KINDS:
        tools = tools_of(kind, 3)
        message = told_tools(read_tools(tools), generic_syntax(), told)
        assert [word for word in words_of(tools) if word not in (message.content or "")] == [], kind


def test_templates_show_every_name_of_many_tools() -> None:
    for at, (name, dialect) in enumerate((ours() | real()).items()):
        if at % 5 == 0:
            assert hidden(dialect, tools_of(KINDS[0], COUNTS[-1])) == [], name
