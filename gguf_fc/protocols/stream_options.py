"""Options of a stream that chat completions and completions share."""

from __future__ import annotations

from typing import Annotated

from msgspec import Struct

from gguf_fc.errors import InvalidParameter
from gguf_fc.typed_json import about


class StreamOptions(Struct):
    """Additions to a stream."""

    include_usage: Annotated[bool | None, about("a last chunk with `usage`")] = None
    include_obfuscation: Annotated[
        bool | None, about("without effect: a loopback line needs no padding")
    ] = None


def refuse_without_stream(options: Struct | None, *, stream: bool | None) -> None:
    """Raise InvalidParameter where there are *options* of a stream, and no *stream*."""
    if options is not None and not stream:
        raise InvalidParameter(
            "'stream_options' is only allowed when 'stream' is true.", param="stream_options"
        )


def unpadded(options: StreamOptions | None) -> tuple[str, ...]:
    """Path of the wish for padding against eavesdroppers, which has no effect on loopback."""
    wanted = options is not None and options.include_obfuscation
    return ("stream_options.include_obfuscation",) if wanted else ()
