"""``/infill`` as editors use it: a gap is filled, excerpts go before it as far as they fit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.random_model import write_random_model
from tests.support.server import QUIET, Server, running

pytestmark = pytest.mark.live

CONTROLS = ("<before>", "<after>", "<here>")
FIELDS = {
    f"tokenizer.ggml.fim_{name}_token_id": token
    for token, name in enumerate(("pre", "suf", "mid"), 467)
}
# As the extensions llama.vscode and llama.vim send it.
EDITOR: dict[str, Any] = {
    "input_prefix": "a b\n",
    "input_suffix": "\nc",
    "prompt": "  d",
    "n_predict": 6,
    "top_k": 40,
    "top_p": 0.99,
    "stream": False,
    "n_indent": 2,
    "cache_prompt": True,
    "samplers": ["top_k", "top_p", "infill"],
    "t_max_prompt_ms": 500,
    "t_max_predict_ms": 1000,
}
TIMINGS = ["prompt_n", "prompt_ms", "predicted_n", "predicted_ms"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("fim")
    path = write_random_model(folder / "m.gguf", controls=CONTROLS, extra=FIELDS)
    with running(folder, str(path), "--ctx", "512", "--parallel", "1", *QUIET) as started:
        yield started


def infill(server: Server, **body: Any) -> httpx.Response:
    return httpx.post(f"{server.root}/infill", json={**EDITOR, **body}, timeout=60)


def length(server: Server, text: str) -> int:
    body = {"content": text, "parse_special": False}
    return len(httpx.post(f"{server.root}/tokenize", json=body).json()["tokens"])


def test_a_gap_is_filled_and_the_editor_s_other_wishes_are_named(server: Server) -> None:
    response = infill(server)
    reply = response.json()
    assert response.status_code == 200, response.text
    assert (reply["stop"], reply["stop_type"] in {"limit", "eos"}) == (True, True)
    assert 0 < reply["tokens_predicted"] == reply["timings"]["predicted_n"] <= 6
    expected = 3 + length(server, "a b\n  d") + length(server, "\nc")
    assert reply["tokens_evaluated"] == expected
    ignored = response.headers["x-gguf-fc-ignored"].split(", ")
    named = ["cache_prompt", "n_indent", "samplers", "t_max_predict_ms", "t_max_prompt_ms"]
    assert sorted(ignored) == named


def test_a_stream_says_the_same_in_pieces(server: Server) -> None:
    whole = infill(server, temperature=0).json()
    lines = infill(server, temperature=0, stream=True).text.splitlines()
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data")]
    assert "".join(chunk["content"] for chunk in chunks) == whole["content"]
    assert [chunk["stop"] for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1]["tokens_predicted"] == whole["tokens_predicted"]


def test_a_client_may_name_the_fields_it_reads(server: Server) -> None:
    fields = ["content", *(f"timings/{name}" for name in TIMINGS), "nothing", "stop/x"]
    assert sorted(infill(server, response_fields=fields).json()) == sorted(["content", *TIMINGS])


def test_excerpts_stand_before_the_gap_and_the_first_go_where_room_is_short(
    server: Server,
) -> None:
    extra = [{"filename": f"{n}.py", "text": "x y z"} for n in range(3)]
    shown = infill(server, input_extra=extra)
    assert "x-gguf-fc-warning" not in shown.headers
    assert shown.json()["tokens_evaluated"] > infill(server).json()["tokens_evaluated"] + 9
    many = [{"text": f"{n} " + "x y z " * 20} for n in range(40)]
    cut = infill(server, input_extra=many)
    assert cut.status_code == 200, cut.text
    assert "input_extra: the first" in cut.headers["x-gguf-fc-warning"]
    assert 256 < cut.json()["tokens_evaluated"] < 512
    long = infill(server, input_prefix="x " * 3000)
    assert (long.status_code, long.json()["error"]["param"]) == (400, "input_prefix")


def test_a_request_that_only_warms_the_cache_is_answered(server: Server) -> None:
    reply = infill(server, n_predict=0, samplers=[]).json()
    assert (reply["content"], reply["tokens_predicted"], reply["stop_type"]) == ("", 0, "limit")
    assert infill(server, input_prefix=None, input_suffix=None, prompt=None).status_code == 200


def test_another_model_says_that_it_cannot(tmp_path: Any) -> None:
    with running(tmp_path, *QUIET) as demo:
        response = infill(demo)
    assert response.status_code == 400
    assert "not trained to fill a gap" in response.json()["error"]["message"]
