"""CORS: headers by which a browser lets pages that are allowed send requests and read replies.

No credentials are allowed: a key travels in a header that the page sets, never in a cookie.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

EXPOSED = ("retry-after", "www-authenticate", "x-gguf-fc-ignored")
OURS = "x-gguf-fc-"  # headers that begin so are exposed wherever they occur
METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
USUAL_HEADERS = "authorization, content-type, x-api-key"
MAX_AGE_SECONDS = 600
_NAMES = re.compile(r"[\w!#$%&'*+.^`|~-]+(?: *, *[\w!#$%&'*+.^`|~-]+)*", re.ASCII)


def is_preflight(method: str, headers: Headers) -> bool:
    """A browser asks before it sends what a page wants to send."""
    return method == "OPTIONS" and "access-control-request-method" in headers


def preflight_response(headers: Headers) -> Response:
    """Leave to send any method and header; *headers* are those of the preflight."""
    asked = headers.get("access-control-request-headers", "")
    answer = {
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": asked if _NAMES.fullmatch(asked) else USUAL_HEADERS,
        "access-control-max-age": str(MAX_AGE_SECONDS),
        "vary": "Access-Control-Request-Method, Access-Control-Request-Headers, "
        "Access-Control-Request-Private-Network",
    }
    if headers.get("access-control-request-private-network") == "true":
        answer["access-control-allow-private-network"] = "true"
    return Response(status_code=204, headers=answer)


def let_read(headers: MutableHeaders, origin: str) -> None:
    """Add to the *headers* of a response that a page from *origin* may read it."""
    ours = sorted({name for name in headers if name.startswith(OURS)} - {*EXPOSED})
    headers["access-control-allow-origin"] = origin
    headers["access-control-expose-headers"] = ", ".join((*EXPOSED, *ours))
