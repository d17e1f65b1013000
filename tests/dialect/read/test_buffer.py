"""The buffer: markers may be split anywhere, and nothing else is held back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from gguf_fc.dialect.read.buffer import Buffer

CASES = [
    # text, markers, expected
    ("a<tool>b", ("<tool>",), [("a", "<tool>"), ("b", None)]),
    ("a<to b", ("<tool>",), [("a<to b", None)]),
    ("<a><a>b", ("<a>", "<a>b"), [("", "<a>"), ("", "<a>b")]),
    ("<a>b<a>", ("<a>", "<a>b"), [("", "<a>b"), ("", "<a>")]),
    ("ends with <too", ("<tool>",), [("ends with <too", None)]),
    ("", ("x",), []),
]


def every_split(text: str) -> Iterator[list[str]]:
    yield [text]
    yield list(text)
    for at in range(1, len(text)):
        yield [text[:at], text[at:]]


def read(pieces: Iterable[str], markers: tuple[str, ...]) -> list[tuple[str, str | None]]:
    buffer = Buffer()
    found: list[tuple[str, str | None]] = []
    held = ""
    for piece in [*pieces, None]:
        if piece is None:
            buffer.close()
        else:
            buffer.push(piece)
        while True:
            text, marker = buffer.take_until(markers)
            held += text
            if marker is None:
                break
            found.append((held, marker))
            held = ""
    return [*found, (held, None)] if held else found


@pytest.mark.parametrize(("text", "markers", "expected"), CASES)
def test_chunking_never_changes_the_result(
    text: str, markers: tuple[str, ...], expected: list[tuple[str, str | None]]
) -> None:
    for pieces in every_split(text):
        assert read(pieces, markers) == expected, pieces


def test_a_kept_place_can_be_gone_back_to_across_pushes() -> None:
    buffer = Buffer()
    buffer.push("abc")
    assert buffer.take(1) == "a"
    buffer.mark()
    assert buffer.take(2) == "bc"
    buffer.push("def")
    assert buffer.take(2) == "de"
    assert buffer.since_mark() == 4
    buffer.rewind()
    assert buffer.pending == "bcdef"
    buffer.rewind()
    assert buffer.pending == "bcdef"
