"""Run the application: load the model, say what is served, answer until told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable

import uvicorn

from gguf_fc.config import Settings
from gguf_fc.errors import ConfigError
from gguf_fc.job import Load, Ready
from gguf_fc.models.context_size import size_text
from gguf_fc.models.gguf import Header
from gguf_fc.models.pool import LoadedModel, Pool
from gguf_fc.server.app import create_app

logger = logging.getLogger(__name__)

GRACEFUL_SECONDS = 5  # how long running replies may take to end after the first Ctrl-C


def serve(settings: Settings, pool: Pool, say: Callable[[str], None]) -> None:
    """Serve *pool* until interrupted; *say* gets the start-up lines.

    Raises ConfigError if the address cannot be had, ModelFileError if the model cannot be loaded.
    """
    with _listen(settings.host, settings.port) as listener:
        asyncio.run(_serve(settings, pool, listener, say))


async def _serve(
    settings: Settings, pool: Pool, listener: socket.socket, say: Callable[[str], None]
) -> None:
    try:
        model = await pool.start()
        for line in start_lines(model, _url(settings.host, listener.getsockname()[1])):
            say(line)
        app = create_app(pool, allowed_hosts=(settings.host,))
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )
        await uvicorn.Server(config).serve(sockets=[listener])
    finally:
        await pool.stop()


def start_lines(model: LoadedModel, url: str) -> list[str]:
    """Start-up lines: what is served, and how."""
    ready, dialect = model.ready, model.dialect
    parallel = "yes" if dialect.syntax.parallel else "no"
    tools = f"{dialect.label}; parallel calls: {parallel}{_constraint_note(model)}"
    if not ready.generates:
        tools = "none: this model makes embeddings only"
    return [
        f"model     {model.name} ({_description(model.header)})",
        f"context   {model.context_note}",
        f"parallel  {ready.n_parallel} sequences",
        f"device    {ready.device}{_settings_note(ready, model.plan.load)}",
        f"tools     {tools}",
        f"cache     {_cache_note(model.plan.load)}",
        *(f"warning   {warning}" for warning in model.warnings),
        f"url       {url}/v1",
        f"try       {_curl(url, ready)}",
    ]


def _curl(url: str, ready: Ready) -> str:
    """A request to paste into another terminal."""
    path, body = "chat/completions", '{"messages": [{"role": "user", "content": "Hello!"}]}'
    if not ready.generates:
        path, body = "embeddings", '{"input": "Hello!"}'
    return f"curl {url}/v1/{path} -H 'content-type: application/json' -d '{body}'"


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


def _url(host: str, port: int) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket, made before the model is loaded so that a taken port is known at once."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"Cannot listen on {host}:{port}: {_reason(error)}; "
            "choose another with --host and --port."
        ) from error


def _reason(error: OSError) -> str:
    """The system's text of *error*: the error's own repeats the address."""
    known = error.errno is not None and error.errno > 0
    return os.strerror(error.errno or 0) if known else str(error.strerror or error)
