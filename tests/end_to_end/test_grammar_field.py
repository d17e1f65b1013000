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
