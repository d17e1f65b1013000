"""Text as it arrives: markers may be split anywhere, and nothing else is held back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from gguf_fc.dialect.read.reader import Reader

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
    reader = Reader()
    found: list[tuple[str, str | None]] = []
    held = ""
    for piece in [*pieces, None]:
        if piece is None:
            reader.final = True
        else:
            reader.push(piece)
        while True:
            text, marker = reader.take_until(markers)
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
    reader = Reader()
    reader.push("abc")
    assert reader.take(1) == "a"
    reader.mark()
    assert reader.take(2) == "bc"
    reader.push("def")
    assert reader.take(2) == "de"
    reader.rewind()
    assert reader.pending == "bcdef"
    reader.rewind()
    assert reader.pending == "bcdef"
