"""Muon for the matrices inside the network and AdamW for embedding and norms."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_STEPS = 5
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_QKV = (0.5, 0.5, 1.0)  # shares of the learning rate


def _orthogonal(matrix: Tensor) -> Tensor:
    """Roughly the nearest matrix with equal singular values (Newton-Schulz)."""
    a, b, c = _COEFFICIENTS
    x = matrix.bfloat16()
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(_STEPS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return (x.T if tall else x).float()


class Muon(torch.optim.Optimizer):
    """Momentum whose every update is made orthogonal.

    Queries and keys move more slowly: without a norm of their own they grow until every head looks
    at one place only, and a head that does so early never learns to look for a repeated word.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float) -> None:
        super().__init__(groups, {"lr": lr, "momentum": 0.95, "decay": 0.1, "shares": None})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Update every matrix; those that hold several are taken apart."""
        del closure
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                if "mean" not in state:
                    state["mean"] = torch.zeros_like(weight)
                mean = state["mean"]
                mean.lerp_(weight.grad, 1 - group["momentum"])
                update = weight.grad.lerp(mean, group["momentum"])
                self._move(weight, update, group)

    def _move(self, weight: Tensor, update: Tensor, group: dict[str, Any]) -> None:
        columns = weight.shape[1]
        shares = group["shares"] or [1.0] * max(1, weight.shape[0] // columns)
        for part, change, share in zip(
            weight.chunk(len(shares)), update.chunk(len(shares)), shares, strict=True
        ):
            rate = group["lr"] * share
            part.mul_(1 - rate * group["decay"])
            part.add_(_orthogonal(change), alpha=-rate * max(1, part.shape[0] / columns) ** 0.5)


def optimizers(network: nn.Module, *, muon: float, adam: float) -> list[torch.optim.Optimizer]:
    """The two optimizers of *network*."""
    attention, matrices, others = [], [], []
    for name, weight in network.named_parameters():
        if "qkv" in name:
            attention.append(weight)
        elif weight.ndim == 2 and "embedding" not in name:  # noqa: PLR2004
            matrices.append(weight)
        else:
            others.append(weight)
    return [
        Muon([{"params": attention, "shares": _QKV}, {"params": matrices}], lr=muon),
        torch.optim.AdamW(others, lr=adam, betas=(0.9, 0.97), weight_decay=0.0),
    ]
