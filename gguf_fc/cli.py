"""The command line: parses arguments and calls the command, imported only then.

An error the user can mend is one line on stderr and exit code 2; any other keeps its traceback.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from gguf_fc import __version__, commands
from gguf_fc.bench.names import WORKLOAD_NAMES
from gguf_fc.config import Settings, did_you_mean, option_names, read_settings
from gguf_fc.errors import ConfigError, GgufFcError

EXIT_SETUP = 2
EXIT_INTERRUPTED = 130  # what a shell says of a program ended by Ctrl-C

Flags = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in *argv*; return the exit code."""
    flags = _flags(argv)
    run: Callable[[Flags], None] = flags.pop("run")
    try:
        run(flags)
        sys.stdout.flush()
    except GgufFcError as error:
        print(f"gguf-fc: {error.message}", file=sys.stderr)
        return EXIT_SETUP
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; let the interpreter flush into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _flags(argv: Sequence[str] | None) -> Flags:
    """Flags of the command in *argv*; ends the process where there is no such option."""
    found, unknown = _parser().parse_known_args(argv)
    flags = vars(found)
    command: argparse.ArgumentParser = flags.pop("command")
    for word in unknown:
        if word.startswith("-"):
            option = word.partition("=")[0]
            options = {"--help", *re.findall(r"--[\w-]+", command.format_usage())}
            command.error(f"there is no option '{option}'; {did_you_mean(option, options)}")
    if unknown:
        command.error(f"one argument too many: '{unknown[0]}'")
    return flags


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gguf-fc",
        description="A local OpenAI-compatible server for GGUF models, with tool calls to trust.",
        epilog="Every option of serve is also an environment variable: GGUF_FC_PORT, ...",
    )
    parser.add_argument("--version", action="version", version=f"gguf-fc {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("serve", help="serve a model")
    command.set_defaults(run=_serve)
    _add_serve_options(command)

    command = commands.add_parser("pull", help="fetch a model from the Hub, or go on fetching it")
    command.set_defaults(run=_pull)
    command.add_argument("reference", metavar="OWNER/REPO[:QUANT]", help="or OWNER/REPO:FILE.gguf")

    command = commands.add_parser("list", help="what is offered, and what is in the cache")
    command.set_defaults(run=_list)
    _add_models_option(command)

    command = commands.add_parser("inspect", help="a model's metadata and how it calls tools")
    command.set_defaults(run=_inspect)
    command.add_argument("model", metavar="FILE.gguf|TEMPLATE.jinja|ALIAS|OWNER/REPO[:QUANT]")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.add_argument("--chat-template", metavar="FILE", help="instead of the one in the file")
    _add_models_option(command)

    command = commands.add_parser("bench", help="measure this server, and others beside it")
    command.set_defaults(run=_bench)
    _add_bench_options(command)

    command = commands.add_parser("grammar", help="a JSON Schema as GBNF, and what it cannot hold")
    command.set_defaults(run=_grammar)
    command.add_argument("schema", metavar="SCHEMA.json", help="-: standard input")
    command.add_argument("--json", action="store_true", help="grammar and report as JSON")
    command.add_argument(
        "--key-order",
        choices=("declared", "any"),
        default="declared",
        help="of the members of objects (default: declared)",
    )

    command = commands.add_parser("cache", help="KV cache that is kept as files: ls or clear")
    command.set_defaults(run=_cache)
    command.add_argument("action", choices=("ls", "clear"))
    _add_cache_dir_option(command)

    for command in commands.choices.values():
        command.set_defaults(command=command)
    return parser


def _add_serve_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add(
        "model",
        nargs="?",
        metavar="FILE.gguf|ALIAS|OWNER/REPO[:QUANT]",
        help="default: the first model of models.yaml, or else the demo model",
    )
    add("--host", help="address to listen on (default: 127.0.0.1, this machine only)")
    add("--port", metavar="N", help="default: 8080; 0: any free one")
    _add_access_options(command)
    add(*option_names("model"), dest="model_option", metavar="MODEL", help="the same")
    add(*option_names("alias"), metavar="NAME", help="the name to offer the model under")
    _add_load_options(command)
    add(
        *option_names("chat_template"),
        metavar="FILE",
        help="instead of the one in the model's file",
    )
    add("--max-queue", metavar="N", help="requests that may wait (default: 64)")
    add(
        "--constraint",
        metavar="ENGINE",
        help="enforces grammars: llguidance (default) or llama.cpp",
    )
    add(
        "--key-order",
        metavar="ORDER",
        help="members of objects come as declared (default), or in any order",
    )
    add(
        "--no-drafts",
        dest="drafts",
        action="store_const",
        const="off",
        help="no speculative decoding: slower, the same replies (GGUF_FC_DRAFTS=off)",
    )
    add(
        "--no-repack",
        dest="repack",
        action="store_const",
        const="off",
        help="do not repack weights for this processor; rarely needed, as a self-test finds out "
        "where repacking crashes (GGUF_FC_REPACK=off)",
    )
    _add_cache_dir_option(command)
    add(
        "--no-disk-cache",
        dest="disk_cache",
        action="store_const",
        const="off",
        help="keep no KV cache as files; they make the first reply after a start quick",
    )
    add("--cache-disk-mb", metavar="MB", help="for these files, of all models (default: 10,000)")
    add("--cache-ram-mb", metavar="MB", help="for KV cache beside the context (default: 1,000)")
    _add_models_option(command)


def _add_load_options(command: argparse.ArgumentParser, parallel: str | None = None) -> None:
    """Options of loading a model; *parallel* is the default of one of them."""
    add = command.add_argument
    add(
        *option_names("ctx"),
        metavar="TOKENS",
        help="context shared by all sequences (default: what fits)",
    )
    add(
        *option_names("parallel"),
        metavar="N",
        default=parallel,
        help=f"requests that run at once (default: {parallel or 4})",
    )
    add(*option_names("threads"), metavar="N", help="default: one for each processor core")
    add(
        *option_names("n_gpu_layers"),
        metavar="N|auto|all",
        help="layers on the GPU (default: auto, all that fit)",
    )


def _add_access_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--uds", metavar="PATH", help="a Unix socket to listen on, instead of host and port")
    add(*option_names("tls_cert"), metavar="FILE", help="certificate (PEM): serve HTTPS")
    add(*option_names("tls_key"), metavar="FILE", help="the certificate's private key (PEM)")
    add(
        "--api-key-file",
        metavar="FILE",
        help="keys that requests need, 'NAME KEY' a line (or the variable GGUF_FC_API_KEY)",
    )
    add("--api-key", action=_OnNoCommandLine, help=argparse.SUPPRESS)
    add(
        "--insecure-no-key",
        action="store_const",
        const="on",
        help="let other machines in without a key, where --host does",
    )
    add(
        "--allow-host",
        metavar="NAME",
        action="append",
        help="a name to be served under, '*.lan' or '*'; may be repeated",
    )
    add(
        "--allow-origin",
        metavar="ORIGIN",
        action="append",
        help="web pages that may use the server: https://NAME, vscode-webview://*, null; "
        "may be repeated",
    )


class _OnNoCommandLine(argparse.Action):
    """Refuses a secret that others could read in the list of processes."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        _namespace: argparse.Namespace,
        _values: str | Sequence[Any] | None,
        _option: str | None = None,
    ) -> None:
        parser.error(
            "other users can read a command line, so keys come from --api-key-file FILE "
            "or the environment variable GGUF_FC_API_KEY"
        )


def _add_bench_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("model", nargs="?", metavar="FILE.gguf|ALIAS|OWNER/REPO[:QUANT]", help="as for serve")
    add("--against", metavar="URL[,URL]", default="", help="servers with the same model")
    add("--workloads", metavar="NAME[,NAME]", default="", help=f"of {', '.join(WORKLOAD_NAMES)}")
    add("--rounds", metavar="N", default=5, type=int, help="that count (default: 5)")
    add("--tokens", metavar="N", default=64, type=int, help="of a free reply (default: 64)")
    add("--long", metavar="N", default=3000, type=int, help="tokens of a long prompt (3000)")
    add("--html", metavar="FILE", type=Path, help="write a report with plots")
    _add_load_options(command, parallel="16")
    _add_models_option(command)


def _add_cache_dir_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--cache-dir",
        metavar="FOLDER",
        help="for what outlives the server (default: ~/.cache/gguf-fc)",
    )


def _add_models_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--models", metavar="FILE", help="default: models.yaml, if there is one")


def _settings(flags: Flags) -> Settings:
    return read_settings(flags, os.environ)


def _serve(flags: Flags) -> None:
    option = flags.pop("model_option")
    if option is not None and flags["model"] is not None:
        raise ConfigError(f"There are two models, '{flags['model']}' and '{option}'; name one.")
    flags["model"] = flags["model"] if option is None else option
    commands.serve.run(_settings(flags))


def _pull(flags: Flags) -> None:
    commands.hub.pull(flags["reference"])


def _list(flags: Flags) -> None:
    commands.hub.list_models(_settings(flags))


def _cache(flags: Flags) -> None:
    run = commands.cache.clear if flags.pop("action") == "clear" else commands.cache.show
    run(_settings(flags).cache_dir)


def _inspect(flags: Flags) -> None:
    as_json = flags.pop("json")
    commands.inspect.run(flags["model"], partial(_settings, flags), as_json=as_json)


def _bench(flags: Flags) -> None:
    names = ("against", "workloads", "html", "rounds", "tokens", "long")
    order = {name: flags.pop(name) for name in names}
    serve = {name: flags[name] for name in commands.bench.SERVE_OPTIONS}
    commands.bench.run(_settings(flags), **order, serve=serve)


def _grammar(flags: Flags) -> None:
    commands.grammar.run(flags["schema"], as_json=flags["json"], key_order=flags["key_order"])
