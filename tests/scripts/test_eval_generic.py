"""The trial of generic forms: questions fit their tools, replies are judged, runs go on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import eval_generic
from generic_trials.candidates import CANDIDATES, Candidate
from generic_trials.questions import Question, questions
from generic_trials.table import Figures, as_json, markdown
from generic_trials.trial import Answer, judged, told_by
from gguf_fc import Dialect
from gguf_fc.models.gguf import read_header
from tests.support.models import talking_model

ALL = questions(0)
USAGE = {"completion_tokens": 9, "prompt_tokens": 90}


def test_enough_questions_need_a_tool_and_enough_do_not() -> None:
    assert sum(bool(question.tool) for question in ALL) >= 40
    assert sum(not question.tool for question in ALL) >= 20
    assert len({question.tools[0]["function"]["name"] for question in ALL}) >= 5
    assert len({question.id for question in ALL}) == len(ALL)


def test_questions_are_made_from_the_seed_alone() -> None:
    assert questions(0) == ALL
    assert [q.text for q in questions(1)] != [q.text for q in ALL]


def test_every_right_answer_can_be_given() -> None:
    for question in ALL:
        schemas = {t["function"]["name"]: t["function"]["parameters"] for t in question.tools}
        if question.tool:
            assert set(question.arguments) <= set(schemas[question.tool]["properties"])
            assert all(jsonschema_rs.meta.is_valid(schema) for schema in schemas.values())
            assert all(_said(value, question.text) for value in question.arguments.values())


def _said(value: object, text: str) -> bool:
    """True if the question holds the value: what cannot be known cannot be asked for."""
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return isinstance(value, bool) or shown.casefold() in text.casefold()


LIGHT = next(question for question in ALL if question.tool == "set_light")
HELLO = next(question for question in ALL if not question.tool)


def reply(*calls: tuple[str, dict[str, Any]], content: str = "") -> dict[str, Any]:
    called = [{"function": {"name": name, "arguments": json.dumps(a)}} for name, a in calls]
    message = {"content": content or None, "tool_calls": called}
    return {"message": message, "finish_reason": "tool_calls" if calls else "stop"}


@pytest.mark.parametrize(
    ("call", "right", "useful"),
    [
        (("set_light", dict(LIGHT.arguments)), True, True),
        (("set_light", {**LIGHT.arguments, "on": "yes"}), True, False),
        (("set_light", {"room": "moon", "on": True}), True, False),
        (("lock_door", {"door": "front"}), False, False),
    ],
)
def test_a_call_is_judged_by_its_tool_and_its_arguments(
    call: tuple[str, dict[str, Any]],
    right: bool,  # noqa: FBT001
    useful: bool,  # noqa: FBT001
) -> None:
    answer = judged(LIGHT, reply(call), USAGE)
    assert (answer.called, answer.right, answer.useful) == (True, right, useful)
    assert judged(HELLO, reply(call), USAGE).decided is False


def test_an_answer_in_words_is_right_where_no_tool_is_needed() -> None:
    assert judged(HELLO, reply(content="Hi!"), USAGE).decided
    assert not judged(LIGHT, reply(content="Hi!"), USAGE).decided


def test_a_row_counts_and_neither_always_nor_never_calling_is_worth_anything() -> None:
    call = ("set_light", dict(LIGHT.arguments))
    always = [judged(question, reply(call), USAGE) for question in ALL]
    never = [judged(question, reply(content="no"), USAGE) for question in ALL]
    figures = [Figures.of("m", name, said) for name, said in (("a", always), ("n", never))]
    assert [each.decided for each in figures] == [0.5, 0.5]
    assert figures[0].row() == "| m | a | 48/48 | 3 | 2 | 0/24 | 50% | 9 | 90 |"
    assert markdown(figures).count("\n") == 3
    assert as_json(figures)[1]["abstained"] == 24


def test_a_run_asks_only_what_was_not_asked_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def answers(
        model: Path,  # noqa: ARG001
        candidate: Candidate,  # noqa: ARG001
        missing: Sequence[Question],
        at_once: int,  # noqa: ARG001
    ) -> AsyncIterator[Answer]:
        for question in missing:
            asked.append(question.text)
            yield judged(question, reply(content="Ä"), USAGE)

    monkeypatch.setattr(eval_generic, "answers", answers)
    shipped = CANDIDATES["shipped"]
    first = eval_generic.asked(tmp_path / "a", tmp_path, shipped, ALL[:2], 1)
    both = eval_generic.asked(tmp_path / "a", tmp_path, shipped, ALL[:4], 1)
    assert both[:2] == first
    assert asked == [question.text for question in ALL[:4]]


@pytest.mark.parametrize("candidate", CANDIDATES.values(), ids=CANDIDATES)
def test_any_model_can_be_told_in_any_form(candidate: Candidate) -> None:
    header = read_header(talking_model(Path()))
    own = Dialect.from_template(header.chat_template or "")
    dialect = told_by(candidate, own, header)
    assert own.native
    assert not dialect.native
    assert dialect.syntax.call == candidate.format.syntax.call
    prompt = dialect.render([{"role": "user", "content": "Hm?"}], tools=list(LIGHT.tools)).text
    assert prompt.index("set_light") < prompt.rindex("Hm?")
    assert all(example.asks in prompt for example in candidate.format.examples)
    call = {"name": "lock_door", "arguments": {"door": "back"}}
    grammar = dialect.grammar(list(LIGHT.tools))
    assert grammar.matches(dialect.write(tool_calls=[call]))
