"""The body of a completion as what is to be completed."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gguf_fc.errors import InvalidParameter
from gguf_fc.job import Sampling
from gguf_fc.protocols.completions.request import TextAsked, to_asked
from gguf_fc.protocols.completions.schema import TEXT
from gguf_fc.request import Form, Given

DEFAULTS = Sampling(temperature=0.7, min_p=0.1)


def asked(**fields: Any) -> TextAsked:
    body, ignored = TEXT.parse(orjson.dumps(fields))
    return to_asked(body, ignored, DEFAULTS)


def test_what_is_left_out_is_as_openai_has_it_or_as_the_model_wants_it() -> None:
    (request,) = asked().requests
    assert request.prompt == Given(param="prompt")
    assert request.max_tokens == 16
    assert request.sampling == DEFAULTS
    assert request.logprobs is None
    assert not request.scored


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({"max_tokens": 0}, 0), ({"n_predict": 9}, 9), ({"max_tokens": -1, "n_predict": -1}, None)],
)
def test_the_limit_is_what_either_field_says(fields: dict[str, Any], expected: int | None) -> None:
    assert asked(**fields).requests[0].max_tokens == expected


def test_choices_stand_prompt_after_prompt_and_each_has_the_next_seed() -> None:
    found = asked(prompt=["a", "b"], n=2, seed=7)
    assert [request.prompt.text for request in found.requests] == ["a", "a", "b", "b"]
    assert [request.prompt.param for request in found.requests][1:3] == ["prompt[0]", "prompt[1]"]
    assert [request.sampling.seed for request in found.requests] == [7, 8, 7, 8]


def test_without_a_seed_none_is_made_up() -> None:
    assert [one.sampling.seed for one in asked(prompt="a", n=2).requests] == [None, None]


def test_candidates_are_scored_only_where_some_are_not_returned() -> None:
    found = asked(prompt="a", n=2, best_of=3)
    assert (found.n, found.best_of, len(found.requests)) == (2, 3, 3)
    assert all(request.scored for request in found.requests)
    assert not any(request.scored for request in asked(prompt="a", n=2, best_of=2).requests)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ([1, 2], [Given(param="prompt", tokens=(1, 2))]),
        ([[1], [2]], [Given(param=f"prompt[{n}]", tokens=(n + 1,)) for n in range(2)]),
        (["a"], [Given(param="prompt[0]", text="a")]),
    ],
)
def test_prompts_can_be_tokens(prompt: Any, expected: list[Given]) -> None:
    assert [request.prompt for request in asked(prompt=prompt).requests] == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"json_schema": {"type": "null"}}, Form(schema={"type": "null"}, param="json_schema")),
        ({"response_format": {"type": "text"}}, None),
        (
            {"response_format": {"type": "json_object"}},
            Form(schema={"type": "object"}, param="response_format"),
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": True}}},
            Form(schema=True, param="response_format.json_schema.schema"),
        ),
        (
            {"response_format": {"type": "json_object", "schema": True}},
            Form(schema=True, param="response_format.schema"),
        ),
    ],
)
def test_a_form_is_a_schema_and_where_it_was_given(
    fields: dict[str, Any], expected: Form | None
) -> None:
    assert asked(**fields).requests[0].form == expected


def test_an_empty_suffix_is_none() -> None:
    assert asked(suffix="").requests[0].suffix is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": ["a"] * 5, "n": 128}, "n"),
        ({"prompt": ["a"] * 5, "best_of": 128}, "best_of"),
        ({"n": 3, "best_of": 1}, "best_of"),
        ({"max_tokens": 3, "n_predict": 1}, "n_predict"),
        ({"best_of": 2, "stream": True}, "best_of"),
        ({"grammar": "x", "response_format": {"type": "json_object"}}, "grammar"),
        ({"json_schema": {}, "response_format": {"type": "json_object"}}, "json_schema"),
        ({"stream_options": {}}, "stream_options"),
    ],
)
def test_combinations_that_make_no_sense_are_refused_by_name(
    fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidParameter) as caught:
        asked(**fields)
    assert caught.value.param == param
