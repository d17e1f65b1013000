"""The command line: output, one-line errors and exit codes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gguf_fc import __version__, cli
from gguf_fc.cli import main
from gguf_fc.config import Settings
from gguf_fc.dialect import Learned
from gguf_fc.dialect.prompt.generic import generic_syntax
from gguf_fc.dialect.prompt.needs import Needs
from gguf_fc.grammar import parse_gbnf
from gguf_fc.models.analyses import AnalysisFolder
from gguf_fc.models.pool import Pool
from gguf_fc.saved_prompts import StateFolder
from gguf_fc.server import server
from tests.support.gguf_files import write_gguf

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_version_is_told(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"gguf-fc {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["sing"], ["pull"], ["serve", "--prot", "1"]])
def test_wrong_usage_is_exit_code_two(arguments: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: gguf-fc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve", "--prot", "1"], "there is no option '--prot'; did you mean '--port'?"),
        (
            ["serve", "--treads=1", "--zzz"],
            "there is no option '--treads'; did you mean '--threads'?",
        ),
        (["pull", "a/b", "--quant=Q4"], "there is no option '--quant'; known: --help."),
        (["inspect", "a.gguf", "b.gguf"], "one argument too many: 'b.gguf'"),
    ],
)
def test_an_option_that_there_is_not_gets_a_suggestion(
    arguments: list[str], message: str, capsys: Capture
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert f"gguf-fc {arguments[0]}: error: {message}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve", "nosuch"], "There is no model 'nosuch'. It may be a file, "),
        (["serve", "no.gguf"], "no.gguf: no such file."),
        (["serve", "--port", "x"], "--port must be a whole number"),
        (["serve", "--models", "no.yaml"], "no.yaml: cannot be read: No such file"),
        (["pull", "nonsense"], "'nonsense' is not OWNER/REPO[:QUANT]."),
        (["inspect", "no.jinja"], "no.jinja: cannot be read"),
        (["inspect", "own/er", "--models", "no.yaml"], "no.yaml: cannot be read"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_two(
    arguments: list[str], message: str, capsys: Capture
) -> None:
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"gguf-fc: {message}")
    assert output.err.count("\n") == 1


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(server, "serve", fail)
    with pytest.raises(ZeroDivisionError):
        main(["serve"])


def test_ctrl_c_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(server, "serve", interrupt)
    assert main(["serve"]) == 130


def test_serve_passes_every_option_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Settings, tuple[str, ...]]] = []

    def note(settings: Settings, pool: Pool, say: object) -> None:
        assert callable(say)
        seen.append((settings, pool.names))

    monkeypatch.setattr(server, "serve", note)
    monkeypatch.setenv("GGUF_FC_THREADS", "3")
    file = write_gguf(Path("tiny.gguf"))
    options = "--host ::1 --port 0 --ctx 4096 --parallel 2 --n-gpu-layers 0 --max-queue 5".split()  # noqa: SIM905
    more = ["--chat-template", "t.jinja", "--constraint", "llama.cpp", "--no-drafts", "--no-repack"]
    more += "--no-disk-cache --cache-dir kept --cache-disk-mb 7 --cache-ram-mb 8".split()  # noqa: SIM905
    assert main(["serve", str(file), *options, *more]) == 0
    ((settings, names),) = seen
    assert names == ("tiny",)
    assert (settings.host, settings.port, settings.ctx, settings.parallel) == ("::1", 0, 4096, 2)
    assert (settings.threads, settings.n_gpu_layers, settings.max_queue) == (3, 0, 5)
    assert settings.chat_template == Path("t.jinja")
    assert settings.constraint == "llama.cpp"
    assert (settings.drafts, settings.repack) == (False, False)
    assert (settings.disk_cache, settings.cache_dir) == (False, Path("kept"))
    assert (settings.cache_disk_mb, settings.cache_ram_mb) == (7, 8)


HABITS = "-c 4096 -np 2 -t 3 -ngl all -a mine --chat-template-file t.jinja".split()  # noqa: SIM905
HABITS += "--ssl-cert-file c.pem --ssl-key-file k.pem".split()  # noqa: SIM905
MORE = ("-amine", "--chat-template=t.jinja", "--ssl-certfile=c.pem", "--ssl-keyfile=k.pem")
OURS = "--ctx 4096 --parallel 2 --threads 3 --n-gpu-layers all --alias mine".split()  # noqa: SIM905
OURS += "--tls-cert c.pem --tls-key k.pem".split()  # noqa: SIM905


@pytest.mark.parametrize(
    "arguments",
    [
        ["-m", "tiny.gguf", *HABITS],
        ["--model", "tiny.gguf", *HABITS],
        ["--model=tiny.gguf", "--ctx-size=4096", "--gpu-layers=all", "-np", "2", "-t3", *MORE],
        ["tiny.gguf", *OURS, "--chat-template", "t.jinja"],
    ],
)
def test_options_have_the_names_that_users_of_other_servers_know(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Settings, tuple[str, ...]]] = []

    def note(settings: Settings, pool: Pool, **_: object) -> None:
        seen.append((settings, pool.names))

    monkeypatch.setattr(server, "serve", note)
    write_gguf(Path("tiny.gguf"))
    assert main(["serve", *arguments]) == 0
    ((settings, names),) = seen
    assert names == ("mine",)
    assert (settings.ctx, settings.parallel, settings.threads) == (4096, 2, 3)
    assert (settings.n_gpu_layers, settings.chat_template) == (10_000, Path("t.jinja"))
    assert (settings.tls_cert, settings.tls_key) == (Path("c.pem"), Path("k.pem"))


def test_two_models_on_the_command_line_are_one_too_many(capsys: Capture) -> None:
    assert main(["serve", "a.gguf", "-m", "b.gguf"]) == 2
    assert "There are two models, 'a.gguf' and 'b.gguf'" in capsys.readouterr().err


def test_an_alias_is_no_other_model_s(tmp_path: Path, capsys: Capture) -> None:
    listed = "models:\n- {alias: one, builtin: demo}\n- {alias: two, builtin: demo}\n"
    (tmp_path / "models.yaml").write_text(listed)
    assert main(["serve", "--alias", "two"]) == 2
    assert "'two' is another model's" in capsys.readouterr().err


def test_inspect_shows_metadata_syntax_evidence_and_grammar(capsys: Capture) -> None:
    file = write_gguf(Path("tiny.gguf"))
    assert main(["inspect", str(file)]) == 0
    text = capsys.readouterr().out
    for expected in (
        "architecture llama",
        "quantized   Q4_K_M",
        "context     4,096",
        "template    in the file",
        "tools       generic",
        "\nevidence\n",
        "\nexample call\n",
        "\nits grammar\n  root ::= ",
    ):
        assert expected in text


def test_inspect_as_json_is_the_same_as_data(capsys: Capture) -> None:
    file = write_gguf(Path("tiny.gguf"))
    assert main(["inspect", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["model"]["architecture"] == "llama"
    assert found["model"]["context"] == 4096
    assert found["tools"]["native"] is False
    assert "get_weather" in found["tools"]["example"]


def test_inspect_reads_a_template_on_its_own(capsys: Capture) -> None:
    Path("t.jinja").write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    assert main(["inspect", "t.jinja", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"file", "tools"}


def test_list_shows_what_is_offered(capsys: Capture) -> None:
    Path("models.yaml").write_text("models: [{alias: mine, repo: own/er, quant: Q8_0}]")
    assert main(["list"]) == 0
    assert "mine                     own/er:Q8_0" in capsys.readouterr().out


def test_a_reader_that_leaves_early_is_no_error() -> None:
    file = write_gguf(Path("tiny.gguf"))
    command = [sys.executable, "-W", "error", "-m", "gguf_fc", "inspect", str(file)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(Path(cli.__file__).parents[1])},
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 0


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "not": {"const": 7}}}}


def test_grammar_prints_gbnf_and_on_stderr_what_it_does_not_hold(capsys: Capture) -> None:
    Path("s.json").write_text(json.dumps(SCHEMA))
    assert main(["grammar", "s.json"]) == 0
    shown = capsys.readouterr()
    assert parse_gbnf(shown.out)
    assert shown.out.startswith("root ::= ")
    for line in shown.err.splitlines():
        assert line.startswith("not enforced: ")


def test_grammar_reads_standard_input_and_writes_json(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"enum": ["a", "b"]}'))
    assert main(["grammar", "-", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert parse_gbnf(found["gbnf"])
    assert found["report"] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type": }', "s.json: not JSON: line 1, column 10"),
        ("[" * 200_000, "s.json: nested too deep"),
        ("[1]", "schema"),
        ('{"allOf": [{"type": "null"}, {"type": "string"}]}', "nothing can match"),
    ],
)
def test_a_schema_that_cannot_be_used_is_one_line(capsys: Capture, text: str, message: str) -> None:
    Path("s.json").write_text(text)
    assert main(["grammar", "s.json"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
    assert shown.err.count("\n") == 1


def test_a_schema_that_is_not_there_is_named(capsys: Capture) -> None:
    assert main(["grammar", "nowhere.json"]) == 2
    assert "nowhere.json cannot be read" in capsys.readouterr().err


def test_the_cache_is_listed_and_cleared(tmp_path: Path, capsys: Capture) -> None:
    folder = StateFolder(root=tmp_path, model="0" * 16, title="tiny.gguf", max_bytes=1 << 20)
    folder.write(list(range(1234)), 0, bytes(3000), priority=1)
    learned = Learned(needs=Needs(), syntax=generic_syntax(), native=False)
    AnalysisFolder(tmp_path, "1").write("0" * 32, learned)
    assert main(["cache", "ls", "--cache-dir", str(tmp_path)]) == 0
    listed = capsys.readouterr().out
    assert "1,234 tokens" in listed
    assert "tiny.gguf" in listed
    assert f"1 files, 8.1 kB, in {tmp_path / 'states'}" in listed
    assert "1 analyses of chat templates" in listed
    assert main(["cache", "clear", "--cache-dir", str(tmp_path)]) == 0
    cleared = capsys.readouterr().out
    assert "deleted 1 files" in cleared
    assert "deleted 1 analyses" in cleared
    assert main(["cache", "ls", "--cache-dir", str(tmp_path)]) == 0
    empty = f"0 files, 0 B, in {tmp_path / 'states'}\n0 analyses of chat templates\n"
    assert capsys.readouterr().out == empty


@pytest.mark.parametrize("arguments", [["--api-key", "sk-SECRET"], ["--api-key=sk-SECRET"]])
def test_a_key_on_the_command_line_is_refused_and_not_repeated(
    arguments: list[str], capsys: Capture
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["serve", *arguments])
    told = capsys.readouterr().err
    assert caught.value.code == 2
    assert "--api-key-file FILE or the environment variable GGUF_FC_API_KEY" in told
    assert "SECRET" not in told
