"""The request field ``grammar``: a client's own GBNF, over the whole reply, with both engines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.random_model import write_random_model
from tests.support.server import Server, running

pytestmark = pytest.mark.live

TEMPLATE = Path(__file__).parent / "templates" / "tagged.jinja"
USER = {"role": "user", "content": "x"}
COLOURS = r"""
root   ::= (colour ", "){1,2} colour "." # as text
colour ::= "red" | "gr" [ae] "y" | "bl\x75e"
"""


@pytest.fixture(scope="module", params=["llguidance", "llama.cpp"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("random")
    write_random_model(folder / "m.gguf", chat_template=TEMPLATE.read_text())
    options = ("--ctx", "2048", "--constraint", request.param)
    with running(folder, str(folder / "m.gguf"), *options) as started:
        yield started


def ask(server: Server, **options: Any) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": "x"}], "temperature": 1, **options}
    return httpx.post(f"{server.url}/chat/completions", json=body, timeout=60)


def test_the_whole_reply_is_in_the_grammar(server: Server) -> None:
    for seed in range(6):
        reply = ask(server, grammar=COLOURS, seed=seed).json()["choices"][0]
        colour = "(red|gr[ae]y|blue)"
        assert re.fullmatch(f"({colour}, ){{1,2}}{colour}\\.", reply["message"]["content"])
        assert reply["finish_reason"] == "stop"


def test_text_is_free_where_the_grammar_leaves_it_free(server: Server) -> None:
    grammar = "root ::= [^x]* <|im_start|> [0-9]{3}"
    for seed in range(4):
        reply = ask(server, grammar=grammar, seed=seed, max_tokens=300).json()["choices"][0]
        text, started, digits = reply["message"]["content"].partition("<|im_start|>")
        assert "x" not in text
        if reply["finish_reason"] == "stop":
            assert started
            assert re.fullmatch("[0-9]{3}", digits)


TOOL = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grammar": 'root ::= "a'}, "line 1, column 12: expected"),
        ({"grammar": "root ::= x\n"}, "line 1, column 10: rule 'x' is not defined"),
        ({"grammar": "root ::= " + "(" * 60_000}, "groups in each other"),
        ({"grammar": "root ::= <nothing>"}, "no control token '<nothing>'"),
        ({"grammar": "root ::= <[99999]>"}, "no token 99999"),
        ({"grammar": "root ::= [a]", "tools": [TOOL]}, "'tools' cannot be combined"),
        (
            {"grammar": "root ::= [a]", "response_format": {"type": "json_object"}},
            "'response_format' cannot be combined",
        ),
        ({"grammar": "root ::= " + "(" * 8 + '"a"' + "){1000}" * 8}, "grammar"),
        ({"grammar": 7}, "'grammar' cannot be used"),
    ],
)
def test_what_cannot_be_honoured_is_a_400_that_names_it(
    server: Server, options: dict[str, Any], message: str
) -> None:
    response = ask(server, **options)
    error = response.json()["error"]
    assert response.status_code == 400, error
    assert error["param"] == "grammar"
    assert message in error["message"]
    assert ask(server, grammar='root ::= "ok"').json()["choices"][0]["message"]["content"] == "ok"


@pytest.mark.parametrize(
    ("fields", "pattern"),
    [
        ({"regex": "[A-Z]{2}-[0-9]{3}"}, "[A-Z]{2}-[0-9]{3}"),
        ({"guided_choice": ["yes", "no", 'a "quote"']}, '(yes|no|a "quote")'),
        ({"structured_outputs": {"choice": ["positive", "negative"]}}, "(posi|nega)tive"),
        ({"ebnf": 'root ::= "ok" [0-9]'}, "ok[0-9]"),
        ({"guided_json": '{"enum": [1, 2]}'}, "[12]"),
    ],
)
@pytest.mark.parametrize("path", ["/chat/completions", "/completions"])
def test_a_constraint_by_any_name_holds_the_whole_reply(
    server: Server, fields: dict[str, Any], pattern: str, path: str
) -> None:
    said = {"prompt": "x"} if path == "/completions" else {"messages": [USER]}
    for seed in range(3):
        body = {**said, **fields, "temperature": 1, "seed": seed, "max_tokens": 64}
        reply = httpx.post(f"{server.url}{path}", json=body, timeout=60).json()["choices"][0]
        text = reply["text"] if path == "/completions" else reply["message"]["content"]
        assert re.fullmatch(pattern, text)
        assert reply["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"regex": "("}, "regex"),
        ({"guided_regex": r"(a)\1"}, "guided_regex"),
        ({"structured_outputs": {"grammar": "nonsense"}}, "structured_outputs.grammar"),
        ({"ebnf": "root ::= other"}, "ebnf"),
    ],
)
@pytest.mark.parametrize("path", ["/chat/completions", "/completions"])
def test_a_constraint_that_cannot_be_used_is_refused_by_its_name(
    server: Server, fields: dict[str, Any], param: str, path: str
) -> None:
    said = {"prompt": "x"} if path == "/completions" else {"messages": [USER]}
    answer = httpx.post(f"{server.url}{path}", json={**said, **fields}, timeout=60)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize("path", ["/chat/completions", "/completions"])
@pytest.mark.parametrize("logprobs", [False, True])
def test_a_reply_can_be_kept_from_ending(server: Server, path: str, *, logprobs: bool) -> None:
    chat = path == "/chat/completions"
    said: dict[str, Any] = {"messages": [USER]} if chat else {"prompt": "x"}
    if logprobs:
        said["logprobs"] = True if chat else 1

    def reply(**fields: Any) -> Any:
        body = {**said, **fields, "temperature": 0, "max_tokens": 9}
        return httpx.post(f"{server.url}{path}", json=body, timeout=60).json()

    for fields in ({"ignore_eos": True}, {"min_tokens": 9}):
        ended = reply(**fields)
        assert ended["usage"]["completion_tokens"] == 9
        assert ended["choices"][0]["finish_reason"] == "length"
    short = reply(ignore_eos=True, regex="a{3}")
    assert short["choices"][0]["finish_reason"] == "stop"
