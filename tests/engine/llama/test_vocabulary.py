"""Prompts to tokens on llama.cpp itself: what a prompt begins with, and what fills a gap."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gguf_fc.engine.llama.llama import Llama
from gguf_fc.engine.tokenization import Tokenization
from gguf_fc.job import Detokenize, Infill, Segment, Tokenize
from tests.support.loading import in_process
from tests.support.models import talking_model
from tests.support.random_model import Value, write_random_model

pytestmark = pytest.mark.live

GAPS = ("<fill before>", "<fill after>", "<fill here>")
ENDOFTEXT, BEFORE, AFTER, HERE = 464, 467, 468, 469


@contextmanager
def model(folder: Path, **extra: Value) -> Iterator[Llama]:
    named = {f"tokenizer.ggml.{name}": value for name, value in extra.items()}
    path = write_random_model(folder / "m.gguf", controls=GAPS, extra=named)
    with closing(Llama(in_process(path))) as loaded:
        yield loaded


def test_the_small_vocabulary_has_the_tokens_these_tests_name(tmp_path: Path) -> None:
    with model(tmp_path) as loaded:
        texts = ("<|endoftext|>", *GAPS)
        found = [loaded.tokenize_text(text, special=True) for text in texts]
        assert found == [[ENDOFTEXT], [BEFORE], [AFTER], [HERE]]


def test_given_tokens_stand_where_they_were_put_and_nothing_is_added(tmp_path: Path) -> None:
    with model(tmp_path, add_bos_token=True) as loaded:
        (letter,) = loaded.tokenize_text("q", special=False)
        assert loaded.tokenize([Segment("", tokens=(5, 6))]) == [5, 6]
        assert loaded.tokenize([Segment("q"), Segment("", tokens=(5,)), Segment("q")]) == [
            *(ENDOFTEXT, letter, 5, letter)
        ]


@pytest.mark.parametrize("adds", [True, False])
def test_an_empty_prompt_is_the_beginning_of_a_text(tmp_path: Path, *, adds: bool) -> None:
    with model(tmp_path, add_bos_token=adds) as loaded:
        assert loaded.tokenize([]) == [ENDOFTEXT]
        assert loaded.tokenize([Segment("")]) == [ENDOFTEXT]


def test_a_model_says_how_it_is_told_to_fill_a_gap(tmp_path: Path) -> None:
    tokens = {
        "fim_pre_token_id": BEFORE,
        "fim_suf_token_id": AFTER,
        "fim_mid_token_id": HERE,
    }
    with model(tmp_path, add_bos_token=True, **tokens) as loaded:
        assert loaded.ready().infill == Infill(
            begin=(ENDOFTEXT, BEFORE), between=(AFTER,), end=(HERE,)
        )
    with model(tmp_path, **tokens) as loaded:
        assert loaded.ready().infill == Infill(begin=(BEFORE,), between=(AFTER,), end=(HERE,))


def test_a_model_without_one_of_those_tokens_fills_no_gaps(tmp_path: Path) -> None:
    with model(tmp_path, fim_pre_token_id=BEFORE, fim_suf_token_id=AFTER) as loaded:
        assert loaded.ready().infill is None


@pytest.fixture(scope="module")
def wording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tokenization]:
    path = talking_model(tmp_path_factory.mktemp("model"))
    with closing(Llama(in_process(path))) as loaded:
        yield Tokenization(loaded)


@given(text=st.text(), special=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_text_comes_back_from_its_tokens_and_its_pieces(
    wording: Tokenization, text: str, *, special: bool
) -> None:
    asked = Tokenize(id="t", text=text, special=special, pieces=True)
    tokenized = wording.tokenize(asked)
    assert wording.detokenize(Detokenize(id="d", tokens=tokenized.tokens)).text == text
    joined = b"".join(p.encode() if isinstance(p, str) else bytes(p) for p in tokenized.pieces)
    assert joined.decode() == text
    assert len(tokenized.pieces) == len(tokenized.tokens)
