"""Long texts: tokenized in a thread of their own, so that running replies do not wait for it.

Native code tokenizes about a megabyte in a second, and lets other threads run meanwhile.  A part of
the worker says what it does with a message off the loop, and what is left for the loop to do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gguf_fc.errors import BodyTooLarge, GgufFcError
from gguf_fc.job import Detokenize, Embed, Failed, FromWorker, Job, Measure, Message, Rank, Tokenize

LONG = 32 << 10  # characters; or tokens, where there is no text
LONGEST = 4 << 20  # characters, or tokens, of a text that is to be counted or converted

Rest = Callable[[], FromWorker | None]  # to be done on the loop; returns what is to be sent
Readers = Mapping[type[Message], Callable[[Any], Rest]]  # off the loop; raise GgufFcError


def length(message: Message) -> int:
    """Length of the text in *message*, or of the tokens that stand for it."""
    match message:
        case Job(prompt=prompt, prediction=prediction):
            return sum(len(segment.text) for segment in prompt) + len(prediction or "")
        case Measure(prompt=prompt):
            return sum(len(segment.text) for segment in prompt)
        case Tokenize(text=text) | Embed(text=text):
            return len(text)
        case Rank(query=query, document=document):
            return len(query) + len(document)
        case Detokenize(tokens=tokens):
            return len(tokens)
        case _:
            return 0


@dataclass(slots=True, eq=False)
class LongTexts:
    """Queue of messages with long texts, one of which is read at a time.

    *wake* is called, in the other thread, when there is something to ``collect``.
    """

    readers: Readers
    wake: Callable[[], None]
    _rests: deque[tuple[str, Rest]] = field(default_factory=deque, init=False)
    _wanted: set[str] = field(default_factory=set, init=False)
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "long texts"), init=False
    )

    def take(self, message: Any) -> bool:
        """Begin to read *message* if its text is long; False if it is not."""
        if length(message) <= LONG:
            return False
        self._wanted.add(message.id)
        self._thread.submit(self._read, message)
        return True

    def collect(self) -> list[FromWorker]:
        """Do the rest of what has been read; return what is to be sent."""
        sent = []
        while self._rests:
            message_id, rest = self._rests.popleft()
            if message_id in self._wanted:
                self._wanted.discard(message_id)
                if (answer := rest()) is not None:
                    sent.append(answer)
        return sent

    def cancel(self, message_id: str) -> None:
        """Drop that message; nothing where it is not, or no longer, here."""
        self._wanted.discard(message_id)

    def close(self) -> None:
        """Wait for the text that is being read; drop the others."""
        self._wanted.clear()
        self._thread.shutdown(cancel_futures=True)

    def _read(self, message: Any) -> None:
        if message.id not in self._wanted:
            return
        try:
            rest = self.readers[type(message)](message)
        except GgufFcError as error:
            rest = partial(Failed.because, message.id, error)
        except Exception as error:  # noqa: BLE001 - the thread has nobody else to tell
            rest = partial(_raise, error)
        self._rests.append((message.id, rest))
        self.wake()


def refuse_too_long(message: Message) -> None:
    """Raise BodyTooLarge where the whole text of *message* would have to be tokenized."""
    if length(message) > LONGEST:
        raise BodyTooLarge(
            f"The text has more than {LONGEST:,} characters or tokens; send it in parts."
        )


def _raise(error: Exception) -> None:
    raise error
