"""Half characters in a body become U+FFFD; everything else of it stays."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gguf_fc.errors import InvalidParameter
from gguf_fc.protocols.chat.schema import CHAT
from gguf_fc.protocols.fields import decode_object
from gguf_fc.protocols.messages.schema import MESSAGES
from gguf_fc.protocols.ollama.schema import OLLAMA_CHAT, OLLAMA_GENERATE
from gguf_fc.protocols.responses.schema import RESPONSES
from gguf_fc.protocols.tokens import TOKENIZE
from gguf_fc.protocols.whole_characters import with_whole_characters

CASES = [
    # inside of a JSON string, what it means
    (rb"cut: \ud83d done", "cut: \ufffd done"),
    (rb"\ud83d", "\ufffd"),
    (rb"\uDE00", "\ufffd"),
    (rb"\uDe00\uD83d", "\ufffd\ufffd"),
    (rb"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
    (rb"\ud83d\u2026", "\ufffd\u2026"),
    (rb"\\ud83d \ud83d \"\ud83d", r"\ud83d " + '\ufffd "\ufffd'),
    (rb"\ud83d\\ude00", "\ufffd" + r"\ude00"),
    (b"a\xed\xa0\xbdb", "a\ufffdb"),
    (b"cut: \xf0\x9f\x98", "cut: \ufffd"),
    (b"caf\xe9", "caf\ufffd"),
]


@pytest.mark.parametrize(("inside", "meant"), CASES)
def test_half_characters_are_replaced(inside: bytes, meant: str) -> None:
    assert decode_object(b'{"key %b": "%b"}' % (inside, inside)) == {f"key {meant}": meant}


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (CHAT.parse, b'{"messages": [{"role": "user", "content": "X"}]}'),
        (MESSAGES.parse, b'{"max_tokens": 1, "messages": [{"role": "user", "content": "X"}]}'),
        (OLLAMA_CHAT.parse, b'{"model": "m", "messages": [{"role": "user", "content": "X"}]}'),
        (OLLAMA_GENERATE.parse, b'{"model": "m", "prompt": "X"}'),
        (TOKENIZE.parse, b'{"content": "X"}'),
        (
            lambda body: RESPONSES.convert(decode_object(body)),
            b'{"input": [{"type": "message", "role": "user", "content": "X"}]}',
        ),
    ],
)
def test_every_protocol_reads_them(read: Any, body: bytes) -> None:
    assert read(body.replace(b"X", rb"\ud83d")) == read(body.replace(b"X", "\ufffd".encode()))


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_whole_characters_stay(value: Any) -> None:
    text = orjson.dumps(value)
    assert with_whole_characters(text) == text


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": "\\ud83d}', b"\xff\xfe{\x00}\x00", b'{"\\u"}'])
def test_what_is_not_json_is_still_refused(body: bytes) -> None:
    with pytest.raises(InvalidParameter, match="not JSON"):
        decode_object(body)
