"""Origins: which pages may use the server."""

from __future__ import annotations

import pytest

from gguf_fc.errors import ConfigError
from gguf_fc.server.access.origins import origins_of

HOST = "localhost:8080"
LOCAL = [
    *("http://localhost", "http://localhost:3000", "https://LOCALHOST:1", "http://127.0.0.1:5173"),
    *("http://127.0.0.2", "http://[::1]:8080", "tauri://localhost", "capacitor://localhost"),
]
FOREIGN = [
    *("https://evil.example", "http://localhost.evil.example", "http://evil.localhost", "null"),
    *("http://192.168.1.9:3000", "http://0.0.0.0", "http://[::ffff:127.0.0.1]", "http://2130706433"),
    *("file://", "app://obsidian.md", "chrome-extension://abcdefghij", "vscode-webview://1a2b"),
    *("http://evil.com@localhost", "http://localhost@evil.com", "http://localhost/"),
    *("http://localhost/x", "http://localhost\\evil.com", "http://localhost,x", "NULL null"),
    *("localhost", "//localhost", "http:localhost", "http:/localhost", "http://", "://localhost"),
    *("", " ", "http://local host", "http://localhost http://evil.example"),
    *("javascript:alert(1)", "data:text/html,x", "blob:http://localhost/1"),
    *("http://localhost#", "http://localhost?", "http://127.1", "http://localhost:99999"),
    "h\u0442tp://localhost",
]  # fmt: skip


@pytest.mark.parametrize("origin", LOCAL)
def test_pages_of_this_machine_may_use_the_server(origin: str) -> None:
    assert origins_of(()).allow(origin, HOST)


@pytest.mark.parametrize("origin", FOREIGN)
def test_others_may_not(origin: str) -> None:
    assert not origins_of(()).allow(origin, HOST)
    assert not origins_of(()).allow(origin, None)


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://192.168.1.5:8080", "192.168.1.5:8080", True),
        ("https://chat.example.org", "chat.example.org", True),
        ("https://chat.example.org", "chat.example.org:443", True),
        ("http://chat.example.org", "Chat.example.org.:80", True),
        ("http://[FD00::5]:8080", "[fd00:0::5]:8080", True),
        ("http://192.168.1.5:3000", "192.168.1.5:8080", False),
        ("http://192.168.1.5", "192.168.1.5:8080", False),
        ("https://a.example.org", "b.example.org", False),
        ("app://box.lan", "box.lan", False),
        ("null", "null", False),
    ],
)
def test_pages_that_came_from_the_server_itself_may(origin: str, host: str, same: bool) -> None:  # noqa: FBT001
    assert origins_of(()).allow(origin, host) is same


@pytest.mark.parametrize(
    ("listed", "origin", "allowed"),
    [
        ("app://obsidian.md", "app://obsidian.md", True),
        ("app://obsidian.md", "app://other.md", False),
        ("app://obsidian.md", "http://obsidian.md", False),
        ("app://*", "app://other.md", True),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop", True),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://bbcdefghijklmnop", False),
        ("vscode-webview://*", "vscode-webview://1a2b3c-9-000", True),
        ("vscode-webview://*", "vscode-webview-evil://x", False),
        ("vscode-webview://*", "https://vscode-webview", False),
        ("moz-extension://*", "moz-extension://0b4c2c3e-7a0e-4f6e-8f53-000000000001", True),
        ("null", "null", True),
        ("null", "https://evil.example", False),
        ("https://Chat.example.org/", "https://chat.example.org", True),
        ("https://chat.example.org:443", "https://chat.example.org", True),
        ("https://chat.example.org", "http://chat.example.org", False),
        ("https://chat.example.org", "https://chat.example.org:8443", False),
        ("https://chat.example.org", "https://chat.example.org.evil.example", False),
        ("https://*.example.org", "https://a.b.example.org", True),
        ("https://*.example.org:8443", "https://a.example.org:8443", True),
        ("https://*.example.org", "https://a.example.org:8443", False),
        ("https://*.example.org", "https://example.org", False),
        ("https://*.example.org", "https://evilexample.org", False),
        ("https://*", "https://anything.example", True),
        ("https://*", "http://anything.example", False),
        ("*", "https://anything.example", True),
        ("*", "null", True),
        ("*", "http://evil.com@localhost", False),
        ("http://192.168.1.9:3000", "http://192.168.1.9:3000", True),
        ("http://[fd00::9]:3000", "http://[fd00::9]:3000", True),
    ],
)
def test_pages_that_are_listed_may(listed: str, origin: str, allowed: bool) -> None:  # noqa: FBT001
    assert origins_of([listed]).allow(origin, HOST) is allowed


@pytest.mark.parametrize(
    "text",
    [
        *("example.org", "https://", "https://a/b", "https://a b", "https://u@a", "://a"),
        *("file:///x", "https://a.*", "https://*.*", "*.example.org", "https://127.1", ""),
    ],
)
def test_what_is_no_origin_cannot_be_listed(text: str) -> None:
    with pytest.raises(ConfigError, match="--allow-origin takes an origin"):
        origins_of([text])


@pytest.mark.parametrize(
    ("listed", "any_page"),
    [("*", True), ("null", True), ("https://*", True), ("app://*", False), ("https://a.b", False)],
)
def test_what_lets_every_page_in_is_known(listed: str, any_page: bool) -> None:  # noqa: FBT001
    assert origins_of([listed]).any_page is any_page
