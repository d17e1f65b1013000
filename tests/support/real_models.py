"""Weights of real models, which ``scripts/real_models.py`` fetches; tests skip where they lack."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from real_weights.models import MODELS, folder_of


def real_model(name: str) -> Path:
    """The file of ``smollm2``, ``gemma3`` or ``minilm``; skips the test where it is absent."""
    path = folder_of(os.environ) / MODELS[name].file
    if not path.exists():
        pytest.skip(f"{path} is absent: scripts/real_models.py {name} fetches it")
    return path
