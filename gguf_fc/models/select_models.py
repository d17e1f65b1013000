"""Selection of the models to offer: a file, an alias, a model on the Hub, or what is listed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from gguf_fc.config import Settings
from gguf_fc.errors import ConfigError, ModelFileError
from gguf_fc.models.analyses import AnalysisFolder, own_version
from gguf_fc.models.gguf import stem_of
from gguf_fc.models.hub_reference import HubReference
from gguf_fc.models.load_plan import header_of, plan_load
from gguf_fc.models.models_yaml import Entry, demo_entry, read_models
from gguf_fc.models.pool import Pool
from gguf_fc.worker.client import Worker

MODELS_FILE = Path("models.yaml")  # in the current folder


def open_pool(settings: Settings) -> Pool:
    """The pool that *settings* describe; nothing is loaded yet.  Raises SetupError."""
    store = AnalysisFolder(settings.cache_dir, own_version()) if settings.disk_cache else None
    return Pool(
        offered(settings),
        plan=partial(plan_load, settings=settings, store=store),
        make_worker=partial(Worker, cache_dir=settings.cache_dir),
        look=header_of,
    )


def offered(settings: Settings) -> tuple[Entry, ...]:
    """The entries to serve, the one to load first in front.  Raises SetupError."""
    first, *others = _chosen(settings)
    if settings.alias is None:
        return (first, *others)
    if any(settings.alias == other.alias for other in others):
        raise ConfigError(f"The alias '{settings.alias}' is another model's; choose another.")
    return (replace(first, alias=settings.alias), *others)


def _chosen(settings: Settings) -> tuple[Entry, ...]:
    entries = listed(settings)
    if settings.model is None:
        return entries
    for entry in entries:
        if entry.alias == settings.model:
            return (entry, *(other for other in entries if other is not entry))
    return (named(settings.model, entries),)


def listed(settings: Settings) -> tuple[Entry, ...]:
    """The entries of models.yaml, or the demo model where there is no such file."""
    if settings.models is not None:
        return read_models(settings.models)
    return read_models(MODELS_FILE) if MODELS_FILE.exists() else (demo_entry(),)


def named(name: str, entries: tuple[Entry, ...] = ()) -> Entry:
    """The entry that *name* is: a file, the demo model, or a model on the Hub."""
    path = Path(name).expanduser()
    if path.is_file():
        return Entry(alias=stem_of(path), source=path)
    if path.suffix == ".gguf" and ":" not in name:
        raise ModelFileError(f"{name}: no such file.")
    demo = demo_entry()
    if name == demo.alias:
        return demo
    if reference := HubReference.parse(name):
        return Entry(alias=str(reference), source=reference)
    offers = ", ".join(entry.alias for entry in entries)
    raise ConfigError(
        f"There is no model '{name}'. It may be a file, OWNER/REPO[:QUANT] or an alias: {offers}."
    )
