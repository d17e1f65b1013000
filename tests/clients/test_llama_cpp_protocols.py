"""Behaviour that llama.cpp's unit tests ask of Messages, Responses, keys and the small routes.

As ``test_llama_cpp``; the errors of Messages have the shape of that protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import OpenAI

from tests.clients.asking import Json, chunks, post
from tests.clients.conftest import PYTHON
from tests.support.server import QUIET, running

HELLO = [{"role": "user", "content": "Hello"}]
SCHEMA = {"type": "object", "properties": {"param": {"enum": ["a", "b"]}}, "required": ["param"]}
TOOL = {"name": "test_tool", "description": "A test tool", "input_schema": SCHEMA}
USE = {"type": "tool_use", "id": "test123", "name": "test_tool", "input": {"param": "a"}}
PIXEL = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
WINDOW = 256
KEY = "sk-this-is-the-secret-key"


@pytest.fixture(scope="module")
def client(root: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=root, timeout=60) as opened:
        yield opened


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that asks for a key; its window is small."""
    folder = tmp_path_factory.mktemp("locked")
    (folder / "keys.txt").write_text(f"test {KEY}\n")
    options = ("--api-key-file", str(folder / "keys.txt"), "--ctx", str(WINDOW))
    with running(folder, *options, *QUIET, python=PYTHON) as server:
        yield server.root


class TestMessages:
    PATH = "/v1/messages"

    def message(self, client: httpx.Client, **fields: Any) -> Json:
        asked = {"model": "demo", "max_tokens": 20, "messages": HELLO, **fields}
        found = post(client, self.PATH, **asked)
        assert (found["type"], found["role"]) == ("message", "assistant")
        return found

    def test_a_message_has_content_a_reason_and_usage(self, client: httpx.Client) -> None:
        found = self.message(client, system="You are a helpful assistant.")
        assert found["content"][0]["type"] == "text"
        assert found["stop_reason"] in ("end_turn", "max_tokens")
        assert found["usage"]["output_tokens"] > 0
        for name in ("input_tokens", "cache_read_input_tokens"):
            assert isinstance(found["usage"][name], int)

    @pytest.mark.parametrize(
        "fields",
        [
            {"temperature": 0.5},
            {"top_p": 0.9},
            {"top_k": 40},
            {"stop_sequences": ["\n", "END"]},
            {"metadata": {"user_id": "test_user_123"}},
            {"messages": [*HELLO, {"role": "assistant", "content": "Hi there!"}, *HELLO]},
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "What is"},
                            {"type": "text", "text": " the answer?"},
                        ],
                    }
                ]
            },
        ],
        ids=lambda fields: next(iter(fields)),
    )
    def test_fields_are_taken(self, client: httpx.Client, fields: Json) -> None:
        assert self.message(client, **fields)

    @pytest.mark.parametrize("result", [{}, {"is_error": True}])
    @pytest.mark.parametrize("before", [[], [{"type": "text", "text": "Here are the results:"}]])
    def test_results_are_answered(
        self, client: httpx.Client, result: Json, before: list[Json]
    ) -> None:
        block = {"type": "tool_result", "tool_use_id": "test123", "content": "Sunny", **result}
        turns = [
            *HELLO,
            {"role": "assistant", "content": [USE]},
            {"role": "user", "content": [*before, block]},
        ]
        assert self.message(client, messages=turns)["content"][0]["type"] == "text"

    @pytest.mark.parametrize("tools", [{}, {"tools": [TOOL], "tool_choice": {"type": "any"}}])
    def test_a_stream_has_its_events_in_order(self, client: httpx.Client, tools: Json) -> None:
        asked = {"model": "demo", "max_tokens": 60, "messages": HELLO, **tools}
        events = chunks(client, self.PATH, **asked)
        assert events[0]["type"] == "message_start"
        assert events[0]["message"]["content"] == []
        assert events[0]["message"]["usage"]["input_tokens"] > 0
        assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
        assert events[-2]["usage"]["output_tokens"] > 0
        assert events[-2]["delta"]["stop_reason"] == ("tool_use" if tools else "end_turn")
        starts = [event for event in events if event["type"] == "content_block_start"]
        stops = [event["index"] for event in events if event["type"] == "content_block_stop"]
        assert [event["index"] for event in starts] == stops == list(range(len(starts)))
        assert starts[-1]["content_block"]["type"] == ("tool_use" if tools else "text")

    def test_tokens_are_counted_without_a_limit_and_nothing_else(
        self, client: httpx.Client
    ) -> None:
        counted = post(client, f"{self.PATH}/count_tokens", model="demo", messages=HELLO)
        assert set(counted) == {"input_tokens"}
        assert counted["input_tokens"] > 0

    @pytest.mark.parametrize(
        ("fields", "word"),
        [
            ({"messages": None}, "messages"),
            ({"messages": []}, "messages"),
            (
                {"messages": [{"role": "user", "content": [{"type": "image", "source": PIXEL}]}]},
                "image",
            ),
        ],
    )
    def test_what_cannot_be_answered_is_a_400_that_says_so(
        self, client: httpx.Client, fields: Json, word: str
    ) -> None:
        asked = {"model": "demo", "max_tokens": 5, **fields}
        found = client.post(self.PATH, json=asked)
        assert (found.status_code, found.json()["type"]) == (400, "error")
        assert found.json()["error"]["type"] == "invalid_request_error"
        assert word in found.json()["error"]["message"]


class TestResponses:
    PATH = "/responses"

    def test_an_answer_has_the_form_that_is_asked_for(self, client: httpx.Client) -> None:
        form = {"type": "json_schema", "name": "test", "schema": {"const": "foooooo"}}
        found = post(client, self.PATH, input="Hi", text={"format": form}, max_output_tokens=20)
        (message,) = found["output"]
        assert message["content"][0]["text"] == '"foooooo"'

    def test_a_form_without_its_schema_is_refused(self, client: httpx.Client) -> None:
        form = {"type": "json_schema", "name": "test"}
        found = client.post(self.PATH, json={"input": "Hi", "text": {"format": form}})
        assert found.status_code == 400
        assert found.json()["error"]["param"].startswith("text.format")

    def test_timings_come_with_the_response(self, client: httpx.Client) -> None:
        asked = {"input": "Hi", "max_output_tokens": 8, "return_progress": True}
        found = client.post(self.PATH, json={**asked, "timings_per_token": True})
        assert found.json()["timings"]["prompt_ms"] > 0
        assert set(found.headers["x-gguf-fc-ignored"].split(", ")) == {
            "return_progress",
            "timings_per_token",
        }

    def test_the_ids_of_a_stream_stay_the_same(self, url: str) -> None:
        with OpenAI(base_url=url, api_key="none", max_retries=0) as openai:
            events = list(
                openai.responses.create(
                    model="demo", input=HELLO, max_output_tokens=16, stream=True
                )
            )
        responses = {event.response.id for event in events if hasattr(event, "response")}
        items = {event.item_id for event in events if hasattr(event, "item_id")}
        items |= {event.item.id for event in events if hasattr(event, "item")}
        assert len(responses) == len(items) == 1
        assert responses.pop().startswith("resp_")
        assert items.pop().startswith("msg_")
        text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        assert text == events[-1].response.output_text != ""


class TestKeys:
    @pytest.mark.parametrize("path", ["/health", "/"])
    def test_health_and_the_page_are_open(self, locked: str, path: str) -> None:
        assert httpx.get(locked + path, headers={"accept": "text/html"}).status_code == 200

    @pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer invalid-key"}])
    def test_without_the_key_nothing_is_generated(self, locked: str, headers: Json) -> None:
        asked = {"prompt": "I believe", "max_tokens": 5}
        found = httpx.post(f"{locked}/completions", json=asked, headers=headers)
        assert found.status_code == 401
        assert found.json()["error"]["message"]

    @pytest.mark.parametrize("headers", [{"authorization": f"Bearer {KEY}"}, {"x-api-key": KEY}])
    def test_with_the_key_it_is_in_either_header(self, locked: str, headers: Json) -> None:
        asked = {"prompt": "I believe", "max_tokens": 5}
        found = httpx.post(f"{locked}/completions", json=asked, headers=headers, timeout=60)
        assert found.status_code == 200

    def test_the_official_client_gets_in_without_v1(self, locked: str) -> None:
        with OpenAI(base_url=locked, api_key=KEY, max_retries=0) as openai:
            found = openai.chat.completions.create(model="demo", messages=HELLO, max_tokens=5)
        assert len(found.choices) == 1

    def test_a_preflight_of_a_page_of_this_machine_is_answered_and_of_others_is_not(
        self, locked: str
    ) -> None:
        asks = {"access-control-request-method": "POST"}
        asks["access-control-request-headers"] = "authorization"
        for origin, let_in in (("http://localhost:3000", True), ("http://web.mydomain.fr", False)):
            found = httpx.options(f"{locked}/completions", headers={"origin": origin, **asks})
            allowed = found.headers.get("access-control-allow-origin")
            assert (allowed == origin) == let_in
            assert found.is_success == let_in


class TestSmallRoutes:
    def test_the_end_of_the_context_ends_a_reply(self, locked: str) -> None:
        headers = {"authorization": f"Bearer {KEY}"}
        with httpx.Client(base_url=locked, headers=headers, timeout=60) as client:
            asked = {"prompt": "Once", "max_tokens": 1000, "ignore_eos": True}
            usage = {"stream_options": {"include_usage": True}}
            *_, last, counted = chunks(client, "/v1/completions", **asked, **usage)
        assert last["choices"][0]["finish_reason"] == "length"
        assert WINDOW - 8 <= counted["usage"]["total_tokens"] <= WINDOW

    def test_props_slots_and_models_say_what_is_loaded(self, client: httpx.Client) -> None:
        props = client.get("/props").json()
        assert props["total_slots"] == len(client.get("/slots").json())
        assert props["default_generation_settings"]["n_ctx"] > 0
        (model,) = client.get("/models").json()["data"]
        assert model["id"] == "demo"

    def test_documents_are_ranked_and_cut(self, client: httpx.Client) -> None:
        asked = {"query": "Machine learning is", "documents": ["A machine", "Learning is", "Paris"]}
        for top, count in ((None, 3), (2, 2), (99, 3)):
            found = post(client, "/rerank", **asked, top_n=top)
            scores = [one["relevance_score"] for one in found["results"]]
            assert len(scores) == count
            assert scores == sorted(scores, reverse=True)
            assert found["usage"]["prompt_tokens"] == found["usage"]["total_tokens"]

    @pytest.mark.parametrize("documents", [[], None, 123, [1, 2, 3]])
    def test_documents_that_are_none_are_refused(
        self, client: httpx.Client, documents: Any
    ) -> None:
        found = client.post("/rerank", json={"query": "x", "documents": documents})
        assert found.status_code == 400
        assert found.json()["error"]["param"].startswith("documents")

    @pytest.mark.parametrize(
        "extra", [{"filename": "ok"}, {"filename": 123}, {"filename": 123, "text": 456}]
    )
    def test_extra_files_of_a_gap_that_are_none_are_refused(
        self, client: httpx.Client, extra: Json
    ) -> None:
        asked = {"input_prefix": "int main() {", "input_suffix": "}", "input_extra": [extra]}
        found = client.post("/infill", json=asked)
        assert found.status_code == 400
        assert found.json()["error"]["message"]
