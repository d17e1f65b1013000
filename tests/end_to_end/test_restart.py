"""What was read before a restart is not read again, however the server ended."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from gguf_fc.saved_prompts import state_files
from tests.support.server import Server, running

pytestmark = pytest.mark.live

SYSTEM = "You are an assistant that knows the weather of every city by heart. " * 30


def ask(server: Server, question: str) -> tuple[int, int, str]:
    """How long the prompt was, how much of it was read before, and the answer."""
    with server.client() as client:
        completion = client.chat.completions.create(
            model="demo",
            messages=[{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}],
            max_tokens=8,
        )
    usage = completion.usage
    assert usage
    assert usage.prompt_tokens_details
    cached = usage.prompt_tokens_details.cached_tokens or 0
    return usage.prompt_tokens, cached, completion.choices[0].message.content or ""


def wait_for_files(folder: Path) -> None:
    deadline = time.monotonic() + 20
    while not list(state_files(folder)):
        assert time.monotonic() < deadline, "nothing was written"
        time.sleep(0.05)


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_restart_costs_next_to_nothing(tmp_path: Path, *, is_killed: bool) -> None:
    env = {"GGUF_FC_DISK_CACHE": "", "GGUF_FC_CACHE_DIR": str(tmp_path / "cache")}
    with running(tmp_path, env=env) as server:
        assert any(str(tmp_path / "cache") in line for line in server.lines), server.lines
        length, cached, answer = ask(server, "What is the weather like in Paris?")
        assert cached == 0
        if is_killed:
            wait_for_files(tmp_path / "cache")
            for process in psutil.Process(server.process.pid).children(recursive=True):
                process.kill()
            server.process.kill()
    with running(tmp_path, env=env) as server:
        length, cached, again = ask(server, "What is the weather like in Paris?")
        assert again == answer
        assert length - cached < 0.05 * length
        _, shared, _ = ask(server, "Hello!")
        assert shared > 0.9 * length


def test_nothing_is_written_where_that_is_not_wanted(tmp_path: Path) -> None:
    env = {"GGUF_FC_CACHE_DIR": str(tmp_path / "cache")}
    with running(tmp_path, env=env) as server:
        ask(server, "Hello!")
        time.sleep(0.5)
    assert list(state_files(tmp_path / "cache")) == []
    assert not (tmp_path / "cache" / "states").exists()
