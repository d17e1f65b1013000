"""models.yaml: what ``serve`` offers.  The one door to YAML.

Reads and checks entries; whether their files exist is found out when they are loaded.
An entry has an ``alias``, exactly one source (``builtin``, ``path`` or ``repo`` with ``file`` or
``quant``) and options.  ``docs/models.md`` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast, get_args

import yaml

from gguf_fc import demo
from gguf_fc.config import KeyOrder, did_you_mean
from gguf_fc.errors import ConfigError
from gguf_fc.job import Sampling
from gguf_fc.models.hub_reference import HubReference

BUILTIN: Mapping[str, Path] = {"demo": Path(demo.__file__).with_name("demo.gguf")}

SOURCES = ("builtin", "path", "repo")
GREEDY = Sampling(temperature=0.0)  # for the models in the package, too small to be sampled from
SAMPLING = frozenset(item.name for item in fields(Sampling)) - {"logit_bias", "seed"}
_WHOLE = frozenset({"context", "parallel", "threads", "gpu_layers", "top_k", "penalty_last_n"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A model that is offered.  Options that are None are left to the settings."""

    alias: str
    source: Path | HubReference
    context: int | None = None
    parallel: int | None = None
    threads: int | None = None
    gpu_layers: int | None = None
    chat_template: Path | None = None
    key_order: KeyOrder | None = None
    sampling: Sampling = field(default_factory=Sampling)  # where a request does not say


def demo_entry() -> Entry:
    """The model in the package."""
    return Entry(alias="demo", source=BUILTIN["demo"], sampling=GREEDY)


def read_models(path: Path) -> tuple[Entry, ...]:
    """The entries of the file *path*, in its order.  Raises ConfigError naming file and entry."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("models"), list):
        raise ConfigError(f"{path}: needs a list under the key 'models'.")
    _refuse_unknown(content, frozenset({"models"}), f"{path}")
    entries = tuple(
        _Item(item, f"{path}: models[{n}]", path.parent).entry()
        for n, item in enumerate(content["models"])
    )
    _refuse_empty_or_doubled(entries, path)
    return entries


def _refuse_empty_or_doubled(entries: tuple[Entry, ...], path: Path) -> None:
    if not entries:
        raise ConfigError(f"{path}: the list 'models' is empty.")
    aliases = [entry.alias for entry in entries]
    for alias in aliases:
        if aliases.count(alias) > 1:
            raise ConfigError(f"{path}: two models have the alias '{alias}'.")


def _refuse_unknown(given: Mapping[Any, Any], known: frozenset[str], where: str) -> None:
    for key in given:
        if key not in known:
            raise ConfigError(f"{where}: unknown key '{key}'; {did_you_mean(str(key), known)}")


class _Item:
    """One item of the list, while it is checked."""

    _KEYS = frozenset(
        {*SOURCES, "alias", "file", "quant", "context", "parallel", "threads", "gpu_layers"}
        | {"chat_template", "key_order", "sampling"}
    )

    def __init__(self, given: Any, where: str, folder: Path) -> None:
        if not isinstance(given, dict):
            raise ConfigError(f"{where}: must be a mapping with 'alias' and a source.")
        self._where, self._folder = where, folder
        self._given: dict[str, Any] = given
        alias = given.get("alias")
        if isinstance(alias, str):
            self._where = f"{where} ({alias})"
        _refuse_unknown(given, self._KEYS, self._where)

    def entry(self) -> Entry:
        template = self._get("chat_template", _text)
        return Entry(
            alias=self._alias(),
            source=self._source(),
            context=self._get("context", _number(64)),
            parallel=self._get("parallel", _number(1)),
            threads=self._get("threads", _number(1)),
            gpu_layers=self._get("gpu_layers", _number(0)),
            chat_template=self._path(template) if template else None,
            key_order=self._get("key_order", _key_order),
            sampling=self._sampling(),
        )

    def _alias(self) -> str:
        alias: str | None = self._get("alias", _text)
        if alias is None:
            raise ConfigError(f"{self._where}: 'alias' is missing: the name clients ask for.")
        return alias

    def _source(self) -> Path | HubReference:
        given = [key for key in SOURCES if self._given.get(key) is not None]
        if len(given) != 1:
            raise ConfigError(
                f"{self._where}: needs exactly one of {', '.join(SOURCES)}, "
                f"but has {' and '.join(given) or 'none'}."
            )
        text = self._get(given[0], _text)
        wanted = [key for key in ("file", "quant") if self._given.get(key) is not None]
        if wanted and (given != ["repo"] or len(wanted) > 1):
            raise ConfigError(
                f"{self._where}: 'file' or 'quant', one of them, goes with 'repo' only."
            )
        match given[0]:
            case "builtin":
                return self._builtin(text)
            case "path":
                return self._path(text)
            case _:
                return self._reference(text, self._get(wanted[0], _text) if wanted else None)

    def _builtin(self, name: str) -> Path:
        if name not in BUILTIN:
            raise ConfigError(f"{self._where}: no builtin '{name}'; {did_you_mean(name, BUILTIN)}")
        return BUILTIN[name]

    def _reference(self, repo: str, wanted: str | None) -> HubReference:
        reference = HubReference.parse(repo)
        if reference is None or reference.wanted:
            raise ConfigError(f"{self._where}: 'repo' must be OWNER/REPO, not '{repo}'.")
        return HubReference(repo, wanted)

    def _path(self, text: str) -> Path:
        """A path as the file's author sees it: from the file's own folder."""
        return self._folder / Path(text).expanduser()

    def _sampling(self) -> Sampling:
        given = self._given.get("sampling") or {}
        where = f"{self._where}: sampling"
        if not isinstance(given, dict):
            raise ConfigError(f"{where}: must be a mapping.")
        _refuse_unknown(given, SAMPLING, where)
        amounts = {key: _amount(key, value, where) for key, value in given.items()}
        return replace(GREEDY if "builtin" in self._given else Sampling(), **amounts)

    def _get(self, key: str, read: Callable[[Any], Any]) -> Any:
        value = self._given.get(key)
        if value is None:
            return None
        try:
            return read(value)
        except ValueError as error:
            raise ConfigError(f"{self._where}: '{key}' must be {error}, not {value!r}.") from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text")
    return value


def _key_order(value: Any) -> KeyOrder:
    if value not in get_args(KeyOrder):
        raise ValueError(" or ".join(f"'{order}'" for order in get_args(KeyOrder)))
    return cast("KeyOrder", value)


def _number(least: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(f"a whole number of at least {least}")
        return value

    return read


def _amount(key: str, value: Any, where: str) -> Any:
    kinds = (int,) if key in _WHOLE else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool):
        kind = "a whole number" if key in _WHOLE else "a number"
        raise ConfigError(f"{where}: '{key}' must be {kind}, not {value!r}.")
    return value
