"""Imports on first use: what they give, and what a missing extra says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import gguf_fc
from gguf_fc.errors import ConfigError
from gguf_fc.lazy import first_use

ROOT = Path(__file__).parent.parent


def test_a_name_is_imported_as_it_is_asked_for() -> None:
    found = first_use("tests.test_lazy", {"PI": "math:pi", "math": "math"})
    assert found("PI") == found("math").pi


def test_a_name_is_imported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = first_use(__name__, {"remembered": "math:pi"})
    monkeypatch.setattr(sys.modules[__name__], "remembered", None, raising=False)
    found("remembered")
    assert vars(sys.modules[__name__])["remembered"] == found("remembered")


def test_a_name_that_is_not_offered_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'gguf_fc' has no attribute 'nothing'"):
        _ = getattr(gguf_fc, "nothing")  # noqa: B009 - mypy knows that it is not there


def test_a_missing_extra_says_what_to_install() -> None:
    found = first_use("m", {"x": "made_up_module:x"}, extras={"made_up_module": "made-up"})
    with pytest.raises(ConfigError) as caught:
        found("x")
    expected = "made_up_module is not installed; pip install 'gguf-fc[made-up]' brings it."
    assert caught.value.message == expected


def test_a_missing_module_that_no_extra_brings_is_a_bug() -> None:
    with pytest.raises(ModuleNotFoundError):
        first_use("m", {"x": "made_up_module:x"})("x")


def test_help_imports_nothing_that_only_a_command_needs() -> None:
    code = (
        "import sys\nfrom gguf_fc.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'asyncio', 'gguf_fc.dialect', 'gguf_fc.server', 'httpx', 'huggingface_hub',"
        " 'msgspec', 'numpy', 'orjson', 'starlette'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert "usage: gguf-fc" in ran.stdout
    assert ran.stderr == "[]\n"
