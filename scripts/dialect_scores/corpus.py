"""The corpus: real templates, each analysed once, and the rows of the files beside them."""

from __future__ import annotations

import gzip
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from gguf_fc import Dialect
from gguf_fc.models.analyses import AnalysisFolder
from gguf_fc.rendering.renderer import Renderer

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Analysed:
    """A dialect and the processor time its analysis took, at first and from a file."""

    dialect: Dialect
    seconds: float
    kept_seconds: float


@dataclass(slots=True)
class Corpus:
    """The folder *data*; of large files every *every*-th row."""

    data: Path
    every: int = 1
    _analysed: dict[str, Analysed] = field(default_factory=dict)

    @property
    def templates(self) -> tuple[str, ...]:
        """The names of the template files."""
        return tuple(sorted(path.name for path in (self.data / "templates").glob("*.jinja")))

    @property
    def native(self) -> tuple[str, ...]:
        """Template files whose own way to write calls is known."""
        return tuple(name for name in self.templates if self.dialect(name).native)

    def rows(self, name: str) -> Iterator[Row]:
        """The rows of the JSON lines file *name*, compressed or not; none if it is absent."""
        for path in (self.data / name, self.data / f"{name}.gz"):
            if path.exists():
                data = path.read_bytes()
                text = gzip.decompress(data) if path.suffix == ".gz" else data
                yield from map(json.loads, text.splitlines())

    def sampled(self, name: str) -> list[Row]:
        """Every *every*-th of those rows."""
        return list(self.rows(name))[:: self.every]

    def has(self, template: str) -> bool:
        """True if there is such a template file."""
        return (self.data / "templates" / template).exists()

    def text(self, template: str) -> str:
        """The text of a template file."""
        return (self.data / "templates" / template).read_text(encoding="utf-8")

    def dialect(self, template: str) -> Dialect:
        """The dialect of a template file."""
        return self.analysed(template).dialect

    def analysed(self, template: str) -> Analysed:
        """The dialect with its cost; analysed when it is first asked for."""
        if template not in self._analysed:
            self._analysed[template] = analyse(self.text(template))
        return self._analysed[template]


def analyse(text: str) -> Analysed:
    """A template's dialect, timed in a way that other processes do not disturb."""
    start = time.process_time()
    dialect = Dialect.from_template(text, clock=_clock)
    taken = time.process_time() - start
    with tempfile.TemporaryDirectory() as folder:
        # Where the template runs elsewhere, it is not compiled here.
        again = partial(
            Dialect.from_template,
            text,
            clock=_clock,
            compile_template=Renderer().compile,
            store=AnalysisFolder(Path(folder), "measured"),
        )
        again()
        start = time.process_time()
        again()
        return Analysed(dialect, taken, time.process_time() - start)


def _clock() -> datetime:
    """The day on which the expected prompts were made."""
    return datetime(2026, 11, 20, tzinfo=UTC)
