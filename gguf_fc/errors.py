"""Errors that the package raises on purpose, by whose fault they are.

* GgufFcError
  x RequestError            the client's fault: 4xx, told which parameter and what to change
    + InvalidParameter          a value that cannot be used (400)
      - UnsupportedParameter    a field that would change the answer, which we do not offer
      - SchemaNotEnforceable    a schema keyword no grammar can hold, under ``strict``
      - PreviousResponseNotFound  no such response to go on from
    + ContextLengthExceeded     the prompt does not fit the context (400)
    + ModelNotFound             no such model is offered (404)
    + RouteNotFound             no such path or method (404, 405)
    + ResponseNotFound          no such response is kept (404)
    + BodyTooLarge              the body is over the limit (413)
    + UnsupportedMediaType      a body of another type than JSON (415)
    + Unauthorized              no API key, or none that is accepted (401)
    + Forbidden                 a page or host that may not use this server (403)
    + DeadlyRequest             workers died under it, so it is not run again (400)
    + Overloaded                the queue is full (429)
  x ServerError             ours: 5xx
    + WorkerDied                the worker process ended under the request (503)
    + WorkerUnavailable         no worker is running (503)
    + ModelUnusable             the model's file cannot be loaded here (500)
    + EngineError               the engine could not go on with this request (500)
    + RendererDied              the process that renders chat templates ended, twice (503)
  x SetupError              the operator's: shown by the command line, never sent to a client
    + ConfigError               a flag, environment variable or models.yaml entry
    + ModelFileError            a GGUF file that is missing, damaged or unsupported
    + DownloadError             the Hub or its cache
    + BenchError                a server that cannot be measured
  x TemplateError           a chat template that does not compile or render
  x RunawayTemplate         a chat template that had to be ended: too long, too large
  x GrammarError            a grammar or schema that is malformed

The HTTP layer maps a class to a response by its attributes; nothing else mentions a status code.
"""

from __future__ import annotations

from typing import ClassVar


class GgufFcError(Exception):
    """The root.  *param* names the request field at fault, e.g. ``tools[0].function.name``."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str | None] = None

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class RequestError(GgufFcError):
    """The client can mend this."""

    status = 400
    type = "invalid_request_error"


class InvalidParameter(RequestError):
    """A field has a value that cannot be used."""

    code = "invalid_value"


class UnsupportedParameter(InvalidParameter):
    """A field that would change the answer and that this server does not offer."""

    code = "unsupported_parameter"


class SchemaNotEnforceable(InvalidParameter):
    """``strict`` was asked for and a keyword of the schema cannot be enforced."""

    code = "unsupported_schema"


class PreviousResponseNotFound(InvalidParameter):
    """The response to go on from is not kept here."""

    code = "previous_response_not_found"


class ContextLengthExceeded(RequestError):
    """The prompt is longer than the context; nothing was truncated."""

    code = "context_length_exceeded"


class ModelNotFound(RequestError):
    """The requested model is not among those offered."""

    status = 404
    code = "model_not_found"


class RouteNotFound(RequestError):
    """The path or the method does not exist."""

    status = 404
    code = "not_found"


class ResponseNotFound(RequestError):
    """No such response is kept."""

    status = 404
    code = "response_not_found"


class BodyTooLarge(RequestError):
    """The request body is over the limit."""

    status = 413
    code = "request_too_large"


class UnsupportedMediaType(RequestError):
    """The body is sent as something else than JSON, as any web page could have sent it."""

    status = 415
    code = "unsupported_media_type"


class Unauthorized(RequestError):
    """The request carries no API key that is accepted."""

    status = 401
    code = "invalid_api_key"


class Forbidden(RequestError):
    """The request comes from a page, or names a host, that may not use this server."""

    status = 403
    code = "forbidden"


class DeadlyRequest(RequestError):
    """The process that runs the model died repeatedly under this very request."""

    code = "request_refused"


class Overloaded(RequestError):
    """More requests are waiting than the queue holds; try again later."""

    status = 429
    type = "rate_limit_error"
    code = "queue_full"


class ServerError(GgufFcError):
    """Nothing the client can mend."""


class WorkerDied(ServerError):
    """The process that runs the model ended while it worked on this request."""

    status = 503
    code = "worker_died"


class WorkerUnavailable(ServerError):
    """No worker is running; it is being started again, or was given up."""

    status = 503
    code = "worker_unavailable"


class ModelUnusable(ServerError):
    """The model that was asked for cannot be loaded here; trying again will not help."""

    status = 500
    code = "model_unusable"


class EngineError(ServerError):
    """The engine could not go on with this one request."""

    code = "engine_error"


class RendererDied(ServerError):
    """The process that renders chat templates ended or stopped, and the next one, too."""

    status = 503
    code = "renderer_died"


class SetupError(GgufFcError):
    """Something the operator of the server has to change."""


class ConfigError(SetupError):
    """A flag, an environment variable or a models.yaml entry is wrong."""


class ModelFileError(SetupError):
    """A GGUF file is missing, damaged or of a kind this build cannot read."""


class DownloadError(SetupError):
    """The Hub refused, is out of reach, or holds no such file."""


class BenchError(SetupError):
    """A server under measurement does not do what was asked of it."""


class TemplateError(GgufFcError):
    """A chat template does not compile, or raised while it rendered."""

    status = 400
    type = "invalid_request_error"
    code = "template_error"


class RunawayTemplate(GgufFcError):
    """Rendering went beyond its limits of time or memory.  Not a TemplateError: no use in trying
    the same template another way."""

    status = 400
    type = "invalid_request_error"
    code = "template_limits"


class GrammarError(GgufFcError):
    """A grammar or a JSON Schema is malformed."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_grammar"


def error_for(code: str, message: str) -> GgufFcError:
    """Error with this *code*, as the worker sends it; an unknown one is an ``EngineError``."""
    classes = [GgufFcError]
    for cls in classes:
        classes.extend(cls.__subclasses__())
    matching = (cls for cls in classes if cls.code == code)
    return next(matching, EngineError)(message)
