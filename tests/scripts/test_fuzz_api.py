"""Odd requests in small: the shipped model's server answers them all; and what is a fault."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice
from random import Random
from typing import Any

import pytest

from api_trials.bodies import bounded, odd_bodies
from api_trials.judge import Outcome, fault
from gguf_fc.server.operations import OPERATIONS
from gguf_fc.server.pages.openapi import document
from tests.support.server import ROOT

EXAMPLE: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.live
def test_no_odd_body_breaks_the_server_or_goes_without_a_named_parameter() -> None:
    command = [sys.executable, "scripts/fuzz_api.py", "--bodies", "400", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 faults" in done.stdout
    for operation in OPERATIONS:
        assert operation.fields is None or operation.path in done.stdout


def bodies(seed: int, count: int) -> list[bytes]:
    made = document(OPERATIONS, "1")
    components = made["components"]["schemas"]
    schema = {"$ref": "#/components/schemas/ChatBody"}
    return list(islice(odd_bodies(EXAMPLE, schema, components, Random(seed)), count))  # noqa: S311


def test_a_seed_gives_the_same_bodies_again() -> None:
    assert bodies(1, 50) == bodies(1, 50) != bodies(2, 50)


def test_most_bodies_are_json_and_some_are_not() -> None:
    def is_json(body: bytes) -> bool:
        try:
            json.loads(body)
        except (ValueError, RecursionError):
            return False
        return True

    good = sum(map(is_json, bodies(3, 200)))
    assert 150 < good < 200


def test_a_body_is_bounded_by_the_name_it_has_for_that() -> None:
    assert bounded(EXAMPLE, {"messages", "max_tokens"})["max_tokens"] == 8
    assert bounded(EXAMPLE, {"options"})["options"] == {"num_predict": 8}
    assert bounded(EXAMPLE, {"messages"}) == EXAMPLE


@pytest.mark.parametrize(
    ("status", "body", "good"),
    [
        (200, b"{}", True),
        (200, b'data: {"x": 1}\n\ndata: [DONE]\n\n', True),
        (200, b'data: {"x": 1}\n\ndata: {"error": {"type": "server_error"}}\n\n', False),
        (400, b'{"error": {"message": "no", "param": "x"}}', True),
        (400, b'{"error": {"message": "no", "param": null}}', False),
        (400, b'{"type": "error", "error": {"message": "\'x\' is wrong"}}', True),
        (400, b'{"error": "\'x\' is wrong"}', True),
        (400, b'{"error": "wrong"}', False),
        (400, b"<html>", False),
        (413, b"{}", True),
        (500, b"{}", False),
        (503, b'{"error": {"param": "x"}}', False),
    ],
)
def test_what_is_a_fault(status: int, body: bytes, good: bool) -> None:  # noqa: FBT001
    assert (fault(Outcome(status, body)) is None) == good
