"""The process that renders: ``python -m gguf_fc.rendering.process FD``.

It answers one question after another over the socket FD until the other side closes it.  Before
the first one it gives up what rendering does not need: memory beyond a limit, files, children.
Each rendering has a budget of processor time; the system ends a process that uses it up.
"""

from __future__ import annotations

import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from gguf_fc.dialect.template import Template
from gguf_fc.errors import TemplateError
from gguf_fc.rendering.frames import FrameError, encode, receive

CPU_SECONDS = 2.0  # for one rendering, compiling included
MEMORY = 1 << 30  # bytes of address space; the interpreter itself takes about a tenth


def main(argv: list[str]) -> None:
    with socket.socket(fileno=int(argv[1])) as line:
        _warm_up()
        _give_up_rights()
        line.sendall(encode(None))  # ready
        templates: dict[int, Template | TemplateError] = {}
        while True:
            try:
                question = receive(line.recv)
            except FrameError:
                return  # nobody asks any more
            line.sendall(encode(_bounded(lambda: _answer(question, templates))))  # noqa: B023


def _warm_up() -> None:
    """Use what is loaded from files when it is first used, failures included."""
    for text in ("{{ strftime_now('%c') }}{{ 'é' | tojson | upper }}{{ x.y }}", "{% if %}"):
        with suppress(TemplateError):
            Template(text).render({}, datetime.now(UTC))


def _give_up_rights() -> None:
    limits = {
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 0,  # those that are open stay open
        resource.RLIMIT_NPROC: 0,
    }
    for limit, most in limits.items():
        _, hard = resource.getrlimit(limit)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (allowed, allowed))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at the terminal is for the server


def _bounded(answer: Callable[[], Any]) -> Any:
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        return answer()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


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
