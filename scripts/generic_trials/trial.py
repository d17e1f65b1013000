"""One model under one candidate: every question is asked, and what came back is judged.

The whole path of a request is used but for the socket: prompt, grammar, engine, parser.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from generic_trials.candidates import Candidate
from generic_trials.questions import Question, Wanted
from gguf_fc.config import Settings
from gguf_fc.dialect import Dialect
from gguf_fc.dialect.prompt.file_templates import FileTemplates
from gguf_fc.generation.generator import Generator, Ids
from gguf_fc.generation.grammar_cache import GrammarCache
from gguf_fc.models.gguf import Header
from gguf_fc.models.load_plan import LoadPlan, plan_load
from gguf_fc.models.models_yaml import Entry
from gguf_fc.models.pool import Pool
from gguf_fc.protocols.chat.reply import ChatReply
from gguf_fc.protocols.chat.request import ChatAsked, to_request
from gguf_fc.protocols.chat.schema import CHAT
from gguf_fc.protocols.protocol import Envelope
from gguf_fc.worker.client import Worker

MAX_TOKENS = 60
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """Reply to a question, judged."""

    question: str
    needed: bool
    called: bool
    right: bool  # the tool that is needed is called first
    useful: bool  # ... with arguments that are valid and hold what the question says
    tokens: int
    prompt_tokens: int
    cut_off: bool
    reply: str

    @property
    def decided(self) -> bool:
        """A call where one is needed, and none where none is."""
        return self.called == self.needed


def judged(question: Question, choice: Json, usage: Json) -> Answer:
    """Judge the *choice* of a chat completion."""
    message = choice["message"]
    calls = [call["function"] for call in message.get("tool_calls") or []]
    right = bool(calls) and calls[0]["name"] == question.tool
    return Answer(
        question=question.id,
        needed=bool(question.tool),
        called=bool(calls),
        right=right,
        useful=right and is_useful(question, calls[0]["arguments"]),
        tokens=usage["completion_tokens"],
        prompt_tokens=usage["prompt_tokens"],
        cut_off=choice["finish_reason"] == "length",
        reply=json.dumps(calls) if calls else message.get("content") or "",
    )


def is_useful(question: Question, arguments: str) -> bool:
    """Valid under the tool's schema, and with all that the question names."""
    try:
        given = json.loads(arguments)
    except ValueError:  # cut off
        return False
    functions = (tool["function"] for tool in question.tools)
    schema = next(each["parameters"] for each in functions if each["name"] == question.tool)
    return jsonschema_rs.is_valid(schema, given) and all(
        key in given and _holds(given[key], wanted) for key, wanted in question.arguments.items()
    )


def _holds(value: Any, wanted: Wanted) -> bool:
    if isinstance(wanted, bool) or not isinstance(value, str):
        return bool(value == wanted)
    text = wanted if isinstance(wanted, str) else f"{wanted:g}"
    return text.casefold() in value.casefold()


async def answers(
    model: Path, candidate: Candidate, questions: Sequence[Question], at_once: int
) -> AsyncIterator[Answer]:
    """Answers to *questions*, each as it comes; that many are written *at_once*."""
    async with _serving(model, candidate, at_once) as pool:
        grammars, free = GrammarCache(), asyncio.Semaphore(at_once)

        async def ask(number: int, question: Question) -> Answer:
            async with free:
                return judged(question, *await _reply(pool, grammars, question, number))

        for answer in asyncio.as_completed([ask(*item) for item in enumerate(questions)]):
            yield await answer


def told_by(candidate: Candidate, dialect: Dialect, header: Header) -> Dialect:
    """The *dialect* told of tools as *candidate* has it, whatever its template can."""
    facts, form = dialect.templates.base, candidate.format
    told = replace(
        facts,
        syntax=replace(form.syntax, reasoning=facts.syntax.reasoning),
        needs=replace(facts.needs, system=facts.needs.system and candidate.in_system),
        native=False,
    )
    return Dialect(
        FileTemplates(base=told, tools=told),
        special_tokens=tuple(header.control_tokens),
        generic=form,
    )


@asynccontextmanager
async def _serving(model: Path, candidate: Candidate, at_once: int) -> AsyncIterator[Pool]:
    """The *model*, told of tools as *candidate* has it; one thread, no files kept."""

    def plan(entry: Entry, store: Any = None) -> LoadPlan:
        found = plan_load(entry, settings, store)
        return replace(found, dialect=told_by(candidate, found.dialect, found.header))

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            ctx=8192,
            parallel=at_once,
            threads=1,
            cache_dir=Path(folder),
            disk_cache=False,
            repack=False,
        )
        pool = Pool(
            [Entry(alias="model", source=model)],
            plan=plan,
            make_worker=partial(Worker, cache_dir=Path(folder)),
        )
        try:
            await pool.start()
            yield pool
        finally:
            await pool.stop()


async def _reply(
    pool: Pool, grammars: GrammarCache, question: Question, number: int
) -> tuple[Json, Json]:
    """The choice of a greedy chat completion, and its usage."""
    fields = {
        "messages": [{"role": "user", "content": question.text}],
        "tools": question.tools,
        "temperature": 0,
        "max_tokens": MAX_TOKENS,
    }
    body, _ = CHAT.parse(orjson.dumps(fields))
    request = to_request(body, pool.sampling(None))
    ids = Ids(reply=lambda: str(number), call=lambda: "call")
    async with Generator(pool, grammars).reply([request], ids) as answered:
        envelope = Envelope(id=answered.id, created=0, model=answered.model)
        reply = ChatReply(ChatAsked(requests=(request,)), envelope)
        async for n, event in answered.events:
            reply.add(n, event)
    found = reply.result()
    return found["choices"][0], found["usage"]
