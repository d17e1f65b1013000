"""A worker process without a model: every job is answered at once, with the same tokens.

Run as a program, with the socket's number as its last argument; the name of the file it is told to
load is the number of tokens.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from gguf_fc.frames import MESSAGES
from gguf_fc.job import Accepted, Chunk, Done, Job, Load, Ping, Pong, Ready, Stop

COMMAND = (sys.executable, "-m", "overhead.worker")


def ready(load: Load) -> Ready:
    """Description of the model that a worker would have loaded."""
    return Ready(
        n_ctx=load.n_ctx or 4096,
        n_ctx_train=4096,
        n_parallel=load.n_parallel,
        n_vocab=256,
        n_threads=1,
        n_gpu_layers=0,
        device="none",
        use_extra_bufts=False,
        description="scripted",
    )


def answer(line: socket.socket, job: Job, count: int) -> None:
    """Send each token by itself, as an engine does that decodes one at a time."""
    line.sendall(MESSAGES.encode(Accepted(id=job.id, prompt_tokens=1)))
    for n in range(count):
        line.sendall(MESSAGES.encode(Chunk(id=job.id, text=f" word{n}", n_tokens=1)))
    done = Done(
        id=job.id,
        finish_reason="stop",
        prompt_tokens=1,
        cached_tokens=0,
        completion_tokens=count,
        forced_tokens=0,
        decode_steps=count,
        prompt_ms=0,
        completion_ms=0,
    )
    line.sendall(MESSAGES.encode(done))


def main() -> None:
    """Answer until told to stop."""
    line, decoder = socket.socket(fileno=int(sys.argv[-1])), MESSAGES.decoder()
    count = 0
    while data := line.recv(65536):
        for message in decoder.feed(data):
            match message:
                case Load():
                    count = int(Path(message.path).stem)
                    line.sendall(MESSAGES.encode(ready(message)))
                case Job():
                    answer(line, message, count)
                case Ping(n=n):
                    line.sendall(MESSAGES.encode(Pong(n)))
                case Stop():
                    return
                case _:
                    pass  # a job that is cancelled has been answered already


if __name__ == "__main__":
    main()
