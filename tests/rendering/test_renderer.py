"""Templates in a process of their own: the same text, and nothing a template does does harm."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from gguf_fc import Dialect
from gguf_fc.dialect.prompt.render import probe_clock
from gguf_fc.dialect.prompt.template import Template
from gguf_fc.errors import RendererDied, RunawayTemplate, TemplateError
from gguf_fc.rendering import renderer as renderer_module
from gguf_fc.rendering.process import _budget
from gguf_fc.rendering.renderer import Renderer, _Process
from tests.support.templates import NAMES, template_text

NOW = probe_clock()
# Three nested loops over what a conversation may well hold: no limit inside jinja2 stops this.
ENDLESS = "{% for a in l %}{% for b in l %}{% for c in l %}{% endfor %}{% endfor %}{% endfor %}"
LONG = {"l": list(range(3000))}
# Doubled by an operator the sandbox does not see.
HUGE = "{% set n = namespace(s='a') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}"


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    found = Renderer(seconds=0.3)
    yield found
    found.close()


def test_it_renders_what_a_template_here_renders(renderer: Renderer) -> None:
    text = "{{ strftime_now('%Y-%m-%d') }}{{ x | tojson }}{{ s }}{{ n }}"
    values = {"x": {"é": [1.5, None]}, "s": "\ud800 \U0001f600", "n": 10**30}
    assert renderer.compile(text).render(values, NOW) == Template(text).render(values, NOW)


def test_its_process_can_be_started_ahead() -> None:
    early = Renderer()
    early.start()
    process = early._process
    assert process is not None
    early.start()
    assert early.compile("{{ x }}").render({"x": 1}, NOW) == "1"
    assert early._process is process
    early.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_dialect_is_the_same_wherever_its_template_runs(renderer: Renderer, name: str) -> None:
    text = template_text(name)
    here, there = (
        Dialect.from_template(text, compile_template=c) for c in (Template, renderer.compile)
    )
    assert here.syntax == there.syntax
    messages = [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]
    assert here.render(messages) == there.render(messages)


def test_a_template_that_fails_fails_with_its_own_words(renderer: Renderer) -> None:
    with pytest.raises(TemplateError, match="line 2: No such role"):
        renderer.compile("\n{{ raise_exception('No such role') }}").render({}, NOW)
    broken = renderer.compile("{% if %}")
    for _ in range(2):
        with pytest.raises(TemplateError, match="does not compile: line 1"):
            broken.render({}, NOW)


def test_what_is_no_json_is_refused(renderer: Renderer) -> None:
    with pytest.raises(TemplateError, match="cannot be given"):
        renderer.compile("{{ x }}").render({"x": object()}, NOW)


def test_a_template_that_never_ends_is_ended_and_the_next_one_renders(renderer: Renderer) -> None:
    with pytest.raises(RunawayTemplate, match="processor time"):
        renderer.compile(ENDLESS).render(LONG, NOW)
    assert renderer.compile("{{ x }}").render({"x": 1}, NOW) == "1"


@pytest.mark.parametrize("text", [HUGE, "{{ 'a' * 10**8 }}", "{{ 'a'.center(10**9) }}"])
def test_a_template_cannot_take_all_memory(renderer: Renderer, text: str) -> None:
    with pytest.raises((TemplateError, RunawayTemplate)):
        renderer.compile(text).render({}, NOW)
    assert renderer.compile("{{ x }}").render({"x": 1}, NOW) == "1"


def test_a_process_that_died_is_started_again(renderer: Renderer) -> None:
    template = renderer.compile("{{ x }}")
    template.render({"x": 1}, NOW)
    process = renderer._process
    assert process is not None
    os.kill(process.popen.pid, signal.SIGKILL)
    process.popen.wait()
    assert template.render({"x": 2}, NOW) == "2"


def test_a_process_that_does_not_answer_is_killed(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = renderer.compile("{{ x }}")
    template.render({"x": 1}, NOW)
    process = renderer._process
    assert process is not None
    process.popen.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(renderer_module, "STILL_SECONDS", 0.2)
    assert template.render({"x": 2}, NOW) == "2"
    assert process.popen.returncode == -signal.SIGKILL


def test_a_process_that_is_ended_while_it_renders_is_replaced_once(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = renderer.compile("{{ x }}")
    template.render({"x": 1}, NOW)
    answer = _Process.answer
    ended: list[_Process] = []

    def ended_meanwhile(process: _Process, frame: bytes) -> tuple[bool, str]:
        if len(ended) < deaths:
            ended.append(process)
            process.popen.kill()
        return answer(process, frame)

    monkeypatch.setattr(_Process, "answer", ended_meanwhile)
    deaths = 1
    assert template.render({"x": 2}, NOW) == "2"
    deaths = 3
    with pytest.raises(RendererDied):
        template.render({"x": 3}, NOW)
    deaths = 0
    assert template.render({"x": 4}, NOW) == "4"


def test_a_closed_renderer_starts_again_when_it_is_used() -> None:
    renderer = Renderer()
    template = renderer.compile("{{ x }}")
    renderer.close()
    assert template.render({"x": 1}, NOW) == "1"
    process = renderer._process
    assert process is not None
    renderer.close()
    assert process.popen.returncode == -signal.SIGKILL
    assert template.render({"x": 2}, NOW) == "2"
    renderer.close()


def test_the_process_ends_with_its_owner() -> None:
    owner = Renderer()
    owner.compile("{{ 1 }}").render({}, NOW)
    process = owner._process
    assert process is not None
    popen = process.popen
    del owner, process
    assert popen.returncode == -signal.SIGKILL


def test_the_process_ends_when_its_owner_is_killed() -> None:
    script = (
        "import os, signal\n"
        "from gguf_fc.dialect.prompt.render import probe_clock\n"
        "from gguf_fc.rendering.renderer import Renderer, _Process\n"
        "owner = Renderer()\n"
        "owner.compile('x').render({}, probe_clock())\n"
        "print(owner._process.popen.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script], check=False, timeout=60, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL
    psutil.wait_procs(_still_there(int(killed.stdout)), timeout=10)
    assert not _still_there(int(killed.stdout))


def _still_there(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [] if process.status() == psutil.STATUS_ZOMBIE else [process]
    except psutil.NoSuchProcess:
        return []


def test_a_long_conversation_has_a_larger_budget() -> None:
    assert _budget([0, None, {}, ""], 2) == 2
    assert _budget([0, None, {"messages": [{}] * 1000}, ""], 2) == 7
    assert _budget([0, None, {"messages": [{}] * 99999}, ""], 2) == 10


def test_a_malicious_template_gets_a_generic_dialect_in_bounded_time(renderer: Renderer) -> None:
    looping = "{% for a in messages %}{% set l = 'a' * 9999 %}" + "".join(
        f"{{% for {name} in l %}}" for name in "bcde"
    )
    looping += "{% endfor %}" * 5
    dialect = Dialect.from_template(looping, compile_template=renderer.compile)
    assert not dialect.native
    assert "processor time" in dialect.warnings[0]
    assert "Hello" in dialect.render([{"role": "user", "content": "Hello"}]).text


def test_the_process_has_no_rights_it_does_not_need() -> None:
    script = (
        "import resource, socket\n"
        "from gguf_fc.rendering import process\n"
        "process._give_up_rights()\n"
        "for attempt in (lambda: open('/etc/hosts'), lambda: socket.socket()):\n"
        "    try:\n        attempt()\n"
        "    except OSError:\n        continue\n"
        "    raise SystemExit(1)\n"
        "raise SystemExit(0)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    assert ended.returncode == 0


async def _ticks_while(work: Callable[[], object]) -> int:
    """How often the event loop turned while *work* ran in a thread."""
    running, ticks = asyncio.create_task(asyncio.to_thread(work)), 0
    while not running.done():
        await asyncio.sleep(0.01)
        ticks += 1
    return ticks


def test_other_clients_are_served_while_a_template_runs_away(renderer: Renderer) -> None:
    def run_away() -> None:
        with pytest.raises(RunawayTemplate):
            renderer.compile(ENDLESS).render(LONG, NOW)

    assert asyncio.run(_ticks_while(run_away)) > 5
