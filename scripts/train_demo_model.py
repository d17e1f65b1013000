#!/usr/bin/env python3
"""Makes the demo model from nothing: data, tokenizer, training, GGUF.

python scripts/train_demo_model.py train --folder FOLDER     # resumes where it stopped
python scripts/train_demo_model.py export --folder FOLDER --output demo.gguf
python scripts/train_demo_model.py show --count 20           # sample conversations
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path

import repository  # noqa: F401 - finds the code and the packages

from demo_model.conversations import Maker
from demo_model.export import export
from demo_model.network import Shape
from demo_model.render import render
from demo_model.training import Plan, Run


def _clock(text: str) -> float:
    """The next time of day *text* (HH:MM, UTC), as seconds since the epoch."""
    now = dt.datetime.now(dt.UTC)
    hour, minute = (int(part) for part in text.split(":"))
    then = now.replace(hour=hour, minute=minute, second=0)
    return (then if then > now else then + dt.timedelta(days=1)).timestamp()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    plan = Plan()
    train = commands.add_parser("train", help="train, or go on training")
    train.add_argument("--folder", type=Path, required=True, help="tokenizer, checkpoint and log")
    train.add_argument("--tokens", type=int, default=plan.tokens, help="the whole budget of tokens")
    train.add_argument("--stop-at", type=_clock, metavar="HH:MM", help="a time (UTC) instead of it")
    train.add_argument("--seed", type=int, default=plan.seed)
    train.add_argument(
        "--restart-rates",
        type=float,
        metavar="SHARE",
        help="go on from SHARE of the schedule, for what is left",
    )
    train.add_argument("--no-compile", action="store_true", help="slower, needs no C++ compiler")
    out = commands.add_parser("export", help="write the GGUF of a checkpoint")
    out.add_argument("--folder", type=Path, required=True)
    out.add_argument("--output", type=Path, required=True)
    out.add_argument("--float", action="store_true", help="F16 instead of Q8_0")
    show = commands.add_parser("show", help="print sample conversations")
    show.add_argument("--count", type=int, default=20)
    show.add_argument("--seed", type=int, default=plan.seed)
    show.add_argument("--split", choices=("train", "held-out"), default="train")
    return parser


def main() -> None:
    """Run the command that the arguments name."""
    chosen = _parser().parse_args()
    if chosen.command == "show":
        maker = Maker(chosen.split, chosen.seed)
        for index in range(chosen.count):
            talk = maker.make(index)
            sys.stdout.write(render(talk.messages, talk.tools) + "\n")
    elif chosen.command == "export":
        export(chosen.folder, chosen.output, full=chosen.float)
    else:
        plan = Plan(
            tokens=chosen.tokens,
            stop_at=chosen.stop_at,
            seed=chosen.seed,
            compiled=not chosen.no_compile,
        )
        run = Run(chosen.folder, plan, Shape())
        if chosen.restart_rates is not None:
            run.progress = chosen.restart_rates
        run.train()


if __name__ == "__main__":
    main()
