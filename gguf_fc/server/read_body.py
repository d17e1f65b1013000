"""Bodies of requests: JSON of a bounded size, and nothing that any web page could send.

A page may send three types of body to any server without being asked first (Fetch, "CORS-safelisted
request-header"), and a body without a type.  A client that says nothing of the type, or what
``curl -d`` says, is believed only where no browser has put its name to the request.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request

from gguf_fc.errors import BodyTooLarge, UnsupportedMediaType

MAX_BODY_BYTES = 32 * 1024 * 1024
FORM = "application/x-www-form-urlencoded"
REFUSED_TYPES = frozenset({"text/plain", "multipart/form-data"})
UNCLEAR_TYPES = frozenset({"", FORM})
OF_BROWSERS = ("origin", "referer", "cookie", "sec-fetch-site", "sec-fetch-mode")


async def read_body(http: Request) -> bytes:
    """The whole body.

    Raises UnsupportedMediaType; and BodyTooLarge as soon as it is over the limit.
    """
    refuse_other_types(http.headers)
    body = bytearray()
    async for piece in http.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"The body is over the limit of {MAX_BODY_BYTES} bytes.")
    return bytes(body)


def refuse_other_types(headers: Headers) -> None:
    """Raise UnsupportedMediaType where *headers* are of a body that is not sent as JSON."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in REFUSED_TYPES or (kind in UNCLEAR_TYPES and _of_browser(headers)):
        sent = f"as {kind}" if kind else "without a type"
        raise UnsupportedMediaType(
            f"The body was sent {sent}; send it with the header 'content-type: application/json'."
        )


def _of_browser(headers: Headers) -> bool:
    return any(name in headers for name in OF_BROWSERS)
