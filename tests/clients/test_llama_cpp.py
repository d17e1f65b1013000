"""Behaviour that the unit tests of llama.cpp's own server ask for, in our words.

Each test says a behaviour that those tests check (``tools/server/tests/unit/test_*.py``); answers
that hang on one model's words are left out.  What differs, and why, is a table in docs/clients.md.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.clients.asking import Json, chunks, post, refused

BOOK = [
    {"role": "system", "content": "Book"},
    {"role": "user", "content": "What is the best book"},
]
LIFE = "I believe the meaning of life is"


@pytest.fixture(scope="module")
def client(root: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=root, timeout=60) as opened:
        yield opened


class TestChat:
    PATH = "/chat/completions"

    @pytest.mark.parametrize(
        "content",
        ["Hey", [{"type": "text", "text": "What is"}, {"type": "text", "text": "the best book"}]],
    )
    def test_a_reply_ends_at_its_limit_and_counts_tokens(
        self, client: httpx.Client, content: Any
    ) -> None:
        messages = [BOOK[0], {"role": "user", "content": content}]
        found = post(client, self.PATH, messages=messages, max_tokens=8, ignore_eos=True)
        (choice,) = found["choices"]
        assert "cmpl" in found["id"]
        assert found["system_fingerprint"]
        assert choice["message"]["role"] == "assistant"
        assert choice["finish_reason"] == "length"
        assert found["usage"]["completion_tokens"] == 8
        assert found["usage"]["prompt_tokens"] > 5

    def test_a_stream_says_its_role_once_keeps_its_id_and_ends_with_a_reason(
        self, client: httpx.Client
    ) -> None:
        options = {"stream_options": {"include_usage": True}, "max_tokens": 8, "ignore_eos": True}
        found = chunks(client, self.PATH, messages=BOOK, **options)
        *parts, usage = found
        assert parts[0]["choices"][0]["delta"]["role"] == "assistant"
        assert not any("role" in part["choices"][0]["delta"] for part in parts[1:])
        assert len({part["id"] for part in found}) == 1
        assert all(part["system_fingerprint"] for part in found)
        assert [part["choices"][0]["finish_reason"] for part in parts][-1] == "length"
        assert not parts[-1]["choices"][0]["delta"].get("content")
        assert usage["choices"] == []
        assert usage["usage"]["completion_tokens"] == 8

    def test_a_conversation_that_ends_with_the_assistant_is_continued(
        self, client: httpx.Client
    ) -> None:
        for ending in ("Whill", [{"type": "text", "text": "Whill"}]):
            begun = [*BOOK, {"role": "assistant", "content": ending}]
            assert post(client, "/apply-template", messages=begun)["prompt"].endswith("Whill")

    def test_the_prompt_of_a_conversation_is_shown(self, client: httpx.Client) -> None:
        shown = post(client, "/apply-template", messages=BOOK)
        assert "What is the best book" in shown["prompt"]
        assert "assistant" in shown["prompt"].partition("best book")[2]

    @pytest.mark.parametrize(
        ("form", "answer"),
        [
            ({"type": "json_object", "schema": {"const": "42"}}, "42"),
            ({"type": "json_schema", "json_schema": {"schema": {"const": "foooooo"}}}, "foooooo"),
        ],
    )
    def test_an_answer_has_the_form_that_is_asked_for(
        self, client: httpx.Client, form: Json, answer: str
    ) -> None:
        found = post(client, self.PATH, messages=BOOK, response_format=form, max_tokens=20)
        assert json.loads(found["choices"][0]["message"]["content"]) == answer

    @pytest.mark.parametrize(
        "form",
        [
            {"type": "sound"},
            {"type": "json_object", "schema": 123},
        ],
    )
    def test_a_form_that_is_none_is_refused(self, client: httpx.Client, form: Json) -> None:
        error = refused(client, self.PATH, messages=BOOK, response_format=form)
        assert error["param"].startswith("response_format")

    @pytest.mark.parametrize("kind", [123, "hiccup"])
    def test_a_type_that_is_none_is_named_and_refused_where_the_schema_is_strict(
        self, client: httpx.Client, kind: Any
    ) -> None:
        named = {"name": "x", "schema": {"type": kind}}
        form = {"type": "json_schema", "json_schema": named}
        found = post(client, self.PATH, messages=BOOK, response_format=form, max_tokens=5)
        assert found["loosened"] == ["response_format.json_schema.schema:type"]
        form = {"type": "json_schema", "json_schema": {**named, "strict": True}}
        error = refused(client, self.PATH, messages=BOOK, response_format=form)
        assert error["code"] == "unsupported_schema"

    def test_an_answer_is_held_to_a_schema_or_a_grammar_beside_the_messages(
        self, client: httpx.Client
    ) -> None:
        held: dict[str, Any] = {"json_schema": {"const": "42"}}
        found = post(client, self.PATH, messages=BOOK, **held)
        assert found["choices"][0]["message"]["content"] == '"42"'
        held = {"grammar": 'root ::= "a"{5,5}'}
        found = post(client, self.PATH, messages=BOOK, **held)
        assert found["choices"][0]["message"]["content"] == "aaaaa"

    @pytest.mark.parametrize(
        "messages",
        [
            None,
            "string",
            [123],
            [{}],
            [{"role": 123}],
            [{"role": "system", "content": "test"}, {}],
        ],
    )
    def test_messages_that_are_none_are_refused(self, client: httpx.Client, messages: Any) -> None:
        assert refused(client, self.PATH, messages=messages)["param"].startswith("messages")

    @pytest.mark.parametrize("stream", [False, True])
    def test_the_probabilities_of_a_reply_spell_it(
        self, client: httpx.Client, *, stream: bool
    ) -> None:
        asked = {"messages": BOOK, "max_tokens": 5, "logprobs": True, "top_logprobs": 10}
        parts = chunks(client, self.PATH, **asked) if stream else [post(client, self.PATH, **asked)]
        choices = [choice for part in parts for choice in part["choices"]]
        said = [choice.get("delta") or choice.get("message") for choice in choices]
        text = "".join(one.get("content") or "" for one in said if one)
        tokens = [t for one in choices for t in (one.get("logprobs") or {}).get("content") or ()]
        assert text == "".join(token["token"] for token in tokens) != ""
        assert all(token["logprob"] <= 0 and token["bytes"] is not None for token in tokens)
        assert all(token["top_logprobs"] for token in tokens)

    def test_tokens_that_are_biased_away_are_not_written(self, client: httpx.Client) -> None:
        first = post(client, self.PATH, messages=BOOK, max_tokens=20, temperature=0)
        text = first["choices"][0]["message"]["content"]
        tokens = post(client, "/tokenize", content=text)["tokens"]
        bias = {str(token): -100 for token in tokens}
        second = post(
            client, self.PATH, messages=BOOK, max_tokens=20, temperature=0, logit_bias=bias
        )
        written = post(client, "/tokenize", content=second["choices"][0]["message"]["content"])
        assert not set(written["tokens"]) & set(tokens)

    @pytest.mark.parametrize("stream", [False, True])
    def test_a_prompt_over_the_context_is_a_clean_error(
        self, client: httpx.Client, *, stream: bool
    ) -> None:
        error = refused(client, self.PATH, messages=BOOK * 1000, stream=stream)
        assert error["code"] == "context_length_exceeded"

    def test_several_choices_are_made_of_one_prompt(self, client: httpx.Client) -> None:
        found = post(client, self.PATH, messages=BOOK, max_tokens=8, n=2)
        assert [choice["index"] for choice in found["choices"]] == [0, 1]

    @pytest.mark.parametrize("stream", [False, True])
    def test_a_required_tool_is_called_without_text(
        self, client: httpx.Client, *, stream: bool
    ) -> None:
        properties = {"success": {"type": "boolean", "const": True}}
        schema = {"type": "object", "properties": properties, "required": ["success"]}
        tools = [{"type": "function", "function": {"name": "test", "parameters": schema}}]
        asked = {"messages": BOOK, "tools": tools, "tool_choice": "required"}
        asked |= {"parallel_tool_calls": False, "max_tokens": 60}
        parts = chunks(client, self.PATH, **asked) if stream else [post(client, self.PATH, **asked)]
        said = [one.get("message") or one["delta"] for p in parts for one in p["choices"]]
        calls = [call["function"] for one in said for call in one.get("tool_calls") or ()]
        assert [call["name"] for call in calls if call.get("name")] == ["test"]
        assert json.loads("".join(call.get("arguments", "") for call in calls)) == {"success": True}
        assert not any(one.get("content") for one in said)


class TestCompletions:
    PATH = "/v1/completions"

    def test_a_stream_says_what_the_whole_reply_says(self, client: httpx.Client) -> None:
        asked = {"prompt": LIFE, "max_tokens": 8, "temperature": 0, "ignore_eos": True}
        whole = post(client, self.PATH, **asked)
        assert whole["choices"][0]["finish_reason"] == "length"
        assert whole["system_fingerprint"]
        streamed = [one for part in chunks(client, self.PATH, **asked) for one in part["choices"]]
        assert "".join(one["text"] for one in streamed) == whole["choices"][0]["text"]

    def test_a_seed_makes_the_same_reply_again_and_others_make_others(
        self, client: httpx.Client
    ) -> None:
        asked = {"prompt": LIFE, "max_tokens": 8, "temperature": 1, "ignore_eos": True}
        post(client, self.PATH, **asked)  # from here on the prompt is evaluated in the same batches
        texts = [
            post(client, self.PATH, **asked, seed=seed)["choices"][0]["text"]
            for seed in (1, 1, 2, 3, 4)
        ]
        assert texts[0] == texts[1]
        assert len(set(texts)) > 1

    def test_prompts_are_texts_tokens_or_several_of_both(self, client: httpx.Client) -> None:
        tokens = post(client, "/tokenize", content=LIFE, add_special=True)["tokens"]
        asked = {"max_tokens": 8, "temperature": 0}
        one = post(client, self.PATH, prompt=tokens, **asked)["choices"][0]["text"]
        for both in ([tokens, tokens], [LIFE, LIFE]):
            found = post(client, self.PATH, prompt=both, **asked)["choices"]
            assert [choice["text"] for choice in found] == [one, one]

    def test_the_probabilities_of_its_tokens_are_given(self, client: httpx.Client) -> None:
        found = post(client, self.PATH, prompt=LIFE, max_tokens=5, logprobs=5, ignore_eos=True)
        scores = found["choices"][0]["logprobs"]
        assert len(scores["tokens"]) == len(scores["top_logprobs"]) == 5
        assert all(score <= 0 for score in scores["token_logprobs"])

    def test_a_prompt_over_the_context_is_refused(self, client: httpx.Client) -> None:
        assert refused(client, self.PATH, prompt=LIFE * 2000)["code"] == "context_length_exceeded"


class TestEmbeddings:
    PATH = "/v1/embeddings"

    def test_vectors_have_the_length_one_and_equal_texts_have_equal_ones(
        self, client: httpx.Client
    ) -> None:
        found = post(client, self.PATH, input=[LIFE, "This is a test", LIFE])
        vectors = [one["embedding"] for one in found["data"]]
        assert [one["index"] for one in found["data"]] == [0, 1, 2]
        assert all(abs(sum(x * x for x in vector) - 1) < 1e-3 for vector in vectors)
        assert vectors[0] == pytest.approx(vectors[2], abs=1e-3)

    @pytest.mark.parametrize(
        ("given", "count"),
        [("string", 1), ([12, 34, 56], 1), (["one", "two"], 2), ([[12, 34], [12, 56]], 2)],
    )
    def test_texts_and_tokens_are_taken(self, client: httpx.Client, given: Any, count: int) -> None:
        assert len(post(client, self.PATH, input=given)["data"]) == count

    @pytest.mark.parametrize(
        "given", [[], {"content": "string"}, {"content": [{"type": "input_audio"}]}]
    )
    def test_what_is_no_text_is_refused(self, client: httpx.Client, given: Any) -> None:
        assert refused(client, self.PATH, input=given)["param"].startswith("input")

    def test_usage_counts_every_text(self, client: httpx.Client) -> None:
        one = post(client, self.PATH, input=LIFE)["usage"]
        two = post(client, self.PATH, input=[LIFE, LIFE])["usage"]
        assert one["prompt_tokens"] == one["total_tokens"]
        assert two["prompt_tokens"] == 2 * one["prompt_tokens"]

    def test_a_vector_in_base64_is_the_vector(self, client: httpx.Client) -> None:
        plain = post(client, self.PATH, input=LIFE)["data"][0]["embedding"]
        packed = post(client, self.PATH, input=LIFE, encoding_format="base64")["data"][0]
        raw = base64.b64decode(packed["embedding"])
        assert struct.unpack(f"<{len(raw) // 4}f", raw) == pytest.approx(plain, abs=1e-3)

    def test_a_text_over_the_context_is_refused(self, client: httpx.Client) -> None:
        assert refused(client, self.PATH, input="This is a test " * 4000)


class TestTokens:
    def test_tokens_are_the_text_again(self, client: httpx.Client) -> None:
        text = "What is the capital of France ?"
        tokens = post(client, "/tokenize", content=text)["tokens"]
        assert len(tokens) > 5
        assert post(client, "/detokenize", tokens=tokens)["content"].strip() == text

    def test_pieces_are_given_with_their_ids(self, client: httpx.Client) -> None:
        text = "This is a test string with unicode 媽 and emoji 🤗"
        for token in post(client, "/tokenize", content=text, with_pieces=True)["tokens"]:
            assert token["id"] >= 0
            assert len(token["piece"]) > 0


class TestDifferences:
    """What docs/clients.md says of this server and llama.cpp's."""

    def test_parts_of_a_text_are_lines(self, client: httpx.Client) -> None:
        parts = [{"type": "text", "text": "Wh"}, {"type": "text", "text": "ill"}]
        shown = post(client, "/apply-template", messages=[{"role": "user", "content": parts}])
        assert "Wh\nill" in shown["prompt"]

    def test_two_turns_of_the_assistant_are_read(self, client: httpx.Client) -> None:
        said = {"role": "assistant", "content": "test"}
        assert post(client, "/chat/completions", messages=[*BOOK, said, said], max_tokens=3)

    def test_progress_has_no_effect_and_is_named(self, client: httpx.Client) -> None:
        asked = {"messages": BOOK, "max_tokens": 3, "timings_per_token": True}
        found = client.post("/chat/completions", json={**asked, "return_progress": True})
        named = found.headers["x-gguf-fc-ignored"].split(", ")
        assert set(named) == {"timings_per_token", "return_progress"}

    @pytest.mark.parametrize(
        ("path", "body", "param"),
        [
            ("/apply-template", {"add_generation_prompt": False}, "add_generation_prompt"),
            ("/v1/completions", {"prompt": [LIFE, [12, 34]]}, "prompt"),
            ("/v1/completions", {"prompt": [12, "string", 34]}, "prompt"),
            ("/v1/embeddings", {"input": ["string", [12, 34]]}, "input"),
            ("/v1/embeddings", {"input": {"prompt_string": "string"}}, "input"),
            ("/v1/embeddings", {"input": ""}, "input"),
        ],
    )
    def test_refusals_name_the_field(
        self, client: httpx.Client, path: str, body: Json, param: str
    ) -> None:
        messages = {"messages": BOOK} if path == "/apply-template" else {}
        assert refused(client, path, **messages, **body)["param"] == param

    def test_its_own_completions_are_not_here_and_ours_are_named(
        self, client: httpx.Client
    ) -> None:
        found = client.post("/completion", json={"prompt": LIFE})
        assert found.status_code == 404
        assert "/v1/completions" in found.json()["error"]["message"]
