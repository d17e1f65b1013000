"""Saved states of evaluated prompts, outside the KV cache: in RAM and in files.

Theory of operation.
1. A state is that of the tokens from its *start* to its end; what stands before is that of another
   state, its *parent*.  So a conversation that goes on saves only what is new, and a common
   beginning is saved once.
2. A state begins its life in RAM.  ``write`` copies it to its file in a thread of its own, after
   which RAM may drop it.  A state without a file is dropped for good.
3. RAM drops states in the order of priority, then the least recently used first; a parent never
   before its children.
4. A state found on disk counts only when its tokens are those of the prompt, whatever its name.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from gguf_fc.engine.kv_cache.common_prefix import common
from gguf_fc.engine.kv_cache.priority import Priority
from gguf_fc.saved_prompts import StateFolder

UNWRITTEN_BYTES = 1 << 30  # of states that may wait for the disk, beyond the cap

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class SavedState:
    """State of the *tokens* from *start* on; *tokens* are all from the first."""

    tokens: list[int]
    start: int
    priority: Priority
    data: bytes | memoryview | None = None  # None: only in its file
    path: Path | None = None
    used: int = 0


class SavedStates:
    """Saved states of one model.  Without *folder* they are lost with the process.

    With *is_whole* a state is of use only where a prompt begins with all of its tokens.
    """

    def __init__(
        self, max_bytes: int, folder: StateFolder | None = None, *, is_whole: bool = False
    ) -> None:
        self._max_bytes = max_bytes
        self._folder = folder
        self._is_whole = is_whole
        self._may_write = folder is not None
        self._clock = count(1)
        self._states: list[SavedState] = []
        self._writer = ThreadPoolExecutor(1, "states")
        self._writing: tuple[SavedState, Future[Path | None]] | None = None
        for file in sorted(folder.files() if folder else (), key=lambda file: file.used):
            priority = Priority(min(file.priority, Priority.PREFIX))
            self._states.append(
                SavedState(
                    file.tokens, file.start, priority, path=file.path, used=next(self._clock)
                )
            )

    @property
    def is_off(self) -> bool:
        """True if nothing may be saved: no RAM and no folder."""
        return not self._may_write and not self._max_bytes

    @property
    def is_writing(self) -> bool:
        """True while a state is being written to its file."""
        return self._writing is not None

    def sequences(self) -> Iterator[list[int]]:
        """Tokens of each state, from the first."""
        return (state.tokens for state in self._states)

    def longest(self, tokens: Sequence[int]) -> tuple[list[SavedState], int]:
        """Chain of states that holds the longest prefix of *tokens*, and the prefix's length.

        The states are in order; the first starts at 0.
        """
        found: tuple[list[SavedState], int] = [], 0
        for state in self._states:
            length = common(state.tokens, tokens)
            if self._is_whole and length < len(state.tokens):
                continue
            if length > max(found[1], state.start) and (chain := self._chain(state)):
                found = chain, length
        return found

    def covered(self, tokens: Sequence[int]) -> int:
        """Length of the prefix of *tokens* that is saved in whole states; the rest is new."""
        whole = [s for s in self._states if len(s.tokens) == common(s.tokens, tokens)]
        return max((len(state.tokens) for state in whole if self._chain(state)), default=0)

    def add(
        self, tokens: Sequence[int], start: int, data: bytes | memoryview, priority: Priority
    ) -> None:
        """Add *data*, the state of *tokens* from *start* on."""
        state = SavedState(list(tokens), start, priority, data, used=next(self._clock))
        self._states.append(state)
        self.use(self._chain(state), priority)
        self._shrink()

    def use(self, chain: Sequence[SavedState], priority: Priority) -> None:
        """Note a use of *chain*, and raise its priority to *priority*."""
        for state in reversed(chain):  # the first one last: it is needed by all the others
            state.priority = max(state.priority, priority)
            state.used = next(self._clock)
            if self._folder and state.path:
                state.path = self._folder.touch(state.path, state.priority)

    def data(self, state: SavedState) -> bytes | memoryview | None:
        """Bytes of *state*; None, and it is dropped, if its file is gone or damaged."""
        if state.data is not None:
            return state.data
        assert self._folder
        assert state.path
        data = self._folder.read(state.path, state.tokens)
        if data is None:
            self.drop(state)
        return data

    def drop(self, state: SavedState) -> None:
        """Drop *state*, which cannot be used.  It may have been dropped already."""
        if state in self._states:
            self._states.remove(state)

    def write(self) -> bool:
        """Begin to write one state to its file; False if there is none, or one is being written."""
        if not self._settle(wait=False) or self._folder is None or not self._may_write:
            return False
        unwritten = [state for state in self._states if state.path is None and state.data]
        if not unwritten:
            return False
        # Parents before their children, or these could not be used.
        state = min(unwritten, key=lambda state: (-state.priority, state.start))
        assert state.data
        write = partial(
            self._folder.write, state.tokens, state.start, state.data, priority=state.priority
        )
        self._writing = state, self._writer.submit(write)
        return True

    def close(self) -> None:
        """Write all states that wait for the disk."""
        while self._settle(wait=True) and self.write():
            pass
        self._writer.shutdown()

    def check(self) -> None:
        """Assert that the books are balanced."""
        room = self._max_bytes + UNWRITTEN_BYTES * self._may_write
        assert self.is_writing or self._in_ram() <= room
        assert all(state.data is not None or state.path for state in self._states)

    def _settle(self, *, wait: bool) -> bool:
        """Finish the write that is done; False while one goes on.  With *wait*, wait for it."""
        if self._writing is None:
            return True
        state, future = self._writing
        if not (wait or future.done()):
            return False
        self._writing = None
        state.path = future.result()
        if state.path is None:  # the reason was logged; not to be tried again and again
            self._may_write = False
        self._shrink()
        return True

    def _chain(self, state: SavedState) -> list[SavedState]:
        """States that *state* builds on, then itself; empty if one of them is missing."""
        chain = [state]
        while (start := chain[-1].start) > 0:
            head = state.tokens[:start]
            parent = next((s for s in self._states if s.tokens == head and s.start < start), None)
            if parent is None:
                return []
            chain.append(parent)
        return chain[::-1]

    def _in_ram(self) -> int:
        return sum(len(state.data) for state in self._states if state.data)

    def _shrink(self) -> None:
        """Drop states from RAM until the cap is kept; those waiting for the disk have their own."""
        writing = self._writing[0] if self._writing else None
        held = [state for state in self._states if state.data and state is not writing]
        excess, waiting = self._in_ram() - self._max_bytes, self._waiting() - UNWRITTEN_BYTES
        for state in sorted(held, key=lambda s: (s.path is None, s.priority, s.used)):
            may_stay = state.path is None and self._may_write and waiting <= 0
            if excess <= 0 or may_stay:
                return
            assert state.data
            size, state.data = len(state.data), None
            excess -= size
            if state.path is None:
                waiting -= size
                self.drop(state)

    def _waiting(self) -> int:
        return sum(len(state.data) for state in self._states if state.data and not state.path)
