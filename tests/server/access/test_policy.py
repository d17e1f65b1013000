"""Access by the settings, and what does not go together."""

from __future__ import annotations

from pathlib import Path

import pytest

from gguf_fc.config import Settings, read_settings
from gguf_fc.errors import ConfigError
from gguf_fc.server.access.guard import Access
from gguf_fc.server.access.hosts import is_served
from gguf_fc.server.access.listeners import places_of
from gguf_fc.server.access.policy import access_of

WIDE = ("0.0.0.0", "::", "192.168.1.5", "fd00::5")  # noqa: S104
LOOPBACK = ("127.0.0.1", "127.0.0.2", "::1", "localhost")
LAN = ("192.168.1.5", 8080)


def access(**settings: object) -> Access:
    made = Settings(**settings)  # type: ignore[arg-type]
    return access_of(made, places_of(made.host))


@pytest.mark.parametrize("host", WIDE)
def test_other_machines_are_let_in_with_a_key_or_on_demand(host: str) -> None:
    with pytest.raises(ConfigError) as caught:
        access(host=host)
    assert {"--api-key-file", "GGUF_FC_API_KEY", "--insecure-no-key"} <= {
        word.strip("(),.") for word in caught.value.message.split()
    }
    assert caught.value.message.count(". ") == 0
    assert access(host=host, api_key="sk-1").keys is not None
    assert access(host=host, insecure_no_key=True).keys is None


@pytest.mark.parametrize("host", LOOPBACK)
def test_on_loopback_no_key_is_needed(host: str) -> None:
    assert access(host=host).keys is None
    assert access(host=host, api_key="sk-1").keys is not None


def test_a_unix_socket_is_not_reached_by_others() -> None:
    assert access_of(Settings(uds=Path("a")), ()).keys is None


def test_a_unix_socket_and_a_host_are_one_too_many() -> None:
    with pytest.raises(ConfigError, match="--uds listens on a file instead of --host ::1"):
        access_of(Settings(host="::1", uds=Path("a")), ())


def test_a_key_and_no_key_contradict_each_other() -> None:
    with pytest.raises(ConfigError, match="contradicts"):
        access(api_key="sk-1", insecure_no_key=True)


def test_allowed_hosts_add_to_few_and_narrow_many() -> None:
    for host, without, with_key in (("box.lan", True, True), ("evil.example", False, False)):
        named = {"allow_host": ("box.lan",)}
        assert is_served(access(**named).hosts, host, LAN) is without
        assert is_served(access(**named, api_key="sk").hosts, host, LAN) is with_key
    assert is_served(access(api_key="sk").hosts, "evil.example", LAN)


def test_settings_come_from_repeated_flags_and_from_lists() -> None:
    flags = {"allow_host": ["a.lan", "b.lan"], "insecure_no_key": "on"}
    environ = {"GGUF_FC_ALLOW_ORIGIN": " null , app://x,", "GGUF_FC_API_KEY": "sk-1"}
    settings = read_settings(flags, environ)
    assert settings.allow_host == ("a.lan", "b.lan")
    assert settings.allow_origin == ("null", "app://x")
    assert settings.api_key == "sk-1"
    assert settings.insecure_no_key
    assert "sk-1" not in repr(settings)
