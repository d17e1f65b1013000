"""The header of a GGUF file: metadata and tensor list, read without touching the weights.

Knows what the keys of the metadata mean, and which files make up a split model; nothing of
llama.cpp, prompts or memory.  The bytes are ``gguf_reader``'s.
"""

from __future__ import annotations

import mmap
import re
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gguf_fc.errors import ModelFileError
from gguf_fc.models.gguf_reader import MAX_ENTRIES, DamagedHeader, Tensor, read_bytes
from gguf_fc.models.gguf_types import FILE_TYPES, HIDDEN_TOKEN_TYPES

POOLING_RANK = 4  # llama.cpp's number
_TEMPLATE = "tokenizer.chat_template"  # others: with a name behind it
_PART = re.compile(r"(?P<stem>.*)-(?P<part>\d{5})-of-(?P<count>\d{5})\.gguf\Z")


# One class: the facts of one file, a property each.
@dataclass(frozen=True)
class Header:
    """Metadata and tensor list of one model.  *parts* are its files; most models have one."""

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
        """Quantization of the weights in llama.cpp's words, such as ``Q4_K_M``."""
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
        """True if it writes text; without causal attention it makes embeddings only."""
        return self.metadata.get(f"{self.architecture}.attention.causal") is not False

    @property
    def ranks(self) -> bool:
        """True if it scores pairs of texts, instead of making embeddings."""
        return self._number("pooling_type") == POOLING_RANK

    @property
    def kv_bytes_per_token(self) -> int | None:
        """Size of one token in an f16 KV cache; None if the header does not say.

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
        """The file's first template; if it has none, the default or the next best."""
        first = self._text(_TEMPLATE)
        others = self.other_templates
        return first or others.get("default") or next(iter(others.values()), None)

    @property
    def other_templates(self) -> Mapping[str, str]:
        """Templates beside the first one (for tools, for documents ...), by name."""
        prefix = f"{_TEMPLATE}."
        texts = {key: self._text(key) for key in self.metadata if key.startswith(prefix)}
        return {key.removeprefix(prefix): text for key, text in texts.items() if text}

    @property
    def pre_tokenizer(self) -> str:
        """Name by which llama.cpp knows the splitting of text before it is tokenized, or ""."""
        return self._text("tokenizer.ggml.pre") or ""

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
                return read_bytes(data)
    except DamagedHeader as error:
        raise ModelFileError(f"{path}: {error}.") from None
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror}.") from error
