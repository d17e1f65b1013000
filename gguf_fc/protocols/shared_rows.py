"""Rows of field tables, and reasons in them, that several protocols share.

The rows are mostly parameters of other local servers; they mean the same in a completion and in a
chat completion.
"""

from __future__ import annotations

from gguf_fc.protocols.fields import Refused

ONE_ANSWER = "a local server has one way to answer"
NOTHING_KEPT = "nothing is kept or sent anywhere"
CACHE = "the prefix cache works by itself, and never changes a reply"
STAYS_LOADED = "a model stays loaded as the server's settings say"
AS_FORMAT = Refused("use 'response_format' or 'grammar'")
NOT_SAMPLED = "use 'temperature', 'top_p', 'top_k', 'min_p' and the penalties"
OFF = "belongs to a sampler that is off: the field that would switch it on is refused"

SHARED_WITHOUT_EFFECT = {
    "cache_prompt": CACHE,
    "guided_decoding_backend": ONE_ANSWER,
    "id_slot": "the server chooses where a request runs",
    "keep_alive": STAYS_LOADED,
    "return_progress": "a stream is kept alive by comments",
    "slot_id": "the server chooses where a request runs",
    "timings_per_token": "`timings` come with the end of every reply",
    "user": NOTHING_KEPT,
}
SHARED_REFUSED = {
    "dry_multiplier": Refused(NOT_SAMPLED, harmless=(0,)),
    "dynatemp_range": Refused(NOT_SAMPLED, harmless=(0,)),
    "lora": Refused("name a merged model", harmless=([],)),
    "mirostat": Refused(NOT_SAMPLED, harmless=(0,)),
    "return_tokens": Refused("use 'logprobs'", harmless=(False,)),
    "samplers": Refused(NOT_SAMPLED),
    "skip_special_tokens": Refused(harmless=(True,)),
    "stop_token_ids": Refused("use 'stop'", harmless=([],)),
    "top_n_sigma": Refused(NOT_SAMPLED, harmless=(-1,)),
    "xtc_probability": Refused(NOT_SAMPLED, harmless=(0,)),
}
