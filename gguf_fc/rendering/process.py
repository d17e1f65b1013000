"""Process that renders chat templates: ``python -m gguf_fc.rendering.process FD SECONDS``.

It answers one question after another over the socket FD until the other side closes it.  Before
the first one it gives up what rendering does not need: memory beyond a limit, files, children.
Each rendering has a budget of processor time, SECONDS and more for a long conversation; the system
ends a process that uses it up.
"""

from __future__ import annotations

import resource
import signal
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from gguf_fc.dialect.prompt.template import Template
from gguf_fc.errors import TemplateError
from gguf_fc.frames import PLAIN_JSON

SECONDS_PER_MESSAGE = 0.005  # some templates look back from every message
MOST_SECONDS = 10.0
READ_SIZE = 1 << 20
MEMORY = 1 << 30  # bytes of address space; the interpreter itself takes about a tenth
_LIMITS = {
    "RLIMIT_AS": MEMORY,
    "RLIMIT_CORE": 0,
    "RLIMIT_FSIZE": 0,
    "RLIMIT_NOFILE": 0,  # those that are open stay open
    "RLIMIT_NPROC": 0,
}


def main(argv: list[str]) -> None:
    seconds = float(argv[2])
    with socket.socket(fileno=int(argv[1])) as line:
        _warm_up()
        _give_up_rights()
        line.sendall(PLAIN_JSON.encode(None))  # ready
        decoder = PLAIN_JSON.decoder()
        templates: dict[int, Template | TemplateError] = {}
        while data := line.recv(READ_SIZE):  # none: nobody asks any more
            for question in decoder.feed(data):
                signal.setitimer(signal.ITIMER_PROF, _budget(question, seconds))
                answer = PLAIN_JSON.encode(_answer(question, templates))
                signal.setitimer(signal.ITIMER_PROF, 0)
                line.sendall(answer)


def _warm_up() -> None:
    """Load whatever is loaded from files on first use, failures included."""
    for text in ("{{ strftime_now('%c') }}{{ 'é' | tojson | upper }}{{ x.y }}", "{% if %}"):
        with suppress(TemplateError):
            Template(text).render({}, datetime.now(UTC))


def _give_up_rights() -> None:
    for name, most in _LIMITS.items():
        with suppress(AttributeError, ValueError, OSError):  # not every system has every limit
            limit = getattr(resource, name)
            _, hard = resource.getrlimit(limit)
            allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(limit, (allowed, allowed))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at the terminal is for the server


def _budget(question: Any, seconds: float) -> float:
    """The processor time for a rendering, compiling included."""
    messages = question[2].get("messages") or ()
    return min(seconds + SECONDS_PER_MESSAGE * len(messages), MOST_SECONDS)


def _answer(question: Any, templates: dict[int, Template | TemplateError]) -> tuple[bool, str]:
    key, text, variables, now = question
    try:
        if text is not None:
            templates[key] = _compiled(text)
        template = templates[key]
        if isinstance(template, TemplateError):
            raise template
        return True, template.render(variables, datetime.fromisoformat(now))
    except TemplateError as error:
        return False, error.message


def _compiled(text: str) -> Template | TemplateError:
    try:
        return Template(text)
    except TemplateError as error:
        return error


if __name__ == "__main__":
    main(sys.argv)
