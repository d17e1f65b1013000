"""The header of a GGUF file: metadata and tensor list, read without touching the weights.

Knows the file format and what its keys mean; nothing of llama.cpp, prompts or memory.

A header is untrusted input.  Theory of operation:
1. Every count and length is compared with a limit, and with what is left of the file, before
   anything is allocated for it, so a hostile file costs no more memory than an honest one.
2. Whatever cannot be read is a ModelFileError that names the file.
3. The end of the last tensor is compared with the size of the file: a download that broke off is
   found here and not as a crash later.
"""

from __future__ import annotations

import mmap
import re
import struct
import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gguf_fc.errors import ModelFileError
from gguf_fc.models.gguf_types import FILE_TYPES, HIDDEN_TOKEN_TYPES, TENSOR_TYPES

MAX_ENTRIES = 65_536  # metadata keys; real files have some dozens
MAX_TENSORS = 262_144
MAX_DIMENSIONS = 4
MAX_STRINGS = 4_000_000  # in arrays, all together; a large vocabulary with merges has 800,000
MAX_STRING_BYTES = 16 << 20  # of one string
MAX_HEADER_BYTES = 512 << 20
MAX_DEPTH = 2  # arrays in arrays

_STRING, _ARRAY = 8, 9
_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_PART = re.compile(r"(?P<stem>.*)-(?P<part>\d{5})-of-(?P<count>\d{5})\.gguf\Z")


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor as the header lists it; *offset* counts from the start of the data."""

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int

    @property
    def n_elements(self) -> int:
        return prod(self.shape)

    @property
    def n_bytes(self) -> int:
        """Its size; 0 if the type is newer than this table."""
        block, size = TENSOR_TYPES.get(self.type, (1, 0))
        return self.n_elements // block * size


@dataclass(frozen=True)
class Header:
    """What one model says of itself.  *parts* are its files; most models have one."""

    parts: tuple[Path, ...]
    metadata: Mapping[str, Any]
    tensors: tuple[Tensor, ...]  # of all parts

    @property
    def path(self) -> Path:
        """The file to hand to llama.cpp."""
        return self.parts[0]

    @property
    def architecture(self) -> str:
        return self._text("general.architecture") or "unknown"

    @property
    def name(self) -> str:
        """The model's own name, or else its file's."""
        return self._text("general.name") or stem_of(self.path)

    @property
    def size_label(self) -> str | None:
        return self._text("general.size_label")

    @property
    def quantization(self) -> str:
        """How the weights are stored, in llama.cpp's words, such as ``Q4_K_M``."""
        number = self.metadata.get("general.file_type")
        return FILE_TYPES.get(number, "unknown") if isinstance(number, int) else "unknown"

    @property
    def n_parameters(self) -> int:
        return sum(tensor.n_elements for tensor in self.tensors)

    @property
    def n_bytes(self) -> int:
        """The size of the weights."""
        return sum(tensor.n_bytes for tensor in self.tensors)

    @property
    def n_ctx_train(self) -> int | None:
        return self._number("context_length")

    @property
    def n_layers(self) -> int | None:
        return self._number("block_count")

    @property
    def n_embd(self) -> int | None:
        return self._number("embedding_length")

    @property
    def generates(self) -> bool:
        """Whether it writes text.  Where tokens look both ways, it makes embeddings only."""
        return self.metadata.get(f"{self.architecture}.attention.causal") is not False

    @property
    def kv_bytes_per_token(self) -> int | None:
        """What one token of context costs in f16; None if the header does not say.

        Sliding windows and shared layers are not subtracted: the true cost is this or less.
        """
        layers, width = self.n_layers, self.n_embd
        heads = self._per_layer("attention.head_count")
        kv_heads = self._per_layer("attention.head_count_kv") or heads
        if layers is None or kv_heads is None:
            return None
        head = width // max(heads) if width and heads and max(heads) else 0
        key = self._number("attention.key_length") or head
        value = self._number("attention.value_length") or head
        return sum(kv_heads) * (key + value) * 2

    @property
    def chat_template(self) -> str | None:
        return self._text("tokenizer.chat_template")

    @property
    def tool_use_template(self) -> str | None:
        """A second template that the file keeps for conversations with tools."""
        return self._text("tokenizer.chat_template.tool_use")

    @property
    def bos_token(self) -> str:
        return self._token("tokenizer.ggml.bos_token_id")

    @property
    def eos_token(self) -> str:
        return self._token("tokenizer.ggml.eos_token_id")

    @property
    def tokens(self) -> tuple[str, ...]:
        """The vocabulary."""
        found = self.metadata.get("tokenizer.ggml.tokens")
        return found if isinstance(found, tuple) else ()

    @cached_property
    def control_tokens(self) -> Mapping[str, int]:
        """The tokens that plain text never becomes, by their text."""
        types = self.metadata.get("tokenizer.ggml.token_type", ())
        return MappingProxyType(
            {
                text: token
                for token, (text, type_) in enumerate(zip(self.tokens, types, strict=False))
                if type_ in HIDDEN_TOKEN_TYPES
            }
        )

    def _text(self, key: str) -> str | None:
        value = self.metadata.get(key)
        return value if isinstance(value, str) and value else None

    def _number(self, key: str) -> int | None:
        value = self.metadata.get(f"{self.architecture}.{key}")
        return value if isinstance(value, int) else None

    def _per_layer(self, key: str) -> list[int] | None:
        """A number for each layer; many files give one for all."""
        value, layers = self.metadata.get(f"{self.architecture}.{key}"), self.n_layers
        if isinstance(value, int) and layers is not None:
            return [value] * min(layers, MAX_ENTRIES)
        return [int(item) for item in value] if isinstance(value, array) and value else None

    def _token(self, key: str) -> str:
        number, tokens = self.metadata.get(key), self.tokens
        return tokens[number] if isinstance(number, int) and 0 <= number < len(tokens) else ""


def read_header(path: Path) -> Header:
    """The header of the model in *path*, one of its parts if it is split.

    Raises ModelFileError if a file is missing, damaged, truncated or not GGUF.
    """
    parts = parts_of(path)
    files = [_read_file(part) for part in parts]
    metadata, _ = files[0]
    return Header(parts, metadata, tuple(tensor for _, tensors in files for tensor in tensors))


def parts_of(path: Path) -> tuple[Path, ...]:
    """All the files of the model that *path* belongs to, in order; they must exist."""
    parts = tuple(path.with_name(name) for name in part_names(path.name))
    missing = [part.name for part in parts if not part.is_file()]
    if len(parts) > 1 and missing:
        raise ModelFileError(
            f"{path}: the model is split into {len(parts)} files and these are missing from "
            f"their folder: {', '.join(missing[:5])}{', ...' if len(missing) > 5 else ''}."  # noqa: PLR2004
        )
    if missing:
        what = "is a folder, not a GGUF file" if path.is_dir() else "no such file"
        raise ModelFileError(f"{path}: {what}.")
    return parts


def part_names(name: str) -> tuple[str, ...]:
    """The file names of the split model that *name* is a part of, or just *name*."""
    found = _PART.fullmatch(name)
    if found is None:
        return (name,)
    stem, count = found["stem"], int(found["count"])
    return tuple(f"{stem}-{part:05d}-of-{count:05d}.gguf" for part in range(1, count + 1))


def stem_of(path: Path) -> str:
    """The file name without its ending and without the number of the part."""
    found = _PART.fullmatch(path.name)
    return found["stem"] if found else path.stem


def _read_file(path: Path) -> tuple[Mapping[str, Any], tuple[Tensor, ...]]:
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise ModelFileError(f"{path}: the file is empty.")  # and cannot be mapped
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _read(data)
    except _Damaged as error:
        raise ModelFileError(f"{path}: {error}.") from None
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror}.") from error


def _read(data: mmap.mmap) -> tuple[Mapping[str, Any], tuple[Tensor, ...]]:
    if data[:4] != b"GGUF":
        raise _Damaged("not a GGUF file")
    reader = _Reader(data)
    version = reader.number("I")
    if version not in {2, 3}:
        other_end = int.from_bytes(version.to_bytes(4, "little"), "big") in {2, 3}
        kind = "written for big-endian machines" if other_end else f"of GGUF version {version}"
        raise _Damaged(f"the file is {kind}; versions 2 and 3, little-endian, can be read")
    n_tensors = reader.count("Q", MAX_TENSORS, "tensors")
    n_entries = reader.count("Q", MAX_ENTRIES, "metadata entries")
    metadata: dict[str, Any] = {}
    for _ in range(n_entries):
        key = reader.string()
        metadata[key] = reader.value(reader.number("I"))
    tensors = tuple(reader.tensor() for _ in range(n_tensors))
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 1 << 20:
        raise _Damaged(f"the alignment {alignment!r} makes no sense")
    start = -(-reader.at // alignment) * alignment
    end = max((start + tensor.offset + tensor.n_bytes for tensor in tensors), default=0)
    if end > len(data):
        raise _Damaged(
            f"the file ends early: {len(data):,} bytes of {end:,}; download it again "
            "(an interrupted 'gguf-fc pull' goes on where it stopped)"
        )
    return MappingProxyType(metadata), tensors


class _Damaged(Exception):
    """Why a file cannot be read; the caller knows its name."""


class _Reader:
    """Walks the bytes of a header."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._end = min(len(data), MAX_HEADER_BYTES)
        self._strings_left = MAX_STRINGS
        self.at = 4  # behind the magic

    def number(self, code: str) -> Any:
        """One number of the struct *code*."""
        size = struct.calcsize(f"<{code}")
        (value,) = struct.unpack_from(f"<{code}", self._data, self._skip(size))
        return value

    def count(self, code: str, limit: int, what: str) -> int:
        """A number of things to come."""
        value: int = self.number(code)
        if value > limit:
            raise _Damaged(f"the header is damaged: it announces {value:,} {what}")
        return value

    def string(self) -> str:
        length = self.count("Q", MAX_STRING_BYTES, "bytes of one text")
        start = self._skip(length)
        return self._data[start : start + length].decode(errors="replace")

    def value(self, type_: int, depth: int = 0) -> Any:
        """A metadata value; arrays of texts are tuples, arrays of numbers ``array``."""
        if type_ in _SCALARS:
            return self.number(_SCALARS[type_])
        if type_ == _STRING:
            return self.string()
        if type_ == _ARRAY and depth < MAX_DEPTH:
            return self._array(depth)
        raise _Damaged(f"the header is damaged: a value of type {type_} at byte {self.at}")

    def tensor(self) -> Tensor:
        """One line of the tensor list."""
        name = self.string()
        n_dimensions = self.count("I", MAX_DIMENSIONS, "dimensions of a tensor")
        shape = tuple(self.number("Q") for _ in range(n_dimensions))
        return Tensor(name, shape, self.number("I"), self.number("Q"))

    def _array(self, depth: int) -> Any:
        type_ = self.number("I")
        if type_ in _SCALARS:
            return self._numbers(_SCALARS[type_])
        count = self.count("Q", self._strings_left, "texts")
        self._strings_left -= count
        if type_ == _STRING:
            return self._texts(count)
        return tuple(self.value(type_, depth + 1) for _ in range(count))

    def _numbers(self, code: str) -> array[Any]:
        code = "B" if code == "?" else code
        size = struct.calcsize(f"<{code}")
        length = self.count("Q", (self._end - self.at) // size, "numbers") * size
        start = self._skip(length)
        numbers = array(code, self._data[start : start + length])
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers

    def _texts(self, count: int) -> tuple[str, ...]:
        """Many texts: where a large vocabulary spends its time, hence one loop without calls."""
        data, end, at = self._data, self._end, self.at
        length_at = struct.Struct("<Q").unpack_from
        texts = []
        for _ in range(count):
            start = at + 8
            if start > end:
                break
            at = start + length_at(data, at)[0]
            if at > end:
                break
            texts.append(data[start:at].decode(errors="replace"))
        if len(texts) < count:
            self._skip(end)  # says that the file ends here
        self.at = at
        return tuple(texts)

    def _skip(self, size: int) -> int:
        """Step over *size* bytes and return where they start."""
        start, self.at = self.at, self.at + size
        if self.at > self._end:
            raise _Damaged("the file ends early, within its header; download it again")
        return start
