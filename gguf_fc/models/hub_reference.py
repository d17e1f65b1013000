"""``OWNER/REPO[:QUANT]``: a model on the Hub, and which of a repository's files it means.

Pure: knows names only, no network and no disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Self

from gguf_fc.errors import DownloadError
from gguf_fc.models.gguf import part_names

# What is taken when no quantization is named, best first: the usual balance of size and quality,
# then its neighbours, then what is larger.
# fmt: off
PREFERRED = (
    "Q4_K_M", "Q4_K_S", "Q5_K_M", "Q5_K_S", "Q4_0", "IQ4_XS", "IQ4_NL",
    "MXFP4", "Q4_1", "Q5_0", "Q5_1", "Q6_K", "Q8_0", "Q3_K_M",
    "Q3_K_L", "Q3_K_S", "Q2_K", "BF16", "F16", "F32",
)
# fmt: on

_REFERENCE = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?::(?P<wanted>[^:]+))?\Z", re.ASCII)
_NOT_A_MODEL = re.compile(r"(?:^|[-_.])(?:mmproj|imatrix)(?:[-_.]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HubReference:
    """A model on the Hub.  *wanted* is a quantization, a file name or None for the best."""

    repo: str
    wanted: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The reference *text* is, or None if it is none."""
        found = _REFERENCE.match(text)
        if found is None or text.startswith((".", "/")):
            return None
        return cls(found["repo"], found["wanted"])

    def __str__(self) -> str:
        return f"{self.repo}:{self.wanted}" if self.wanted else self.repo


def choose(reference: HubReference, files: Sequence[str]) -> tuple[str, ...]:
    """The file of *files* that is meant, or all its parts if it is split.

    Raises DownloadError, which lists what there is, if none or more than one fits.
    """
    models = models_in(files)
    if not models:
        raise DownloadError(f"{reference.repo}: there is no GGUF model in this repository.")
    fitting = fitting_models(reference.wanted, models)
    if len(fitting) != 1:
        raise DownloadError(_refusal(reference, fitting, models))
    parts = part_names(fitting[0])
    if missing := sorted(set(parts) - set(files)):
        raise DownloadError(f"{reference}: parts of the model are missing: {', '.join(missing)}.")
    return parts


def models_in(files: Iterable[str]) -> tuple[str, ...]:
    """The models among *files*, split ones by their first part."""
    return tuple(sorted({part_names(name)[0] for name in files if _is_model(name)}))


def _is_model(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() == ".gguf" and not _NOT_A_MODEL.search(path.stem)


def fitting_models(wanted: str | None, names: Sequence[str]) -> list[str]:
    """Models among *names* that *wanted* may mean."""
    if wanted is None:
        if len(names) == 1:
            return list(names)
        ranked = (_with_quant(names, quant) for quant in PREFERRED)
        return next((found for found in ranked if found), [])
    if wanted.lower().endswith(".gguf"):
        first = part_names(wanted)[0]
        return [name for name in names if first in {name, PurePosixPath(name).name}]
    return _with_quant(names, wanted)


def _with_quant(names: Sequence[str], quant: str) -> list[str]:
    """The names that have *quant* as a word; the shortest ones, as ``UD-Q4_K_M`` has it too."""
    word = re.compile(rf"(?:^|[-._/]){re.escape(quant)}(?=[-./]|$)", re.IGNORECASE)
    found = [name for name in names if word.search(name)]
    prefixed = re.compile(rf"(?:^|[-._/])[A-Z]{{1,3}}-(?i:{re.escape(quant)})(?=[-./]|$)")
    plain = [name for name in found if not prefixed.search(name)]
    return plain or found


def _refusal(reference: HubReference, fitting: Sequence[str], names: Sequence[str]) -> str:
    if fitting:
        return (
            f"{reference}: several files fit, name one as {reference.repo}:FILE.gguf. "
            f"They are: {', '.join(fitting)}."
        )
    if reference.wanted is None:
        return (
            f"{reference}: no file has a quantization known here; name one as "
            f"{reference.repo}:FILE.gguf. There are: {', '.join(names)}."
        )
    near = get_close_matches(reference.wanted, names, n=1, cutoff=0.3)
    hint = f" Did you mean {near[0]}?" if near and reference.wanted.endswith(".gguf") else ""
    there = f"There are: {', '.join(names)}."
    return f"{reference.repo}: no model fits '{reference.wanted}'. {there}{hint}"
