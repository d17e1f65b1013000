"""Rounds are interleaved, warm-ups do not count, and one failure does not end the others."""

from __future__ import annotations

import asyncio

from gguf_fc.bench.client import Client
from gguf_fc.bench.contender import Contender
from gguf_fc.bench.rounds import Result, Setting, play, words_per_token
from gguf_fc.bench.sample import Sample, Scene, Workload
from gguf_fc.errors import BenchError
from tests.support.foreign import foreign


def contenders(*names: str) -> list[Contender]:
    return [Contender(name, Client(f"http://{name}")) for name in names]


def played(
    names: tuple[str, ...], setting: Setting, broken: str = ""
) -> tuple[Result, list[str], list[str]]:
    """The result, who played in which order, and what was said."""
    order: list[str] = []
    said: list[str] = []
    everyone = contenders(*names)

    async def one(scene: Scene) -> Sample:
        (name,) = (c.name for c in everyone if c.client is scene.client)
        order.append(name)
        if name == broken:
            raise BenchError("broken")
        return Sample(float(scene.number))

    workload = Workload("w", "about", "s", one)
    result = asyncio.run(play(workload, everyone, setting, 0.5, said.append))
    return result, order, said


def test_each_round_begins_with_another_contender() -> None:
    _, order, _ = played(("a", "b", "c"), Setting(rounds=3, warmups=0))
    assert "".join(order) == "abcbcacab"


def test_warm_ups_are_played_and_not_counted() -> None:
    result, order, _ = played(("a", "b"), Setting(rounds=2, warmups=1))
    assert len(order) == 6
    assert [sample.value for sample in result.samples["a"]] == [1, 2]


def test_who_fails_once_is_asked_no_more_and_the_others_go_on() -> None:
    result, order, said = played(("a", "b"), Setting(rounds=3, warmups=0), broken="b")
    assert order.count("b") == 1
    assert result.failures == {"b": "broken"}
    assert len(result.samples["a"]) == 3
    assert said == ["w: b: broken"]


def test_the_words_of_a_token_are_measured() -> None:
    async def measured(url: str) -> float:
        contender = Contender("x", Client(url))
        try:
            return await words_per_token(contender)
        finally:
            await contender.client.close()

    with foreign() as server:
        ratio = asyncio.run(measured(server.url))
    assert 0.1 < ratio < 0.2  # the scripted server counts letters, of which a word has about seven
