"""Imports on first use: the one door to code that most runs do not need.

A module that offers names through this door lists them twice: as imports under ``TYPE_CHECKING``,
for type checkers, and in a table for run time.

    if TYPE_CHECKING:
        from gguf_fc.commands import bench
    else:
        __getattr__ = first_use(__name__, {"bench": "gguf_fc.commands.bench"})

``tests/test_architecture.py`` holds which modules do so and that both lists agree.  What comes
with an extra of the package is imported as usual, at the top of a module behind this door; where
the extra is not installed, the first use raises ConfigError with what to install.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from gguf_fc.errors import ConfigError

# Dependencies that are installed on demand, and the extra in pyproject.toml that brings each.
EXTRAS: Mapping[str, str] = {"httpx": "bench"}


def first_use(
    owner: str, names: Mapping[str, str], *, extras: Mapping[str, str] = EXTRAS
) -> Callable[[str], Any]:
    """A ``__getattr__`` for the module *owner* that imports each of *names* as it is asked for.

    A name stands for ``package.module`` or ``package.module:attribute``.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807 - assigned to the module's own
        if name not in names:
            raise AttributeError(f"module {owner!r} has no attribute {name!r}")
        module, _, attribute = names[name].partition(":")
        try:
            found: Any = import_module(module)
        except ModuleNotFoundError as error:
            extra = extras.get(error.name or "")
            if extra is None:
                raise
            raise ConfigError(
                f"{error.name} is not installed; pip install 'gguf-fc[{extra}]' brings it."
            ) from error
        if attribute:
            found = getattr(found, attribute)
        setattr(sys.modules[owner], name, found)
        return found

    return __getattr__
