"""The named workloads, from one required call to a restart.

Each asks for the same work from any server and returns what it measured.  A server that does
something else, such as answering in words where a call is required, has failed: BenchError.
"""

from __future__ import annotations

from collections.abc import Mapping

from gguf_fc.bench.constrained_workloads import (
    auto_call,
    form_answer,
    form_call,
    required_call,
    structured,
)
from gguf_fc.bench.gap_workloads import long_prompt
from gguf_fc.bench.prompt_workloads import agent_loop, cold_prompt, new_conversation, restart
from gguf_fc.bench.sample import Workload
from gguf_fc.bench.text_workloads import auto_text, chat, plain_text, streams

WORKLOADS: Mapping[str, Workload] = {
    workload.name: workload
    for workload in (
        Workload("call-1", "required call, 1 tool: to the complete call", "s", required_call(1)),
        Workload("call-3", "required call, 3 tools: to the complete call", "s", required_call(3)),
        Workload("call-5", "required call, 5 tools: to the complete call", "s", required_call(5)),
        Workload(
            "call-20", "required call, 20 tools: to the complete call", "s", required_call(20)
        ),
        Workload(
            "form", "required call, 10 enums and numbers: to the complete call", "s", form_call
        ),
        Workload("auto-call", "5 tools, tool_choice auto: to the end", "s", auto_call),
        Workload("structured", "answer with 10 fixed keys: to the end", "s", structured),
        Workload("form-answer", "answer with 10 enums and numbers: to the end", "s", form_answer),
        Workload("agent", "agent loop, turns 2 to 6: to the first piece", "s", agent_loop),
        Workload("chat", "plain chat, one stream", "tokens/s", chat),
        Workload("auto-text", "free text, 20 tools on offer", "tokens/s", auto_text),
        Workload("plain-text", "free text, as long a prompt, no tools", "tokens/s", plain_text),
        Workload("streams-1", "1 stream, with its prompt", "tokens/s", streams(1)),
        Workload("streams-2", "2 streams together", "tokens/s", streams(2)),
        Workload("streams-4", "4 streams together", "tokens/s", streams(4)),
        Workload("streams-8", "8 streams together", "tokens/s", streams(8)),
        Workload("streams-16", "16 streams together", "tokens/s", streams(16)),
        Workload("cold-prompt", "long new prompt: to the first piece", "s", cold_prompt),
        Workload("long-prompt", "gap of 3 streams beside a long prompt", "s", long_prompt),
        Workload(
            "new-chat",
            "new conversation, known long prefix: to the first piece",
            "s",
            new_conversation,
        ),
        Workload("restart", "first request after a restart, known long prefix", "s", restart),
    )
}
