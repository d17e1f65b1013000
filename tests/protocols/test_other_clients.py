"""Bodies that well-known clients send, with all the fields they always send: every one is read.

Written after their sources; what they ask for is what the fields' defaults give.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gguf_fc.protocols.chat.schema import CHAT
from gguf_fc.protocols.completions.schema import TEXT
from gguf_fc.protocols.fields import Fields
from gguf_fc.protocols.ollama.schema import OLLAMA_CHAT, OLLAMA_GENERATE

HI: Any = [{"role": "user", "content": "hi"}]
LLAMA_CPP: Any = {
    "stream": True,
    "return_progress": True,
    "timings_per_token": True,
    "cache_prompt": True,
    "reasoning_format": "auto",
    "backend_sampling": False,
    "max_tokens": -1,
    "dynatemp_range": 0,
    "dynatemp_exponent": 1,
    "top_k": 40,
    "top_p": 0.95,
    "min_p": 0.05,
    "temperature": 0.8,
    "typical_p": 1,
    "xtc_probability": 0,
    "xtc_threshold": 0.1,
    "repeat_last_n": 64,
    "repeat_penalty": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "dry_multiplier": 0,
    "dry_base": 1.75,
    "dry_allowed_length": 2,
    "dry_penalty_last_n": -1,
}
VLLM: Any = {
    "n": 1,
    "top_k": -1,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "length_penalty": 1.0,
    "use_beam_search": False,
    "stop_token_ids": [],
    "bad_words": [],
    "min_tokens": 0,
    "include_stop_str_in_output": False,
    "ignore_eos": False,
    "skip_special_tokens": True,
    "spaces_between_special_tokens": True,
    "truncate_prompt_tokens": None,
    "logprobs": None,
    "return_tokens_as_token_ids": False,
    "return_token_ids": False,
    "priority": 0,
    "add_special_tokens": False,
    "allowed_token_ids": None,
    "kv_transfer_params": None,
}
STOPS = [
    *("<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<file_sep>", "<|endoftext|>", "</code>"),
    *("</fim_middle>", "/src/", "#- coding: utf-8", "```", "\nclass", "\nfunction", "\nexport"),
    *("\nimport", "\nconst ", "\nlet ", "\nvar ", "\nif ", "\nfor ", "\nwhile ", "\nswitch "),
]
BODIES: list[tuple[str, Fields[Any], Any]] = [
    ("llama.cpp's page", CHAT, {"messages": HI, **LLAMA_CPP, "samplers": "edkypmxt"}),
    ("llama.cpp's page, newer", CHAT, {"messages": HI, **LLAMA_CPP, "samplers": ["top_k", "temp"]}),
    ("a form of llama.cpp's completion", TEXT, {"prompt": "a", **LLAMA_CPP, "samplers": []}),
    ("vLLM's own client, chat", CHAT, {"messages": HI, **VLLM, "mm_processor_kwargs": {}}),
    ("vLLM's own client, text", TEXT, {"prompt": "a", **VLLM}),
    (
        "SGLang's client",
        CHAT,
        {
            "messages": HI,
            "separate_reasoning": True,
            "stream_reasoning": True,
            "no_stop_trim": False,
        },
    ),
    ("an editor's completion", TEXT, {"prompt": "def f(", "max_tokens": 64, "stop": STOPS}),
    (
        "an editor's completion by Ollama's protocol",
        OLLAMA_GENERATE,
        {"model": "m", "prompt": "def f(", "raw": True, "options": {"stop": STOPS}, "shift": True},
    ),
    (
        "an assistant of the home",
        OLLAMA_CHAT,
        {"model": "m", "messages": HI, "keep_alive": -1, "options": {"num_ctx": 8192.0}},
    ),
    (
        "a router of many providers",
        CHAT,
        {"messages": HI, "models": ["a", "b"], "route": "fallback", "transforms": [], "usage": {}},
    ),
]


@pytest.mark.parametrize(("name", "table", "body"), BODIES, ids=[name for name, _, _ in BODIES])
def test_a_body_of_a_well_known_client_is_read(name: str, table: Fields[Any], body: Any) -> None:
    parsed, ignored = table.parse(orjson.dumps(body))
    assert parsed is not None, name
    assert not set(ignored) & table.honoured
