"""Errors in a protocol's own words.

What lies behind the protocols names fields as chat completions do; a client of another protocol is
told the names it used.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass

from gguf_fc.errors import GgufFcError


@dataclass(frozen=True, slots=True)
class Wording:
    """What a protocol calls the fields of chat completions.

    *names* pairs a regular expression over the path of a field with what replaces it.
    """

    names: tuple[tuple[str, str], ...]

    def error(self, error: Exception) -> Exception:
        """*error* with this protocol's names; a bug stays as it is."""
        if not isinstance(error, GgufFcError) or error.param is None:
            return error
        param = self._path(error.param)
        if param == error.param:
            return error
        worded = copy.copy(error)
        worded.message = error.message.replace(error.param, param)
        worded.param = param
        return worded

    def _path(self, path: str) -> str:
        for pattern, replacement in self.names:
            path = re.sub(rf"^{pattern}(?=[.\[]|$)", replacement, path)
        return path
