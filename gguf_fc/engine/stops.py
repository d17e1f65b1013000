"""Stop strings: text before the first of them is released, it and all that follows is not.

Holds back at most the length of the longest stop string less one.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class StopFilter:
    """Feed it text; ``stopped`` says whether a stop string has come."""

    stops: tuple[str, ...]
    stopped: bool = field(default=False, init=False)
    _held: str = field(default="", init=False)

    def feed(self, text: str) -> str:
        """The text that is now certain to stand before any stop string."""
        if self.stopped:
            return ""
        text = self._held + text
        found = [at for at in map(text.find, self.stops) if at >= 0]
        self.stopped = bool(found)
        end = min(found) if found else len(text) - self._open(text)
        self._held = "" if found else text[end:]
        return text[:end]

    def finish(self) -> str:
        """No more text comes, so what was held back is no stop string."""
        held, self._held = self._held, ""
        return held

    def _open(self, text: str) -> int:
        """The length of the longest tail that may still become a stop string."""
        longest = max(map(len, self.stops), default=0)
        lengths = range(min(longest - 1, len(text)), 0, -1)
        tails = (n for n in lengths if any(stop.startswith(text[-n:]) for stop in self.stops))
        return next(tails, 0)
