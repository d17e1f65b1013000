"""Our own server under measurement."""

from __future__ import annotations

from dataclasses import fields

from gguf_fc.bench.contender import CONNECTION_SETTINGS, own_environment
from gguf_fc.config import PREFIX, Settings


def test_the_users_keys_and_addresses_are_not_those_of_the_measured_server() -> None:
    environ = {"PATH": "/bin", "GGUF_FC_API_KEY": "sk", "GGUF_FC_CTX": "4096"}
    assert own_environment(environ) == {"PATH": "/bin", "GGUF_FC_CTX": "4096"}
    assert {*CONNECTION_SETTINGS} <= {f"{PREFIX}{one.name.upper()}" for one in fields(Settings)}
