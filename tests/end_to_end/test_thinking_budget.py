"""A thinking budget holds whatever the template and the request are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gguf_fc.api.answer import Ids, answer
from gguf_fc.api.grammars import GrammarCache
from gguf_fc.config import Settings
from gguf_fc.errors import InvalidParameter
from gguf_fc.events import CallEnd, Event, Finish, ReasoningDelta, TextDelta
from gguf_fc.job import Sampling
from gguf_fc.models.plan import plan
from gguf_fc.models.pool import Pool
from gguf_fc.models.registry import Entry
from gguf_fc.request import Format, Message, Request, Tool, ToolChoice
from gguf_fc.worker.client import Worker
from tests.support.random_model import write_random_model

pytestmark = pytest.mark.live

TURN = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}"
    "{{ m.content }}{% for call in m.tool_calls or [] %}"
    '<call>{"name": "{{ call.function.name }}", "arguments": '
    "{{ call.function.arguments | tojson }}}</call>{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\nPROMPT{% endif %}"
)
PROMPTS = {
    "the model opens": "",
    "the prompt opens": "<think>\n",
    "a switch opens": "{% if enable_thinking is not false %}<think>\n{% endif %}",
}
TOOL = Tool(
    name="look",
    parameters={
        "type": "object",
        "properties": {"at": {"enum": ["left", "right"]}},
        "required": ["at"],
    },
)
REQUESTS: dict[str, dict[str, Any]] = {
    "text": {"max_tokens": 40},
    "required": {"tools": (TOOL,), "tool_choice": ToolChoice("required")},
    "format": {"format": Format(type="json_schema", schema={"enum": ["yes", "no"]})},
}


@pytest.fixture(scope="module", params=PROMPTS)
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    template = TURN.replace("PROMPT", PROMPTS[request.param])
    return write_random_model(
        tmp_path_factory.mktemp("model") / "random.gguf",
        chat_template=template,
        controls=("<think>", "</think>", "<call>", "</call>"),
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """A model that would think for ever, and what it answers."""

    pool: Pool
    runner: asyncio.Runner
    sampling: Sampling

    def ask(self, **fields: Any) -> list[Event]:
        messages = (Message(role="user", content="hello"),)
        request = Request(model=None, messages=messages, sampling=self.sampling, **fields)
        return self.runner.run(self._events(request))

    async def _events(self, request: Request) -> list[Event]:
        ids = Ids(reply=lambda: "reply", call=lambda: "call_0")
        async with answer([request], self.pool, GrammarCache(), ids) as answered:
            return [event async for _, event in answered.events]


@pytest.fixture(scope="module")
def model(path: Path) -> Iterator[Asked]:
    settings = Settings(ctx=2048, parallel=1, threads=1, cache_dir=path.parent)
    pool = Pool(
        [Entry(alias="random", source=path)],
        plan=partial(plan, settings=settings),
        make_worker=partial(Worker, cache_dir=path.parent),
    )
    with asyncio.Runner() as runner:
        header = runner.run(pool.start()).header
        opens, closes = header.control_tokens["<think>"], header.control_tokens["</think>"]
        yield Asked(pool, runner, Sampling(seed=1, logit_bias=((opens, 50.0), (closes, -50.0))))
        runner.run(pool.stop())


@pytest.mark.parametrize("budget", [0, 6])
@pytest.mark.parametrize("asked", REQUESTS)
def test_the_reply_comes_after_so_many_tokens(model: Asked, asked: str, budget: int) -> None:
    events = model.ask(thinking_budget=budget, **REQUESTS[asked])
    *said, finish = events
    assert isinstance(finish, Finish)
    assert budget > 0 or not any(isinstance(event, ReasoningDelta) for event in said)
    if asked == "text":
        assert any(isinstance(event, TextDelta) for event in said)
        return
    assert finish.done.finish_reason == "stop"
    assert finish.done.completion_tokens < budget + 60
    text = "".join(event.text for event in said if isinstance(event, TextDelta))
    assert sum(isinstance(event, CallEnd) for event in said) == (asked == "required")
    assert text in (('"yes"', '"no"') if asked == "format" else ("",))


def test_reasoning_that_is_switched_off_is_closed_at_once(model: Asked) -> None:
    events = model.ask(thinking=False, **REQUESTS["required"])
    assert not any(isinstance(event, ReasoningDelta) for event in events)
    assert any(isinstance(event, CallEnd) for event in events)


def test_a_client_s_own_grammar_takes_no_budget(model: Asked) -> None:
    with pytest.raises(InvalidParameter, match="leave out the budget"):
        model.ask(grammar='root ::= "yes"', thinking_budget=3)
