"""The ways to a prompt are tried in turn, and what none of them can do is said."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc import Dialect
from gguf_fc.errors import InvalidParameter, TemplateError
from gguf_fc.request import Tool
from tests.support.templates import NATIVE, dialect_of, template_text

USER = {"role": "user", "content": "How is Paris?"}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


@pytest.mark.parametrize("name", NATIVE)
def test_what_the_template_s_own_way_can_do_is_no_makeshift(name: str) -> None:
    dialect = dialect_of(name)
    assert dialect.render([USER, USER], tools=[TOOL]).warning is None
    assert dialect.render([USER]).warning is None


def test_a_template_that_refuses_tools_is_told_of_them_in_text() -> None:
    refusing = "{% if tools and messages | length > 1 %}{{ raise_exception('No.') }}{% endif %}"
    dialect = Dialect.from_template(refusing + template_text("array"))
    once = dialect.render([USER], tools=[TOOL])
    assert (once.warning, "look" in once.text) == (None, True)
    said = {"role": "assistant", "content": "Fine."}
    prompt = dialect.render([USER, said, USER], tools=[TOOL])
    assert "look" in prompt.text
    assert "Fine." in prompt.text


CALLED = {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "look"}}]}
RESULT = {"role": "tool", "tool_call_id": "a", "content": "Rain."}


@pytest.mark.parametrize("counts", ["m.role != 'tool' and not m.tool_calls", "true"])
@pytest.mark.parametrize("turns", [[CALLED, RESULT], [CALLED]])
def test_roles_alternate_where_they_must_whether_or_not_calls_count_as_turns(
    counts: str, turns: list[dict[str, Any]]
) -> None:
    alternate = (
        f"{{% set ns = namespace(odd=true) %}}{{% for m in messages %}}{{% if {counts} %}}"
        "{% if (m.role in ['user', 'tool']) != ns.odd %}{{ raise_exception('Alternate.') }}"
        "{% endif %}{% set ns.odd = not ns.odd %}{% endif %}{% endfor %}"
    )
    dialect = Dialect.from_template(alternate + template_text("tagged"))
    prompt = dialect.render([USER, *turns, USER, *turns, USER], tools=[TOOL])
    assert prompt.warning is None


def test_a_template_that_refuses_everything_but_a_probe_gives_way_to_a_plain_one() -> None:
    text = "{% if 'Paris' in messages | tojson %}{{ raise_exception('No.') }}{% endif %}"
    dialect = Dialect.from_template(text + template_text("tagged"))
    prompt = dialect.render([USER], tools=[TOOL])
    assert prompt.warning is not None
    assert "No." in prompt.warning
    assert "### User:" in prompt.text
    assert "How is Paris?" in prompt.text


def test_more_than_any_template_may_write_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"too much|more than"):
        dialect_of("tagged").render([{"role": "user", "content": "x" * 17_000_000}])


def test_what_is_nested_too_deeply_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5000):
        schema = {"items": schema}
    with pytest.raises(InvalidParameter, match="deeply"):
        dialect_of("tagged").render([USER], tools=[Tool(name="f", parameters=schema)])
