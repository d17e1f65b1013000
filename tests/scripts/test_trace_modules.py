"""The trace of two trips: how many modules a reader has to open to follow one."""

from __future__ import annotations

import pytest

from trace_modules import modules_of_call, modules_of_schema

MOST_FOR_A_CALL = 32  # 25 before keys, paths, odd histories and replies that survive a worker
MOST_FOR_A_SCHEMA = 12


@pytest.mark.live
def test_a_streamed_tool_call_enters_few_modules() -> None:
    modules = modules_of_call()
    assert {"server/endpoint.py", "worker/client.py", "protocols/chat/reply.py"} <= modules
    assert len(modules) <= MOST_FOR_A_CALL, sorted(modules)


def test_a_trip_lists_what_it_enters_and_nothing_else() -> None:
    modules = modules_of_schema()
    assert {"grammar/grammar.py", "grammar/schema/read.py"} <= modules
    assert len(modules) <= MOST_FOR_A_SCHEMA, sorted(modules)
    assert not any(name.startswith(("server/", "dialect/", "engine/")) for name in modules)
