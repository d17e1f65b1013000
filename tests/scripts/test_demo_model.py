"""The demo model's data: nothing leaks over the split, and everything follows from a seed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
sys.path.insert(0, str(SCRIPTS))

from demo_model.conversations import NO_TOOL, Conversation, Maker  # noqa: E402 - found by the path above
from demo_model.disguise import disguised  # noqa: E402 - found by the path above
from demo_model.examination import Examiner, Reply, judge  # noqa: E402 - found by the path above
from demo_model.render import render  # noqa: E402 - found by the path above
from demo_model.tokenizer import SPECIAL, train_tokenizer  # noqa: E402 - found by the path above
from demo_model.tools import Family, FamilyAbility, families  # noqa: E402 - found by the path above
from demo_model.values import spoken  # noqa: E402 - found by the path above
from demo_model.words import (  # noqa: E402 - found by the path above
    Lexicon,
    held_out_words,
    is_held_out,
    stem,
    words_of,
)

SAMPLE = 300
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["c", "f"]}},
            "required": ["city"],
        },
    },
}


@pytest.fixture(scope="module")
def talks() -> list[Conversation]:
    maker = Maker("train", seed=1)
    return [maker.make(index) for index in range(SAMPLE)]


def prompt(messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None = None) -> str:
    return render(messages, tools, add_generation_prompt=True)


def call(city: str, **more: Any) -> dict[str, Any]:
    return {**more, "function": {"name": "get_weather", "arguments": {"city": city}}}


def test_training_sees_no_held_out_word(talks: list[Conversation]) -> None:
    for talk in talks:
        assert held_out_words(render(talk.messages, talk.tools)) == []


def test_forms_of_a_word_are_on_the_same_side() -> None:
    for word in ("harbor", "garden", "ticket", "report", "catalog"):
        sides = {is_held_out(form) for form in (word, f"{word}s", f"{word}ing", f"{word}ed")}
        assert len(sides) == 1


def test_the_demonstration_is_trained() -> None:
    assert held_out_words("get_weather city Paris Lyon temperature condition sunny cloudy") == []


def test_names_and_keys_of_held_out_families_are_held_out() -> None:
    for family in families("held-out"):
        keys = [key for keys, _, _ in family.parameters for key in keys]
        for word in words_of(" ".join([*family.names, *keys])):
            assert is_held_out(word), word


def said(family: Family) -> list[str]:
    """Every text that *family* can put into a conversation, apart from drawn values."""
    texts = [*family.names, *family.descriptions, *family.questions]
    kinds = [kind for _, kind in family.results]
    for keys, kind, phrase in family.parameters:
        texts += [*keys, phrase]
        kinds.append(kind)
    texts += [key for key, _ in family.results]
    return texts + [option for kind in kinds for option in kind.options]


def test_no_realistic_family_has_a_held_out_word() -> None:
    """Such a family would never be trained: its conversations are dropped."""
    found = {f.names[0]: held_out_words(" ".join(said(f))) for f in families("train")}
    assert {name: words for name, words in found.items() if words} == {}


def test_questions_of_a_family_name_its_required_arguments() -> None:
    for family in families("train") + families("held-out"):
        required = {
            str(number) for number, (_, _, phrase) in enumerate(family.parameters, 1) if not phrase
        }
        for question in family.questions:
            assert set(re.findall(r"\{(.)\}", question)) == required, question


def test_every_family_makes_tools_questions_and_results() -> None:
    lexicon = Lexicon("train")
    for family in families("train"):
        rng = Random(family.names[0])  # noqa: S311 - a fixed seed
        for _ in range(10):
            ability = FamilyAbility.draw(rng, family)
            asked = ability.ask(rng, lexicon)
            assert "{" not in asked.question
            for text in (spoken(value) for value in asked.calls[0].values() if value is not True):
                assert text.lower() in asked.question.lower()
            assert ability.result(rng, lexicon)


def test_a_disguised_family_has_the_same_form_in_other_words() -> None:
    lexicon = Lexicon("train")
    for family in families("train"):
        other = disguised(Random(family.names[0]), lexicon, family)  # noqa: S311 - a fixed seed
        assert other.origin == family.origin
        for plain, changed in zip(said(family), said(other), strict=True):
            assert re.findall(r"\{.\}|\W", changed) == re.findall(r"\{.\}|\W", plain)


def test_no_word_of_a_family_is_exchanged_for_another_of_its_own() -> None:
    said_of = {
        stem(word): word for family in families("train") for word in words_of(family.names[0])
    }
    words = tuple(said_of.values())
    family = Family(words, ("Does it.",), (), (), (), "many words")
    other = disguised(Random(1), Lexicon("train"), family)  # noqa: S311 - a fixed seed
    assert len({stem(word) for word in other.names}) == len(words) > 100


def test_a_word_is_disguised_alike_in_the_tool_and_in_the_question() -> None:
    family = Family(
        ("brew_coffee",), ("Brews a coffee",), (), ("Brew me 2 coffees.",), (), "brew_coffee"
    )
    changed = 0
    for seed in range(20):
        other = disguised(Random(seed), Lexicon("train"), family)  # noqa: S311 - a fixed seed
        verb, noun = other.names[0].split("_")
        stems = [stem(word) for word in other.questions[0].rstrip(".").split()]
        assert (stems[0], stems[3]) == (stem(verb), stem(noun))
        assert [stem(word) for word in other.descriptions[0].split()] == [
            stem(verb),
            "a",
            stem(noun),
        ]
        changed += (verb, noun) != ("brew", "coffee")
    assert changed > 10


def test_names_of_realistic_families_differ() -> None:
    names = [name for family in families("train") for name in family.names]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_conversations_follow_from_the_seed() -> None:
    one, same, other = Maker("train", 1), Maker("train", 1), Maker("train", 2)
    assert one.make(7) == same.make(7)
    assert one.make(7) != other.make(7)


def test_expected_calls_fit_the_tools_on_offer() -> None:
    examiner = Examiner()
    for category in examiner.categories:
        for number in range(20):
            case = examiner.case(category, number)
            offered = {tool["function"]["name"]: tool["function"] for tool in case.tools}
            for name, arguments in case.expected.calls:
                schema = offered[name]["parameters"]
                assert set(schema["required"]) <= set(arguments) <= set(schema["properties"])


def test_the_right_reply_is_judged_exact_and_a_wrong_one_is_not() -> None:
    examiner = Examiner()
    case = examiner.case("one made-up tool", 0)
    assert judge(case, case.expected).exact
    assert not judge(case, Reply(NO_TOOL)).decided
    assert judge(examiner.case("no fitting tool", 0), Reply(NO_TOOL)).exact


def test_a_reply_is_read_from_text() -> None:
    text = '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'
    assert Reply.parse(text) == Reply("", (("f", {"a": 1}),))
    assert Reply.parse("<tool_call>\nnot JSON\n</tool_call>") == Reply("", (("", None),))


def test_the_tokenizer_gives_back_every_text(talks: list[Conversation]) -> None:
    texts = [render(talk.messages, talk.tools) for talk in talks]
    tokenizer = train_tokenizer(texts, 512)
    for text in [*texts, "It's Zoë's café: 東京 ½\n\n\t x  ", "<tool_call></tool_call>"]:
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert [tokenizer.tokens[i] for i in tokenizer.encode("".join(SPECIAL))] == list(SPECIAL)


def test_a_word_has_the_same_tokens_in_a_name_and_in_a_sentence(talks: list[Conversation]) -> None:
    tokenizer = train_tokenizer((render(talk.messages, talk.tools) for talk in talks), 512)
    word = tokenizer.encode("harbor")
    for before in (" ", "_", '"', "\n", "."):
        assert tokenizer.encode(f"{before}harbor")[-len(word) :] == word


def test_a_tool_is_one_line() -> None:
    text = prompt([{"role": "user", "content": "Hi"}], [WEATHER])
    line = '1 get_weather(city: string, unit?: "c"|"f"): Current weather'
    assert text == (
        f"<|im_start|>system\nTools:\n{line}<|im_end|>\n"
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_unusual_schemas_are_written_as_json() -> None:
    nested = {"type": "object", "properties": {"x": {"type": "integer"}}}
    either = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    properties = {"a": nested, "b": either, "c": {}, "d": True, "e": {"type": ["string", "null"]}}
    schema = {"type": "object", "properties": properties}
    tools = [
        {"type": "function", "function": {"name": "f", "parameters": schema}},
        {"type": "function", "function": {"name": "g"}},
        {"type": "function", "function": {"name": "h", "parameters": {}}},
    ]
    text = prompt([{"role": "user", "content": "Hi"}], tools)
    assert f"1 f(a?: {json.dumps(nested)}, b?: {json.dumps(either)}, c?: {{}}, d?: any, " in text
    assert "\n2 g()\n3 h()<|im_end|>" in text


def test_calls_are_tagged_json_and_results_are_labelled_by_their_call() -> None:
    calls = [call("Paris", id="a"), call("Lyon", id="b")]
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "b", "content": "21 C"},
        {"role": "tool", "tool_call_id": "a", "content": "18 C"},
    ]
    text = prompt(messages, [WEATHER])
    assert (
        "<|im_start|>assistant\n"
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>\n'
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Lyon"}}\n</tool_call>'
        "<|im_end|>\n"
        "<|im_start|>tool\nget_weather(Lyon): 21 C\nget_weather(Paris): 18 C<|im_end|>\n"
        "<|im_start|>assistant\n"
    ) in text


def test_results_without_ids_are_labelled_in_order() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "assistant", "content": "", "tool_calls": [call("Paris"), call("Lyon")]},
        {"role": "tool", "content": "18"},
        {"role": "tool", "name": "get_weather", "content": "21"},
    ]
    assert "tool\nget_weather(Paris): 18\nget_weather(Lyon): 21<|im_end|>" in prompt(messages)


def test_text_before_calls_stays() -> None:
    message = {"role": "assistant", "content": "Let me see.", "tool_calls": [call("Paris")]}
    assert "assistant\nLet me see.\n<tool_call>\n" in prompt([message])
