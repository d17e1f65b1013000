"""``GET /props``, ``/slots`` and ``/version``: what is loaded, as other local servers show it.

Clients read the length of the context here, and whether the server is one they know.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from gguf_fc import __version__
from gguf_fc.errors import WorkerUnavailable
from gguf_fc.generation.questions import ask
from gguf_fc.job import Survey, Surveyed
from gguf_fc.models.pool import LoadedModel, Pool
from gguf_fc.protocols.protocol import Json


@dataclass(frozen=True, slots=True)
class ServerViews:
    """Read-only views of the model that is loaded; looking loads nothing."""

    pool: Pool
    new_id: Callable[[], str]

    async def version(self) -> Json:
        """The version of this server."""
        return {"version": __version__}

    async def props(self) -> Json:
        """The model's context, defaults and template.  Raises WorkerUnavailable."""
        model = self._loaded()
        sampling = dataclasses.asdict(model.entry.sampling)
        del sampling["logit_bias"]
        if sampling["seed"] is None:
            sampling["seed"] = -1
        return {
            "default_generation_settings": {
                "id": 0,
                "n_ctx": model.ready.n_ctx,
                "is_processing": False,
                "params": sampling,
            },
            "total_slots": model.ready.n_parallel,
            "model_alias": model.name,
            "model_path": str(model.header.path),
            "modalities": {"vision": False, "audio": False},
            "chat_template": model.header.chat_template or "",
            "bos_token": model.header.bos_token,
            "eos_token": model.header.eos_token,
            "build_info": f"gguf-fc {__version__}",
        }

    async def slots(self) -> list[Json]:
        """A row for each slot; as many are busy as replies are being written."""
        model = self._loaded()
        surveyed = await ask(model, Survey(id=self.new_id()), Surveyed, param="")
        return [
            {"id": n, "n_ctx": model.ready.n_ctx, "is_processing": n < surveyed.running}
            for n in range(model.ready.n_parallel)
        ]

    def _loaded(self) -> LoadedModel:
        if self.pool.loaded is None:
            raise WorkerUnavailable("No model is loaded now.")
        return self.pool.loaded
