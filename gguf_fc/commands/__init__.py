"""The commands of ``gguf-fc``, a module each; imported as they are called.

So ``gguf-fc --help`` loads none of them, and no command what only another one needs.
"""

from typing import TYPE_CHECKING

from gguf_fc.lazy import first_use

if TYPE_CHECKING:
    from gguf_fc.commands import bench, cache, grammar, hub, inspect, serve
else:
    __getattr__ = first_use(
        __name__,
        {
            "bench": "gguf_fc.commands.bench",
            "cache": "gguf_fc.commands.cache",
            "grammar": "gguf_fc.commands.grammar",
            "hub": "gguf_fc.commands.hub",
            "inspect": "gguf_fc.commands.inspect",
            "serve": "gguf_fc.commands.serve",
        },
    )

__all__ = ["bench", "cache", "grammar", "hub", "inspect", "serve"]
