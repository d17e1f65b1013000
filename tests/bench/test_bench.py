"""``gguf-fc bench`` as it is used: the demo model, a scripted server beside it, a report."""

from __future__ import annotations

from pathlib import Path

import pytest

from gguf_fc.bench.bench import chosen, ends_of
from gguf_fc.bench.workloads import WORKLOADS
from gguf_fc.cli import EXIT_SETUP, main
from gguf_fc.errors import BenchError
from gguf_fc.models.gguf import read_header
from gguf_fc.models.models_yaml import demo_entry
from tests.support.foreign import foreign

TINY = ["--rounds", "1", "--tokens", "8", "--long", "200", "--threads", "1"]


def test_two_servers_are_compared_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report = tmp_path / "report.html"
    with foreign() as server:
        command = ["bench", *TINY, "--against", server.url, "--html", str(report)]
        assert main([*command, "--workloads", "call-3,chat,long-prompt,restart"]) == 0
    said = capsys.readouterr().out
    name = server.url.removeprefix("http://").removesuffix("/v1")
    assert said.count("times as fast as") == 2
    assert f"long-prompt: {name}: a stream ended after" in said
    assert f"restart: {name}: this server was not started by us" in said
    for workload in ("call-3", "chat", "long-prompt", "restart"):
        section = said[said.index(f"{workload}: {WORKLOADS[workload].about}") :]
        assert "gguf-fc" in section.splitlines()[1]
        assert "prompt" in section.splitlines()[1]
    assert "<svg" in report.read_text()


def test_an_unknown_workload_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--workloads", "chess"]) == EXIT_SETUP
    assert "no workload 'chess'; known: call-1" in capsys.readouterr().err
    with pytest.raises(BenchError, match="chess"):
        chosen(["chat", "chess"])


def test_without_names_all_workloads_are_meant() -> None:
    assert [workload.name for workload in chosen([])] == list(WORKLOADS)


def test_the_ends_of_a_model_are_read_from_its_file() -> None:
    source = demo_entry().source
    assert isinstance(source, Path)
    header = read_header(source)
    assert [header.tokens[end] for end in ends_of(header)] == [header.eos_token, "<tool_call>"]
