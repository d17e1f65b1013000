"""llama-cpp-python's own server, without the repacking of weights that crashes on some machines.

Its command line has no option for that, so the default is changed before it starts.
"""

from __future__ import annotations

import runpy

from llama_cpp import llama_cpp

_defaults = llama_cpp.llama_model_default_params


def _without_repacking() -> llama_cpp.llama_model_params:
    params = _defaults()
    params.use_extra_bufts = False
    return params


llama_cpp.llama_model_default_params = _without_repacking
runpy.run_module("llama_cpp.server", run_name="__main__", alter_sys=True)
