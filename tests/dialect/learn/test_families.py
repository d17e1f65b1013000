"""Every form of calls: found in its template, written, constrained and read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gguf_fc.dialect import Dialect
from gguf_fc.grammar import Grammar, gbnf_to_grammar
from tests.support.families import (
    EVERYTHING,
    FAMILIES,
    NOTHING,
    PARIS,
    TOOLS,
    USER,
    Heard,
    canonical,
    family_dialect,
    hear,
    wanted,
)
from tests.support.lexing import LlguidanceGrammar

EVERY_FAMILY = pytest.mark.parametrize("name", FAMILIES)
WITH_MARKER = pytest.mark.parametrize(
    "name", [name for name, family in FAMILIES.items() if family.syntax.get("marker", "x")]
)
REASONING = pytest.mark.parametrize(
    "name", ["channels", "counted_objects", "guarded_text", "key_tags", "key_value_tags"]
)
NAMED: dict[str, Any] = {"type": "function", "function": {"name": "get_weather"}}
OTHER: dict[str, Any] = {"type": "function", "function": {"name": "get"}}


def heard(dialect: Dialect, text: str, tools: list[dict[str, Any]] = TOOLS) -> Heard:
    """What is read of the whole *text*, which must be the same character by character."""
    whole = hear(dialect.parser(tools=tools), [text])
    assert hear(dialect.parser(tools=tools), text) == whole
    return whole


def grammars(dialect: Dialect, tools: list[dict[str, Any]] = TOOLS) -> dict[str, Grammar]:
    choices: dict[str, Any] = {"auto": "auto", "required": "required", "named": NAMED}
    return {name: dialect.grammar(tools, choice) for name, choice in choices.items()}


def turn_of(dialect: Dialect) -> list[dict[str, Any]]:
    """As many different calls as the form has room for."""
    return [EVERYTHING, NOTHING, PARIS] if dialect.syntax.parallel else [EVERYTHING]


@EVERY_FAMILY
def test_the_form_is_found_in_its_template(name: str) -> None:
    dialect, family = family_dialect(name), FAMILIES[name]
    assert dialect.native, dialect.evidence
    assert {key: getattr(dialect.syntax, key) for key in family.syntax} == family.syntax
    assert {key: getattr(dialect.syntax.pairs, key) for key in family.pairs} == family.pairs
    assert dialect.write(tool_calls=[PARIS]) == family.written


@EVERY_FAMILY
@pytest.mark.parametrize("call", [PARIS, NOTHING], ids=["arguments", "none"])
def test_the_template_itself_writes_the_same(name: str, call: dict[str, Any]) -> None:
    dialect = family_dialect(name)
    turn = {"role": "assistant", "tool_calls": [{"id": "abcdefgh0", "function": call}]}
    shown = dialect.render([USER, turn], tools=TOOLS, add_generation_prompt=False)
    assert dialect.write(tool_calls=[call]) in shown.text


@EVERY_FAMILY
def test_what_is_written_is_accepted_and_read_as_the_same_calls(name: str) -> None:
    dialect = family_dialect(name)
    calls = turn_of(dialect)
    text = dialect.write(tool_calls=calls)
    accepting = [dialect.grammar(TOOLS, choice) for choice in ("auto", "required")]
    assert all(grammar.matches(text) for grammar in accepting)
    assert not dialect.grammar(TOOLS, "none").matches(text)
    read = heard(dialect, text)
    assert read.calls == wanted(*calls)
    assert read.content == ""


@EVERY_FAMILY
def test_a_named_tool_is_the_only_one_that_can_be_called(name: str) -> None:
    dialect = family_dialect(name)
    paris, nothing = dialect.write(tool_calls=[PARIS]), dialect.write(tool_calls=[NOTHING])
    named, other = dialect.grammar(TOOLS, NAMED), dialect.grammar(TOOLS, OTHER)
    assert (named.matches(paris), named.matches(nothing)) == (True, False)
    assert (other.matches(paris), other.matches(nothing)) == (False, True)
    assert not named.matches(dialect.write("Hello there."))


def damaged(name: str, text: str) -> list[str]:
    dialect, family = family_dialect(name), FAMILIES[name]
    broken = [text[: text.rindex(family.ending)]]
    if dialect.syntax.marker:
        broken.append(text.replace("get_weather", "get_whether"))
    if not dialect.syntax.quoted:
        broken += [text.replace("city", "town"), text.replace("40", "forty")]
    return broken


@EVERY_FAMILY
def test_damaged_calls_are_refused(name: str) -> None:
    dialect = family_dialect(name)
    text = dialect.write(tool_calls=[PARIS])
    for choice, grammar in grammars(dialect).items():
        assert [bad for bad in damaged(name, text) if grammar.matches(bad)] == [], choice
    assert not grammars(dialect)["required"].matches(text.replace("get_weather", "unknown"))


@EVERY_FAMILY
def test_the_printed_grammar_read_back_accepts_and_refuses_the_same(name: str) -> None:
    dialect = family_dialect(name)
    text = dialect.write(tool_calls=[PARIS])
    texts = [text, dialect.write(tool_calls=turn_of(dialect)), dialect.write("Hello there.")]
    texts += damaged(name, text)
    for choice, grammar in grammars(dialect).items():
        again = gbnf_to_grammar(grammar.gbnf)
        assert [again.matches(t) for t in texts] == [grammar.matches(t) for t in texts], choice


@EVERY_FAMILY
def test_the_engine_accepts_and_refuses_the_same(name: str) -> None:
    dialect = family_dialect(name)
    text = dialect.write(tool_calls=[PARIS])
    said = [dialect.write(words) for words in ("Hello there.", "\n\nget", "getting on", "")]
    texts = [text, dialect.write(tool_calls=turn_of(dialect)), *said, *damaged(name, text)]
    for choice, grammar in grammars(dialect).items():
        engine = LlguidanceGrammar(grammar.llguidance())
        assert [engine.matches(t) for t in texts] == [grammar.matches(t) for t in texts], choice


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("\nHello there.", False),
        ("getting on", False),
        (" \n", False),
        ('get_weather {"city": 1}', True),
        ('\n get_weather\n{"city": 1}', True),
        ('functions.get_weather\n{"city": 1}', False),
    ],
)
@pytest.mark.parametrize("name", ["name_and_line", "fenced_python"])
def test_text_in_a_form_without_a_marker_is_no_call(name: str, text: str, *, called: bool) -> None:
    dialect = family_dialect(name)
    accepted = dialect.grammar(TOOLS, "auto").matches(text)
    read = heard(dialect, text)
    if name == "name_and_line":
        assert read.started == called
    assert accepted == (not called)


@EVERY_FAMILY
def test_text_that_merely_looks_like_a_call_stays_text(name: str) -> None:
    text = FAMILIES[name].lookalike
    read = heard(family_dialect(name), text)
    assert (read.content, read.started) == (text, 0)


@EVERY_FAMILY
def test_without_tools_a_call_is_text(name: str) -> None:
    dialect = family_dialect(name)
    text = dialect.write(tool_calls=[PARIS])
    read = heard(dialect, text, tools=[])
    assert (read.content.strip(), read.started) == (text.strip(), 0)


@EVERY_FAMILY
def test_a_call_that_is_cut_off_never_ends_and_nothing_of_it_is_lost(name: str) -> None:
    dialect, family = family_dialect(name), FAMILIES[name]
    text = dialect.write(tool_calls=[PARIS])
    for length in range(text.rindex(family.ending) + len(family.ending)):
        read = hear(dialect.parser(tools=TOOLS), [text[:length]])
        assert read.ended == 0, text[:length]
        if not read.started and not dialect.syntax.content.open:
            assert read.content.strip() == text[:length].strip()


@WITH_MARKER
def test_text_may_stand_before_and_behind_calls(name: str) -> None:
    dialect = family_dialect(name)
    text = dialect.write("Hello there.", tool_calls=[PARIS])
    assert grammars(dialect)["auto"].matches(text)
    assert not grammars(dialect)["required"].matches(text)
    read = heard(dialect, text)
    assert (read.content, read.calls) == ("Hello there.", wanted(PARIS))
    if not dialect.syntax.content.open:
        read = heard(dialect, f"{text}\nSo it is.")
        assert read.content == "Hello there.So it is."
        assert read.calls == wanted(PARIS)


@REASONING
def test_reasoning_may_stand_before_a_call(name: str) -> None:
    dialect = family_dialect(name)
    text = dialect.write(reasoning="Hm.\nYes.", tool_calls=[PARIS])
    for choice, grammar in grammars(dialect).items():
        assert grammar.matches(text), choice
    read = heard(dialect, text)
    assert (read.reasoning, read.content, read.calls) == ("Hm.\nYes.", "", wanted(PARIS))


@REASONING
def test_reasoning_that_is_never_closed_ends_at_a_call(name: str) -> None:
    dialect = family_dialect(name)
    reasoning = dialect.syntax.reasoning
    assert reasoning is not None
    text = f"{reasoning.open}Hm.{dialect.write(tool_calls=[PARIS])}"
    read = heard(dialect, text)
    assert (read.reasoning, read.calls) == ("Hm.", wanted(PARIS))


@REASONING
def test_a_call_inside_of_reasoning_is_none(name: str) -> None:
    dialect = family_dialect(name)
    thought = f"Perhaps{dialect.write(tool_calls=[PARIS])}?"
    read = heard(dialect, dialect.write("No.", reasoning=thought))
    assert (read.content, read.started) == ("No.", 0)
    assert read.reasoning == thought


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("counted_ids", ["functions.get_weather:0", "functions.get:1", "functions.get_weather:2"]),
        ("counted_objects", ["0", "1", "2"]),
    ],
)
def test_ids_that_count_are_what_the_model_wrote(name: str, ids: list[str]) -> None:
    dialect = family_dialect(name)
    assert heard(dialect, dialect.write(tool_calls=[EVERYTHING, NOTHING, PARIS])).ids == ids


# Random arguments.

TEXTS = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("'\"\\\n<>[]{}(),=:|&")),
    max_size=12,
) | st.sampled_from(["001", "40", "True", "null", "", " a ", "\n", "</x>", "tool_call(a='b')"])
WHOLE = st.integers(-(10**15), 10**15)
NUMBERS = WHOLE | st.floats(allow_nan=False, allow_infinity=False)
ARGUMENTS = st.fixed_dictionaries(
    {"city": TEXTS},
    optional={
        "code": TEXTS,
        "days": WHOLE,
        "inner": st.fixed_dictionaries({"deep": st.booleans()}, optional={"text": TEXTS}),
        "ratio": NUMBERS,
        "sure": st.booleans(),
        "tags": st.lists(TEXTS, max_size=3),
    },
)


def sayable(dialect: Dialect, arguments: dict[str, Any]) -> bool:
    """Whether no text holds what the form has no way to write."""
    pairs = dialect.syntax.pairs
    if pairs is None:
        return True
    inner = arguments.get("inner", {})
    bare = [arguments["city"], arguments.get("code", "")]
    deep = [*arguments.get("tags", []), inner.get("text", "")]
    if pairs.item is not None:
        return not any("<" in text for text in bare + deep)
    if pairs.quoted:
        mark = pairs.notation.quote
        return len(mark) == 1 or not any(mark[0] in text or "<" in text for text in bare + deep)
    return not any(pairs.text.closing.strip() in text for text in bare + deep)


@EVERY_FAMILY
@settings(derandomize=True, max_examples=12, deadline=None, phases=[Phase.generate])
@given(st.data())
def test_any_arguments_come_back_however_the_text_is_cut(name: str, data: st.DataObject) -> None:
    dialect = family_dialect(name)
    arguments = data.draw(ARGUMENTS.filter(lambda found: sayable(dialect, found)))
    ordered = json.loads(canonical(arguments))  # as the schema declares them
    text = dialect.write(tool_calls=[{"name": "get_weather", "arguments": ordered}])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    read = hear(dialect.parser(tools=TOOLS), pieces)
    assert read.calls == [("get_weather", canonical(arguments))]
    assert read.content == ""
    assert hear(dialect.parser(tools=TOOLS), text) == read
    assert grammars(dialect)["required"].matches(text)
