"""Plan of a load: from an entry of models.yaml to its file, header, dialect and context size.

Reads the header and derives the dialect; starts nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gguf_fc.config import KeyOrder, Settings
from gguf_fc.dialect import Dialect, Store
from gguf_fc.dialect.learn.known import Origin, named_template
from gguf_fc.dialect.prompt.generic import CHAT_TEMPLATE
from gguf_fc.errors import ConfigError, DownloadError, ModelFileError
from gguf_fc.job import Load
from gguf_fc.models.context_size import choose_context_size, free_memory
from gguf_fc.models.download import find_cached
from gguf_fc.models.gguf import Header, read_header
from gguf_fc.models.hub_reference import HubReference
from gguf_fc.models.models_yaml import BUILTIN, Entry
from gguf_fc.rendering.renderer import Renderer

DEFAULT_PARALLEL = 4
MEGABYTE = 1_000_000

FindCached = Callable[[HubReference], Path | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """Everything needed to load an entry."""

    entry: Entry
    header: Header
    dialect: Dialect
    renderer: Renderer  # where the dialect's template runs
    load: Load
    key_order: KeyOrder
    context_note: str  # the context's size and why
    warnings: tuple[str, ...]


def plan_load(entry: Entry, settings: Settings, store: Store | None = None) -> LoadPlan:
    """Plan how to load *entry*; *store* keeps analyses of templates.

    Raises SetupError, saying what to change.
    """
    header = header_of(entry)
    parallel = settings.parallel or entry.parallel or DEFAULT_PARALLEL
    context = choose_context_size(
        trained=header.n_ctx_train,
        kv_bytes=header.kv_bytes_per_token,
        weight_bytes=header.n_bytes,
        free_bytes=free_memory(),
        n_parallel=parallel,
        asked=settings.ctx or entry.context,
    )
    template = template_text(settings.chat_template or entry.chat_template, header)
    renderer = Renderer()
    renderer.start()
    return LoadPlan(
        entry=entry,
        header=header,
        dialect=dialect_of(header, template, renderer, store),
        renderer=renderer,
        load=Load(
            path=str(header.path),
            n_ctx=context.n_ctx,
            n_parallel=parallel,
            n_threads=_first(settings.threads, entry.threads),
            n_gpu_layers=_first(settings.n_gpu_layers, entry.gpu_layers),
            use_extra_bufts=settings.repack,
            max_queue=settings.max_queue,
            constraint=settings.constraint,
            drafts=settings.drafts,
            state_folder=str(settings.cache_dir) if settings.disk_cache else None,
            max_state_files=settings.cache_disk_mb * MEGABYTE,
            max_state_ram=settings.cache_ram_mb * MEGABYTE,
        ),
        key_order=settings.key_order or entry.key_order or "declared",
        context_note=context.why,
        warnings=()
        if template or not header.generates
        else ("there is no chat template in the file; a plain one is used (see --chat-template)",),
    )


def header_of(entry: Entry) -> Header:
    """Header of the file of *entry*.  Raises SetupError where it cannot be loaded."""
    header = read_header(locate(entry))
    if not header.tensors:
        raise ModelFileError(f"{header.path}: the file holds a vocabulary only, no weights.")
    return header


def locate(entry: Entry, find: FindCached = find_cached) -> Path:
    """The file of *entry* on this machine, the first one of a split model."""
    if isinstance(entry.source, HubReference):
        if found := find(entry.source):
            return found
        raise DownloadError(
            f"{entry.source} is not on this machine; get it with: gguf-fc pull {entry.source}"
        )
    if entry.source in BUILTIN.values() and not entry.source.exists():
        raise ModelFileError(f"{entry.source}: the demo model is missing from this installation.")
    return entry.source


def template_text(override: Path | None, header: Header) -> str | None:
    """The chat template to use: *override*'s, or the one in the file, if any."""
    if override is None:
        return header.chat_template
    try:
        return override.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The chat template {override} cannot be read: {error}") from error


def dialect_of(
    header: Header, template: str | None, renderer: Renderer, store: Store | None = None
) -> Dialect:
    """Dialect of the model.

    Without *template*, that of its architecture, or a plain one that every model understands.
    """
    own = template is not None and template == header.chat_template
    origin = Origin(header.architecture, header.pre_tokenizer)
    return Dialect.from_template(
        template or ("" if named_template("", origin) else CHAT_TEMPLATE),
        bos_token=header.bos_token,
        eos_token=header.eos_token,
        special_tokens=tuple(header.control_tokens),
        architecture=header.architecture,
        pre_tokenizer=header.pre_tokenizer,
        other_templates=header.other_templates if own else {},
        clock=_local_time,
        compile_template=renderer.compile,
        store=store,
    )


def _local_time() -> datetime:
    return datetime.now().astimezone()


def _first(*values: int | None) -> int | None:
    """The first that is given; 0 is."""
    return next((value for value in values if value is not None), None)
