"""Choice of the dialect that a row of another project's parser cases is for.

Such a row names a parser.  If it hints at a template that the corpus has, that is the one, unless
none of the format's rows opens a call as that template does.  Otherwise it is the template that
writes whole rows of the format from what is expected of them, apart from white space, and of
several the one that does so most often.  No row chooses by how well it is read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from dialect_scores.corpus import Corpus, Row
from dialect_scores.hearing import value_of
from gguf_fc import Dialect
from gguf_fc.errors import GgufFcError


@dataclass(slots=True)
class Formats:
    """The dialects by format."""

    corpus: Corpus
    chosen: dict[str, str | None] = field(default_factory=dict)  # format: template
    stand_ins: dict[str, str] = field(default_factory=dict)  # of these, those without a hint

    @classmethod
    def of(cls, corpus: Corpus, rows: Iterable[Row]) -> Formats:
        """Choose a template for every format of *rows*."""
        by_format = defaultdict(list)
        for row in rows:
            if row["template"] is None:
                by_format[row["format"]].append(row)
        formats = cls(corpus)
        for name, found in by_format.items():
            formats.chosen[name] = formats._hinted(found)
            if formats.chosen[name] is None and (stand_in := formats._writing(found)):
                formats.chosen[name] = formats.stand_ins[name] = stand_in
        return formats

    def dialect(self, row: Row) -> Dialect | None:
        """The dialect a row is for, if its template is known."""
        template = row["template"] or self.chosen[row["format"]]
        return self.corpus.dialect(template) if template else None

    def _hinted(self, rows: list[Row]) -> str | None:
        hints = [f"{row['template_hint']}.jinja".replace("/", "-") for row in rows]
        hinted = next(filter(self.corpus.has, hints), None)
        if hinted is None or not (dialect := self.corpus.dialect(hinted)).native:
            return hinted
        calling = [row for row in rows if row["expected"]["tool_calls"]]
        return hinted if any(_opens(dialect, row) for row in calling) or not calling else None

    def _writing(self, rows: list[Row]) -> str | None:
        calling = [row for row in rows if row["expected"]["tool_calls"]]
        votes = Counter(
            template
            for template in self.corpus.native
            for row in calling
            if _writes(self.corpus.dialect(template), row)
        )
        return next((template for template, _ in votes.most_common(1)), None)


def _opens(dialect: Dialect, row: Row) -> bool:
    """True if a call in the row begins as *dialect* would begin one."""
    name = row["expected"]["tool_calls"][0]["name"] or ""
    written = dialect.write(tool_calls=[{"name": name, "arguments": {}}])
    return _squeezed(written.partition(name)[0] + name) in _squeezed(row["raw_output"])


def _writes(dialect: Dialect, row: Row) -> bool:
    """True if *dialect* would write the row's calls as they stand there."""
    calls = [
        {"name": call["name"], "arguments": value_of(call["arguments"])}
        for call in row["expected"]["tool_calls"]
    ]
    if not all(isinstance(call["arguments"], dict) for call in calls):
        return False
    try:
        written = dialect.write(tool_calls=calls)
    except GgufFcError:
        return False
    content = row["expected"]["content"] or ""
    return _squeezed(content + written) == _squeezed(row["raw_output"])


def _squeezed(text: str) -> str:
    return "".join(text.split())
