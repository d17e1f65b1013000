"""Inspection of a model or a chat template, as data and as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from gguf_fc.dialect import Dialect, describe
from gguf_fc.dialect.learn.known import Origin, named_template
from gguf_fc.errors import ConfigError
from gguf_fc.models.context_size import size_text
from gguf_fc.models.gguf import Header, read_header
from gguf_fc.models.load_plan import dialect_of, template_text
from gguf_fc.rendering.renderer import Renderer

TEMPLATE_ENDINGS = frozenset({".jinja", ".jinja2", ".j2", ".txt"})


def inspect_model(path: Path, override: Path | None = None) -> dict[str, Any]:
    """A GGUF file: its metadata and what its template, or *override*, speaks."""
    header = read_header(path)
    template = template_text(override, header)
    return {
        "file": str(header.path),
        "model": _model(header),
        "template": _origin(override, header),
        "tools": describe(dialect_of(header, template, Renderer())),
    }


def inspect_template(path: Path) -> dict[str, Any]:
    """A chat template on its own."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    dialect = Dialect.from_template(text, compile_template=Renderer().compile)
    return {"file": str(path), "tools": describe(dialect)}


def inspection_text(found: Mapping[str, Any]) -> str:
    """The same for people."""
    return "\n".join(_lines(found))


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    tools = found["tools"]
    yield f"file        {found['file']}"
    for key, value in found.get("model", {}).items():
        if value is not None:
            yield f"{key.replace('_', ' '):<11} {_for_people(key, value)}"
    if "template" in found:
        yield f"template    {found['template']}"
    for name, use in tools["other_templates"].items():
        yield f"            {name}: {use}"
    yield f"tools       {tools['label']}"
    yield f"decided by  {tools['decided_by']}"
    yield from (f"thinking    {setting}" for setting in _settings(tools["thinking"]))
    yield from (f"warning     {warning}" for warning in tools["warnings"])
    yield from ("", "syntax")
    yield from (f"  {key:<10} {_as_json(value)}" for key, value in tools["syntax"].items())
    yield from ("", "evidence")
    for item in tools["evidence"]:
        yield f"  {item['name']}: {item['value']!r}"
        yield f"      {item['evidence']}"
    yield from ("", "example call", *_indented(tools["example"]))
    yield from ("", "its grammar", *_indented(tools["gbnf"]))


def _settings(thinking: Mapping[str, Any]) -> Iterator[str]:
    """Settings of reasoning, in words."""
    for switch in thinking["switches"]:
        yield f"{switch['name']}: {switch['on']!r} or {switch['off']!r}"
    for amount in thinking["amounts"]:
        yield f"{amount['name']}: {', '.join(amount['takes'])}"


def _model(header: Header) -> dict[str, Any]:
    return {
        "name": header.name,
        "architecture": header.architecture,
        "size": header.size_label,
        "parameters": header.n_parameters,
        "quantized": header.quantization,
        "weights": header.n_bytes,
        "parts": len(header.parts),
        "context": header.n_ctx_train,
        "kv_per_token": header.kv_bytes_per_token,
        "layers": header.n_layers,
        "embedding": header.n_embd,
        "vocabulary": len(header.tokens),
        "bos": header.bos_token,
        "eos": header.eos_token,
        "control": len(header.control_tokens),
    }


def _origin(override: Path | None, header: Header) -> str:
    if override is not None:
        return str(override)
    if header.chat_template is None:
        origin = Origin(header.architecture, header.pre_tokenizer)
        named = "that of its architecture" if named_template("", origin) else "a plain one"
        return f"none in the file; {named} is used"
    return "in the file"


def _for_people(key: str, value: Any) -> str:
    if key in {"weights", "kv_per_token"}:
        return size_text(value)
    if key in {"bos", "eos"}:
        return repr(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _as_json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]
