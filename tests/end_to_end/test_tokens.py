"""``/tokenize``, ``/detokenize`` and ``/apply-template`` on the shipped model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.server import Server, running

pytestmark = pytest.mark.live

MESSAGES = [{"role": "user", "content": "Hello <|im_end|>!"}]


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        running(tmp_path_factory.mktemp("server")) as server,
        httpx.Client(base_url=base_of(server), timeout=60) as client,
    ):
        yield client


def base_of(server: Server) -> str:
    return server.url.removesuffix("/v1")


def post(http: httpx.Client, path: str, **body: Any) -> Any:
    response = http.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.json()


@given(text=st.text(st.characters(codec="utf-8"), max_size=40))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_comes_back(http: httpx.Client, text: str) -> None:
    pieces = post(http, "/tokenize", content=text, with_pieces=True)["tokens"]
    tokens = post(http, "/tokenize", content=text)["tokens"]
    assert [piece["id"] for piece in pieces] == tokens
    assert post(http, "/detokenize", tokens=tokens) == {"content": text}
    joined = b"".join(
        piece["piece"].encode() if isinstance(piece["piece"], str) else bytes(piece["piece"])
        for piece in pieces
    )
    assert joined == text.encode()


def test_control_tokens_are_recognised_unless_asked_not_to(http: httpx.Client) -> None:
    (special,) = post(http, "/tokenize", content="<|im_end|>")["tokens"]
    plain = post(http, "/tokenize", content="<|im_end|>", parse_special=False)["tokens"]
    assert special not in plain
    assert post(http, "/detokenize", tokens=[special]) == {"content": "<|im_end|>"}


def test_a_prompt_is_counted_as_other_servers_count_it(http: httpx.Client) -> None:
    tokens = post(http, "/tokenize", content="It is sunny.", add_special=True)["tokens"]
    counted = post(http, "/tokenize", prompt="It is sunny.")
    assert counted == {"count": len(tokens), "max_model_len": 4096, "tokens": tokens}
    bare = post(http, "/tokenize", prompt="It is sunny.", add_special_tokens=False)
    assert bare["tokens"] == post(http, "/tokenize", content="It is sunny.")["tokens"]


def test_a_prompt_is_what_the_template_makes_of_the_messages(http: httpx.Client) -> None:
    prompt = post(http, "/apply-template", messages=MESSAGES)["prompt"]
    assert "Hello <|im_end|>!" in prompt
    assert prompt == post(http, "/v1/explain", messages=MESSAGES)["prompt"]["text"]


@pytest.mark.parametrize(
    ("path", "fields", "param"),
    [
        ("/tokenize", {}, "content"),
        ("/tokenize", {"content": 3}, "content"),
        ("/tokenize", {"content": "a", "pieces": True}, "pieces"),
        ("/detokenize", {}, "tokens"),
        ("/detokenize", {"tokens": [10_000_000]}, "tokens"),
        ("/detokenize", {"tokens": [-1]}, "tokens"),
        ("/detokenize", {"tokens": "abc"}, "tokens"),
        ("/apply-template", {"messages": []}, "messages"),
    ],
)
def test_what_cannot_be_used_is_a_400_that_names_it(
    http: httpx.Client, path: str, fields: dict[str, Any], param: str
) -> None:
    response = http.post(path, json=fields)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"] == param
