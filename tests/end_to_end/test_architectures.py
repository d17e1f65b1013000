"""Models of the architectures whose own forms of calls are known, with random weights.

Each file carries the template or the name of a format, the tokens and the architecture that such
files carry; the answer to the tool's call is a second step of the same conversation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.dialect.learn.test_trained_forms import FUNCTIONS, METADATA, RECIPIENTS, ROLES
from tests.support.choices import SCHEMAS, TOOLS
from tests.support.model_kinds import write_fused, write_linear
from tests.support.random_model import write_random_model
from tests.support.server import QUIET, Server, running

pytestmark = pytest.mark.live

TEMPLATE, PRE = "tokenizer.chat_template", "tokenizer.ggml.pre"
ROLE_TOKENS = ("<|system|>", "<|user|>", "<|assistant|>", "<|observation|>", "[gMASK]", "sop")
RECIPIENT_TOKENS = ("<|from|>", "<|recipient|>", "<|content|>", "<|stop|>")


def _llama(template: str, controls: tuple[str, ...]) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        return write_random_model(path, chat_template=template, controls=controls)

    return write


def _fused(**about: str) -> Callable[[Path], Path]:
    fields = {TEMPLATE: about["template"]} if "template" in about else {}
    return lambda path: write_fused(path, fields, ROLE_TOKENS)


def _linear(template: str | None) -> Callable[[Path], Path]:
    fields = {} if template is None else {TEMPLATE: template}
    return lambda path: write_linear(path, fields, ())


KNOWN, WRITTEN = "the template's text, which is known", "the turns that the template writes"
# Name -> the file, the kind of evidence, and the prompt behind a call's result.
FILES = {
    "roles": (_fused(template=ROLES), KNOWN, "<|observation|>\n Done.<|assistant|>"),
    "metadata": (_fused(template=METADATA), WRITTEN, "<|observation|>\nDone.<|assistant|>"),
    "blocks by name": (_linear("rwkv-world"), KNOWN, "\n\nObersavtion: Done.\n\nAssistant:"),
    "blocks by architecture": (_linear(None), KNOWN, "\n\nObersavtion: Done.\n\nAssistant:"),
    "recipients": (
        _llama(RECIPIENTS, RECIPIENT_TOKENS),
        WRITTEN,
        "\n<|recipient|>all\n<|content|>Done.\n<|from|>assistant\n<|recipient|>",
    ),
    "functions": (_llama(FUNCTIONS, ()), WRITTEN, "TOOL: Done.\n\nASSISTANT: "),
}


@dataclass(frozen=True, slots=True)
class Served:
    """A server, the evidence its start line must name, and the end of a second prompt."""

    server: Server
    decided_by: str
    ending: str


@pytest.fixture(scope="module", params=FILES)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("architecture")
    write, decided_by, ending = FILES[request.param]
    write(folder / "m.gguf")
    with running(folder, str(folder / "m.gguf"), "--ctx", "4096", *QUIET) as server:
        yield Served(server, decided_by, ending)


def test_the_start_line_says_that_calls_are_native_and_why(served: Served) -> None:
    (line,) = (line for line in served.server.lines if line.startswith("tools"))
    assert "native" in line
    assert f"by {served.decided_by}" in line


def test_required_calls_are_valid_whole_and_streamed_and_a_second_step_follows(
    served: Served,
) -> None:
    with served.server.client() as client:
        model = client.models.list().data[0].id
        asked: dict[str, Any] = {
            "model": model,
            "messages": [{"role": "user", "content": "hello"}],
            "tools": TOOLS,
            "tool_choice": "required",
            "temperature": 1,
            "max_tokens": 300,
        }
        calls = []
        for seed in range(6):
            message = client.chat.completions.create(**asked, seed=seed).choices[0].message
            streamed: dict[int, list[str]] = {}
            for chunk in client.chat.completions.create(**asked, seed=seed, stream=True):
                for delta in chunk.choices[0].delta.tool_calls or []:
                    name = delta.function.name if delta.function else None
                    found = streamed.setdefault(delta.index, [name or "", ""])
                    found[1] += (delta.function.arguments if delta.function else None) or ""
            whole = message.tool_calls or []
            assert [[call.function.name, call.function.arguments] for call in whole] == [
                *streamed.values()
            ][: len(whole)]
            for call in whole:
                arguments = json.loads(call.function.arguments)
                jsonschema_rs.validate(SCHEMAS[call.function.name], arguments)
                calls.append(call)
        assert calls, "no seed finished a call"
    history = [
        *asked["messages"],
        {"role": "assistant", "tool_calls": [calls[0].model_dump()]},
        {"role": "tool", "tool_call_id": calls[0].id, "content": "Done."},
    ]
    body = {"messages": history, "tools": TOOLS}
    prompt = httpx.post(served.server.root + "/apply-template", json=body, timeout=60).json()
    assert prompt["prompt"].endswith(served.ending)
