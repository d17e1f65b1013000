"""GGUF headers: what is read, and that nothing in a file can do harm."""

from __future__ import annotations

import os
import struct
import tracemalloc
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType
from gguf.constants import GGML_QUANT_SIZES, LlamaFileType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gguf_fc.errors import ModelFileError
from gguf_fc.models.gguf import parts_of, read_header, stem_of
from gguf_fc.models.gguf_types import FILE_TYPES, TENSOR_TYPES
from tests.support.gguf_files import CHAT_TEMPLATE, TOKENS, write_gguf

DATA = Path(os.environ.get("GGUF_FC_DATA", Path(__file__).parents[3] / "shared" / "data"))


def test_the_header_says_what_the_model_is(tmp_path: Path) -> None:
    header = read_header(write_gguf(tmp_path / "tiny.gguf"))
    assert (header.architecture, header.name, header.size_label) == ("llama", "tiny", "8B")
    assert (header.quantization, header.n_parameters, header.n_bytes) == ("Q4_K_M", 256, 1024)
    assert (header.n_ctx_train, header.n_layers, header.n_embd) == (4096, 2, 64)
    assert header.tokens == tuple(TOKENS)
    assert (header.bos_token, header.eos_token) == ("<s>", "</s>")
    assert header.chat_template == CHAT_TEMPLATE
    assert header.other_templates == {}


def test_control_tokens_are_those_that_text_never_becomes(tmp_path: Path) -> None:
    header = read_header(write_gguf(tmp_path / "tiny.gguf"))
    assert dict(header.control_tokens) == {
        "<unk>": 0,
        "<s>": 1,
        "</s>": 2,
        "<|im_start|>": 3,
        "<|im_end|>": 4,
    }


def test_templates_beside_the_first_are_found_by_name(tmp_path: Path) -> None:
    extra = {
        "tokenizer.chat_templates": ["tool_use", "rag"],
        "tokenizer.chat_template.tool_use": "with tools",
        "tokenizer.chat_template.rag": "with documents",
        "tokenizer.chat_template.empty": "",
    }
    header = read_header(write_gguf(tmp_path / "a.gguf", extra=extra))
    assert header.other_templates == {"tool_use": "with tools", "rag": "with documents"}
    assert header.chat_template == CHAT_TEMPLATE


def test_another_template_is_the_first_where_there_is_none(tmp_path: Path) -> None:
    extra = {"tokenizer.chat_template.tool_use": "with tools"}
    only = write_gguf(tmp_path / "a.gguf", template=None, extra=extra)
    assert read_header(only).chat_template == "with tools"
    extra["tokenizer.chat_template.default"] = "plain"
    two = write_gguf(tmp_path / "b.gguf", template=None, extra=extra)
    assert read_header(two).chat_template == "plain"


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({}, 2 * 2 * (16 + 16) * 2),
        ({"llama.attention.key_length": 24}, 2 * 2 * (24 + 16) * 2),
        ({"llama.attention.key_length": 24, "llama.attention.value_length": 8}, 2 * 2 * 32 * 2),
    ],
)
def test_a_token_of_context_costs_keys_and_values_of_every_layer(
    tmp_path: Path, extra: dict[str, int], expected: int
) -> None:
    assert read_header(write_gguf(tmp_path / "a.gguf", extra=extra)).kv_bytes_per_token == expected


def test_missing_or_odd_metadata_is_unknown_and_no_error(tmp_path: Path) -> None:
    content = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("general.file_type")
    path = tmp_path / "a.gguf"
    path.write_bytes(content + struct.pack("<II", 4, 9999))
    header = read_header(path)
    assert (header.architecture, header.name, header.quantization) == ("unknown", "a", "unknown")
    assert header.kv_bytes_per_token is None
    assert header.chat_template is None
    assert (header.bos_token, dict(header.control_tokens)) == ("", {})


def test_numbers_and_nested_arrays_are_read(tmp_path: Path) -> None:
    nested = struct.pack("<IIQ", 9, 9, 2) + 2 * (
        struct.pack("<IQ", 4, 2) + struct.pack("<II", 5, 6)
    )
    path = tmp_path / "a.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 2, 0, 1) + text("x") + nested)
    assert [list(item) for item in read_header(path).metadata["x"]] == [[5, 6], [5, 6]]


def test_a_truncated_file_is_told_to_be_downloaded_again(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "a.gguf")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ModelFileError, match=r"a\.gguf: the file ends early.*download it again"):
        read_header(path)


def test_no_truncation_whatever_goes_unnoticed(tmp_path: Path) -> None:
    whole = write_gguf(tmp_path / "a.gguf").read_bytes()
    path = tmp_path / "cut.gguf"
    end = len(whole) - len(whole) % 32  # behind the last tensor there may be padding
    for length in [*range(64), *range(64, end - 1, 53)]:
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError):
            read_header(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04" + bytes(60), "not a GGUF file"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version 1"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0), "tensors"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60), "metadata entries"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 60), "bytes of one text"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 20), "ends early"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_words(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        read_header(path)


@pytest.mark.parametrize(
    "value",
    [
        struct.pack("<IIQ", 9, 8, 3_999_999),  # texts that are not there
        struct.pack("<IIQ", 9, 8, 1 << 62),
        struct.pack("<IIQ", 9, 10, 1 << 61),
        struct.pack("<IIQ", 9, 9, 3_000_000) + struct.pack("<IQ", 8, 0) * 4,
        struct.pack("<IIQ", 9, 9, 1) + struct.pack("<IQ", 9, 1) * 50,  # too deep
        struct.pack("<I", 77),
    ],
)
def test_a_hostile_header_costs_no_memory(tmp_path: Path, value: bytes) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("k") + value + bytes(64))
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            read_header(path)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(4, 900), st.binary(min_size=1, max_size=8))
def test_damage_ends_in_a_clear_error_or_is_harmless(
    tmp_path: Path, at: int, damage: bytes
) -> None:
    path = tmp_path / "a.gguf"
    if not path.exists():
        write_gguf(path)
    whole = path.read_bytes()
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(whole[:at] + damage + whole[at + len(damage) :])
    try:
        header = read_header(bad)
    except ModelFileError:
        return
    assert isinstance(header.kv_bytes_per_token, int | None)
    assert isinstance(header.quantization, str)
    assert len(header.control_tokens) <= len(header.tokens)
    assert isinstance(header.bos_token + header.eos_token, str)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no such file"):
        read_header(tmp_path / "none.gguf")
    with pytest.raises(ModelFileError, match="is a folder"):
        read_header(tmp_path)


def test_a_split_model_needs_all_its_parts(tmp_path: Path) -> None:
    first = write_gguf(tmp_path / "big-00001-of-00002.gguf")
    with pytest.raises(ModelFileError, match=r"big-00002-of-00002\.gguf"):
        read_header(first)
    second = write_gguf(tmp_path / "big-00002-of-00002.gguf")
    assert parts_of(second) == (first, second)
    header = read_header(second)
    assert header.path == first
    assert header.n_bytes == 2048
    assert stem_of(second) == "big"


def test_the_tables_agree_with_the_gguf_package() -> None:
    for type_, (block, size) in TENSOR_TYPES.items():
        assert GGML_QUANT_SIZES[GGMLQuantizationType(type_)] == (block, size)
    for number, name in FILE_TYPES.items():
        assert LlamaFileType(number).name.removeprefix("MOSTLY_").removeprefix("ALL_") == name


def test_real_vocabularies_are_read_in_full() -> None:
    files = sorted((DATA / "vocab").glob("*.gguf"))
    if not files:
        pytest.skip(f"no vocabularies under {DATA}; set GGUF_FC_DATA")
    for file in files:
        header = read_header(file)
        assert len(header.tokens) > 30_000
        assert header.control_tokens
        assert header.eos_token
        assert header.kv_bytes_per_token


def text(string: str) -> bytes:
    return struct.pack("<Q", len(string)) + string.encode()
