"""API keys: reading them, and whose a request carries."""

from __future__ import annotations

import hmac
from pathlib import Path

import pytest

from gguf_fc.errors import ConfigError
from gguf_fc.server.access.keys import ApiKeys, others_can_read, read_keys

KEYS = ApiKeys([("alice", "sk-alice"), ("bob", "sk-bob"), ("bob", "sk-bob-new")])


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ([("authorization", "Bearer sk-alice")], "alice"),
        ([("authorization", "bearer   sk-bob ")], "bob"),
        ([("x-api-key", "sk-bob")], "bob"),
        ([("api-key", "sk-bob-new")], "bob"),
        ([("authorization", "Bearer none"), ("x-api-key", "sk-alice")], "alice"),
        ([("x-api-key", "no"), ("x-api-key", "sk-alice")], "alice"),
        ([], None),
        ([("authorization", "sk-alice")], None),
        ([("authorization", "Basic sk-alice")], None),
        ([("authorization", "Bearer")], None),
        ([("authorization", "Bearer ")], None),
        ([("authorization", "Bearer sk-alice sk-bob")], None),
        ([("authorization", "Bearer sk-alicE")], None),
        ([("authorization", "Bearer sk-alice\u00e9")], None),
        ([("x-api-key", "")], None),
        ([("x-api-key", "Bearer sk-alice")], None),
        ([("x-api-key", "sk-alice,sk-bob")], None),
        ([("cookie", "api-key=sk-alice")], None),
        ([("x-goog-api-key", "sk-alice")], None),
    ],
)
def test_a_key_is_found_in_three_headers(headers: list[tuple[str, str]], name: str | None) -> None:
    raw = [(key.encode(), value.encode("latin-1")) for key, value in headers]
    assert KEYS.name_of(raw) == name


def test_every_key_is_compared_whatever_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def digests_are_equal(one: bytes, other: bytes) -> bool:
        compared.append(len(one))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", digests_are_equal)
    for key in (b"sk-alice", b"sk-bob-new", b"no", b"n" * 5000):
        compared.clear()
        KEYS.name_of([(b"x-api-key", key)])
        assert compared == [32, 32, 32]


def test_nothing_of_a_key_is_kept_or_shown() -> None:
    held = repr(vars(KEYS)) + repr(KEYS._keys[0])
    assert "sk-alice" not in held
    assert "alice" in held
    assert KEYS.names == ("alice", "bob")


def test_a_file_has_names_keys_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(b"\xef\xbb\xbf# ours\r\n\r\n  alice\t sk#1  # laptop\r\nbob@home k2\n")
    keys = read_keys(None, path)
    assert keys is not None
    assert keys.names == ("alice", "bob@home")
    assert keys.name_of([(b"api-key", b"sk#1")]) == "alice"
    assert keys.name_of([(b"api-key", b"k2")]) == "bob@home"


def test_the_variable_has_keys_with_or_without_names() -> None:
    keys = read_keys("sk-1, phone sk-2 ,,sk-3", None)
    assert keys is not None
    assert keys.names == ("key-1", "phone", "key-3")
    assert keys.name_of([(b"api-key", b"sk-2")]) == "phone"


def test_keys_come_from_both_places_together(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("alice sk-a")
    keys = read_keys("sk-b", path)
    assert keys is not None
    assert keys.names == ("key-1", "alice")


def test_without_either_there_are_none() -> None:
    assert read_keys(None, None) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no key"),
        ("# nothing\n\n", "holds no key"),
        ("SECRET\n", "line 1 must be a name and a key"),
        ("a b SECRET\n", "line 1 must be a name and a key"),
        ("# x\nalice #SECRET\n", "line 2 must be a name and a key"),
        ("al/ice SECRET\n", "line 1: a name has"),
        ("alice SECR\u00c9T\n", "line 1: a key has only"),
        ("alice SECRET,x\n", "line 1: a key has only"),
        ("alice SECRET\nbob SECRET\n", "line 2: the key of 'bob' is also that of 'alice'"),
    ],
)
def test_a_wrong_file_is_refused_without_quoting_it(
    text: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        read_keys(None, path)
    assert "SECR" not in caught.value.message


@pytest.mark.parametrize("text", [",", " , ", "a b SECRET", "SECRET,x SECRET"])
def test_a_wrong_variable_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ConfigError, match="GGUF_FC_API_KEY") as caught:
        read_keys(text, None)
    assert "SECR" not in caught.value.message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--api-key-file .*: cannot be read: No such file"):
        read_keys(None, tmp_path / "no")
    (tmp_path / "keys").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not a text file"):
        read_keys(None, tmp_path / "keys")


def test_a_file_that_others_can_read_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("alice sk")
    path.chmod(0o600)
    assert not others_can_read(path)
    for mode in (0o640, 0o604):
        path.chmod(mode)
        assert others_can_read(path)
