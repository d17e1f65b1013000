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
    "adaptive_decay": OFF,
    "backend_sampling": "where a token is chosen does not change which",
    "cache_prompt": CACHE,
    "cache_salt": CACHE,
    "dry_allowed_length": OFF,
    "dry_base": OFF,
    "dry_penalty_last_n": OFF,
    "dry_sequence_breakers": OFF,
    "dynatemp_exponent": OFF,
    "guided_decoding_backend": ONE_ANSWER,
    "id_slot": "the server chooses where a request runs",
    "keep_alive": STAYS_LOADED,
    "kv_transfer_params": CACHE,
    "min_keep": "at least one token is always left to choose",
    "mirostat_eta": OFF,
    "mirostat_tau": OFF,
    "n_discard": "a prompt is never cut to fit",
    "n_keep": "a prompt is never cut to fit",
    "penalize_nl": "a line break is a token like others",
    "priority": "requests run in the order in which they come",
    "request_id": NOTHING_KEPT,
    "return_progress": "a stream is kept alive by comments",
    "rid": NOTHING_KEPT,
    "samplers": "those that are offered run in the order of llama.cpp",
    "slot_id": "the server chooses where a request runs",
    "sse_ping_interval": "a stream is kept alive by comments",
    "t_max_predict_ms": "a client that has waited enough closes the connection",
    "t_max_prompt_ms": "a client that has waited enough closes the connection",
    "timings_per_token": "`timings` come with the end of every reply",
    "user": NOTHING_KEPT,
    "xtc_threshold": OFF,
}
SHARED_REFUSED = {
    "adaptive_target": Refused(NOT_SAMPLED, harmless=(-1, 0)),
    "add_special_tokens": Refused(harmless=(False,)),
    "allowed_token_ids": Refused("use 'grammar'", harmless=([],)),
    "bad_words": Refused("use 'logit_bias'", harmless=([],)),
    "dry_multiplier": Refused(NOT_SAMPLED, harmless=(0,)),
    "dynatemp_range": Refused(NOT_SAMPLED, harmless=(0,)),
    "guided_whitespace_pattern": AS_FORMAT,
    "include_stop_str_in_output": Refused(harmless=(False,)),
    "length_penalty": Refused(NOT_SAMPLED, harmless=(1,)),
    "logits_processors": Refused("use 'logit_bias'", harmless=([],)),
    "lora": Refused("name a merged model", harmless=([],)),
    "mirostat": Refused(NOT_SAMPLED, harmless=(0,)),
    "n_probs": Refused("use 'logprobs'", harmless=(0,)),
    "no_stop_trim": Refused(harmless=(False,)),
    "return_token_ids": Refused("use 'logprobs'", harmless=(False,)),
    "return_tokens": Refused("use 'logprobs'", harmless=(False,)),
    "return_tokens_as_token_ids": Refused("use 'logprobs'", harmless=(False,)),
    "skip_special_tokens": Refused(harmless=(True,)),
    "spaces_between_special_tokens": Refused(harmless=(True,)),
    "stop_regex": Refused("use 'stop'", harmless=([],)),
    "stop_token_ids": Refused("use 'stop'", harmless=([],)),
    "structural_tag": AS_FORMAT,
    "tfs_z": Refused(NOT_SAMPLED, harmless=(1,)),
    "top_n_sigma": Refused(NOT_SAMPLED, harmless=(-1, 0)),
    "truncate_prompt_tokens": Refused("a prompt is never cut to fit"),
    "use_beam_search": Refused(NOT_SAMPLED, harmless=(False,)),
    "xtc_probability": Refused(NOT_SAMPLED, harmless=(0,)),
}
