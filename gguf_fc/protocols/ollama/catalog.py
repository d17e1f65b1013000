"""Models and their abilities, which Ollama's clients ask for before they chat.

Models that could not be loaded are left out: here a list is an offer.  Looking loads nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gguf_fc import __version__
from gguf_fc.errors import InvalidParameter, SetupError, UnsupportedParameter
from gguf_fc.job import Ready
from gguf_fc.models.load_plan import LoadPlan
from gguf_fc.models.pool import Pool
from gguf_fc.protocols.ollama.names import tagged
from gguf_fc.protocols.ollama.schema import OLLAMA_SHOW
from gguf_fc.protocols.protocol import Json

API_VERSION = "0.13.0"  # of the protocol spoken here: clients refuse to talk to what is too old
NEVER = "9999-12-31T23:59:59Z"  # when a loaded model is unloaded for being idle


@dataclass(frozen=True, slots=True)
class OllamaCatalog:
    """Read-only views of the pool."""

    pool: Pool
    _entries: dict[str, Json] = field(default_factory=dict, init=False)  # by alias

    async def version(self) -> Json:
        """The version of the protocol, and ours."""
        return {"version": API_VERSION, "gguf_fc": __version__}

    async def tags(self) -> Json:
        """Every model that can be loaded."""
        entries = await asyncio.gather(*map(self._entry, self.pool.names))
        return {"models": [entry for entry in entries if entry is not None]}

    async def ps(self) -> Json:
        """The model that is loaded."""
        model = self.pool.loaded
        if model is None:
            return {"models": []}
        on_gpu = model.header.n_bytes if model.ready.n_gpu_layers else 0
        running = {
            "expires_at": NEVER,
            "size_vram": on_gpu,
            "context_length": model.ready.n_ctx,
        }
        return {"models": [_entry(model.name, model.plan) | running]}

    async def show(self, raw: bytes) -> tuple[Json, tuple[str, ...]]:
        """All there is to say of one model."""
        body, ignored = OLLAMA_SHOW.parse(raw)
        name = body.model or body.name
        if not name:
            raise InvalidParameter("'model' is required.", param="model")
        entry = self.pool.find(name)
        plan = await self.pool.outline(entry.alias)
        loaded = self.pool.loaded
        ready = loaded.ready if loaded is not None and loaded.entry is entry else None
        return _shown(plan, ready), ignored

    async def copy(self, raw: bytes) -> tuple[Json, tuple[str, ...]]:  # noqa: ARG002
        """Nothing: names are given where models are offered.  Raises UnsupportedParameter."""
        raise UnsupportedParameter(
            "This server copies no models; give a file another name in models.yaml: "
            "'- {alias: NAME, path: FILE.gguf}'."
        )

    async def _entry(self, name: str) -> Json | None:
        """A problem is not remembered, it may be mended; ``GET /v1/models`` says what it is."""
        if name not in self._entries:
            try:
                self._entries[name] = _entry(name, await self.pool.outline(name))
            except SetupError:
                return None
        return self._entries[name]


def _entry(name: str, plan: LoadPlan) -> Json:
    files = [part.stat() for part in plan.header.parts]
    modified = max(file.st_mtime for file in files)
    size = sum(file.st_size for file in files)
    return {
        "name": tagged(name),
        "model": tagged(name),
        "modified_at": _time(modified),
        "size": size,
        "digest": _digest(str(plan.header.path), size, modified),
        "details": _details(plan),
    }


def _digest(*known: object) -> str:
    """Tells one version of a file from another; its content would take too long to read."""
    return hashlib.sha256(repr(known).encode()).hexdigest()


def _details(plan: LoadPlan) -> Json:
    header = plan.header
    return {
        "parent_model": "",
        "format": "gguf",
        "family": header.architecture,
        "families": [header.architecture],
        "parameter_size": _short(header.n_parameters),
        "quantization_level": header.quantization,
    }


def _short(count: int) -> str:
    millions = count / 1e6
    return f"{millions / 1000:.1f}B" if millions >= 1000 else f"{millions:.1f}M"  # noqa: PLR2004


def _shown(plan: LoadPlan, ready: Ready | None) -> Json:
    sampling = plan.entry.sampling
    parameters = {
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
    }
    if ready is not None:
        parameters["num_ctx"] = ready.n_ctx
    return {
        "modelfile": f"FROM {plan.header.path}\n",
        "parameters": "\n".join(f"{name:30} {value}" for name, value in parameters.items()),
        "template": plan.header.chat_template or "",
        "details": _details(plan),
        "model_info": _model_info(plan, ready),
        "capabilities": _capabilities(plan),
        "modified_at": _time(max(part.stat().st_mtime for part in plan.header.parts)),
    }


def _capabilities(plan: LoadPlan) -> list[str]:
    if not plan.header.generates:
        return ["embedding"]
    thinking = plan.dialect.syntax.reasoning is not None
    return ["completion", "tools", *(["thinking"] if thinking else [])]


def _model_info(plan: LoadPlan, ready: Ready | None) -> Json:
    """The file's plain metadata; the context is what a conversation can have, where it is known."""
    header = plan.header
    plain: dict[str, Any] = {
        key: value
        for key, value in header.metadata.items()
        if isinstance(value, str | int | float | bool) and not key.startswith("tokenizer.")
    }
    if ready is not None:
        plain[f"{header.architecture}.context_length"] = ready.n_ctx
    return plain | {
        "general.architecture": header.architecture,
        "general.parameter_count": header.n_parameters,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
