"""The parser cases of other servers: raw output -> content, reasoning and calls.

How a row is judged: content and reasoning after strip, arguments as JSON, ids where one is given.

1. A row whose expected arguments are cut off is right if the stream shows as much, unfinished.
2. ``reasoning_format: none`` leaves reasoning in the content, as ``inline`` does here.  White space
   at the joints is kept otherwise: such content is compared without any.
3. Where the model continues a turn, the expected reply has the turn's beginning; ours may have it.
4. Rows of other projects say what their parsers return: only the calls are compared.
5. The parsers of other projects read a call of any name, ours only of tools that were offered.  So
   a row without tools is offered those that its format's rows call, and one that calls a tool it
   does not offer is offered that too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from dialect_scores.corpus import Corpus, Row
from dialect_scores.figure import Figure, differs, short
from dialect_scores.formats import Formats
from dialect_scores.hearing import Heard, HeardCall, hear, is_object, value_of
from gguf_fc import Dialect

FILE = "toolparse.jsonl"
_OTHERS = {"vLLM": "vLLM", "sglang": "SGLang"}


@dataclass(frozen=True, slots=True)
class Case:
    """A row with the dialect it is for."""

    row: Row
    dialect: Dialect
    tools: list[Row] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The row's name."""
        return str(self.row["id"])

    @property
    def text(self) -> str:
        """Output of the model."""
        return str(self.row["raw_output"])

    @property
    def inline(self) -> bool:
        """True if reasoning is to be left in the content."""
        request = self.row.get("request") or {}
        return bool(request.get("reasoning_format") == "none")

    @property
    def prefill(self) -> str:
        """Prefill: the part of the turn that the prompt already held."""
        return self.row.get("prefill") or ""


def cases(corpus: Corpus, formats: Formats) -> Iterator[Case]:
    """Every row for which there is a template, with it."""
    rows = list(corpus.rows(FILE))
    called = _called_names(rows)
    for row in rows:
        dialect = formats.dialect(row)
        if dialect is not None and not _unjudgeable(row):
            yield Case(row, dialect, _offered(row, called))


def _offered(row: Row, called: dict[str, list[Row]]) -> list[Row]:
    """Rule 5."""
    tools: list[Row] = row.get("tools") or called[_format_of(row)]
    known = {tool["function"]["name"] for tool in tools}
    names = dict.fromkeys(call["name"] for call in row["expected"]["tool_calls"])
    if row["format"] is None:
        return tools
    return [*tools, *(_any_tool(name) for name in names if name not in known)]


def score(corpus: Corpus, formats: Formats) -> Iterator[Figure]:
    """One figure for each project the rows come from."""
    figures = {
        "llama.cpp": Figure("toolparse, llama.cpp", 0.97),
        "vLLM": Figure("toolparse, vLLM, calls", 0.85),
        "SGLang": Figure("toolparse, SGLang, calls", 0.85),
    }
    missed: dict[str, Counter[str]] = defaultdict(Counter)
    for case in cases(corpus, formats):
        project = _project(case.row)
        heard = hear(case.dialect, [case.text], case.tools, case.prefill, inline=case.inline)
        judged = _whole(case, heard) if project == "llama.cpp" else _calls(case, heard)
        figures[project].count(case.id, judged and f"{judged}\n{_about(case)}")
        missed[project][_template_of(case)] += judged is not None
    for project, note in _left_out(corpus, formats):
        figures[project].notes.append(note)
    for project, figure in figures.items():
        worst = [f"{name} {count}" for name, count in (+missed[project]).most_common()]
        figure.notes.append(f"missed: {', '.join(worst) or 'none'}")
        yield figure


def _about(case: Case) -> str:
    return f"        {_template_of(case)} prefill {short(case.prefill)}\n        raw {case.text!r}"


def _template_of(case: Case) -> str:
    return str(case.row.get("template") or case.row.get("format"))


def _whole(case: Case, heard: Heard) -> str | None:
    expected = case.row["expected"]
    content, reasoning = (expected["content"] or "").strip(), expected["reasoning_content"] or ""
    request = case.row["request"]
    if case.inline:
        return _calls(case, heard) or _packed(content, heard)
    if request["continue_final_message"] != "none":
        last = case.row["messages"][-1]
        content = _beyond(content, last.get("content") or "", heard.content)
        reasoning = _beyond(reasoning, last.get("reasoning_content") or "", heard.reasoning)
    return (
        differs("content", content.strip(), heard.content.strip())
        or differs("reasoning", reasoning.strip(), heard.reasoning.strip())
        or _calls(case, heard)
    )


def _packed(content: str, heard: Heard) -> str | None:
    """Rule 2."""
    got = heard.reasoning + heard.content
    return differs("content", "".join(content.split()), "".join(got.split()))


def _beyond(expected: str, begun: str, got: str) -> str:
    """Rule 3: what is expected beyond what was *begun*, unless *got* has that too."""
    has_it = bool(begun) and got.strip().startswith(begun.strip())
    return expected if has_it else expected.strip().removeprefix(begun.strip())


def _calls(case: Case, heard: Heard) -> str | None:
    expected = case.row["expected"]["tool_calls"]
    finished = [call for call in heard.calls if call.complete]
    cut_off = [call for call in heard.calls if not call.complete]
    if not any(_is_cut_off(call) for call in expected):
        heard_calls = finished
    else:
        heard_calls = finished + cut_off
    names = [call["name"] for call in expected]
    if missed := differs("calls", names, [call.name for call in heard_calls]):
        return missed
    judged = (_one_call(wanted, got) for wanted, got in zip(expected, heard_calls, strict=True))
    return next(filter(None, judged), None)


def _one_call(wanted: Row, got: HeardCall) -> str | None:
    arguments = value_of(got.arguments)
    if _is_cut_off(wanted):
        text, begun = "".join(wanted["arguments"].split()), "".join(got.arguments.split())
        if got.complete or not (begun.startswith(text) or text.startswith(begun)):
            return f"cut-off arguments: expected {short(text)} got {short(begun)}"
    elif missed := differs("arguments", value_of(wanted["arguments"]), arguments):
        return missed
    return differs("id", wanted["id"], got.id) if wanted.get("id") else None


def _is_cut_off(call: Row) -> bool:
    return not is_object(call["arguments"])


def _called_names(rows: list[Row]) -> dict[str, list[Row]]:
    """Rule 5: stand-ins for the tools that each format's rows call."""
    names: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        if row["format"]:
            found = (call["name"] for call in row["expected"]["tool_calls"])
            names[_format_of(row)].update(dict.fromkeys(filter(None, found)))
    tools = {key: [_any_tool(name) for name in found] for key, found in names.items()}
    return defaultdict(list, tools)


def _any_tool(name: str) -> Row:
    parameters = {"type": "object", "additionalProperties": True}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def _format_of(row: Row) -> str:
    return f"{_project(row)}/{row['format']}"


def _project(row: Row) -> str:
    word = str(row["source"]).split(maxsplit=1)[0]
    return _OTHERS.get(word, word)


def _unjudgeable(row: Row) -> str | None:
    """Reason to skip a row: it expects a mock object, or the end of another row."""
    names = [call["name"] for call in row["expected"]["tool_calls"]]
    if None in names:
        return "a piece from the middle of a stream"
    return "expects a mock object" if any("MagicMock" in name for name in names) else None


def _left_out(corpus: Corpus, formats: Formats) -> Iterator[tuple[str, str]]:
    missing: dict[tuple[str, str], int] = defaultdict(int)
    read_as: dict[tuple[str, str], None] = {}
    for row in corpus.rows(FILE):
        if (name := row["format"]) in formats.stand_ins:
            read_as[_project(row), f"{name} is read as {formats.stand_ins[name]}"] = None
        if reason := _unjudgeable(row):
            missing[_project(row), reason] += 1
        elif formats.dialect(row) is None:
            missing[_project(row), f"no template writes as {row['format']}"] += 1
    for (project, reason), count in sorted(missing.items()):
        yield project, f"{count} rows left out: {reason}"
    yield from read_as
