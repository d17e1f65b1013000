"""Stop strings: text before the first of them is released, it and all that follows is not.

Holds back at most the length of the longest stop string less one.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class StopFilter:
    """Filter of streamed text; ``hit`` is the stop string that was found."""

    stops: tuple[str, ...]
    hit: str | None = field(default=None, init=False)
    _held: str = field(default="", init=False)

    @property
    def stopped(self) -> bool:
        """True once a stop string was found."""
        return self.hit is not None

    def feed(self, text: str) -> str:
        """Text that is now certain to stand before any stop string."""
        if self.stopped:
            return ""
        text = self._held + text
        found = [(at, stop) for stop in self.stops if (at := text.find(stop)) >= 0]
        if found:
            end, self.hit = min(found)
        else:
            end = len(text) - self._open(text)
        self._held = "" if found else text[end:]
        return text[:end]

    def finish(self) -> str:
        """Release what was held back: no more text comes, so it is no stop string."""
        held, self._held = self._held, ""
        return held

    def _open(self, text: str) -> int:
        """Length of the longest suffix of *text* that may still become a stop string."""
        longest = max(map(len, self.stops), default=0)
        lengths = range(min(longest - 1, len(text)), 0, -1)
        tails = (n for n in lengths if any(stop.startswith(text[-n:]) for stop in self.stops))
        return next(tails, 0)
