"""Loading a model file, on a GPU as far as it fits, with llama.cpp's complaints in the error.

llama.cpp logs through a callback whose Python object must outlive the library's use of it, so it is
kept for the process's lifetime.
"""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llama_cpp
from llama_cpp import _ggml

from gguf_fc.errors import ModelFileError
from gguf_fc.job import Load

logger = logging.getLogger(__name__)

GPU = 1  # ggml's device type
LEVELS = {2: logging.DEBUG, 3: logging.INFO, 4: logging.ERROR}  # ggml: info, warn, error


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator, unused-ignore]
def _log(level: int, text: bytes, _data: object) -> None:
    logger.log(LEVELS.get(level, logging.DEBUG), "%s", text.decode(errors="replace").rstrip())


def start_backend() -> None:
    """Initialize llama.cpp and have it log to ``logging``."""
    llama_cpp.llama_log_set(_log, None)
    llama_cpp.llama_backend_init()


def load_model(load: Load) -> tuple[Any, int]:
    """Load the model; the number of its layers on a GPU.  Raises ModelFileError."""
    if not Path(load.path).is_file():
        raise ModelFileError(f"{load.path}: there is no such file.")
    params = llama_cpp.llama_model_default_params()
    params.use_extra_bufts = load.use_extra_bufts
    for layers in _layer_choices(load.n_gpu_layers):
        params.n_gpu_layers = layers
        with _complaints() as complaints:
            model = llama_cpp.llama_model_load_from_file(os.fsencode(load.path), params)
        if model:
            if llama_cpp.llama_model_has_encoder(model):
                llama_cpp.llama_model_free(model)
                raise ModelFileError(f"{load.path}: only decoder models can be served.")
            return model, min(layers, llama_cpp.llama_model_n_layer(model) + 1)
    raise ModelFileError(
        f"{load.path}: llama.cpp cannot load this file. It is damaged, incomplete, not a GGUF "
        "file, of an architecture this build does not know, or too large for the memory. "
        f"llama.cpp says: {complaints[0] if complaints else 'nothing'}"
    )


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collect the errors that llama.cpp logs within the context."""
    lines: list[str] = []

    def note(record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            lines.append(record.getMessage())
        return True

    logger.addFilter(note)
    try:
        yield lines
    finally:
        logger.removeFilter(note)


def _layer_choices(asked: int | None) -> tuple[int, ...]:
    """Numbers of layers to try on the GPU, in order: all, then fewer for a smaller GPU."""
    if not llama_cpp.llama_supports_gpu_offload():
        return (0,)
    return (999, 48, 32, 24, 16, 8, 0) if asked is None or asked < 0 else (asked,)


def default_threads() -> int:
    """One thread per physical core, as far as one can tell: larger machines count each twice."""
    usable = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
    return usable if usable <= 4 else usable // 2  # noqa: PLR2004


def device_name(n_gpu_layers: int, n_threads: int) -> str:
    """Name of the GPU that is used, or the processor with its threads."""
    library = _ggml.libggml
    library.ggml_backend_dev_get.restype = ctypes.c_void_p
    library.ggml_backend_dev_description.restype = ctypes.c_char_p
    for index in range(library.ggml_backend_dev_count() if n_gpu_layers else 0):
        device = ctypes.c_void_p(library.ggml_backend_dev_get(ctypes.c_size_t(index)))
        if library.ggml_backend_dev_type(device) == GPU:
            name: bytes = library.ggml_backend_dev_description(device)
            return name.decode(errors="replace")
    return f"CPU ({n_threads} thread{'s' if n_threads > 1 else ''})"
