"""The command ``llm``: a text, a tool written on the command line, and an answer by a schema."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.world import QUESTION

FUNCTIONS = """
def get_weather(city: str) -> str:
    "Get the current weather in a city"
    return '{"temperature": 18, "condition": "sunny"}'
"""
SIZE = {
    "type": "object",
    "properties": {"size": {"enum": ["small", "large"]}},
    "required": ["size"],
}


@pytest.fixture
def llm(url: str, tmp_path: Path) -> Callable[..., str]:
    models = [
        {
            "model_id": "demo",
            "model_name": "demo",
            "api_base": url,
            "supports_tools": True,
            "supports_schema": True,
        }
    ]
    (tmp_path / "extra-openai-models.yaml").write_text(json.dumps(models))  # JSON is YAML

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "llm", "-m", "demo", "-o", "temperature", "0", *arguments],
            env={**os.environ, "LLM_USER_PATH": str(tmp_path), "OPENAI_API_KEY": "none"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("whole", [(), ("--no-stream",)])
def test_a_tool_is_called_and_its_result_told(
    llm: Callable[..., str], whole: tuple[str, ...]
) -> None:
    assert "18" in llm(QUESTION, "--functions", FUNCTIONS, *whole)


def test_an_answer_has_the_form_of_its_schema(llm: Callable[..., str]) -> None:
    found = json.loads(llm("Describe Paris.", "--schema", json.dumps(SIZE)))
    assert found["size"] in ("small", "large")
