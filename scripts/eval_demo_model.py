#!/usr/bin/env python3
"""Scores the demo model on tools that its training never saw, greedily.

    python scripts/eval_demo_model.py                          # through `gguf-fc serve`
    python scripts/eval_demo_model.py --url http://127.0.0.1:8000/v1
    python scripts/eval_demo_model.py --unconstrained          # llama.cpp alone, no grammar

"exact" counts replies that are right to the last character of every argument; "decided" counts
those that call the right tools in the right order, or that rightly call none.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from repository import ROOT

from demo_model.examination import Case, Examiner, Reply, judge

SHIPPED = ROOT / "gguf_fc" / "demo" / "demo.gguf"
_START = 120.0  # seconds for the server to come up
_LIMIT = 400  # tokens of a reply
Ask = Callable[[Case], Reply]


@contextmanager
def served(model: Path) -> Iterator[str]:
    """A server of the project with *model*; its base URL."""
    command = [
        sys.executable,
        "-m",
        "gguf_fc",
        "serve",
        str(model),
        "--port",
        "0",
        "--threads",
        "1",
    ]
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT) as process,
    ):
        try:
            yield _address(process, log) + "/v1"
        finally:
            process.terminate()


def _address(process: subprocess.Popen[bytes], log: Any) -> str:
    """The URL that the server prints once it is ready."""
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        log.seek(0)
        found = re.search(r"http://[\w.]+:\d+", log.read())
        if found:
            return found[0]
        time.sleep(0.2)
    log.seek(0)
    raise SystemExit(f"the server did not start:\n{log.read()}")


def through_server(url: str) -> Ask:
    """Asks the server at *url*, whose grammar constrains the reply."""

    def ask(case: Case) -> Reply:
        body: dict[str, Any] = {
            "messages": [_as_sent(message) for message in case.messages],
            "temperature": 0,
            "max_tokens": _LIMIT,
        }
        if case.tools:
            body["tools"] = case.tools
        request = urllib.request.Request(  # noqa: S310 - a URL that the caller chose
            f"{url}/chat/completions",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            message = json.load(answer)["choices"][0]["message"]
        calls = [call["function"] for call in message.get("tool_calls") or []]
        return Reply(
            message.get("content") or "",
            tuple((call["name"], _arguments(call["arguments"])) for call in calls),
        )

    return ask


def _arguments(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # a call that the limit of tokens cut off
        return None


def _as_sent(message: dict[str, Any]) -> dict[str, Any]:
    """*message* as an OpenAI client sends it: ids, and arguments as text."""
    if message["role"] == "tool":
        return {"tool_call_id": message.get("tool_call_id", "call_0"), **message}
    if "tool_calls" not in message:
        return message
    calls = []
    for number, call in enumerate(message["tool_calls"]):
        text = json.dumps(call["function"]["arguments"], ensure_ascii=False)
        function = {"name": call["function"]["name"], "arguments": text}
        calls.append({"id": f"call_{number}", "type": "function", "function": function})
    return {**message, "tool_calls": calls}


def directly(model: Path) -> Ask:
    """Asks llama.cpp without any grammar."""
    from demo_model.greedy import Greedy  # noqa: PLC0415 - the only mode that needs the library
    from demo_model.render import render  # noqa: PLC0415

    greedy = Greedy(model)

    def ask(case: Case) -> Reply:
        prompt = render(case.messages, case.tools, add_generation_prompt=True)
        return Reply.parse(greedy.complete(prompt, _LIMIT))

    return ask


def evaluate(ask: Ask, prompts: int, failures: int, seed: int) -> None:
    """Print the table, with the first *failures* wrong replies of every category."""
    examiner = Examiner(seed)
    print(f"| category ({prompts} prompts each) | exact | decided |")
    print("|---|---|---|")
    for category in examiner.categories:
        exact = decided = 0
        wrong: list[tuple[Case, Reply]] = []
        for number in range(prompts):
            case = examiner.case(category, number)
            reply = ask(case)
            score = judge(case, reply)
            exact += score.exact
            decided += score.decided
            if not score.exact:
                wrong.append((case, reply))
        print(f"| {category} | {exact / prompts:.0%} | {decided / prompts:.0%} |", flush=True)
        for case, reply in wrong[:failures]:
            print(f"    asked:    {case.messages[-1]['content']}")
            print(f"    expected: {case.expected}\n    got:      {reply}")


def main() -> None:
    """Evaluate as the arguments say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--prompts", type=int, default=100, help="of every category")
    parser.add_argument("--seed", type=int, default=0, help="of the questions")
    parser.add_argument("--failures", type=int, default=0, help="wrong replies to show of each")
    parser.add_argument("--url", help="base URL of a running server, ending in /v1")
    parser.add_argument("--unconstrained", action="store_true", help="llama.cpp, no grammar")
    chosen = parser.parse_args()
    way = "llama.cpp, unconstrained" if chosen.unconstrained else "through the server"
    print(f"{chosen.model.name}, {dt.datetime.now(dt.UTC):%Y-%m-%d}, greedy, {way}\n")
    if chosen.unconstrained:
        evaluate(directly(chosen.model), chosen.prompts, chosen.failures, chosen.seed)
    elif chosen.url:
        evaluate(through_server(chosen.url), chosen.prompts, chosen.failures, chosen.seed)
    else:
        with served(chosen.model) as url:
            evaluate(through_server(url), chosen.prompts, chosen.failures, chosen.seed)


if __name__ == "__main__":
    main()
