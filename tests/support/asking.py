"""A model of random weights that is asked as the server asks it, but without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gguf_fc.config import Settings
from gguf_fc.events import Event
from gguf_fc.generation.generator import Generator, Ids
from gguf_fc.job import Sampling
from gguf_fc.models.load_plan import plan_load
from gguf_fc.models.models_yaml import Entry
from gguf_fc.models.pool import Pool
from gguf_fc.request import Message, Request, Tool
from gguf_fc.worker.client import Worker
from tests.support.random_model import write_random_model

CONTROLS = ("<think>", "</think>", "<call>", "</call>")
# A turn with reasoning and calls, whose prompt ends with PROMPT.
TURN = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}"
    "{{ m.content }}{% for call in m.tool_calls or [] %}"
    '<call>{"name": "{{ call.function.name }}", "arguments": '
    "{{ call.function.arguments | tojson }}}</call>{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\nPROMPT{% endif %}"
)
TOOL = Tool(
    name="look",
    parameters={
        "type": "object",
        "properties": {"at": {"enum": ["left", "right"]}},
        "required": ["at"],
    },
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A loaded model, and what it answers."""

    pool: Pool
    runner: asyncio.Runner
    sampling: Sampling

    def ask(self, *turns: Message, **fields: Any) -> list[Event]:
        """The reply to hello, or to what it was followed by."""
        messages = (Message(role="user", content="hello"), *turns)
        request = Request(model=None, messages=messages, sampling=self.sampling, **fields)
        return self.runner.run(self._events(request))

    async def _events(self, request: Request) -> list[Event]:
        ids = Ids(reply=lambda: "reply", call=lambda: "call_0")
        async with Generator(self.pool).reply([request], ids) as answered:
            return [event async for _, event in answered.events]


@contextmanager
def asking(folder: Path, prompt: str, bias: Mapping[str, float]) -> Iterator[Asked]:
    """A model whose prompts end with *prompt*; *bias* is added to the logits of control tokens."""
    path = write_random_model(
        folder / "random.gguf", chat_template=TURN.replace("PROMPT", prompt), controls=CONTROLS
    )
    settings = Settings(ctx=2048, parallel=1, threads=1, cache_dir=folder)
    pool = Pool(
        [Entry(alias="random", source=path)],
        plan=partial(plan_load, settings=settings),
        make_worker=partial(Worker, cache_dir=folder),
    )
    with asyncio.Runner() as runner:
        tokens = runner.run(pool.start()).header.control_tokens
        biases = tuple((tokens[text], value) for text, value in bias.items())
        yield Asked(pool, runner, Sampling(seed=1, logit_bias=biases))
        runner.run(pool.stop())
