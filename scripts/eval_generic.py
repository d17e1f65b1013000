#!/usr/bin/env python3
"""Compare forms of the generic format: how often small real models call when a tool is needed.

    scripts/eval_generic.py --answers DIR [--models NAME ...] [--forms NAME ...] [--every N]

Every model is asked 72 questions under every form, greedily, by the whole path of a request: 48
that need one of their tools and 24 that do not.  The table has, for each model and form: questions
that were rightly answered by a call, by one of the right tool, by one whose arguments are valid and
hold what was asked for, questions rightly answered in words, the mean of both rates, tokens of a
reply and of its prompt.

Replies are kept in DIR as they come, so a run that was interrupted goes on where it was; delete
a file to ask again.  The models are those of scripts/real_models.py, and the demo model.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from repository import ROOT

from generic_trials.candidates import CANDIDATES, Candidate
from generic_trials.questions import Question, questions
from generic_trials.table import Figures, as_json, markdown
from generic_trials.trial import Answer, answers
from real_weights.models import MODELS, folder_of

DEMO = ROOT / "gguf_fc" / "demo" / "demo.gguf"
WITHOUT_CHAT = "minilm"  # embeds, and writes nothing


def model_path(name: str) -> Path:
    """The file of a model."""
    return DEMO if name == "demo" else folder_of(os.environ) / MODELS[name].file


def asked(
    file: Path, model: Path, candidate: Candidate, wanted: Sequence[Question], at_once: int
) -> list[Answer]:
    """Answers to *wanted*: those that *file* keeps, and the others, which are added to it."""
    with file.open("a+", encoding="utf-8") as lines:
        lines.seek(0)
        kept = {answer.question: answer for answer in (Answer(**json.loads(li)) for li in lines)}

        async def ask(missing: Sequence[Question]) -> None:
            async for answer in answers(model, candidate, missing, at_once):
                kept[answer.question] = answer
                lines.write(json.dumps(asdict(answer), ensure_ascii=False) + "\n")
                lines.flush()

        if missing := [question for question in wanted if question.id not in kept]:
            asyncio.run(ask(missing))
    return [kept[question.id] for question in wanted]


def main() -> None:
    """Ask, and print a row after each model and form."""
    names = ["demo", *(name for name in MODELS if name != WITHOUT_CHAT)]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--answers", type=Path, required=True, help="folder of the replies")
    parser.add_argument("--models", nargs="+", choices=names, default=names)
    parser.add_argument("--forms", nargs="+", choices=list(CANDIDATES), default=list(CANDIDATES))
    parser.add_argument("--seed", type=int, default=0, help="of the words in the questions")
    parser.add_argument("--every", type=int, default=1, help="ask only every N-th question")
    parser.add_argument(
        "--at-once",
        type=int,
        default=1,
        help="replies written at once: quicker, but batches round otherwise, so some may differ",
    )
    parser.add_argument("--json", type=Path, help="write the table to this file, too")
    options = parser.parse_args()
    absent = [name for name in options.models if not model_path(name).exists()]
    if absent:
        sys.exit(f"absent: {', '.join(absent)}; scripts/real_models.py fetches them")
    options.answers.mkdir(parents=True, exist_ok=True)
    wanted = questions(options.seed)[:: options.every]
    found = []
    for model in options.models:
        for form in options.forms:
            file = options.answers / f"{model}, {form}, {options.seed}.jsonl"
            said = asked(file, model_path(model), CANDIDATES[form], wanted, options.at_once)
            found.append(Figures.of(model, form, said))
            print(found[-1].row(), file=sys.stderr, flush=True)
    print(markdown(found))
    if options.json:
        text = json.dumps(as_json(found), indent=2)
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
