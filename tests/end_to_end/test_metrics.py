"""``GET /metrics`` of a real server, as Prometheus would read it."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.support.scrape import samples_of
from tests.support.server import running

REQUEST = {
    "messages": [{"role": "user", "content": "What is the weather like in Paris?"}],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "parameters": {
                    "type": "object",
                    "properties": {"city": {"type": "string"}},
                    "required": ["city"],
                },
            },
        }
    ],
    "tool_choice": "required",
    "temperature": 0,
}


def test_a_call_shows_in_the_metrics(tmp_path: Path) -> None:
    with running(tmp_path) as server, httpx.Client(trust_env=False, timeout=60) as client:
        usage = client.post(f"{server.url}/chat/completions", json=REQUEST).json()["usage"]
        response = client.get(f"{server.url.removesuffix('/v1')}/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    found = samples_of(response.text)
    assert found["gguf_fc_completion_tokens_total"] == usage["completion_tokens"]
    assert found["gguf_fc_forced_tokens_total"] > 0
    assert found["gguf_fc_tool_calls_total|complete"] == 1
    assert found["gguf_fc_call_seconds_count"] == 1
    assert found["gguf_fc_worker_up"] == 1
    assert (found["gguf_fc_jobs_running"], found["gguf_fc_jobs_waiting"]) == (0, 0)
    assert found["gguf_fc_batch_tokens_bucket|+Inf"] == found["gguf_fc_batch_tokens_count"] > 1
    assert found["gguf_fc_batch_tokens_sum"] >= usage["prompt_tokens"]
