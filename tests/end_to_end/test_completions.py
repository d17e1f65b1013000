"""``/v1/completions`` on the shipped model, through the official client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from openai.types import Completion, CompletionChoice

from tests.support.random_model import write_random_model
from tests.support.server import Server, running

pytestmark = pytest.mark.live

PROMPT = "<|im_start|>user\nHello! What is the weather in Paris?<|im_end|>\n<|im_start|>assistant\n"
OTHER = "<|im_start|>user\nTell me about yourself.<|im_end|>\n<|im_start|>assistant\n"
# So that choices differ: the model is sure of itself.
WILD = {"temperature": 2, "top_p": 1, "extra_body": {"top_k": 0, "min_p": 0}}
CITY = {
    "type": "object",
    "properties": {"city": {"enum": ["Paris", "Lyon"]}, "n": {"type": "integer", "maximum": 9}},
    "required": ["city", "n"],
    "additionalProperties": False,  # or the model may never come to an end
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server"), "--ctx", "1024") as started:
        yield started


@pytest.fixture
def client(server: Server) -> Iterator[OpenAI]:
    with server.client() as opened:
        yield opened


def complete(client: OpenAI, **fields: Any) -> Completion:
    completion: Completion = client.completions.create(
        **{"model": "demo", "prompt": PROMPT, "temperature": 0, **fields}
    )
    return completion


def texts(completion: Completion) -> list[str]:
    assert [choice.index for choice in completion.choices] == list(range(len(completion.choices)))
    return [choice.text for choice in completion.choices]


def tokens_of(server: Server, text: str, **options: Any) -> list[int]:
    url = server.url.removesuffix("/v1") + "/tokenize"
    response = httpx.post(url, json={"content": text, **options}, timeout=60)
    tokens: list[int] = response.json()["tokens"]
    return tokens


def streamed(client: OpenAI, **fields: Any) -> dict[int, CompletionChoice]:
    """The choices of a stream, joined; checks that each ends exactly once."""
    stream = client.completions.create(
        **{"model": "demo", "prompt": PROMPT, "temperature": 0, "stream": True, **fields}
    )
    joined: dict[int, CompletionChoice] = {}
    for chunk in stream:
        for choice in chunk.choices:
            so_far = joined.setdefault(choice.index, choice)
            if so_far is choice:
                continue
            assert so_far.finish_reason is None, "nothing follows the end"
            so_far.text += choice.text
            so_far.finish_reason = choice.finish_reason
            if choice.logprobs:
                assert so_far.logprobs
                for name, entries in choice.logprobs:
                    getattr(so_far.logprobs, name).extend(entries)
    return joined


def test_a_text_is_gone_on_with_and_ends_after_16_tokens_unless_told_otherwise(
    client: OpenAI,
) -> None:
    completion = complete(client, prompt=OTHER)
    assert completion.object == "text_completion"
    assert completion.model == "demo"
    assert completion.usage
    assert completion.usage.completion_tokens <= 16
    longer = complete(client, prompt=OTHER, max_tokens=24)
    assert longer.choices[0].text.startswith(completion.choices[0].text)
    assert longer.usage
    assert longer.usage.prompt_tokens == completion.usage.prompt_tokens
    assert longer.usage.total_tokens == longer.usage.prompt_tokens + longer.usage.completion_tokens


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"echo": True},
        {"logprobs": 2},
        {"echo": True, "logprobs": 2},
        {"prompt": [PROMPT, OTHER], "n": 2, "logprobs": 0},
        {"json_schema": CITY, "max_tokens": 60},
    ],
)
def test_a_stream_and_a_whole_reply_are_equal(client: OpenAI, fields: dict[str, Any]) -> None:
    extra = {name: fields.pop(name) for name in ("json_schema",) if name in fields}
    whole = complete(client, **fields, extra_body=extra)
    joined = streamed(client, **fields, extra_body=extra)
    for index, choice in enumerate(whole.choices):
        assert joined[index].text == choice.text
        assert joined[index].finish_reason == choice.finish_reason
        assert (joined[index].logprobs is None) == (choice.logprobs is None)
        if choice.logprobs and (lists := joined[index].logprobs):
            assert lists.tokens == choice.logprobs.tokens
            assert lists.text_offset == choice.logprobs.text_offset


def test_a_stream_tells_its_cost_if_asked(client: OpenAI) -> None:
    whole = complete(client)
    *_, last = client.completions.create(
        model="demo",
        prompt=PROMPT,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    assert last.choices == []
    assert last.usage
    assert whole.usage
    assert last.usage.total_tokens == whole.usage.total_tokens


def test_texts_and_tokens_one_or_several_are_the_same_prompts(
    server: Server, client: OpenAI
) -> None:
    alone = [texts(complete(client, prompt=prompt))[0] for prompt in (PROMPT, OTHER)]
    tokens = [tokens_of(server, prompt) for prompt in (PROMPT, OTHER)]
    assert texts(complete(client, prompt=[PROMPT, OTHER])) == alone
    assert texts(complete(client, prompt=tokens)) == alone
    assert texts(complete(client, prompt=tokens[1])) == alone[1:]
    assert texts(complete(client, prompt=tokens[0], echo=True)) == [PROMPT + alone[0]]


def test_without_a_prompt_a_text_begins(server: Server) -> None:
    response = httpx.post(f"{server.url}/completions", json={"max_tokens": 3}, timeout=60)
    assert response.status_code == 200
    assert response.json()["usage"]["prompt_tokens"] == 1


def test_an_echo_is_scored_and_its_offsets_are_where_its_tokens_begin(client: OpenAI) -> None:
    (choice,) = complete(client, prompt="Héllo 🦙 world", echo=True, logprobs=3).choices
    assert choice.logprobs
    lists = choice.logprobs
    tokens, offsets = lists.tokens or [], lists.text_offset or []
    logprobs, tops = lists.token_logprobs or [], lists.top_logprobs or []
    assert len(tokens) == len(offsets) == len(logprobs) == len(tops) > 5
    assert logprobs[0] is None
    assert tops[0] is None
    assert all(logprob <= 0 for logprob in logprobs[1:])
    for token, (start, end) in zip(tokens, pairwise([*offsets, len(choice.text)]), strict=True):
        if not token.startswith("bytes:") and not token.startswith("<|"):
            assert choice.text[start:end] == token
    for token, logprob, top in list(zip(tokens, logprobs, tops, strict=True))[1:]:
        assert top[token] == logprob
        assert 3 <= len(top) <= 4


def test_a_text_can_be_scored_without_writing_any(server: Server, client: OpenAI) -> None:
    tokens = tokens_of(server, PROMPT)
    completion = complete(client, prompt=tokens, echo=True, logprobs=1, max_tokens=0)
    (choice,) = completion.choices
    assert choice.text == PROMPT
    assert choice.logprobs
    assert len(choice.logprobs.tokens or []) == len(tokens)
    assert completion.usage
    assert completion.usage.completion_tokens == 0
    longer = complete(client, prompt=tokens, echo=True, logprobs=1, max_tokens=4).choices[0]
    assert longer.logprobs
    assert choice.logprobs.token_logprobs
    assert longer.logprobs.token_logprobs
    for one, other in zip(
        choice.logprobs.token_logprobs[1:], longer.logprobs.token_logprobs[1:], strict=False
    ):
        assert one == pytest.approx(other, abs=0.05)


def test_choices_draw_numbers_of_their_own(client: OpenAI) -> None:
    completion = complete(client, prompt="The", seed=5, max_tokens=12, n=4, **WILD)
    assert len(set(texts(completion))) > 1


def test_of_several_candidates_the_best_are_returned_and_all_are_counted(client: OpenAI) -> None:
    completion = complete(client, prompt=["The", "A"], n=2, best_of=4, max_tokens=6, **WILD)
    assert len(texts(completion)) == 4
    assert all(choice.logprobs is None for choice in completion.choices)
    assert completion.usage
    assert completion.usage.prompt_tokens == 2
    assert 12 < completion.usage.completion_tokens <= 48


def test_a_stop_string_ends_the_text_before_it(client: OpenAI) -> None:
    free = texts(complete(client, prompt=OTHER, max_tokens=24))[0]
    stop = free[len(free) // 2 :][:4]
    cut = complete(client, prompt=OTHER, max_tokens=24, stop=[stop, "never"]).choices[0]
    assert cut.text == free[: free.index(stop)]
    assert cut.finish_reason == "stop"


def test_a_completion_is_held_to_a_grammar_or_a_schema(client: OpenAI) -> None:
    grammar = {"grammar": 'root ::= "yes" | "no"'}
    assert texts(complete(client, extra_body=grammar))[0] in {"yes", "no"}
    forms: list[dict[str, Any]] = [
        {"json_schema": CITY},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": CITY}}},
    ]
    for form in forms:
        completion = complete(client, extra_body=form, max_tokens=100)
        assert set(json.loads(completion.choices[0].text)) == {"city", "n"}
        extra = completion.model_extra or {}
        assert extra["validation"] == [{"subject": "text", "result": "valid"}]
    loose = complete(client, extra_body={"response_format": {"type": "json_object"}}, max_tokens=5)
    assert texts(loose)[0].startswith("{")


def test_more_prompts_than_the_queue_holds_are_completed_in_order(client: OpenAI) -> None:
    prompts = [f"number {n}:" for n in range(150)]
    completion = complete(client, prompt=prompts, max_tokens=1, echo=True)
    assert [text.startswith(p) for text, p in zip(texts(completion), prompts, strict=True)] == [
        True
    ] * 150


def test_a_model_that_was_trained_for_it_fills_a_gap(tmp_path: Path) -> None:
    controls = ("<before>", "<after>", "<here>")
    extra = {
        f"tokenizer.ggml.fim_{name}_token_id": token
        for token, name in enumerate(("pre", "suf", "mid"), 467)
    }
    path = write_random_model(tmp_path / "m.gguf", controls=controls, extra=extra)
    with running(tmp_path, str(path)) as server, server.client() as client:
        options: Any = {"model": "default", "prompt": "q", "max_tokens": 4}
        filled = client.completions.create(**options, suffix="z <here>", echo=True)
        assert filled.choices[0].text.startswith("q")
        assert filled.usage
        plain = tokens_of(server, "q") + tokens_of(server, "z <here>", parse_special=False)
        assert filled.usage.prompt_tokens == 3 + len(plain)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", [1]]}, "prompt"),
        ({"prompt": [1, "a"]}, "prompt"),
        ({"prompt": {"text": "a"}}, "prompt"),
        ({"prompt": ["a"] * 257}, "prompt"),
        ({"prompt": [[1], [10_000_000]]}, "prompt[1]"),
        ({"prompt": "long " * 3000}, "prompt"),
        ({"prompt": ["a", "long " * 3000]}, "prompt[1]"),
        ({"prompt": "a", "suffix": "b"}, "suffix"),
        ({"prompt": "a", "n": 0}, "n"),
        ({"prompt": "a", "n": 3, "best_of": 2}, "best_of"),
        ({"prompt": "a", "best_of": 2, "stream": True}, "best_of"),
        ({"prompt": ["a"] * 200, "n": 10}, "n"),
        ({"prompt": "a", "logprobs": 21}, "logprobs"),
        ({"prompt": "a", "logprobs": True}, "logprobs"),
        ({"prompt": "a", "max_tokens": -2}, "max_tokens"),
        ({"prompt": "a", "echo": True, "logprobs": 1, "suffix": "b"}, "logprobs"),
        ({"prompt": "a", "stream_options": {"include_usage": True}}, "stream_options"),
        ({"prompt": "a", "grammar": "root ::= ("}, "grammar"),
        ({"prompt": "a", "grammar": 'root ::= "a"', "json_schema": {}}, "grammar"),
        ({"prompt": "a", "json_schema": False}, "json_schema"),
        ({"prompt": "a", "messages": []}, "messages"),
        ({"prompt": "a", "tools": [{}]}, "tools"),
        ({"prompt": "a", "temperature": 3}, "temperature"),
        ({"prompt": "a", "logit_bias": {"x": 1}}, "logit_bias"),
        ({"prompt": "a", "promt": "b"}, "promt"),
    ],
)
def test_what_cannot_be_used_is_a_400_that_names_it(
    server: Server, fields: dict[str, Any], param: str
) -> None:
    response = httpx.post(f"{server.url}/completions", json=fields, timeout=60)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"] == param


def test_fields_without_effect_are_named_in_the_header(server: Server) -> None:
    body = {"prompt": "a", "max_tokens": 1, "user": "me", "cache_prompt": True, "stream": True}
    body["stream_options"] = {"include_obfuscation": True}
    response = httpx.post(f"{server.url}/completions", json=body, timeout=60)
    named = response.headers["x-gguf-fc-ignored"]
    assert named == "user, cache_prompt, stream_options.include_obfuscation"


def test_an_unknown_model_is_a_404(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        complete(client, model="davinci-002")
