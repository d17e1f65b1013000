"""Messages as Claude Code sends them, through Anthropic's own client.

Blocks of system text and tools marked for a cache, a query that says ``beta``, an effort, thinking
that adapts, an edit of the context; results that are lists of blocks, or errors; texts in
``<system-reminder>`` between them; its small side requests for a title and for token counts.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from anthropic import AsyncAnthropic

CACHED = {"type": "ephemeral", "ttl": "1h"}
BETAS = [
    "claude-code-20250219",
    "interleaved-thinking-2025-05-14",
    "context-management-2025-06-27",
    "prompt-caching-scope-2026-01-05",
    "effort-2025-11-24",
]
DRAFT = "https://json-schema.org/draft/2020-12/schema"
SYSTEM = [
    {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.0; cc_entrypoint=cli;"},
    {"type": "text", "text": "You are an interactive agent.", "cache_control": CACHED},
    {"type": "text", "text": "# Environment\n - Platform: linux", "cache_control": CACHED},
]
REMINDER = (
    "<system-reminder>\nAs you answer, you can use the following context.\n</system-reminder>\n"
)


def tool(name: str, description: str, required: list[str], **properties: Any) -> dict[str, Any]:
    schema = {
        "$schema": DRAFT,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return {"name": name, "description": description, "input_schema": schema}


TEXT = {"type": "string", "maxLength": 40}
TOOLS = [
    tool(
        "Bash",
        "Executes a given bash command and returns its output.",
        ["command"],
        command={"description": "The command to execute", **TEXT},
        timeout={"type": "number", "description": "Milliseconds (max 600000)"},
        run_in_background={"type": "boolean"},
    ),
    tool(
        "Read",
        "Reads a file from the local filesystem.",
        ["file_path"],
        file_path={"description": "The absolute path of the file", **TEXT},
        offset={"type": "integer", "minimum": 0, "maximum": 9007199254740991},
        limit={"type": "integer", "exclusiveMinimum": 0, "maximum": 9007199254740991},
    ),
    {
        **tool(
            "TodoWrite",
            "Keeps a list of tasks.",
            ["todos"],
            todos={
                "type": "array",
                "maxItems": 2,
                "items": {
                    "type": "object",
                    "properties": {
                        "content": {"minLength": 1, **TEXT},
                        "status": {"type": "string", "enum": ["pending", "completed"]},
                    },
                    "required": ["content", "status"],
                    "additionalProperties": False,
                },
            },
        ),
        "cache_control": CACHED,
    },
]
REQUEST: dict[str, Any] = {
    "model": "demo",
    "max_tokens": 200,
    "system": SYSTEM,
    "tools": TOOLS,
    "betas": BETAS,
    "metadata": {"user_id": json.dumps({"device_id": "d", "session_id": "s"})},
    "thinking": {"type": "adaptive"},
    "output_config": {"effort": "medium"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
}
ASKED: dict[str, Any] = {
    "role": "user",
    "content": [
        {"type": "text", "text": REMINDER},
        {"type": "text", "text": "Read /etc/hosts", "cache_control": CACHED},
    ],
}
HISTORY: list[dict[str, Any]] = [
    ASKED,
    {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "I read it.", "signature": "c2lnbmF0dXJl"},
            {"type": "text", "text": "I'll read it."},
            {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"file_path": "/x"}},
            {"type": "tool_use", "id": "toolu_2", "name": "Bash", "input": {"command": "ls"}},
        ],
    },
    {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "toolu_1",
                "is_error": True,
                "content": "<tool_use_error>File does not exist.</tool_use_error>",
            },
            {
                "type": "tool_result",
                "tool_use_id": "toolu_2",
                "content": [{"type": "text", "text": "hosts"}, {"type": "text", "text": REMINDER}],
                "cache_control": CACHED,
            },
            {"type": "text", "text": "[Request interrupted by user]"},
        ],
    },
]


@pytest_asyncio.fixture
async def client(root: str) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=root, api_key="none", max_retries=0) as opened:
        yield opened


async def test_the_main_request_streams_a_call_of_one_of_the_tools(client: AsyncAnthropic) -> None:
    forced = {"type": "any"}
    # A call is asked for here: of its own accord the demo model may make none.
    request = {**REQUEST, "thinking": {"type": "disabled"}, "tool_choice": forced}
    async with client.beta.messages.stream(**request, messages=[ASKED]) as stream:
        events = [event.type async for event in stream]
        found = await stream.get_final_message()
    assert events[0] == "message_start"
    assert events[-1] == "message_stop"
    assert found.stop_reason == "tool_use"
    assert {block.name for block in found.content} <= {tool["name"] for tool in TOOLS}


async def test_a_history_with_errors_and_reminders_is_answered(client: AsyncAnthropic) -> None:
    async with client.beta.messages.stream(**REQUEST, messages=HISTORY) as stream:
        found = await stream.get_final_message()
    assert found.stop_reason in ("end_turn", "tool_use", "max_tokens")
    assert found.usage.input_tokens + (found.usage.cache_read_input_tokens or 0) > 100


async def test_a_screenshot_among_the_results_does_not_end_the_session(
    client: AsyncAnthropic,
) -> None:
    picture = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    shown = {"type": "tool_result", "tool_use_id": "toolu_1", "content": []}
    shown["content"] = [{"type": "image", "source": picture}]
    turn = {"role": "user", "content": [shown, *HISTORY[2]["content"][1:]]}
    said = {"role": "assistant", "content": [{"type": "text", "text": "A picture."}]}
    more = {"role": "user", "content": "Hello!"}
    found = await client.beta.messages.create(
        **REQUEST, messages=[*HISTORY[:2], turn, said, more], stream=False
    )
    assert found.type == "message"


async def test_a_title_has_the_form_that_is_asked_for(client: AsyncAnthropic) -> None:
    title = {"type": "object", "properties": {"title": TEXT}, "required": ["title"]}
    title["additionalProperties"] = False
    found = await client.beta.messages.create(
        model="demo",
        max_tokens=100,
        betas=[*BETAS, "structured-outputs-2025-12-15"],
        system=[{"type": "text", "text": "Write a title for this session."}],
        messages=[{"role": "user", "content": [{"type": "text", "text": "Read /etc/hosts"}]}],
        tools=[],
        metadata=REQUEST["metadata"],
        output_config={"format": {"type": "json_schema", "schema": title}},
    )
    (block,) = found.content
    assert set(json.loads(block.text)) == {"title"}


async def test_tokens_are_counted_with_tools_and_without(client: AsyncAnthropic) -> None:
    bare = {"model": "demo", "betas": BETAS, "messages": [ASKED]}
    alone = await client.beta.messages.count_tokens(**bare)
    with_tools = await client.beta.messages.count_tokens(**bare, tools=TOOLS)
    assert 0 < alone.input_tokens < with_tools.input_tokens


async def test_the_check_for_a_quota_is_answered_with_one_token(client: AsyncAnthropic) -> None:
    quota = [{"role": "user", "content": "quota"}]
    found = await client.beta.messages.create(
        model="demo", max_tokens=1, messages=quota, metadata=REQUEST["metadata"], betas=BETAS
    )
    assert found.usage.output_tokens == 1
