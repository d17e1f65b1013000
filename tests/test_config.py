"""Settings: where each value may come from, and how a mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from gguf_fc.config import Settings, read_settings
from gguf_fc.errors import ConfigError


def test_nothing_given_is_loopback_and_the_rest_is_left_open() -> None:
    settings = read_settings({}, {"XDG_CACHE_HOME": "/c"})
    assert settings == Settings(cache_dir=Path("/c/gguf-fc"))
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)


def test_a_flag_wins_over_the_environment() -> None:
    environ = {"GGUF_FC_PORT": "1", "GGUF_FC_CTX": "4096", "OTHER": "x"}
    settings = read_settings({"port": "2", "ctx": None}, environ)
    assert (settings.port, settings.ctx) == (2, 4096)


def test_an_empty_variable_is_not_given() -> None:
    assert read_settings({}, {"GGUF_FC_PORT": ""}).port == 8080


def test_a_switch_is_on_or_off() -> None:
    assert read_settings({}, {}).drafts
    assert not read_settings({"drafts": "off"}, {"GGUF_FC_DRAFTS": "on"}).drafts


def test_paths_may_begin_with_the_home_folder() -> None:
    assert read_settings({"models": "~/m.yaml"}, {}).models == Path.home() / "m.yaml"


def test_an_unknown_variable_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(ConfigError, match=r"GGUF_FC_PROT.*did you mean 'GGUF_FC_PORT'"):
        read_settings({}, {"GGUF_FC_PROT": "1"})


def test_an_unlike_variable_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"known: .*GGUF_FC_CTX.*GGUF_FC_THREADS"):
        read_settings({}, {"GGUF_FC_ZZZZZZ": "1"})


def test_variables_of_the_scripts_are_left_alone() -> None:
    read_settings({}, {"GGUF_FC_DATA": "x", "GGUF_FC_REAL_MODELS": "y", "GGUF_FC_WHEELS": "z"})


@pytest.mark.parametrize(
    ("flags", "environ", "message"),
    [
        ({"port": "x"}, {}, "--port must be a whole number from 0 to 65,535, not 'x'"),
        ({"port": "70000"}, {}, "--port"),
        ({"n_gpu_layers": "-2"}, {}, "--n-gpu-layers .* or 'auto', which is all that fit"),
        ({"parallel": "0"}, {}, "--parallel"),
        ({}, {"GGUF_FC_CTX": "1e3"}, "environment variable GGUF_FC_CTX"),
        ({}, {"GGUF_FC_DRAFTS": "maybe"}, "must be 'on' or 'off', not 'maybe'"),
        ({"constraint": "gbnf"}, {}, "--constraint must be 'llguidance' or 'llama.cpp'"),
    ],
)
def test_a_bad_value_is_named(flags: dict[str, str], environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_settings(flags, environ)
