"""llama.cpp's own grammar sampler, as ``constrain/llama_grammar`` uses it."""

from __future__ import annotations

import ctypes
import weakref
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray

_CANDIDATE = np.dtype(llama_cpp.llama_token_data)


class NativeGrammar:
    """State of a reply in a grammar.

    Accepting a token that it does not allow ends the process: llama.cpp throws.  The native object
    is freed with the last reference to this one.
    """

    def __init__(self, sampler: Any) -> None:
        self._sampler = sampler
        weakref.finalize(self, llama_cpp.llama_sampler_free, sampler)

    def copy(self) -> NativeGrammar:
        """Independent copy."""
        return NativeGrammar(llama_cpp.llama_sampler_clone(self._sampler))

    def allowed(self, tokens: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Mask over *tokens*: True for each that may be next."""
        entries = np.zeros(len(tokens), _CANDIDATE)
        entries["id"] = tokens
        first = entries.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token_data))
        candidates = llama_cpp.llama_token_data_array(first, len(tokens), -1, False)
        llama_cpp.llama_sampler_apply(self._sampler, ctypes.byref(candidates))
        allowed: NDArray[np.bool_] = np.isfinite(entries["logit"])
        return allowed

    def accept(self, token: int) -> None:
        """Advance by *token*, which is allowed."""
        llama_cpp.llama_sampler_accept(self._sampler, token)
