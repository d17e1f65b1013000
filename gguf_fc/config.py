"""Flags and environment variables become one frozen ``Settings``.

Knows nothing of models: what a models.yaml entry says is filled in where a model is loaded.
Precedence: flag, then environment variable, then models.yaml entry, then default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args

from gguf_fc.errors import ConfigError
from gguf_fc.job import ConstraintEngine

PREFIX = "GGUF_FC_"
KeyOrder = Literal["declared", "any"]
# Variables of the repository's own scripts and tests, which are no settings.
OTHER_VARIABLES = frozenset({"GGUF_FC_DATA", "GGUF_FC_REAL_MODELS", "GGUF_FC_WHEELS"})


# Further names of options, which users know from other local servers.
OPTION_NAMES: Mapping[str, tuple[str, ...]] = {
    "model": ("-m",),
    "alias": ("-a",),
    "ctx": ("-c", "--ctx-size"),
    "parallel": ("-np",),
    "threads": ("-t",),
    "n_gpu_layers": ("-ngl", "--gpu-layers"),
    "chat_template": ("--chat-template-file",),
    "tls_cert": ("--ssl-cert-file", "--ssl-certfile"),
    "tls_key": ("--ssl-key-file", "--ssl-keyfile"),
}
# Numbers of layers on the GPU that are words; -1 is how they were written before there were any.
GPU_LAYERS = {"auto": -1, "-1": -1, "all": 10_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Options of the operator.  None: the models.yaml entry or the default decides."""

    model: str | None = None  # a file, an alias or OWNER/REPO[:QUANT]
    alias: str | None = None  # the name that the model is offered under
    models: Path | None = None  # None: ./models.yaml if there is one
    host: str = "127.0.0.1"
    port: int = 8080
    uds: Path | None = None  # a Unix socket instead of host and port
    tls_cert: Path | None = None  # with its key: HTTPS
    tls_key: Path | None = None
    api_key: str | None = field(default=None, repr=False)  # comma-separated; no flag: see cli
    api_key_file: Path | None = None
    insecure_no_key: bool = False  # other machines need no key
    allow_host: tuple[str, ...] = ()  # names beside the usual ones, or instead of any
    allow_origin: tuple[str, ...] = ()  # of web pages beside those of this machine
    ctx: int | None = None  # tokens, shared by all sequences
    parallel: int | None = None
    threads: int | None = None
    n_gpu_layers: int | None = None  # -1: all that fit, whatever the entry says
    chat_template: Path | None = None  # instead of the template in the file
    max_queue: int = 64  # requests that may wait
    constraint: ConstraintEngine = "llguidance"  # enforces the grammars of replies
    key_order: KeyOrder | None = None  # of members of objects in replies
    drafts: bool = True  # speculative decoding
    repack: bool = True  # weights are repacked for this processor, where that works
    cache_dir: Path = Path("~/.cache/gguf-fc")
    disk_cache: bool = True  # the KV cache of prompts is kept as files
    cache_disk_mb: int = 10_000  # of these, of all models together
    cache_ram_mb: int = 1_000  # of evaluated prompts, beside the context


def read_settings(flags: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Settings from *flags* (None: not given) over the ``GGUF_FC_*`` variables in *environ*."""
    values: dict[str, Any] = {"cache_dir": _cache_dir(environ)}
    for variable, text in environ.items():
        if variable.startswith(PREFIX) and variable not in OTHER_VARIABLES and text:
            name = _setting_of(variable)
            values[name] = _READ[name](text, f"the environment variable {variable}")
    for name, value in flags.items():
        if value is not None:
            text = ",".join(value) if isinstance(value, list) else str(value)
            values[name] = _READ[name](text, f"--{name.replace('_', '-')}")
    return Settings(**values)


def option_names(setting: str) -> tuple[str, ...]:
    """Names of the option of *setting* on the command line."""
    return (f"--{setting.replace('_', '-')}", *OPTION_NAMES.get(setting, ()))


def did_you_mean(word: str, known: Iterable[str], prefix: str = "") -> str:
    """End of a message about an unknown *word*: the nearest known one, or all of them.

    Shown with *prefix*, but compared without it.
    """
    words = sorted(known)
    near = get_close_matches(word, words, n=1)
    if near:
        return f"did you mean '{prefix}{near[0]}'?"
    return f"known: {', '.join(prefix + item for item in words)}."


def _setting_of(variable: str) -> str:
    known = {name.upper(): name for name in _READ}
    word = variable.removeprefix(PREFIX)
    if word not in known:
        raise ConfigError(
            f"There is no setting for the environment variable {variable}; "
            f"{did_you_mean(word, known, PREFIX)}"
        )
    return known[word]


def _cache_dir(environ: Mapping[str, str]) -> Path:
    home = environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "gguf-fc"


def _text(text: str, _where: str) -> str:
    return text


def _words(text: str, _where: str) -> tuple[str, ...]:
    """Items of a list with commas, or of an option that was given several times."""
    return tuple(filter(None, map(str.strip, text.split(","))))


def _path(text: str, _where: str) -> Path:
    return Path(text).expanduser()


def _number(least: int, most: int) -> Callable[[str, str], int]:
    def read(text: str, where: str) -> int:
        digits = text.replace("_", "")
        if not (digits.isascii() and digits.isdigit()) or not least <= int(digits) <= most:
            raise ConfigError(
                f"{where} must be a whole number from {least:,} to {most:,}, not '{text}'."
            )
        return int(digits)

    return read


def _gpu_layers(text: str, where: str) -> int:
    if text in GPU_LAYERS:
        return GPU_LAYERS[text]
    try:
        return _number(0, 10_000)(text, where)
    except ConfigError as error:
        words = "or 'auto', which is all that fit, or 'all'."
        raise ConfigError(f"{error.message.rstrip('.')}; {words}") from error


def _one_of(words: tuple[str, ...]) -> Callable[[str, str], str]:
    def read(text: str, where: str) -> str:
        if text not in words:
            known = " or ".join(f"'{word}'" for word in words)
            raise ConfigError(f"{where} must be {known}, not '{text}'.")
        return text

    return read


def _switch(text: str, where: str) -> bool:
    return _one_of(("on", "off"))(text, where) == "on"


_READ: Mapping[str, Callable[[str, str], Any]] = {
    "model": _text,
    "alias": _text,
    "models": _path,
    "host": _text,
    "port": _number(0, 65_535),
    "uds": _path,
    "tls_cert": _path,
    "tls_key": _path,
    "api_key": _text,
    "api_key_file": _path,
    "insecure_no_key": _switch,
    "allow_host": _words,
    "allow_origin": _words,
    "ctx": _number(64, 1 << 30),
    "parallel": _number(1, 256),
    "threads": _number(1, 1024),
    "n_gpu_layers": _gpu_layers,
    "chat_template": _path,
    "max_queue": _number(0, 100_000),
    "constraint": _one_of(get_args(ConstraintEngine)),
    "key_order": _one_of(get_args(KeyOrder)),
    "drafts": _switch,
    "repack": _switch,
    "cache_dir": _path,
    "disk_cache": _switch,
    "cache_disk_mb": _number(0, 100_000_000),
    "cache_ram_mb": _number(0, 100_000_000),
}
