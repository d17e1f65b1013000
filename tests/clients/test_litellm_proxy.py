"""LiteLLM's proxy in front of the server: what it passes on of each protocol that it speaks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from anthropic import Anthropic
from openai import OpenAI

from tests.clients.world import FLAT_TOOL, PARAMETERS, QUESTION, TOOL

START_SECONDS = 100
KEY = "sk-0e6d1c5d9f3b4a7782c1"  # without one of some length the proxy does not start
MESSAGES = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def proxy(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a proxy that offers the server's model as ``local``."""
    folder = tmp_path_factory.mktemp("proxy")
    passed_on = {"model": "openai/demo", "api_base": url, "api_key": "none"}
    config = {
        "model_list": [{"model_name": "local", "litellm_params": passed_on}],
        "general_settings": {"master_key": KEY},
    }
    (folder / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = str(Path(sys.executable).parent / "litellm")
    command = [program, "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with (
        (folder / "log.txt").open("w") as log,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as process,
    ):
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(address, process, folder / "log.txt")
            yield address
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            httpx.get(f"{address}/health/liveliness").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the proxy did not start: {log.read_text()}")


def test_a_call_goes_through_whole_and_streamed(proxy: str) -> None:
    with OpenAI(base_url=f"{proxy}/v1", api_key=KEY, max_retries=0) as client:
        asked = {"model": "local", "messages": MESSAGES, "tools": [TOOL], "temperature": 0}
        whole = client.chat.completions.create(**asked).choices[0]
        with client.chat.completions.stream(**asked) as stream:
            streamed = stream.get_final_completion().choices[0]
    for found in (whole, streamed):
        (call,) = found.message.tool_calls
        assert (call.function.name, call.function.arguments) == ("get_weather", '{"city": "Paris"}')


def test_a_call_goes_through_in_responses(proxy: str) -> None:
    with OpenAI(base_url=f"{proxy}/v1", api_key=KEY, max_retries=0) as client:
        found = client.responses.create(
            model="local", input=QUESTION, tools=[FLAT_TOOL], temperature=0
        )
    (call,) = found.output
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Paris"})


def test_a_call_goes_through_in_messages(proxy: str) -> None:
    tool = {"name": "get_weather", "description": "Weather", "input_schema": PARAMETERS}
    with Anthropic(base_url=proxy, api_key=KEY, max_retries=0) as client:
        found = client.messages.create(
            model="local",
            max_tokens=100,
            messages=MESSAGES,
            tools=[tool],
            tool_choice={"type": "tool", "name": "get_weather"},
        )
    (call,) = [block for block in found.content if block.type == "tool_use"]
    assert (call.name, set(call.input)) == ("get_weather", {"city"})
