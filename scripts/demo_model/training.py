"""The training loop: learning rates, checkpoints that a later run resumes, and a log."""

from __future__ import annotations

import ctypes
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch._inductor.config
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the usual name

from demo_model.batches import Batches, Stage, Supervisor
from demo_model.conversations import Maker
from demo_model.network import Network, Shape
from demo_model.optimizer import optimizers
from demo_model.pace import Pace
from demo_model.render import render
from demo_model.tokenizer import Tokenizer, train_tokenizer

_TOKENIZER_SAMPLE = 20_000  # conversations
_WARM_UP = 60  # steps
_TRIM = 10  # steps between giving free memory back


@dataclass(frozen=True, slots=True)
class Plan:
    """Length and speed of a training."""

    tokens: int = 30_000_000
    stop_at: float | None = None  # seconds since the epoch; replaces the budget of tokens
    seed: int = 1
    muon: float = 0.01
    adam: float = 3e-3
    hold: float = 0.4  # the share of the run before the rates fall
    compiled: bool = True
    save_every: float = 180.0  # seconds


def rate(progress: float, step: int, hold: float) -> float:
    """The share of the full learning rate: warm-up, constant, then linear to 2 %."""
    warm = min(1.0, (step + 1) / _WARM_UP)
    fall = 1.0 if progress < hold else 1 - 0.98 * min(1.0, (progress - hold) / (1 - hold))
    return warm * fall


def stage(progress: float) -> Stage:
    """Short conversations and small batches first."""
    if progress < 0.12:  # noqa: PLR2004
        return Stage(tools=2, longest=240, batch=4096, prompt=0.15)
    if progress < 0.5:  # noqa: PLR2004
        prompt = 0.15 if progress < 0.25 else 0.0  # noqa: PLR2004
        return Stage(tools=6, longest=400, batch=8192, prompt=prompt)
    longest = 480 if progress < 0.9 else 640  # noqa: PLR2004
    return Stage(tools=8, longest=longest, batch=8192, prompt=0.0)


def _give_memory_back() -> None:
    # Batches of many shapes leave holes that the C library keeps: gigabytes within minutes.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@dataclass(frozen=True, slots=True)
class _Start:
    """Beginning of a run, or of its continuation."""

    time: float  # seconds since the epoch
    tokens: int
    progress: float  # of the schedule, 0 to 1


class Run:
    """A training run in a folder that holds its tokenizer, checkpoint and log."""

    def __init__(self, folder: Path, plan: Plan, shape: Shape) -> None:
        self.folder, self.plan = folder, plan
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(plan.seed)
        maker = Maker("train", plan.seed)
        self.tokenizer = self._tokenizer(maker, shape.vocabulary)
        self.network = Network(shape)
        self.optimizers = optimizers(self.network, muon=plan.muon, adam=plan.adam)
        self.batches = Batches(maker, Supervisor(self.tokenizer))
        self.step, self.tokens, self.spent, self.progress = 0, 0, 0.0, 0.0
        self._resume()

    def _tokenizer(self, maker: Maker, size: int) -> Tokenizer:
        path = self.folder / "tokenizer.json"
        if not path.exists():
            talks = (maker.make(-1 - i) for i in range(_TOKENIZER_SAMPLE))
            train_tokenizer((render(t.messages, t.tools) for t in talks), size).save(path)
        return Tokenizer.load(path)

    def _resume(self) -> None:
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        kept = torch.load(path, weights_only=True)
        self.network.load_state_dict(kept["network"])
        for optimizer, state in zip(self.optimizers, kept["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.batches.index = kept["index"]
        self.step, self.tokens, self.spent = kept["step"], kept["tokens"], kept["spent"]
        self.progress = kept["progress"]

    def save(self) -> None:
        """Write the checkpoint in one move, so that a killed run leaves a whole one."""
        kept: dict[str, Any] = {
            "network": self.network.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "index": self.batches.index,
            "step": self.step,
            "tokens": self.tokens,
            "spent": self.spent,
            "progress": self.progress,
            "shape": asdict(self.network.shape),
        }
        path = self.folder / "checkpoint.new"
        torch.save(kept, path)
        path.replace(self.folder / "checkpoint.pt")

    def train(self) -> None:
        """Train until the plan is fulfilled."""
        # The threads of a compiled step are those of the moment, not of its compilation.
        torch._inductor.config.cpp.dynamic_threads = True  # noqa: SLF001
        forward = torch.compile(self.network, dynamic=True) if self.plan.compiled else self.network
        began = time.time()
        if self.plan.stop_at is None and self.progress >= 1:  # a larger budget moves it back
            self.progress = min(1.0, self.tokens / self.plan.tokens)
        start = _Start(began, self.tokens, self.progress)
        spent, saved, logged = self.spent, began, began
        losses: list[float] = []
        pace = Pace(torch.get_num_threads())
        while self.progress < 1:
            for tokens, weights in self.batches.pool(stage(self.progress)):
                losses.append(self._step(forward, tokens, weights))
                now = time.time()
                pace.adapt()
                if self.step % _TRIM == 0:
                    _give_memory_back()
                self.spent = spent + now - began
                self._advance(start, now)
                if now - logged > 20:  # noqa: PLR2004
                    self._log(losses)
                    losses, logged = [], now
                if now - saved > self.plan.save_every:
                    self.save()
                    saved = now
                if self.progress >= 1:
                    break
        self.save()

    def _advance(self, start: _Start, now: float) -> None:
        if self.plan.stop_at is None:
            left = self.plan.tokens - start.tokens
            share = (self.tokens - start.tokens) / max(1, left)
        else:
            share = (now - start.time) / max(1.0, self.plan.stop_at - start.time)
        self.progress = min(1.0, start.progress + (1 - start.progress) * share)

    def _step(self, forward: Any, tokens: Tensor, weights: Tensor) -> float:
        factor = rate(self.progress, self.step, self.plan.hold)
        for optimizer, full in zip(self.optimizers, (self.plan.muon, self.plan.adam), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = full * factor
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = forward(tokens[:, :-1])
            learned = weights[:, 1:] > 0
            scores = self.network.logits(hidden[learned])
        targets, weight = tokens[:, 1:][learned], weights[:, 1:][learned]
        each = F.cross_entropy(scores.float(), targets, reduction="none")
        loss = (each * weight).sum() / weight.sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens += int((tokens.shape[0]) * tokens.shape[1])
        return float(loss.detach())

    def _log(self, losses: list[float]) -> None:
        line = {
            "step": self.step,
            "tokens": self.tokens,
            "seconds": round(self.spent),
            "progress": round(self.progress, 4),
            "loss": round(math.fsum(losses) / len(losses), 4),
            "rate": round(rate(self.progress, self.step, self.plan.hold), 3),
            "threads": torch.get_num_threads(),
        }
        with (self.folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
