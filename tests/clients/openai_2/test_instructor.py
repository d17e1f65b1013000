"""Instructor: every mode it has for OpenAI's protocols gives the model that was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import instructor
import pytest
from instructor import Mode
from instructor.v2.core.errors import ModeError
from openai import AsyncOpenAI, OpenAI

from tests.clients.world import Place

ASKED = {
    "model": "demo",
    "messages": [{"role": "user", "content": "Describe Paris."}],
    "temperature": 0,
    "max_tokens": 100,
    "max_retries": 0,
}
BY_THE_SERVER = [
    Mode.FUNCTIONS,
    Mode.TOOLS,
    Mode.TOOLS_STRICT,
    Mode.JSON_SCHEMA,
    Mode.JSON_O1,
    Mode.RESPONSES_TOOLS,
    Mode.RESPONSES_TOOLS_WITH_INBUILT_TOOLS,
]
# In these only the prompt has the form, and the demo model is too weak to keep to it: it is held.
BY_THE_PROMPT = [Mode.JSON, Mode.MD_JSON]
SCHEMA = {
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "place", "schema": Place.model_json_schema()},
    }
}


@pytest.mark.parametrize("mode", BY_THE_SERVER, ids=lambda mode: mode.name)
async def test_a_mode_gives_the_form(url: str, mode: Mode) -> None:
    with OpenAI(base_url=url, api_key="none", max_retries=0) as plain:
        client = instructor.from_openai(plain, mode=mode)
        found = client.chat.completions.create(**ASKED, response_model=Place)
    assert isinstance(found, Place)
    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as plain:
        waiting = instructor.from_openai(plain, mode=mode)
        waited = await waiting.chat.completions.create(**ASKED, response_model=Place)
    assert waited.model_dump() == found.model_dump()


@pytest.mark.parametrize("mode", BY_THE_PROMPT, ids=lambda mode: mode.name)
def test_a_mode_by_the_prompt_reads_an_answer_of_the_form(url: str, mode: Mode) -> None:
    with OpenAI(base_url=url, api_key="none", max_retries=0) as plain:
        client = instructor.from_openai(plain, mode=mode)
        found = client.chat.completions.create(**ASKED, response_model=Place, extra_body=SCHEMA)
    assert isinstance(found, Place)


def test_parallel_tools_give_a_list(url: str) -> None:
    with OpenAI(base_url=url, api_key="none", max_retries=0) as plain:
        client = instructor.from_openai(plain, mode=Mode.PARALLEL_TOOLS)
        forced: dict[str, Any] = {"extra_body": {"tool_choice": "required"}}
        found = list(
            client.chat.completions.create(**ASKED, response_model=Iterable[Place], **forced)
        )
    assert found
    assert all(isinstance(one, Place) for one in found)


def test_a_partial_answer_grows_while_it_is_streamed(url: str) -> None:
    with OpenAI(base_url=url, api_key="none", max_retries=0) as plain:
        client = instructor.from_openai(plain, mode=Mode.TOOLS)
        parts = list(client.chat.completions.create_partial(**ASKED, response_model=Place))
    assert len(parts) > 1
    assert Place.model_validate(parts[-1].model_dump())


def test_no_mode_of_this_client_is_left_out(url: str) -> None:
    with OpenAI(base_url=url, api_key="none") as plain:
        offered = []
        for mode in Mode:
            try:
                instructor.from_openai(plain, mode=mode)
            except ModeError:
                continue
            offered.append(mode)
    assert set(offered) == {*BY_THE_SERVER, *BY_THE_PROMPT, Mode.PARALLEL_TOOLS}
