#!/usr/bin/env python3
"""Check lists of tools of MCP servers: how long their grammars take, what is shown, what is called.

    scripts/mcp_scores.py [--data DIR] [--only LIST] [--calls N] [--templates WORD]

DIR/mcp holds a JSON file for each server, a list of tools as OpenAI has them; ``all`` is all of
them together, each named behind its server.  For each list are printed

1. the processor time from tools to a compiled grammar of required calls, over one template of each
   form of call (the longest, and the form it was), and the keywords that are loosened;
2. of all templates, how many show every name that the grammar can force;
3. of N required calls, of tokens taken by chance among those that the constraint allows, over one
   template of each form of call: how many came to an end, how many of these are not valid, and how
   many the server would not check (numbers that no 64 bits hold, say), each with the reason.

Exit code 1 if a grammar takes a second, a name is hidden, or a call is not valid.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from repository import DATA

import numpy as np

from gguf_fc import Dialect
from gguf_fc.engine.constrain.constraint import Constraint
from gguf_fc.engine.constrain.llguidance import Grammars
from gguf_fc.engine.llama.llama import Llama
from gguf_fc.generation.validation import Validators
from gguf_fc.job import GrammarText
from tests.support.loading import in_process
from tests.support.random_model import write_random_model
from tests.support.visible_tools import Json, names_of, unseen
from truth_table import families

MOST_SECONDS = 1.0
MOST_TOKENS = 3000
ENDLESS = "came to no end"
UNCHECKED = "not checked: "
ENDINGS = ('"', "}", "]")  # tokens with which values come to an end ...
ENDS = 0.2  # ... and how likely these are taken
VALIDATORS = Validators()
USER = {"role": "user", "content": "Go."}


def lists(folder: Path) -> dict[str, list[Json]]:
    """Lists of tools by the names of their servers, and all of them together."""
    found = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    together = [_behind(server, tool) for server, tools in found.items() for tool in tools]
    return {**found, "all": together}


def _behind(server: str, tool: Json) -> Json:
    function = tool["function"]
    return {**tool, "function": {**function, "name": f"{server}__{function['name']}"}}


class Compiler:
    """Compiles for a small vocabulary, and writes by chance what a grammar allows."""

    def __init__(self, path: Path) -> None:
        self._vocabulary = Llama(in_process(path, n_ctx=512)).vocabulary
        self._kept = Grammars(self._vocabulary)

    def seconds(self, dialect: Dialect, tools: Sequence[Json]) -> tuple[float, list[str]]:
        """Processor time from *tools* to a compiled grammar, and the loosened keywords."""
        engine = Grammars(self._vocabulary)
        began = time.process_time()
        grammar = dialect.grammar(tools=tools, tool_choice="required")
        engine.compile(GrammarText(llguidance=grammar.llguidance({})))
        taken = time.process_time() - began
        return taken, [f"{item.path}: {item.keyword} ({item.reason})" for item in grammar.report]

    def written(self, dialect: Dialect, tools: Sequence[Json], chance: random.Random) -> str | None:
        """One required call, of tokens taken by *chance*; None if it comes to no end."""
        grammar = dialect.grammar(tools=tools, tool_choice="required", parallel_tool_calls=False)
        constraint = self._kept.compile(GrammarText(llguidance=grammar.llguidance({})))
        endings = [self._tokens(text) for text in (*ENDINGS, *_texts(dialect.syntax.to_dict()))]
        said = bytearray()
        for _ in range(MOST_TOKENS):
            tokens: Sequence[int] = ()
            if chance.random() < ENDS:
                chance.shuffle(endings)
                tokens = next((each for each in endings if _fits(constraint, each)), ())
            tokens = tokens or [int(chance.choice(np.flatnonzero(constraint.mask())))]
            if tokens[-1] in self._vocabulary.ends:
                return said.decode()
            for token in tokens:
                constraint.take(token)
                said += self._vocabulary.pieces[token]
        return None

    def _tokens(self, text: str) -> list[int]:
        return [self._vocabulary.pieces.index(bytes([byte])) for byte in text.encode()]


def _texts(value: Any) -> Iterator[str]:
    """Marks of a syntax, some of which end values."""
    if isinstance(value, str) and value.strip():
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _fits(constraint: Constraint, tokens: Sequence[int]) -> bool:
    """True if all *tokens* may follow."""
    ahead = constraint.copy()
    for token in tokens:
        if not ahead.allows(token):
            return False
        ahead.take(token)
    return True


def hidden(dialect: Dialect, tools: Sequence[Json]) -> str | None:
    """Names that a prompt does not show, in words."""
    prompt = dialect.render([USER], tools=tools)
    if prompt.warning:
        return f"warning: {prompt.warning}"
    missing = unseen(names_of(tools), prompt.text)
    return ", ".join(missing[:6]) or None


def invalid(compiler: Compiler, dialect: Dialect, tools: Sequence[Json], seed: int) -> str | None:
    """Fault of a required call of chance, as the server judges it; None if it is valid."""
    text = compiler.written(dialect, tools, random.Random(seed))  # noqa: S311  no secret
    if text is None:
        return ENDLESS
    reply = dialect.parse(text, tools=tools)
    if len(reply.tool_calls) != 1:
        return f"seed {seed}: {len(reply.tool_calls)} calls in {text[:200]!r}"
    (call,) = reply.tool_calls
    schemas = {tool["function"]["name"]: tool["function"].get("parameters") for tool in tools}
    judged = VALIDATORS.judge("arguments", call.arguments, schemas[call.name] or {})
    verdict = asyncio.run(judged)
    if verdict.result == "valid":
        return None
    what = UNCHECKED if verdict.result == "not_checked" else ""
    return f"{what}seed {seed}: {call.name}({call.arguments[:200]}): {verdict.reason}"


def main() -> int:
    """Print a line a list, then what is wrong or loosened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", help="names of lists, with commas between them")
    parser.add_argument("--calls", type=int, default=20, help="required calls of each list")
    parser.add_argument("--templates", default="", help="only templates with this in their name")
    options = parser.parse_args()
    known = lists(options.data / "mcp")
    if len(known) == 1:
        print(f"no lists in {options.data / 'mcp'}; set GGUF_FC_DATA")
        return 1
    chosen = options.only.split(",") if options.only else list(known)
    paths = sorted((options.data / "templates").glob("*.jinja"))
    dialects = {
        path.stem: Dialect.from_template(path.read_text(encoding="utf-8"))
        for path in paths
        if options.templates in path.stem
    }
    forms = [each for each in families(options.data / "templates") if options.templates in each[0]]
    wrong, loosened = [], dict[str, None]()
    unchecked: list[str] = []
    heads = f"{'calls':>9}{'invalid':>9}{'unchecked':>11}"
    print(f"{'list':<16}{'tools':>6}{'seconds':>9}{'shown':>10}{heads}")
    with tempfile.TemporaryDirectory() as folder:
        compiler = Compiler(write_random_model(Path(folder) / "small.gguf"))
        for name in chosen:
            tools, slowest = known[name], 0.0
            for form, _, dialect in forms:
                taken, report = compiler.seconds(dialect, tools)
                loosened |= dict.fromkeys(f"{name}: {item}" for item in report)
                slowest = max(slowest, taken)
                if taken >= MOST_SECONDS:
                    wrong.append(f"{name}, {form}: {taken:.2f} s to compile")
            missing = {each: hidden(dialect, tools) for each, dialect in dialects.items()}
            wrong += [f"{name}, {each}: {what}" for each, what in missing.items() if what]
            judged = [
                (form, invalid(compiler, dialect, tools, n))
                for n in range(options.calls)
                for form, _, dialect in forms[n % len(forms) :: options.calls]
            ]
            whole = sum(what != ENDLESS for _, what in judged)
            told = [(form, what) for form, what in judged if what not in (None, ENDLESS)]
            left = [each for each in told if str(each[1]).startswith(UNCHECKED)]
            faults = [each for each in told if each not in left]
            unchecked += [f"{name}, {form}, {what}" for form, what in left]
            wrong += [f"{name}, {form}, {what}" for form, what in faults]
            shown = f"{len(dialects) - len(list(filter(None, missing.values())))}/{len(dialects)}"
            counts = f"{whole:>9}{len(faults):>9}{len(left):>11}"
            print(f"{name:<16}{len(tools):>6}{slowest:>9.2f}{shown:>10}{counts}", flush=True)
    print(*(f"loosened: {item}" for item in loosened), *unchecked, *wrong, sep="\n")
    print(f"{len(wrong)} wrong")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
