#!/usr/bin/env python3
"""Check that ``tool_choice`` is obeyed, by models of random weights in every form of call.

    scripts/truth_table.py [--data DIR] [--generations N] [--only TEMPLATE] [--constraint ENGINE]

Of the native templates in DIR one is taken for each form of syntax.  Its markers are control tokens
of a random model's vocabulary, and likely ones, so that the model begins calls wherever it may and
comes to the end of its reasoning.
The whole path of a request is used but for the socket.  A reply is a violation if it

1. calls where it must not, does not call where it must, or calls what it may not;
2. has arguments that are not valid under the tool's schema;
3. has a call in its content: what its parser reads as one.  A mark may be quoted there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from repository import DATA

import jsonschema_rs
import orjson

from gguf_fc import Dialect
from gguf_fc.config import Settings
from gguf_fc.errors import GgufFcError
from gguf_fc.events import CallStart
from gguf_fc.generation.generator import Generator, Ids
from gguf_fc.generation.grammar_cache import GrammarCache
from gguf_fc.models.load_plan import plan_load
from gguf_fc.models.models_yaml import Entry
from gguf_fc.models.pool import Pool
from gguf_fc.protocols.chat.reply import ChatReply
from gguf_fc.protocols.chat.request import ChatAsked, to_request
from gguf_fc.protocols.chat.schema import CHAT
from gguf_fc.protocols.protocol import Envelope
from gguf_fc.worker.client import Worker
from tests.support.choices import CHOICES, SCHEMAS, TOOLS
from tests.support.random_model import write_random_model

AT_ONCE = 8
_MARK = re.compile(r"<\|?[^<>|]+\|?>")
MAX_TOKENS = 300
_BYTES = {"\n": "\u010a", " ": "\u0120"}  # as a vocabulary of bytes spells them
LIKELY = 12.0  # added to the logits of markers and of the end
NOT_ALLOWED = {"named": {"get_weather", "add.note", "ping"}, "allowed": set(SCHEMAS) - {"ping"}}
Json = dict[str, Any]


@dataclass(slots=True)
class Cell:
    """All generations of one template under one choice."""

    finishes: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    violations: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Calls and whole replies, and the violations if there are any."""
        whole = self.finishes.total() - self.finishes["length"]
        bad = f" !{len(self.violations)}" if self.violations else ""
        return f"{self.calls}/{whole}{bad}"


def form_of(value: Any, key: str = "") -> Any:
    """A syntax as data without its texts: what is left is its form."""
    match value:
        case _ if key in {"kind", "scalars", "notation"}:
            return value
        case dict():
            return {name: form_of(item, name) for name, item in value.items()}
        case list():
            return [form_of(item, key) for item in value]
        case str():
            return "".join(sorted({c for c in value if c in "{}[]<>"}))
        case _:
            return value


def families(folder: Path) -> Iterator[tuple[str, str, Dialect]]:
    """Name, text and dialect of one native template for each form of syntax."""
    seen: set[str] = set()
    for path in sorted(folder.glob("*.jinja")):
        text = path.read_text(encoding="utf-8")
        dialect = Dialect.from_template(text)
        form = json.dumps(form_of(dialect.syntax.to_dict()))
        if dialect.native and form not in seen:
            seen.add(form)
            yield path.stem, text, dialect


def opening_of(dialect: Dialect) -> str:
    """The text before the name of a turn's first call."""
    return dialect.write(tool_calls=[{"name": "ping", "arguments": {}}]).split("ping")[0].strip()


def controls_of(dialect: Dialect) -> tuple[str, ...]:
    """The texts that are control tokens: those that begin calls or end the reasoning."""
    reasoning = dialect.syntax.reasoning
    # A close of several marks is several tokens, as in the vocabularies that have them.
    close = reasoning.close.strip() if reasoning else ""
    closers = _MARK.findall(close) or ([close] if close else [])
    if markers := dialect.syntax.announcements:
        begins = any(opening_of(dialect).startswith(marker) for marker in markers)
        return (*markers, *([] if begins else [opening_of(dialect)]), *closers)
    return tuple(closers)


def first_characters(dialect: Dialect) -> set[str]:
    """Characters that begin a call or its arguments, or go on behind the mark that announces it.

    Text may quote a mark; a model of random weights would hardly ever do anything else.
    """
    opening = dialect.write(tool_calls=[{"name": "ping", "arguments": {}}]).split("ping")[0]
    marks = [mark for mark in dialect.syntax.announcements if mark in opening]
    behind = min((opening.partition(mark)[2] for mark in marks), key=len, default=opening.strip())
    # Where nothing stands before the name, a call goes on with the name of a tool.
    texts = [behind, behind.strip()] if behind.strip() else list(SCHEMAS)
    pairs = dialect.syntax.pairs
    arguments = "{" if pairs is None else pairs.text.before.strip() or "("
    return {text[0] for text in (*texts, arguments)}


class Bench:
    """One model that talks nonsense in one dialect."""

    def __init__(self, pool: Pool, dialect: Dialect) -> None:
        self._pool = pool
        self._markers, self._controls = dialect.syntax.announcements, controls_of(dialect)
        self._parser = partial(dialect.parser, tools=TOOLS)
        self._first = first_characters(dialect)
        self._grammars, self._at_once = GrammarCache(), asyncio.Semaphore(AT_ONCE)
        self._bias: dict[str, float] = {}

    async def start(self) -> None:
        """Load the model, and learn which tokens its markers are."""
        header = (await self._pool.start()).header
        likely = {header.control_tokens.get(text) for text in (*self._controls, header.eos_token)}
        likely |= {header.tokens.index(_BYTES.get(first, first)) for first in self._first}
        self._bias = {str(token): LIKELY for token in likely if token is not None}

    async def cell(self, choice: str, generations: int) -> Cell:
        """All generations under *choice*."""
        cell = Cell()
        replies = await asyncio.gather(*(self._reply(choice, n) for n in range(generations)))
        for seed, reply in enumerate(replies):
            if isinstance(reply, str):
                cell.violations.append(f"seed {seed}: {reply}")
                continue
            calls = reply["message"].get("tool_calls") or []
            cell.finishes[reply["finish_reason"]] += 1
            cell.calls += len(calls)
            wrong = self._violations(choice, reply, [call["function"] for call in calls])
            cell.violations += [f"seed {seed}: {what}" for what in wrong]
        return cell

    async def _reply(self, choice: str, seed: int) -> Json | str:
        """The one choice of a reply, or why there is none."""
        fields = {
            "messages": [{"role": "user", "content": "hello"}],
            "tools": TOOLS,
            "seed": seed,
            "temperature": 1,
            "max_tokens": MAX_TOKENS,
            "logit_bias": self._bias,
            **CHOICES[choice],
        }
        body, _ = CHAT.parse(orjson.dumps(fields))
        request = to_request(body, self._pool.sampling(None))
        ids = Ids(reply=lambda: f"{choice} {seed}", call=lambda: "call_0")
        try:
            async with (
                self._at_once,
                Generator(self._pool, self._grammars).reply([request], ids) as answered,
            ):
                envelope = Envelope(id=answered.id, created=0, model=answered.model)
                reply = ChatReply(ChatAsked(requests=(request,)), envelope)
                async for n, event in answered.events:
                    reply.add(n, event)
        except GgufFcError as error:
            return f"{type(error).__name__}: {error.message}"
        found: Json = reply.result()["choices"][0]
        return found

    def _violations(self, choice: str, reply: Json, calls: list[Json]) -> Iterator[str]:
        names = {call["name"] for call in calls}
        cut_off = reply["finish_reason"] == "length"
        if choice == "none" and calls:
            yield "calls though it may not"
        if choice not in {"none", "auto"} and not calls and not cut_off:
            yield f"does not call: {reply['message']['content']!r}"
        if choice in {"one call", "named"} and len(calls) > 1:
            yield f"{len(calls)} calls"
        if forbidden := names & NOT_ALLOWED.get(choice, set()):
            yield f"calls {forbidden}"
        for call in calls:
            if not jsonschema_rs.is_valid(SCHEMAS[call["name"]], json.loads(call["arguments"])):
                yield f"{call['name']}({call['arguments']})"
        content = reply["message"]["content"] or ""
        if any(isinstance(event, CallStart) for event in self._parser().feed(content)):
            yield f"a call in {content!r}"


async def row(folder: Path, text: str, dialect: Dialect, options: argparse.Namespace) -> list[Cell]:
    """A template under every choice."""
    path = write_random_model(
        folder / "random.gguf", chat_template=text, controls=controls_of(dialect)
    )
    settings = Settings(
        ctx=65536, parallel=AT_ONCE, threads=1, cache_dir=folder, constraint=options.constraint
    )
    pool = Pool(
        [Entry(alias="random", source=path)],
        plan=partial(plan_load, settings=settings),
        make_worker=partial(Worker, cache_dir=folder),
    )
    bench = Bench(pool, dialect)
    try:
        await bench.start()
        return [await bench.cell(choice, options.generations) for choice in CHOICES]
    finally:
        await pool.stop()


def main() -> int:
    """Print a row a template, then what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--generations", type=int, default=200, help="for each cell of the table")
    parser.add_argument("--only", default="", help="only templates with this in their name")
    parser.add_argument("--constraint", default="llguidance", choices=["llguidance", "llama.cpp"])
    options = parser.parse_args()
    print(f"calls/whole replies of {options.generations}, !violations")
    print(f"{'template':<50}" + "".join(f"{choice:>12}" for choice in CHOICES))
    violations = []
    for name, text, dialect in families(options.data / "templates"):
        if options.only not in name:
            continue
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            cells = asyncio.run(row(Path(folder), text, dialect, options))
        took = time.perf_counter() - began
        counts = "".join(f"{cell.text():>12}" for cell in cells)
        print(f"{name:<50}{counts}  {took:.0f} s", flush=True)
        for choice, cell in zip(CHOICES, cells, strict=True):
            violations += [f"{name}, {choice}, {what}" for what in cell.violations]
    print("\n".join(violations))
    print(f"{len(violations)} violations")
    return int(bool(violations))


if __name__ == "__main__":
    sys.exit(main())
