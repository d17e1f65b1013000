"""Turns made of blocks to messages: text, reasoning, calls and results in their places.

Knows the text in each block; nothing of the rest of the request.

1. An assistant's turn is one message, unless results stand among its blocks.  Its texts are pieces
   of what a model wrote in one go, so they are joined as they are.
2. A user's turn is one message for each result and one for the text between them, line by line.
3. A block written by another server for itself is passed over; ``fields`` names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from gguf_fc.dialect.openai_json.messages import past_call
from gguf_fc.errors import InvalidParameter, UnsupportedParameter
from gguf_fc.protocols.messages.blocks import (
    AnyBlock,
    DocumentBlock,
    ForeignBlock,
    ImageBlock,
    Readable,
    SearchResultBlock,
    TextBlock,
    TextSource,
    ThinkingBlock,
    ToolReferenceBlock,
    ToolResultBlock,
    ToolUseBlock,
)
from gguf_fc.protocols.messages.schema import MessageTurn
from gguf_fc.protocols.messages.signature import reasoning_of
from gguf_fc.request import Message


def read_turns(turns: Sequence[MessageTurn]) -> tuple[Message, ...]:
    """The conversation.  Raises InvalidParameter, naming the block."""
    return tuple(
        message for n, turn in enumerate(turns) for message in _turn(turn, f"messages[{n}].content")
    )


def _turn(turn: MessageTurn, where: str) -> Iterator[Message]:
    if isinstance(turn.content, str):
        yield Message(role=turn.role, content=turn.content)
        return
    blocks = [
        (f"{where}[{i}]", block)
        for i, block in enumerate(turn.content)
        if not isinstance(block, ForeignBlock)
    ]
    if turn.role == "assistant":
        yield from _assistant(blocks)
    else:
        yield from _others(turn, blocks)


def _assistant(blocks: Iterable[tuple[str, AnyBlock]]) -> Iterator[Message]:
    """The turn as a message; results among its blocks, as some servers have them, divide it."""
    said: list[tuple[str, AnyBlock]] = []
    divided = False
    for where, block in blocks:
        if isinstance(block, ToolResultBlock):
            yield _said(said)
            yield _result(block, where)
            said, divided = [], True
        else:
            said.append((where, block))
    if said or not divided:
        yield _said(said)


def _said(blocks: Iterable[tuple[str, AnyBlock]]) -> Message:
    texts, reasoning, calls = [], [], []
    for where, block in blocks:
        match block:
            case ThinkingBlock():
                reasoning.append(reasoning_of(block))
            case ToolUseBlock():
                calls.append(past_call(block.id, block.name, block.input, f"{where}.input"))
            case _:
                texts.append(text_of(block, where))
    return Message(
        role="assistant",
        content="".join(texts) if texts else None,
        reasoning_content="".join(reasoning) if reasoning else None,
        tool_calls=tuple(calls),
    )


def _others(turn: MessageTurn, blocks: Iterable[tuple[str, AnyBlock]]) -> Iterator[Message]:
    texts: list[str] = []
    silent = True
    for where, block in blocks:
        match block:
            case ToolResultBlock() if turn.role == "user":
                if texts:
                    yield Message(role=turn.role, content="\n".join(texts))
                    texts = []
                yield _result(block, where)
                silent = False
            case ToolResultBlock():
                raise _misplaced(where, "tool_result", "user")
            case ToolUseBlock():
                raise _misplaced(where, "tool_use", "assistant")
            case ThinkingBlock():
                raise _misplaced(where, "thinking", "assistant")
            case _:
                texts.append(text_of(block, where))
    if texts or silent:
        yield Message(role=turn.role, content="\n".join(texts))


def _result(block: ToolResultBlock, where: str) -> Message:
    content = block.content or ""
    if not isinstance(content, str):
        content = joined(content, f"{where}.content")
    if block.is_error:
        content = f"Error: {content}"
    return Message(role="tool", tool_call_id=block.tool_use_id, content=content)


def joined(blocks: Sequence[Readable], where: str) -> str:
    """The text of *blocks*, line by line.  Raises UnsupportedParameter."""
    return "\n".join(text_of(block, f"{where}[{i}]") for i, block in enumerate(blocks))


def text_of(block: AnyBlock, where: str) -> str:
    """Text of *block*, whose path is *where*.  Raises UnsupportedParameter."""
    match block:
        case TextBlock(text=text):
            return text
        case SearchResultBlock(title=title, source=source, content=passages):
            return "\n".join([title, source, *(passage.text for passage in passages)])
        case DocumentBlock():
            return _document(block, where)
        case ToolReferenceBlock(tool_name=name):
            return name
        case ImageBlock():
            raise UnsupportedParameter(
                f"'{where}' is an image; this server reads only text.", param=where
            )
        case ThinkingBlock() | ToolUseBlock() | ToolResultBlock() | ForeignBlock():
            raise AssertionError(f"no text is read from {type(block).__name__}")
        case _:
            assert_never(block)


def _document(block: DocumentBlock, where: str) -> str:
    source = block.source
    if isinstance(source, TextSource):
        text = source.data
    elif isinstance(source.content, str):
        text = source.content
    else:
        text = joined(source.content, f"{where}.source.content")
    return "\n".join(filter(None, (block.title, block.context, text)))


def _misplaced(where: str, kind: str, role: str) -> InvalidParameter:
    return InvalidParameter(
        f"'{where}' is a {kind} block, which belongs into a message of the role {role}.",
        param=where,
    )
