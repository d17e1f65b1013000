"""What the renderer and its owner say to each other."""

from __future__ import annotations

import io
from typing import Any

import pytest

from gguf_fc.rendering.frames import MAX_FRAME, FrameError, encode, receive


@pytest.mark.parametrize("value", [None, [0, "é\ud800", {"n": 10**30}], "x" * 100_000])
def test_what_is_sent_arrives_however_it_is_cut(value: Any) -> None:
    stream = io.BytesIO(encode(value) + encode("next"))
    assert receive(lambda size: stream.read(min(size, 1000))) == value
    assert receive(stream.read) == "next"
    with pytest.raises(FrameError, match="gone"):
        receive(stream.read)


@pytest.mark.parametrize("value", [object(), "x" * (MAX_FRAME + 1)])
def test_what_is_no_frame_is_not_sent(value: Any) -> None:
    with pytest.raises(FrameError):
        encode(value)


@pytest.mark.parametrize("data", [b"", b"\0\0", b"\0\0\0\4nul", b"\xff" * 4, b"\0\0\0\1x"])
def test_what_is_no_frame_is_not_taken(data: bytes) -> None:
    with pytest.raises(FrameError):
        receive(io.BytesIO(data).read)
