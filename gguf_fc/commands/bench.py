"""``gguf-fc bench``: this server measured, and others beside it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from gguf_fc.bench.bench import Order, bench, ends_of
from gguf_fc.bench.rounds import Setting
from gguf_fc.config import Settings
from gguf_fc.models.gguf import read_header
from gguf_fc.models.load_plan import locate
from gguf_fc.models.select_models import offered

SERVE_OPTIONS = ("ctx", "parallel", "threads", "n_gpu_layers")  # handed on to our server


def run(  # noqa: PLR0913 - a flag each
    settings: Settings,
    *,
    against: str,
    workloads: str,
    html: Path | None,
    rounds: int,
    tokens: int,
    long: int,
    serve: dict[str, Any],
) -> None:
    """Play *workloads* and print how the times compare.

    *against* and *workloads* are lists with commas, *serve* the values of SERVE_OPTIONS.  Raises
    BenchError if a server cannot be measured.
    """
    path = locate(offered(settings)[0])
    options = [f"--{name.replace('_', '-')}={value}" for name, value in serve.items() if value]
    bench(
        Order(
            serve=(str(path), *options),
            setting=Setting(
                rounds=rounds,
                tokens=tokens,
                long_tokens=long,
                end_tokens=ends_of(read_header(path)),
            ),
            against=tuple(filter(None, against.split(","))),
            workloads=tuple(filter(None, workloads.split(","))),
            html=html,
        ),
        say=partial(print, flush=True),
    )
