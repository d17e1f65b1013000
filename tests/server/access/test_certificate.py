"""The certificate: what is wrong with it is known before the model is loaded."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gguf_fc.errors import ConfigError
from gguf_fc.server.access.certificate import Certificate, certificate_of


def made(folder: Path, name: str, *options: str) -> tuple[Path, Path]:
    """A certificate and its key, made now."""
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    kind = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    files = ("-subj", "/CN=localhost", "-keyout", str(key), "-out", str(chain))
    subprocess.run(
        ["openssl", *kind, *(options or ("-nodes",)), *files],  # noqa: S607
        check=True,
        capture_output=True,
    )
    return chain, key


def test_a_certificate_and_its_key_belong_together(tmp_path: Path) -> None:
    one, other = made(tmp_path, "one"), made(tmp_path, "other")
    assert certificate_of(*one) == Certificate(*one)
    with pytest.raises(ConfigError, match=r"--tls-cert .* and --tls-key .*KEY_VALUES_MISMATCH"):
        certificate_of(one[0], other[1])


def test_neither_is_plain_http_and_one_alone_is_a_mistake(tmp_path: Path) -> None:
    assert certificate_of(None, None) is None
    with pytest.raises(ConfigError, match="--tls-key is missing"):
        certificate_of(tmp_path, None)
    with pytest.raises(ConfigError, match="--tls-cert is missing"):
        certificate_of(None, tmp_path)


def test_a_key_with_a_passphrase_is_refused_without_asking_for_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="remove its passphrase"):
        certificate_of(*made(tmp_path, "locked", "-passout", "pass:secret"))


def test_files_that_are_missing_or_something_else_are_named(tmp_path: Path) -> None:
    chain, key = made(tmp_path, "one")
    (tmp_path / "text").write_text("no certificate")
    with pytest.raises(ConfigError, match=r"--tls-key .*no: cannot be read: No such file"):
        certificate_of(chain, tmp_path / "no")
    with pytest.raises(ConfigError, match="no certificate in PEM form"):
        certificate_of(tmp_path / "text", key)
    with pytest.raises(ConfigError, match=r"--tls-cert .*cannot be read"):
        certificate_of(tmp_path, key)
