"""Control tokens are found in text as a regular expression of them would find them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from gguf_fc.grammar.notations.token_texts import Found, TokenTexts

TEXT = st.text(alphabet="<|ab]^-\\", max_size=12)


@given(st.lists(TEXT, max_size=6), TEXT)
def test_what_is_found_is_what_a_regular_expression_finds(tokens: list[str], text: str) -> None:
    wanted = sorted(filter(None, tokens), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, wanted)) or "(?!)")
    found = [(token.start, token.end, token.text) for token in TokenTexts(tokens).findall(text)]
    assert found == [(match.start(), match.end(), match[0]) for match in pattern.finditer(text)]


def test_the_longest_of_those_that_begin_at_one_place_counts() -> None:
    assert TokenTexts(["<a>", "<a><b>", "<b>"]).search("x<a><b>") == Found("<a><b>", 1)


def test_the_search_can_begin_further_on() -> None:
    texts = TokenTexts(["<a>"])
    assert texts.search("<a> <a>", 1) == Found("<a>", 4)
    assert texts.search("<a>", 1) is None


def test_every_token_is_replaced() -> None:
    assert TokenTexts(["<a>", "<b>"]).replaced("1<a><b>2<a", str.upper) == "1<A><B>2<a"
    assert TokenTexts([]).replaced("as it was", str.upper) == "as it was"


def test_a_hundred_thousand_tokens_are_looked_up_not_tried() -> None:
    texts = TokenTexts(f"<|unused_{number}|>" for number in range(100_000))
    assert texts.search("a < b <|unused_99999|> c") == Found("<|unused_99999|>", 6)
    assert texts.search("<|unused_100000|>") is None
