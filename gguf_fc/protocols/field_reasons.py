"""Why a field has no effect or is refused, for the tables of several protocols."""

from __future__ import annotations

from gguf_fc.protocols.fields import Refused

ONE_ANSWER = "a local server has one way to answer"
NOTHING_KEPT = "nothing is kept or sent anywhere"
CACHE = "the prefix cache works by itself, and never changes a reply"
STAYS_LOADED = "a model stays loaded as the server's settings say"
AS_FORMAT = Refused("use 'response_format' or 'grammar'")
NOT_SAMPLED = "use 'temperature', 'top_p', 'top_k', 'min_p' and the penalties"
OFF = "belongs to a sampler that is off: the field that would switch it on is refused"
