"""Reading the bytes of a GGUF header: counts, texts, arrays, the tensor list.

Knows the file format; nothing of what a key means.

A header is untrusted input.  Theory of operation:
1. Every count and length is compared with a limit, and with what is left of the file, before
   anything is allocated for it, so a hostile file costs no more memory than an honest one.
2. Whatever cannot be read is a ``DamagedHeader``.
3. The end of the last tensor is compared with the size of the file: a download that broke off is
   found here and not as a crash later.
"""

from __future__ import annotations

import mmap
import struct
import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Any

from gguf_fc.models.gguf_types import TENSOR_TYPES

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


class DamagedHeader(Exception):
    """Reason why a file cannot be read; the caller knows its name."""


def read_bytes(data: mmap.mmap) -> tuple[Mapping[str, Any], tuple[Tensor, ...]]:
    """Metadata and tensors of the file *data*.  Raises DamagedHeader."""
    if data[:4] != b"GGUF":
        raise DamagedHeader("not a GGUF file")
    reader = HeaderReader(data)
    version = reader.number("I")
    if version not in {2, 3}:
        other_end = int.from_bytes(version.to_bytes(4, "little"), "big") in {2, 3}
        kind = "written for big-endian machines" if other_end else f"of GGUF version {version}"
        raise DamagedHeader(f"the file is {kind}; versions 2 and 3, little-endian, can be read")
    n_tensors = reader.count("Q", MAX_TENSORS, "tensors")
    n_entries = reader.count("Q", MAX_ENTRIES, "metadata entries")
    metadata: dict[str, Any] = {}
    for _ in range(n_entries):
        key = reader.string()
        metadata[key] = reader.value(reader.number("I"))
    tensors = tuple(reader.tensor() for _ in range(n_tensors))
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 1 << 20:
        raise DamagedHeader(f"the alignment {alignment!r} makes no sense")
    start = -(-reader.at // alignment) * alignment
    end = max((start + tensor.offset + tensor.n_bytes for tensor in tensors), default=0)
    if end > len(data):
        raise DamagedHeader(
            f"the file ends early: {len(data):,} bytes of {end:,}; download it again "
            "(an interrupted 'gguf-fc pull' goes on where it stopped)"
        )
    return MappingProxyType(metadata), tensors


class HeaderReader:
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
            raise DamagedHeader(f"the header is damaged: it announces {value:,} {what}")
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
        raise DamagedHeader(f"the header is damaged: a value of type {type_} at byte {self.at}")

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
            raise DamagedHeader("the file ends early, within its header; download it again")
        return start
