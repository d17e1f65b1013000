"""Worker process: ``python -m gguf_fc.worker.process FD``, a model behind a socket.

Reads ``Load`` from the inherited socket, answers ``Ready`` or ``LoadFailed``, then runs the engine:
messages are taken between two steps, and while there is nothing to do the process sleeps in
``select``.  It ends when told to, or when the other end of the socket is gone.
"""

from __future__ import annotations

import argparse
import logging
import select
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gguf_fc.engine.constrain.constraint import Compile, Constraint
from gguf_fc.engine.constrain.llama_grammar import SamplerGrammars
from gguf_fc.engine.constrain.llguidance import Grammars
from gguf_fc.engine.embedding import EmbeddingQueue
from gguf_fc.engine.kv_cache.autosave import Autosave
from gguf_fc.engine.kv_cache.saved_states import SavedStates
from gguf_fc.engine.llama.embedding import LlamaEmbeddings
from gguf_fc.engine.llama.llama import Llama
from gguf_fc.engine.llama.measure_costs import measure
from gguf_fc.engine.long_texts import LongTexts, Readers
from gguf_fc.engine.loop import Engine
from gguf_fc.engine.model import DecodeError, Feed
from gguf_fc.engine.time_sharing import TimeSharing
from gguf_fc.engine.tokenization import Tokenization
from gguf_fc.errors import BodyTooLarge, GrammarError, ModelFileError
from gguf_fc.frames import MESSAGES, Decoder, FrameError
from gguf_fc.job import (
    Cancel,
    Detokenize,
    Embed,
    Ending,
    Failed,
    FromWorker,
    GrammarText,
    Handlers,
    Job,
    Load,
    LoadFailed,
    Measure,
    Message,
    Ping,
    Pong,
    Progress,
    Rank,
    Stop,
    Tokenize,
)
from gguf_fc.saved_prompts import StateFolder

logger = logging.getLogger(__name__)

READ_SIZE: Final = 1 << 18
TRIAL_TOKENS: Final = 33  # so many that each batched kernel of llama.cpp runs, repacked ones too


@dataclass(slots=True, eq=False)
class Line:
    """Worker's end of the socket."""

    _socket: socket.socket
    _bell: tuple[socket.socket, socket.socket] = field(
        default_factory=socket.socketpair, init=False
    )
    _decoder: Decoder[Message] = field(default_factory=MESSAGES.decoder, init=False)
    is_open: bool = field(default=True, init=False)

    def send(self, message: FromWorker) -> None:
        """Send *message*; closes the line if the other end is gone.

        An answer that no frame can hold is replaced by its failure.
        """
        try:
            frame = MESSAGES.encode(message)
        except FrameError as error:
            frame = MESSAGES.encode(_too_large(message, error))
        try:
            self._socket.sendall(frame)
        except OSError:
            self.is_open = False

    def receive(self, seconds: float | None = None) -> list[Message]:
        """Messages within *seconds*; None waits for at least one, or for ``wake``.

        Empty if the line is closed.
        """
        messages: list[Message] = []
        while self.is_open and not messages:
            ready = select.select([self._socket, self._bell[0]], [], [], seconds)[0]
            if self._bell[0] in ready:
                self._bell[0].recv(READ_SIZE)
            if self._socket not in ready:
                break
            data = self._read()
            self.is_open = bool(data)
            messages = self._decoder.feed(data)
        return messages

    def wake(self) -> None:
        """End a ``receive`` that waits; may be called in any thread."""
        self._bell[1].send(b"!")

    def close(self) -> None:
        """Close both."""
        for one in (self._socket, *self._bell):
            one.close()

    def _read(self) -> bytes:
        try:
            return self._socket.recv(READ_SIZE)
        except OSError:
            return b""


def _too_large(message: FromWorker, error: FrameError) -> Failed:
    assert isinstance(message, Progress | Ending), f"{type(message).__name__}: {error}"
    return Failed(
        id=message.id,
        code=BodyTooLarge.code,
        message=f"The answer is too large for one message ({error}); ask for less at a time.",
    )


def run(line: Line) -> None:
    """Load what the first message names, then serve until told to stop."""
    for message in line.receive():
        assert isinstance(message, Load), message
        try:
            with closing(Llama(message)) as model, closing(LlamaEmbeddings(model)) as rows:
                if message.self_test:
                    self_test(model)
                if not model.reads_whole:
                    model.costs = measure(model)
                _serve(line, model, rows, message)
        except ModelFileError as error:
            line.send(LoadFailed(message=error.message))
        return


def _serve(line: Line, model: Llama, rows: LlamaEmbeddings, load: Load) -> None:
    states = _states(model, load)
    engine = Engine(
        model,
        _compiler(model, load),
        line.send,
        load,
        states=states,
    )
    tokenization, embeddings = Tokenization(model), EmbeddingQueue(rows, line.send)
    dispatcher = Dispatcher(engine, embeddings, tokenization, line.send, line.wake)
    line.send(model.ready())
    with closing(Autosave(engine.cache, states)) as keeper, closing(dispatcher.long_texts):
        while line.is_open:
            seconds = keeper.rest() if dispatcher.is_idle else 0.0
            for message in line.receive(seconds):
                if isinstance(message, Stop):
                    return
                dispatcher.handle(message)
            dispatcher.collect()
            if not dispatcher.is_idle:
                dispatcher.step()
                keeper.note_work()


def _states(model: Llama, load: Load) -> SavedStates:
    """Saved states of *model*, in RAM and in its own folder."""
    folder = None
    if load.state_folder is not None:
        folder = StateFolder(
            root=Path(load.state_folder),
            model=model.fingerprint,
            title=Path(load.path).name,
            max_bytes=load.max_state_files,
        )
    return SavedStates(load.max_state_ram, folder, is_whole=not model.can_cut_states)


def _compiler(model: Llama, load: Load) -> Compile:
    if model.reads_whole:
        return _no_grammar
    if load.constraint == "llama.cpp":
        return SamplerGrammars(model.vocabulary, model.open_grammar).compile
    return Grammars(model.vocabulary).compile


def _no_grammar(_grammar: GrammarText) -> Constraint:
    raise GrammarError("this model writes no text")


@dataclass(slots=True, eq=False)
class Dispatcher:
    """Hands each message to the part of the worker that handles it; steps those that have work."""

    engine: Engine
    embeddings: EmbeddingQueue
    tokenization: Tokenization
    send: Callable[[FromWorker], None]
    wake: Callable[[], None]
    long_texts: LongTexts = field(init=False)
    turns: TimeSharing = field(default_factory=TimeSharing)
    handlers: Handlers = field(init=False)

    def __post_init__(self) -> None:
        self.handlers = {
            **self.engine.handlers,
            **self.embeddings.handlers,
            **self.tokenization.handlers,
            Cancel: self._cancel,
            Ping: lambda ping: Pong(ping.n),
        }
        readers: Readers = {
            Job: self.engine.read_job,
            Measure: self.engine.read_measure,
            Embed: self.embeddings.read_long,
            Rank: self.embeddings.read_long,
            Tokenize: self.tokenization.tokenize_long,
            Detokenize: self.tokenization.detokenize_long,
        }
        self.long_texts = LongTexts(readers, self.wake)

    @property
    def is_idle(self) -> bool:
        """True when ``step`` has nothing to do."""
        return self.engine.is_idle and self.embeddings.is_idle

    def step(self) -> None:
        """Run the next step of generation, of embedding, or of both."""
        self.turns.step(
            None if self.engine.is_idle else self.engine.step,
            None if self.embeddings.is_idle else self.embeddings.step,
        )

    def handle(self, message: Message) -> None:
        """Have *message* handled; what is returned for it is sent."""
        if self.long_texts.take(message):
            return
        if (answer := self.handlers[type(message)](message)) is not None:
            self.send(answer)

    def collect(self) -> None:
        """Go on with messages whose long texts have been read."""
        for answer in self.long_texts.collect():
            self.send(answer)

    def _cancel(self, cancel: Cancel) -> None:
        """Cancel a job or an embedding: ids do not say which it is."""
        self.long_texts.cancel(cancel.id)
        self.engine.cancel(cancel.id)
        self.embeddings.cancel(cancel.id)


def self_test(model: Llama) -> None:
    """Self-test: one token, then many; where weight repacking is broken, the process dies here.

    Better now than under a request: the supervisor starts another with safer settings.
    """
    for start, count in ((0, 1), (1, min(TRIAL_TOKENS, model.n_batch, model.n_ctx - 1))):
        try:
            model.decode([Feed(0, start, [0] * count, n_rows=int(not model.reads_whole))])
        except DecodeError as error:
            raise ModelFileError(f"The model cannot be evaluated: {error}.") from error
    model.trim(0, 0)


def main(arguments: list[str] | None = None) -> None:
    """Run the worker on the inherited socket."""
    parser = argparse.ArgumentParser(description="Internal: the process that runs a model.")
    parser.add_argument("fd", type=int)
    fd = parser.parse_args(arguments).fd
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which stops us
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    with closing(Line(socket.socket(fileno=fd))) as line:
        run(line)


if __name__ == "__main__":
    main()
