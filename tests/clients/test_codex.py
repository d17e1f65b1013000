"""Codex CLI with an MCP server: its tool is offered in a namespace, called, and its result told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.gateway import Body, gateway, held_closer

HERE = Path(__file__).parent
CODEX = HERE / "node" / "node_modules" / ".bin" / "codex"
# The prompt has to fit the demo model's window, so what is not needed is switched off.
CONFIG = """
model = "demo"
model_provider = "local"
model_instructions_file = {instructions}
approval_policy = "never"
sandbox_mode = "danger-full-access"
web_search = "disabled"

[analytics]
enabled = false

[agents]
enabled = false

[features]
apps = false
goals = false
plugins = false
shell_tool = false
unified_exec = false
view_image = false

[model_providers.local]
name = "local"
base_url = {url}
wire_api = "responses"

[mcp_servers.weather]
required = true
command = {python}
args = [{server}, {asked}]
"""
CALL = {"type": "function", "namespace": "mcp__weather", "name": "get_weather"}
TOLD = {"format": {"type": "json_schema", "name": "told", "schema": {"const": {"degrees": 18}}}}


def results(body: Body) -> list[Any]:
    return [item for item in body["input"] if item["type"] == "function_call_output"]


def test_the_tool_of_an_mcp_server_is_called_and_its_result_told(root: str, tmp_path: Path) -> None:
    if not CODEX.exists():
        pytest.skip("Codex CLI is not installed: npm ci in tests/clients/node")
    passed_on: list[Body] = []

    def one_call(path: str, body: Body) -> Body:
        """Ask for a call, and behind its result for a certain text; the demo model does neither."""
        body = held_closer(path, body)
        body |= {"text": TOLD, "tool_choice": "none"} if results(body) else {"tool_choice": CALL}
        passed_on.append(body)
        return body

    with gateway(root, one_call) as address:
        events = run_codex(f"{address}/v1", tmp_path, "What is the weather like in 'Paris'?")
    assert (tmp_path / "asked.txt").read_text() == "Paris\n"
    (done,) = [
        event["item"]
        for event in events
        if event["type"] == "item.completed" and event["item"]["type"] == "mcp_tool_call"
    ]
    assert (done["server"], done["tool"], done["status"]) == ("weather", "get_weather", "completed")
    assert events[-1]["type"] == "turn.completed"
    assert json.loads(events[-2]["item"]["text"]) == {"degrees": 18}
    first, second = passed_on
    assert "mcp__weather" in [tool["name"] for tool in first["tools"]]
    (call,) = [item for item in second["input"] if item["type"] == "function_call"]
    assert (call["namespace"], call["name"]) == ("mcp__weather", "get_weather")
    assert "sunny" in json.dumps(results(second))


def run_codex(url: str, folder: Path, prompt: str) -> list[dict[str, Any]]:
    """The events of one run, in *folder*, which has its home and its work."""
    for name in ("home", "work"):
        (folder / name).mkdir()
    (folder / "short.md").write_text("You help.")
    values = {
        "url": url,
        "instructions": str(folder / "short.md"),
        "python": sys.executable,
        "server": str(HERE / "mcp_weather.py"),
        "asked": str(folder / "asked.txt"),
    }
    quoted = {
        name: json.dumps(value) for name, value in values.items()
    }  # JSON's strings are TOML's
    (folder / "home" / "config.toml").write_text(CONFIG.format(**quoted))
    done = subprocess.run(
        [str(CODEX), "exec", "--skip-git-repo-check", "--json", prompt],
        cwd=folder / "work",
        env={**os.environ, "CODEX_HOME": str(folder / "home")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
