"""Every message that docs/troubleshooting.md quotes is one that the package can give."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.server import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
MESSAGES = re.findall(r"^```\n(.+)\n```$", PAGE, re.MULTILINE)
LEAST = 18  # fixed characters of a text by which a message is known
AFTER_DEATH = " The next request gets a new one."  # follows the reason of a worker's end
EXAMPLE = "{}"  # a value that is filled in


def texts() -> Iterator[str]:
    """Every text of the package; what is filled in is ``{}``."""
    for path in sorted((ROOT / "gguf_fc").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                yield "".join(
                    part.value
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                    else EXAMPLE
                    for part in node.values
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"%[dsr]", EXAMPLE, node.value)


def pattern(text: str) -> re.Pattern[str]:
    return re.compile(".+?".join(map(re.escape, text.split(EXAMPLE))))


PATTERNS = [pattern(text) for text in set(texts()) if len(text.replace(EXAMPLE, "")) >= LEAST]


def is_ours(message: str) -> bool:
    """Whether a text of the package, filled in, is *message*, or all of it after a file's name."""
    start = re.match(r"[\w.-]+: (models\[\d+\]: )?", message)
    whole = (message, message.removesuffix("."), message.removesuffix(AFTER_DEATH))
    behind = tuple(text[start.end() :] for text in whole) if start else ()
    return any(known.fullmatch(text) for known in PATTERNS for text in (*whole, *behind))


@pytest.mark.parametrize("message", MESSAGES)
def test_a_quoted_message_stands_in_the_code(message: str) -> None:
    assert is_ours(message)


def test_a_message_that_nothing_gives_is_found() -> None:
    assert not is_ours("The host 'x' is not served anywhere.")
    assert not is_ours("There is no setting at all.")


def test_every_block_of_the_page_is_a_message_or_a_command() -> None:
    assert len(MESSAGES) == (PAGE.count("```") - 2 * PAGE.count("```sh\n")) // 2
    assert len(MESSAGES) >= 20
