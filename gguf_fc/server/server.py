"""Run the application: load the model, say what is served, answer until told to stop."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import ExitStack

import uvicorn

from gguf_fc.config import Settings
from gguf_fc.job import Load, Ready
from gguf_fc.models.context_size import size_text
from gguf_fc.models.gguf import Header
from gguf_fc.models.pool import LoadedModel, Pool
from gguf_fc.server.access.announce import Announcement
from gguf_fc.server.access.certificate import certificate_of
from gguf_fc.server.access.listeners import listening, listening_at, places_of
from gguf_fc.server.access.policy import access_of
from gguf_fc.server.app import create_app

logger = logging.getLogger(__name__)

GRACEFUL_SECONDS = 5  # how long running replies may take to end after the first Ctrl-C


def serve(settings: Settings, pool: Pool, say: Callable[[str], None]) -> None:
    """Serve *pool* until interrupted; *say* gets the start-up lines.

    Raises ConfigError if the address cannot be had or must not be without a key, ModelFileError if
    the model cannot be loaded.
    """
    places = () if settings.uds is not None else places_of(settings.host)
    access = access_of(settings, places)
    certificate = certificate_of(settings.tls_cert, settings.tls_key)
    if settings.uds is not None:
        opened = listening_at(settings.uds, for_all=bool(access.keys))
    else:
        opened = listening(settings.host, places, settings.port)
    with ExitStack() as listeners:
        sockets = listeners.enter_context(opened)
        announcement = Announcement(settings, access, sockets)
        config = uvicorn.Config(
            create_app(pool, access),
            log_level="warning",
            access_log=False,
            ws="none",
            ssl_certfile=certificate.chain if certificate else None,
            ssl_keyfile=certificate.key if certificate else None,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )
        logging.getLogger("uvicorn.error").addFilter(is_news)  # after the configuration is made
        server = ClosingServer(config, listeners)
        asyncio.run(_serve(pool, announcement, server, say))


def is_news(record: logging.LogRecord) -> bool:
    """False of what is no fault: some clients offer HTTP/2 with each request, and go on without."""
    return not record.getMessage().startswith(("Unsupported upgrade", "No supported WebSocket"))


class ClosingServer(uvicorn.Server):
    """Closes *listeners* when it has ended: a signal ends the process before anybody else could."""

    def __init__(self, config: uvicorn.Config, listeners: ExitStack) -> None:
        super().__init__(config)
        self._listeners = listeners

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, as a signal asks."""
        await super().shutdown(sockets)
        self._listeners.close()


async def _serve(
    pool: Pool, announcement: Announcement, server: ClosingServer, say: Callable[[str], None]
) -> None:
    try:
        model = await pool.start()
        for line in start_lines(model, announcement):
            say(line)
        await server.serve(sockets=[*announcement.sockets])
    finally:
        await pool.stop()


def start_lines(model: LoadedModel, announcement: Announcement) -> list[str]:
    """Start-up lines: what is served, and how."""
    ready, dialect = model.ready, model.dialect
    several = "yes" if dialect.native else "if asked for"
    parallel = several if dialect.syntax.parallel else "no"
    tools = f"{dialect.label}, by {dialect.decided_by}; parallel calls: {parallel}"
    tools += _constraint_note(model)
    if not ready.generates:
        tools = "none: this model makes embeddings only"
    return [
        f"model     {model.name} ({_description(model.header)})",
        f"context   {model.context_note}",
        f"parallel  {ready.n_parallel} sequences",
        f"device    {ready.device}{_settings_note(ready, model.plan.load)}",
        *(f"template  {name}: {use}" for name, use in dialect.templates.uses.items()),
        f"tools     {tools}",
        f"cache     {_cache_note(model.plan.load)}",
        *(f"warning   {warning}" for warning in model.warnings),
        *announcement.lines(),
        f"url       {announcement.url}/v1",
        f"try       {_curl(announcement, ready)}",
    ]


def _curl(announcement: Announcement, ready: Ready) -> str:
    """A request to paste into another terminal."""
    path, body = "chat/completions", '{"messages": [{"role": "user", "content": "Hello!"}]}'
    if not ready.generates:
        path, body = "embeddings", '{"input": "Hello!"}'
    options = f"{announcement.curl_options} -H 'content-type: application/json' -d '{body}'"
    return f"curl {announcement.url}/v1/{path}{options}"


def _settings_note(ready: Ready, load: Load) -> str:
    """Settings that are not as usual, such as one the self-test changed because it crashes here."""
    if ready.use_extra_bufts:
        return ""
    why = "that crashes on this machine" if load.use_extra_bufts else "as asked"
    return f"; weights not repacked: {why}"


def _cache_note(load: Load) -> str:
    """Place where users' prompts are kept, so that nobody is surprised to find them there."""
    if load.state_folder is None:
        return "in memory only"
    size = size_text(load.max_state_files)
    return (
        f"evaluated prompts are kept in {load.state_folder}, up to {size}, "
        "for this user only (--no-disk-cache: not at all)"
    )


def _constraint_note(model: LoadedModel) -> str:
    """Engine that holds replies to their grammars, where it is not the usual one."""
    native = model.plan.load.constraint == "llama.cpp"
    return "; grammars run by llama.cpp" if native else ""


def _description(header: Header) -> str:
    millions = header.n_parameters / 1e6
    size = f"{millions / 1000:.1f} B" if millions >= 1000 else f"{millions:.1f} M"  # noqa: PLR2004
    return f"{header.architecture}, {size} parameters, {header.quantization}"
