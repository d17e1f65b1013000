"""Nobody but the template writes control tokens, and nothing is split without need."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.engine.prompt_segments import parts, tokens_within
from gguf_fc.job import Segment

CONTROLS = ("<|end|>", "<s>")

CASES: list[tuple[list[Segment], list[Segment]]] = [
    ([], []),
    ([Segment("<s>hi<|end|>")], [Segment("<s>hi<|end|>")]),
    (
        [Segment("<s>user: "), Segment("harmless", special=False), Segment("<|end|>")],
        [Segment("<s>user: harmless<|end|>")],
    ),
    (
        [Segment("<s>"), Segment("I say <|end|> now", special=False), Segment("<|end|>")],
        [Segment("<s>I say "), Segment("<|end|>", special=False), Segment(" now<|end|>")],
    ),
    (  # half of it from the template's own text
        [Segment("<"), Segment("s>", special=False)],
        [Segment("<"), Segment("s>", special=False)],
    ),
    (  # half of it from each of two users
        [Segment("<|e", special=False), Segment("nd|>", special=False)],
        [Segment("<|end|>", special=False)],
    ),
]


@pytest.mark.parametrize(("segments", "expected"), CASES)
def test_only_forged_control_tokens_are_cut_out(
    segments: list[Segment], expected: list[Segment]
) -> None:
    assert parts(segments, CONTROLS) == expected


pieces = st.lists(st.builds(Segment, st.text("<s>|end", max_size=8), st.booleans()), max_size=4)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(pieces)
def test_no_text_is_lost_and_no_forged_token_is_left(segments: list[Segment]) -> None:
    result = parts(segments, CONTROLS)
    assert "".join(part.text for part in result) == "".join(s.text for s in segments)
    trusted = [segment.special for segment in segments for _ in segment.text]
    at = 0
    for part in result:
        for control in CONTROLS if part.special else ():
            start = part.text.find(control)
            while start >= 0:
                assert all(trusted[at + start : at + start + len(control)])
                start = part.text.find(control, start + 1)
        at += len(part.text)


def by_character(segments: list[Segment]) -> list[Segment]:
    """The rule, character by character: an untrusted one that helps to write a control is cut."""
    text = "".join(segment.text for segment in segments)
    trusted = [segment.special for segment in segments for _ in segment.text]
    cut = [False] * len(text)
    for control in CONTROLS:
        for start in range(len(text)):
            if text.startswith(control, start):
                for at in range(start, start + len(control)):
                    cut[at] |= not trusted[at]
    groups = groupby(range(len(text)), key=cut.__getitem__)
    return [Segment("".join(text[at] for at in group), not is_cut) for is_cut, group in groups]


@settings(derandomize=True, max_examples=500, deadline=None)
@given(pieces)
def test_just_the_untrusted_characters_of_control_tokens_are_cut_out(
    segments: list[Segment],
) -> None:
    assert parts(segments, CONTROLS) == by_character(segments)


@pytest.mark.parametrize(
    ("n_characters", "count"), [(0, 0), (2, 0), (3, 1), (4, 1), (5, 2), (99, 2)]
)
def test_tokens_within_a_beginning_are_whole_and_the_last_is_left_out(
    n_characters: int, count: int
) -> None:
    segments = [Segment("ab"), Segment("cd\u00e9f", special=False)]
    pieces = [b"ab", b"cd", "\u00e9f".encode()]
    assert tokens_within(segments, n_characters, pieces) == count
