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
AFTER_DEATH = " No other could be started."  # follows the reason of a worker's end
FILLED = {
    "{}": r"(?:(?!\d,\d{3}).)+?",  # a value that is filled in; a number has no commas
    "{,}": r"\d{1,3}(?:,\d{3})*",  # unless it is written with them
}


def texts() -> Iterator[str]:
    """Every text of the package; what is filled in is ``{}``, or ``{,}``."""
    for path in sorted((ROOT / "gguf_fc").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                yield "".join(map(part_of, node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"%[dsr]", "{}", node.value)


def part_of(node: ast.expr) -> str:
    """A part of an f-string."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.FormattedValue)
    return "{,}" if node.format_spec and ast.unparse(node.format_spec) == "f','" else "{}"


def pattern(text: str) -> re.Pattern[str]:
    pieces = re.split(r"(\{,?\})", text)
    return re.compile("".join(FILLED.get(piece) or re.escape(piece) for piece in pieces))


PATTERNS = [pattern(text) for text in set(texts()) if len(re.sub(r"\{,?\}", "", text)) >= LEAST]


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


def test_numbers_are_written_as_the_code_writes_them() -> None:
    (early,) = (message for message in MESSAGES if "ends early" in message)
    (too_long,) = (message for message in MESSAGES if "context length" in message)
    assert not is_ours(early.replace(",", ""))
    assert not is_ours(too_long.replace("4096", "4,096"))


def test_every_block_of_the_page_is_a_message_or_a_command() -> None:
    assert len(MESSAGES) == (PAGE.count("```") - 2 * PAGE.count("```sh\n")) // 2
    assert len(MESSAGES) >= 20
