#!/usr/bin/env python3
"""Score how much of the tools and the conversation reaches the prompt, over all templates.

    scripts/visible_scores.py [--data DIR] [--only TEMPLATE] [--part tools|turns] [--list]

For each template in DIR, every kind of schema (nested, ``$ref``, ``anyOf`` ...) in 1, 3 and 40
tools: each name that the grammar can force stands in the prompt.  And every kind of conversation,
with and without tools: each text, call and result stands there, in order.  Exit code 1 if something
is lost.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repository import DATA

from gguf_fc import Dialect
from gguf_fc.errors import GgufFcError
from tests.support.visible_tools import (
    COUNTS,
    KEYWORD_NAMES,
    SCHEMAS,
    Json,
    tools_of,
    with_renamed_keyword,
    words_of,
)
from tests.support.visible_turns import TOOLS, conversations, lost

USER = {"role": "user", "content": "zquser"}


@dataclass(frozen=True, slots=True)
class Miss:
    """A case in which something is lost."""

    template: str
    kind: str
    what: str


def tool_misses(name: str, dialect: Dialect, kind: str) -> Iterator[Miss]:
    """Names of tools that a prompt lacks."""
    for count in COUNTS:
        tools = tools_of(kind, count)
        where = f"{kind}, {count} tools"
        try:
            prompt = dialect.render([USER], tools=tools)
        except GgufFcError as error:
            yield Miss(name, where, f"error: {error.message}")
            continue
        if prompt.warning:
            yield Miss(name, where, f"warning: {prompt.warning}")
        missing = [word for word in [*words_of(tools), "zquser"] if word not in prompt.text]
        if kind.startswith("keywords") and count == 1:
            missing += hidden_keywords(dialect, tools, prompt.text)
        if missing:
            yield Miss(name, where, ", ".join(missing[:6]))


def hidden_keywords(dialect: Dialect, tools: list[Json], prompt: str) -> Iterator[str]:
    """Parameters with the names of keywords that are not shown as other names would be."""
    for keyword in KEYWORD_NAMES:
        if f'"{keyword}": {{' in prompt:
            continue  # as JSON has it
        other = dialect.render([USER], tools=with_renamed_keyword(tools, keyword)).text
        shown = other.count(f"zq_{keyword}_renamed")
        more = prompt.count(keyword) - (other.count(keyword) - shown)
        if not shown or more < 1:
            yield f"{keyword} ({shown}, {more})"


def turn_misses(name: str, dialect: Dialect) -> Iterator[Miss]:
    """Texts that were said and are lost."""
    for conversation in conversations():
        for tools in (None, TOOLS):
            where = f"{conversation.name}, {'with' if tools else 'no'} tools"
            try:
                prompt = dialect.render(conversation.messages, tools=tools)
            except GgufFcError as error:
                yield Miss(name, where, f"error: {error.message}")
                continue
            if prompt.warning:
                yield Miss(name, where, f"warning: {prompt.warning}")
            if missing := lost(prompt.text, conversation):
                yield Miss(name, where, ", ".join(missing[:6]))


def main() -> int:
    """Print how many cases are right, and by kind which are not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", default="", help="only templates with this in their name")
    parser.add_argument("--part", choices=["tools", "turns"], help="only these")
    parser.add_argument("--list", action="store_true", help="print each case that is not right")
    options = parser.parse_args()
    paths = sorted((options.data / "templates").glob("*.jinja"))
    if not paths:
        print(f"no templates in {options.data}; set GGUF_FC_DATA")
        return 1
    began, total, misses = time.process_time(), Counter[str](), list[Miss]()
    for path in paths:
        if options.only not in path.stem:
            continue
        dialect = Dialect.from_template(
            path.read_text(encoding="utf-8"),
            bos_token="<s>",  # noqa: S106  not a password
            eos_token="</s>",  # noqa: S106
        )
        if options.part != "turns":
            for kind in SCHEMAS:
                misses += tool_misses(path.stem, dialect, kind)
            total["tools"] += len(SCHEMAS) * len(COUNTS)
        if options.part != "tools":
            misses += turn_misses(path.stem, dialect)
            total["turns"] += 2 * len(conversations())
    by_kind = defaultdict(list)
    for miss in misses:
        by_kind[miss.kind].append(miss)
    for kind, found in sorted(by_kind.items()):
        names = ", ".join(sorted({miss.template for miss in found})[:5])
        print(f"{len(found):4} {kind}: {names}")
        if options.list:
            print(*(f"       {miss.template}: {miss.what}" for miss in found), sep="\n")
    wrong = len({(miss.template, miss.kind) for miss in misses})
    print(f"{sum(total.values()) - wrong} of {sum(total.values())} right {dict(total)}")
    print(f"({time.process_time() - began:.0f} s)")
    return int(bool(misses))


if __name__ == "__main__":
    sys.exit(main())
