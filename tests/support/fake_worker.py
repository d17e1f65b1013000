"""A worker process without a model: its behaviour is the name of the file it is told to load.

A job's prompt is answered word by word, from the word on that its client has not got yet.  The
words ``die``, ``once`` (dies the first time), ``hang``, ``stop``, ``wait`` (says ``still`` where it
goes on), ``mute`` and ``babble`` do what they say.  Run as a program, with the socket's number
as its last argument.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

from gguf_fc.frames import MESSAGES
from gguf_fc.job import (
    Accepted,
    Cancel,
    Chunk,
    Done,
    Job,
    Load,
    LoadFailed,
    Measure,
    Measured,
    Ping,
    Pong,
    Ready,
    Segment,
    Stop,
)

COMMAND = (sys.executable, "-P", __file__)


def ready(load: Load) -> Ready:
    return Ready(
        n_ctx=load.n_ctx or 64,
        n_ctx_train=64,
        n_parallel=load.n_parallel,
        n_vocab=256,
        n_threads=1,
        n_gpu_layers=0,
        device="none",
        use_extra_bufts=load.use_extra_bufts,
        description="fake",
    )


def start(load: Load, send: socket.socket) -> None:
    """Do what the file's name says before it is ready."""
    name = Path(load.path).name
    if name == "refuse":
        send.sendall(MESSAGES.encode(LoadFailed(message="no such model")))
        sys.exit()
    if name == "crash" or (name == "repacking" and load.use_extra_bufts):
        os.kill(os.getpid(), signal.SIGSEGV)
    if name == "once" and Path(load.path).exists():
        os.kill(os.getpid(), signal.SIGSEGV)
    if name == "once":
        Path(load.path).touch()
    if name == "slow":
        time.sleep(60)
    if name == "nonsense":
        send.sendall(b"\0\0\0\4nope")
    send.sendall(MESSAGES.encode(ready(load)))


def answer(job: Job, load: Load, send: socket.socket) -> None:
    text = "".join(segment.text for segment in job.prompt)
    send.sendall(MESSAGES.encode(Accepted(id=job.id, prompt_tokens=len(text))))
    n_begun = len(job.begun.tokens) if job.begun else 0
    for at, word in enumerate(text.split()[n_begun:], n_begun):
        if word == "die" or (word == "once" and not Path(load.path).exists()):
            Path(load.path).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "hang":
            while True:
                pass
        if word == "stop" and not Path(load.path).exists():
            Path(load.path).touch()
            os.kill(os.getpid(), signal.SIGSTOP)
        if word == "mute":
            return  # until it is cancelled
        if word == "wait":
            if job.begun:
                send.sendall(MESSAGES.encode(Chunk(id=job.id, text="still", n_tokens=1)))
            return  # until it is cancelled
        send.sendall(MESSAGES.encode(Chunk(id=job.id, text=word, n_tokens=1, tokens=(at,))))
    send.sendall(MESSAGES.encode(done(job.id, "stop")))


def babble(job: Job) -> bytes:
    """Bytes that are no frame, where the prompt asks for them."""
    asked = any("babble" in segment.text for segment in job.prompt)
    return b"\0\0\0\4nope" if asked else b""


def done(job_id: str, reason: str) -> Done:
    return Done(
        id=job_id,
        finish_reason=reason,  # type: ignore[arg-type]
        prompt_tokens=1,
        cached_tokens=0,
        completion_tokens=1,
        forced_tokens=0,
        decode_steps=1,
        prompt_ms=0,
        completion_ms=0,
    )


def measured(job_id: str, prompt: tuple[Segment, ...]) -> Measured:
    length = sum(len(segment.text) for segment in prompt)
    return Measured(id=job_id, prompt_tokens=length, cached_tokens=0, cache="nothing")


def main() -> None:
    line, decoder = socket.socket(fileno=int(sys.argv[-1])), MESSAGES.decoder()
    load = Load(path="")
    while data := line.recv(65536):
        for message in decoder.feed(data):
            match message:
                case Load():
                    load = message
                    start(message, line)
                case Job():
                    answer(message, load, line)
                    line.sendall(babble(message))
                case Measure(id=job_id, prompt=prompt):
                    line.sendall(MESSAGES.encode(measured(job_id, prompt)))
                case Cancel(id=job_id):
                    line.sendall(MESSAGES.encode(done(job_id, "cancelled")))
                case Ping(n=n):
                    line.sendall(MESSAGES.encode(Pong(n)))
                case Stop():
                    return
                case _:
                    raise AssertionError(f"unexpected message: {message}")


if __name__ == "__main__":
    main()
