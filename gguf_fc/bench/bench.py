"""``gguf-fc bench``: starts our server, plays the workloads, prints and writes the results."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gguf_fc.bench.contender import others, ours
from gguf_fc.bench.ratios import table
from gguf_fc.bench.report import page
from gguf_fc.bench.rounds import Result, Setting, play, words_per_token
from gguf_fc.bench.sample import Workload
from gguf_fc.bench.workloads import WORKLOADS
from gguf_fc.dialect import Dialect
from gguf_fc.errors import BenchError
from gguf_fc.models.gguf import Header

Say = Callable[[str], None]

# Keys of a GGUF file under which the tokens stand that end a reply.
END_KEYS = ("eos_token_id", "eot_token_id", "eom_token_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Measurements that are asked for.  *serve*: the arguments our server is started with."""

    serve: Sequence[str]
    setting: Setting
    against: Sequence[str] = ()
    workloads: Sequence[str] = ()  # none: all
    html: Path | None = None


def chosen(names: Sequence[str]) -> list[Workload]:
    """The workloads with these *names*; all, if none is named.  Raises BenchError."""
    for name in names:
        if name not in WORKLOADS:
            raise BenchError(f"There is no workload '{name}'; known: {', '.join(WORKLOADS)}.")
    return [WORKLOADS[name] for name in names or WORKLOADS]


def ends_of(header: Header) -> tuple[int, ...]:
    """Tokens banned in free replies, so that all are equally long: they end it or begin a call."""
    ends = [header.metadata.get(f"tokenizer.ggml.{key}") for key in END_KEYS]
    dialect = Dialect.from_template(header.chat_template or "")
    marks = set(dialect.syntax.announcements)
    calls = [token for token, text in enumerate(header.tokens) if text in marks]
    return tuple(dict.fromkeys(token for token in (*ends, *calls) if isinstance(token, int)))


def bench(order: Order, say: Say) -> list[Result]:
    """Measure, print the results, write the report.  Raises BenchError."""
    workloads = chosen(order.workloads)
    results = asyncio.run(_measured(order, workloads, say))
    if order.html is not None:
        order.html.write_text(page(results, _about(order)), encoding="utf-8")
        say(f"report: {order.html}")
    return results


async def _measured(order: Order, workloads: Sequence[Workload], say: Say) -> list[Result]:
    results = []
    async with AsyncExitStack() as stack:
        contenders = [
            await stack.enter_async_context(ours(order.serve)),
            *await stack.enter_async_context(others(order.against)),
        ]
        ratio = await words_per_token(contenders[0])
        for workload in workloads:
            result = await play(workload, contenders, order.setting, ratio, say)
            say(table([result]))
            results.append(result)
    return results


def _about(order: Order) -> dict[str, str]:
    setting = order.setting
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{platform.machine()}, {platform.system()} {platform.release()}",
        "ours": f"gguf-fc serve {' '.join(order.serve)}",
        "against": ", ".join(order.against) or "nothing",
        "rounds": f"{setting.rounds} after {setting.warmups} that do not count, interleaved",
        "lengths": f"free replies {setting.tokens} tokens, long prompts {setting.long_tokens}",
    }
