"""Output items of a response while they are written.

Each turns more of itself into the protocol's events, and can show itself as a whole.  An item does
not know where in the output it stands, nor when it is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gguf_fc.dialect.openai_json.custom_tools import text_in
from gguf_fc.protocols.responses.conversation import sealed
from gguf_fc.protocols.responses.items import Status
from gguf_fc.scored_tokens import ScoredToken, TokenLogprob

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputShape:
    """Form of the output that the client asked for."""

    summary: bool = False  # reasoning as its summary instead of its content
    sealed: bool = False  # reasoning also as an opaque text to send back
    custom: frozenset[str] = frozenset()  # names of the tools that take a text
    # Namespace and name of the tools that a model knows by one name for both.
    namespaced: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def names(self, name: str) -> Json:
        """Name of a tool that the model calls *name*, as the client has it."""
        namespace, own = self.namespaced.get(name, (None, name))
        return {"name": own} | ({} if namespace is None else {"namespace": namespace})


class OpenItem(Protocol):
    """An item while it is written.  Its events lack ``output_index``."""

    def begin(self) -> Iterator[Json]:
        """Events that follow the item's opening."""
        ...

    def end(self) -> Iterator[Json]:
        """Events that precede the item's close."""
        ...

    def item(self, status: Status) -> Json:
        """The item itself; an item in progress is shown as it was when it opened."""
        ...


@dataclass(slots=True, eq=False)
class OpenMessage:
    """Text of the reply."""

    id: str
    _pieces: list[str] = field(default_factory=list)
    _tokens: list[TokenLogprob] = field(default_factory=list)

    def begin(self) -> Iterator[Json]:
        yield self._event("response.content_part.added", part=_output_text("", []))

    def more(self, text: str, tokens: Sequence[TokenLogprob]) -> Iterator[Json]:
        self._pieces.append(text)
        self._tokens += tokens
        logprobs = [_logprob(token) for token in tokens]
        yield self._event("response.output_text.delta", delta=text, logprobs=logprobs)

    def end(self) -> Iterator[Json]:
        logprobs = [_logprob(token) for token in self._tokens]
        yield self._event("response.output_text.done", text=self._text, logprobs=logprobs)
        yield self._event("response.content_part.done", part=self._part)

    def item(self, status: Status) -> Json:
        content = [] if status == "in_progress" else [self._part]
        return {
            "id": self.id,
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": content,
        }

    @property
    def _text(self) -> str:
        return "".join(self._pieces)

    @property
    def _part(self) -> Json:
        return _output_text(self._text, self._tokens)

    def _event(self, kind: str, **fields: object) -> Json:
        return {"type": kind, "item_id": self.id, "content_index": 0, **fields}


@dataclass(slots=True, eq=False)
class OpenReasoning:
    """Reasoning, as content or as its own summary: the events' names differ."""

    id: str
    shape: OutputShape
    _pieces: list[str] = field(default_factory=list)

    def begin(self) -> Iterator[Json]:
        yield self._event(self._part_event("added"), part=self._part(""))

    def more(self, text: str) -> Iterator[Json]:
        self._pieces.append(text)
        yield self._event(f"response.{self._name}.delta", delta=text)

    def end(self) -> Iterator[Json]:
        yield self._event(f"response.{self._name}.done", text=self._text)
        yield self._event(self._part_event("done"), part=self._part(self._text))

    def item(self, status: Status) -> Json:
        parts = [] if status == "in_progress" else [self._part(self._text)]
        form: Json = {"summary": parts} if self.shape.summary else {"summary": [], "content": parts}
        item = {"id": self.id, "type": "reasoning", "status": status, **form}
        if self.shape.sealed:
            item["encrypted_content"] = sealed(self._text) if parts else None
        return item

    @property
    def _text(self) -> str:
        return "".join(self._pieces)

    @property
    def _name(self) -> str:
        return "reasoning_summary_text" if self.shape.summary else "reasoning_text"

    def _part_event(self, what: str) -> str:
        part = "reasoning_summary_part" if self.shape.summary else "content_part"
        return f"response.{part}.{what}"

    def _part(self, text: str) -> Json:
        return {"type": "summary_text" if self.shape.summary else "reasoning_text", "text": text}

    def _event(self, kind: str, **fields: object) -> Json:
        index = "summary_index" if self.shape.summary else "content_index"
        return {"type": kind, "item_id": self.id, index: 0, **fields}


@dataclass(slots=True, eq=False)
class OpenCall:
    """A call of a function."""

    id: str
    call_id: str
    names: Json
    _pieces: list[str] = field(default_factory=list)

    def begin(self) -> Iterator[Json]:
        yield from ()

    def more(self, arguments: str) -> Iterator[Json]:
        self._pieces.append(arguments)
        yield {
            "type": "response.function_call_arguments.delta",
            "item_id": self.id,
            "delta": arguments,
        }

    def end(self) -> Iterator[Json]:
        yield {
            "type": "response.function_call_arguments.done",
            "item_id": self.id,
            **self.names,
            "arguments": "".join(self._pieces),
        }

    def item(self, status: Status) -> Json:
        return {
            "id": self.id,
            "type": "function_call",
            "status": status,
            "call_id": self.call_id,
            **self.names,
            "arguments": "".join(self._pieces),
        }


@dataclass(slots=True, eq=False)
class OpenCustomCall:
    """A call of a custom tool, which takes a text.  Its text comes whole, as the call ends."""

    id: str
    call_id: str
    names: Json
    _pieces: list[str] = field(default_factory=list)

    def begin(self) -> Iterator[Json]:
        yield from ()

    def more(self, arguments: str) -> Iterator[Json]:
        self._pieces.append(arguments)
        yield from ()

    def end(self) -> Iterator[Json]:
        kind = "response.custom_tool_call_input"
        yield {"type": f"{kind}.delta", "item_id": self.id, "delta": self._text}
        yield {"type": f"{kind}.done", "item_id": self.id, "input": self._text}

    def item(self, status: Status) -> Json:
        return {
            "id": self.id,
            "type": "custom_tool_call",
            "status": status,
            "call_id": self.call_id,
            **self.names,
            "input": "" if status == "in_progress" else self._text,
        }

    @property
    def _text(self) -> str:
        return text_in("".join(self._pieces))


def _output_text(text: str, tokens: Sequence[TokenLogprob]) -> Json:
    logprobs = [
        _with_bytes(token) | {"top_logprobs": [_with_bytes(other) for other in token.top]}
        for token in tokens
    ]
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}


def _logprob(token: TokenLogprob) -> Json:
    """Logprob of a token in an event: without the bytes, which only items have."""
    return _scored(token) | {"top_logprobs": [_scored(other) for other in token.top]}


def _scored(token: ScoredToken) -> Json:
    return {"token": token.text, "logprob": token.logprob}


def _with_bytes(token: ScoredToken) -> Json:
    return _scored(token) | {"bytes": list(token.bytes)}
