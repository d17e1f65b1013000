"""Logprobs in the shape of completions: four lists, and where each token begins."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gguf_fc.protocols.completions.logprobs import LogprobsWriter, joined
from gguf_fc.scored_tokens import ScoredToken, TokenLogprob


def token(text: str | bytes, logprob: float | None = -1.0, **top: float) -> TokenLogprob:
    data = text.encode() if isinstance(text, str) else text
    likely = tuple(ScoredToken(tuple(name.encode()), value) for name, value in top.items())
    return TokenLogprob(tuple(data), logprob, likely)


def test_each_token_has_its_text_its_logprob_the_likeliest_and_its_place() -> None:
    lists = LogprobsWriter().feed([token("He", -0.5, He=-0.5, I=-2.0), token("llo", -3, y=-0.1)])
    assert lists == {
        "tokens": ["He", "llo"],
        "token_logprobs": [-0.5, -3],
        "top_logprobs": [{"He": -0.5, "I": -2.0}, {"y": -0.1, "llo": -3}],
        "text_offset": [0, 2],
    }


def test_parts_of_a_character_are_written_as_bytes_and_begin_where_it_does() -> None:
    data = "a🦙b".encode()
    lists = LogprobsWriter().feed([token(data[:1]), token(data[1:3]), token(data[3:]), token("c")])
    assert lists["tokens"] == ["a", r"bytes:\xf0\x9f", r"bytes:\xa6\x99\x62", "c"]
    assert lists["text_offset"] == [0, 1, 1, 3]


def test_a_prompt_begins_behind_what_the_vocabulary_put_in_front_of_it() -> None:
    writer = LogprobsWriter()
    lists = writer.prompt([token("<s>", None), token(" Hello"), token(" you")], "Hello you")
    assert lists["text_offset"] == [0, 0, 5]
    assert lists["token_logprobs"][0] is None
    assert lists["top_logprobs"][0] is None
    assert writer.feed([token("!")])["text_offset"] == [9]


def test_a_prompt_that_its_tokens_do_not_spell_is_counted_from_its_beginning() -> None:
    writer = LogprobsWriter()
    assert writer.prompt([token("hello", None), token(" you")], "HELLO YOU")["text_offset"] == [
        0,
        5,
    ]
    assert writer.feed([token("!")])["text_offset"] == [9]


@given(text=st.text(min_size=1), cuts=st.lists(st.integers(0, 100), max_size=8))
def test_groups_of_any_size_give_the_same_lists(text: str, cuts: list[int]) -> None:
    tokens = [token(bytes([byte])) for byte in text.encode()]
    whole = LogprobsWriter().feed(tokens)
    writer = LogprobsWriter()
    edges = sorted({0, len(tokens), *(cut % len(tokens) for cut in cuts)})
    groups = [writer.feed(tokens[a:b]) for a, b in pairwise(edges)]
    assert joined(groups) == whole
    first_bytes = [at for at, char in enumerate(text) for _ in char.encode()]
    assert whole["text_offset"] == first_bytes


def test_nothing_is_joined_to_nothing() -> None:
    assert joined([]) == {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}


def test_of_two_tokens_with_one_text_the_likelier_is_told() -> None:
    twin = TokenLogprob((97,), -2.0, (ScoredToken((97,), -1.0),))
    assert LogprobsWriter().feed([twin])["top_logprobs"] == [{"a": -1.0}]
