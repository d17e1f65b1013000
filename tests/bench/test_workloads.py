"""Every workload against a scripted server: what it asks for, and what it makes of the reply."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from gguf_fc.bench.client import Client
from gguf_fc.bench.gap_workloads import gaps_beside
from gguf_fc.bench.names import WORKLOAD_NAMES
from gguf_fc.bench.sample import Sample, Scene
from gguf_fc.bench.workloads import WORKLOADS
from gguf_fc.errors import BenchError
from tests.support.foreign import WORDS, Fault, foreign

ENDLESS = {"long-prompt"}  # needs streams that last: the scripted server's are short
Json = dict[str, Any]


def play(name: str, fault: Fault = "", **scene: Any) -> tuple[Sample, list[Json]]:
    async def played(url: str) -> Sample:
        client = Client(url)

        async def restart() -> Client:
            return client

        usual = Scene(client=client, number=3, tokens=4, long_tokens=200, restart=restart)
        try:
            return await WORKLOADS[name].play(replace(usual, **scene))
        finally:
            await client.close()

    with foreign(fault) as server:
        return asyncio.run(played(server.url)), server.bodies


def test_the_names_on_the_command_line_are_those_of_the_workloads() -> None:
    assert list(WORKLOADS) == list(WORKLOAD_NAMES)


@pytest.mark.parametrize("name", sorted(set(WORKLOADS) - ENDLESS))
def test_a_workload_measures_something(name: str) -> None:
    sample, bodies = play(name)
    assert sample.value > 0
    assert all(value >= 0 for value in sample.notes.values())
    assert bodies


@pytest.mark.parametrize("name", ["call-1", "call-3", "call-5", "call-20"])
def test_required_calls_offer_so_many_tools(name: str) -> None:
    _, (body,) = play(name)
    assert len(body["tools"]) == int(name.removeprefix("call-"))
    assert (body["tool_choice"], body["temperature"]) == ("required", 0)


@pytest.mark.parametrize("name", ["call-3", "form"])
def test_words_in_place_of_a_required_call_are_a_failure(name: str) -> None:
    with pytest.raises(BenchError, match="no call was made"):
        play(name, "no call")


def test_rounds_ask_different_questions() -> None:
    texts = {play("call-3", number=number)[1][0]["messages"][0]["content"] for number in range(40)}
    assert len(texts) == 40


def test_free_replies_cannot_end_early() -> None:
    _, (body,) = play("chat", end_tokens=(2, 7))
    assert body["logit_bias"] == {"2": -100, "7": -100}
    assert body["max_tokens"] == 4


@pytest.mark.parametrize("count", [1, 2, 4, 8, 16])
def test_streams_run_at_once_with_prompts_and_seeds_of_their_own(count: int) -> None:
    sample, bodies = play(f"streams-{count}")
    assert sample.notes["tokens"] == 4 * count
    assert len({body["messages"][0]["content"] for body in bodies}) == count
    assert len({body["seed"] for body in bodies}) == count


def test_an_agent_sends_back_its_calls_and_their_results() -> None:
    _, bodies = play("agent")
    assert len(bodies) == 6
    roles = [message["role"] for message in bodies[-1]["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant"] * 2 + ["user", "assistant", "tool"]
    assert bodies[1]["messages"][2]["tool_call_id"] == "call-1"
    assert len({str(body["tools"]) for body in bodies}) == 1


def test_an_agent_counts_what_was_known_and_is_read_again() -> None:
    assert play("agent")[0].notes["read again"] == 0
    sample, bodies = play("agent", "forgets")
    before = bodies[-2]["messages"]  # the longest prompt that the last one could have built on
    assert sample.notes["read again"] == sum(len(str(message)) for message in before) + WORDS


def test_a_cut_off_call_is_not_known_to_the_next_turn_which_does_not_have_it() -> None:
    assert play("agent", "half a call")[0].notes["read again"] == 0


def test_a_new_conversation_shares_its_prefix_with_the_one_before() -> None:
    sample, (cold, warm) = play("new-chat")
    assert cold["tools"] == warm["tools"]
    assert cold["messages"][0] == warm["messages"][0]
    assert cold["messages"][1] != warm["messages"][1]
    assert set(sample.notes) == {"prompt", "cold", "cold / warm", "cached"}


def test_prefixes_of_two_rounds_differ_from_their_first_words_on() -> None:
    systems = [play("new-chat", number=n)[1][0]["messages"][0]["content"] for n in (1, 2)]
    assert systems[0].split()[:2] != systems[1].split()[:2]


def test_a_server_that_is_not_ours_is_not_restarted() -> None:
    with pytest.raises(BenchError, match="cannot be restarted"):
        play("restart", restart=None)


def test_a_restart_happens_between_two_requests_with_one_prefix() -> None:
    asked: list[int] = []

    def counted(bodies: list[Json]) -> Callable[[], Awaitable[Client]]:
        async def restart() -> Client:
            asked.append(len(bodies))
            return client

        return restart

    with foreign() as server:
        client = Client(server.url)

        async def played() -> None:
            scene = Scene(
                client=client, number=0, tokens=4, long_tokens=50, restart=counted(server.bodies)
            )
            await WORKLOADS["restart"].play(scene)
            await client.close()

        asyncio.run(played())
    assert asked == [1]
    assert server.bodies[0]["tools"] == server.bodies[1]["tools"]


def test_gaps_beside_a_long_prompt_are_held_against_those_before_and_after_it() -> None:
    one = [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0]  # the prompt is read from 2 to 6
    other = [1.1, 1.6, 2.1, 3.1, 4.1, 6.1, 7.1, 8.1]
    notes = gaps_beside([one, other], 2.05, 6.0)
    assert notes == pytest.approx(
        {
            "gap": 1.0,
            "gap before": 0.5,
            "gap after": 1.0,
            "times": 1.0 / 0.75,
            "times on average": (0.5 + 4 * 1.0 + 2.0) / 6 / 0.75,
            "times the gap before": 2.0,
            "longest": 2.0,
        }
    )


def test_a_cold_prompt_is_another_text_in_each_round() -> None:
    texts = [play("cold-prompt", number=n)[1][0]["messages"][0]["content"] for n in (0, 1)]
    assert texts[0].split()[:2] != texts[1].split()[:2]
    assert all(len(text.split()) > 10 for text in texts)


def test_streams_that_end_before_the_long_prompt_are_a_failure() -> None:
    with pytest.raises(BenchError, match="before it was measured"):
        play("long-prompt", tokens=400)


def test_long_prompts_are_as_long_as_the_tokenizer_needs() -> None:
    short = Scene(client=None, number=0, tokens=1, long_tokens=300, words_per_token=0.5)  # type: ignore[arg-type]
    assert short.long_words == 150
    assert replace(short, words_per_token=0.25).long_words == 75
