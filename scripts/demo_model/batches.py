"""Turns conversations into padded batches with a loss weight for every token.

What the assistant says is learned; the prompt counts a little at first, because its repeated words
teach copying. The few tokens that decide something (call or text, which
tool, one more call or none) weigh more than the many that copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import numpy as np
import torch
from torch import Tensor

from demo_model.conversations import Conversation, Maker
from demo_model.render import render
from demo_model.tokenizer import END_OF_TURN, Tokenizer

DECISION = 6.0
_POOL = 1024  # conversations sorted by length at a time, so that little is padded
_ROUND = 16


@dataclass(frozen=True, slots=True)
class Example:
    """Tokens, and how much each counts as a target."""

    tokens: list[int]
    weights: list[float]


@dataclass(slots=True)
class Supervisor:
    """Finds the assistant's tokens and weighs them."""

    tokenizer: Tokenizer
    _head: list[int] = field(init=False)
    _name: int = field(init=False)

    def __post_init__(self) -> None:
        self._head = self.tokenizer.encode("<|im_start|>assistant\n")
        self._name = len(self.tokenizer.encode('\n{"name": "'))

    def example(self, talk: Conversation) -> Example:
        """The tokens and weights of *talk*."""
        tokens = self.tokenizer.encode(render(talk.messages, talk.tools))
        weights = [0.0] * len(tokens)
        end = self.tokenizer.ids[END_OF_TURN]
        start, head = self._head[0], len(self._head)
        i = 0
        while i < len(tokens):
            if tokens[i] == start and tokens[i : i + head] == self._head:
                stop = tokens.index(end, i)
                self._weigh(tokens, weights, i + head, stop + 1)
                i = stop
            i += 1
        return Example(tokens, weights)

    def _weigh(self, tokens: list[int], weights: list[float], first: int, stop: int) -> None:
        opening, closing = self.tokenizer.ids["<tool_call>"], self.tokenizer.ids["</tool_call>"]
        weights[first:stop] = [1.0] * (stop - first)
        weights[first] = DECISION
        for i in range(first, stop):
            if tokens[i] == closing:
                weights[i + 1] = DECISION
            elif tokens[i] == opening:
                at = i + 1 + self._name
                while at < stop and not self.tokenizer.tokens[tokens[at]].startswith('"'):
                    weights[at] = DECISION
                    at += 1


@dataclass(frozen=True, slots=True)
class Stage:
    """Mixture of the batches in one part of the training."""

    tools: int  # at most, in a conversation
    longest: int  # tokens of a conversation
    batch: int  # tokens, padding included
    prompt: float  # how much a token of the prompt counts


@dataclass(slots=True)
class Batches:
    """An endless, resumable stream of batches: *index* is the next conversation to make."""

    maker: Maker
    supervisor: Supervisor
    index: int = 0

    def pool(self, stage: Stage) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of the next conversations."""
        rng = Random(self.index)  # noqa: S311
        examples: list[Example] = []
        while len(examples) < _POOL:
            example = self.supervisor.example(self.maker.make(self.index, stage.tools))
            self.index += 1
            if len(example.tokens) <= stage.longest:
                examples.append(example)
        examples.sort(key=lambda example: len(example.tokens))
        groups: list[list[Example]] = [[]]
        for example in examples:
            if (len(groups[-1]) + 1) * _padded(example) > stage.batch:
                groups.append([])
            groups[-1].append(example)
        rng.shuffle(groups)
        for group in groups:
            if group:
                yield _tensors(group, stage.prompt)


def _padded(example: Example) -> int:
    return -(-len(example.tokens) // _ROUND) * _ROUND


def _tensors(group: list[Example], prompt: float) -> tuple[Tensor, Tensor]:
    length = max(_padded(example) for example in group)
    tokens = np.zeros((len(group), length), dtype=np.int64)
    weights = np.zeros((len(group), length), dtype=np.float32)
    for row, example in enumerate(group):
        tokens[row, : len(example.tokens)] = example.tokens
        weights[row, : len(example.weights)] = np.maximum(example.weights, prompt)
    return torch.from_numpy(tokens), torch.from_numpy(weights)
