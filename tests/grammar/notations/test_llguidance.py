"""llguidance text: the same language as the matcher's, control tokens, and forced tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import (
    Builder,
    Choice,
    Grammar,
    Literal,
    Node,
    Repeat,
    Spacing,
    Until,
    Without,
    compile_schema,
    schema_to_grammar,
    sequence,
)
from tests.support import schemas
from tests.support.grammar_cases import NODES, SCHEMAS
from tests.support.lexing import LlguidanceGrammar, Vocabulary
from tests.support.models import DATA

WEATHER = {
    "type": "object",
    "properties": {
        "location": {"type": "string"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 14},
    },
    "required": ["location", "unit", "days"],
}
CALL = (
    '<tool_call>\n{"name": "get_weather", "arguments": '
    '{"location": "San Francisco, California, USA", "unit": "celsius", "days": 3}}\n</tool_call>'
)


def tool_grammar(tools: dict[str, Any]) -> Grammar:
    """Text, calls of *tools* in tags, text: what a whole output looks like."""
    builder = Builder()
    calls: list[Node] = []
    for name, schema in tools.items():
        arguments, _ = compile_schema(schema, builder, spacing=Spacing(), closed=True)
        head = Literal(f'{{"name": "{name}", "arguments": ')
        calls.append(sequence(head, arguments, Literal("}\n</tool_call>")))
    call = builder.define("call", Choice(tuple(calls)))
    text_and_calls = Repeat(sequence(Until(("<tool_call>\n",)), call))
    return Grammar(builder.build(sequence(text_and_calls, Without(("<tool_call>",)))))


@pytest.mark.parametrize(("node", "accepts", "refuses"), NODES)
def test_a_node_has_the_same_language(node: Node, accepts: list[str], refuses: list[str]) -> None:
    grammar = LlguidanceGrammar(Grammar(Builder().build(node)).llguidance())
    assert [text for text in accepts if not grammar.matches(text)] == []
    assert [text for text in refuses if grammar.matches(text)] == []


@pytest.mark.parametrize("spacing", [None, (",", ":")], ids=["free", "fixed"])
@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_has_the_same_language(name: str, spacing: tuple[str, str] | None) -> None:
    schema, accepts, refuses = SCHEMAS[name]
    ours = schema_to_grammar(schema, spacing=spacing)
    theirs = LlguidanceGrammar(ours.llguidance())
    for text in [*accepts, *refuses]:
        assert theirs.matches(text) == ours.matches(text), text


@settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.data(), st.randoms(use_true_random=False))
def test_random_schemas_and_texts_near_valid_ones_agree(data: st.DataObject, random: Any) -> None:
    schema = data.draw(schemas.SCHEMAS)
    value = data.draw(schemas.valid_values(schema))
    spacing = data.draw(st.sampled_from([None, (", ", ": "), (",", ":")]))
    ours = schema_to_grammar(schema, spacing=spacing)
    try:
        theirs = LlguidanceGrammar(ours.llguidance())
    except GrammarError:
        return  # nothing satisfies the schema
    text = json.dumps(value, ensure_ascii=False, separators=spacing)
    for near in [text, *(_damaged(text, random) for _ in range(6))]:
        assert theirs.matches(near) == ours.matches(near), near


def _damaged(text: str, random: Any) -> str:
    at = random.randrange(len(text))
    replacement: str = random.choice(["", *'{}[]",:0159.e-a\\tn \n'])
    return text[:at] + replacement + text[at + random.randrange(2) :]


TOOLS = {
    "get_weather": WEATHER,
    "free": {"type": "object"},
    "none": {"type": "object", "properties": {}},
    "tree": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "sub": {"$ref": "#"}},
        "required": ["name"],
    },
}
OUTPUTS = [
    "",
    "Hi",
    CALL,
    f"Hi {CALL} and {CALL}.",
    "a < b <tool_cal",
    '<tool_call>\n{"name": "free", "arguments": {"a": [1, {"b": null}]}}\n</tool_call>',
    '<tool_call>\n{"name": "none", "arguments": {}}\n</tool_call>\n',
    '<tool_call>\n{"name": "tree", "arguments": {"name": "a", "sub": {"name": "b"}}}\n</tool_call>',
]
DAMAGED = [
    "<tool_call>",
    "Hi <tool_call>{}",
    CALL.replace("get_weather", "get_time"),
    CALL.replace("3}", "15}"),
    CALL.replace('"days": 3', '"day": 3'),
    CALL[:-1],
    '<tool_call>\n{"name": "none", "arguments": {"a": 1}}\n</tool_call>',
]


@pytest.mark.parametrize("names", [("get_weather", "none"), tuple(TOOLS)], ids=["regular", "all"])
def test_a_whole_output_is_accepted_only_with_whole_calls(names: tuple[str, ...]) -> None:
    ours = tool_grammar({name: TOOLS[name] for name in names})
    theirs = LlguidanceGrammar(ours.llguidance())
    known = [text for text in OUTPUTS if all(n in names for n in TOOLS if f'"{n}"' in text)]
    assert [text for text in known if not (ours.matches(text) and theirs.matches(text))] == []
    assert [text for text in DAMAGED if ours.matches(text) or theirs.matches(text)] == []


def test_a_control_token_stands_by_its_number() -> None:
    node = sequence(Literal("a<|x|>b"), Until(("\n<|x|>", "!")), Without(("<|x|>", "?")))
    text = Grammar(Builder().build(node)).llguidance({"<|x|>": 7, "<|": 8})
    assert '"a" <[7]> "b"' in text
    assert "<|" not in text
    assert text.count("<[7]>") == 2


@pytest.fixture(scope="module", params=["qwen2", "gemma-4"])
def vocabulary(request: pytest.FixtureRequest) -> Iterator[Vocabulary]:
    path = DATA / "vocab" / f"ggml-vocab-{request.param}.gguf"
    if not path.exists():
        pytest.skip("no vocabulary; set GGUF_FC_DATA")
    with Vocabulary(path) as loaded:
        yield loaded


@pytest.mark.live
def test_real_vocabularies_agree_with_the_matcher(vocabulary: Vocabulary) -> None:
    tokenizer = vocabulary.tokenizer
    for names in (("get_weather", "none"), tuple(TOOLS)):
        ours = tool_grammar({name: TOOLS[name] for name in names})
        theirs = LlguidanceGrammar(ours.llguidance(), tokenizer)
        for text in [*OUTPUTS, *DAMAGED]:
            assert theirs.matches(text) == ours.matches(text), text


@pytest.mark.live
def test_control_tokens_of_a_real_vocabulary_are_markers(vocabulary: Vocabulary) -> None:
    tokenizer = vocabulary.tokenizer
    marker = next(m for m in ("<|im_start|>", "<|tool_call>") if len(_special(tokenizer, m)) == 1)
    special = {marker: _special(tokenizer, marker)[0]}
    call = sequence(Until((f"{marker}go:",)), Literal("[1]"))
    node = sequence(Repeat(call), Without((marker,)))
    theirs = LlguidanceGrammar(Grammar(Builder().build(node)).llguidance(special), tokenizer)
    for text in ("", "Hi", f"{marker}go:[1]", f"Hi {marker}go:[1] and {marker}go:[1]."):
        assert theirs.matches(text), text
    for text in (marker, f"{marker}go:[2]", f"Hi {marker} go:[1]"):
        assert not theirs.matches(text), text


def _special(tokenizer: Any, text: str) -> list[int]:
    found: list[int] = tokenizer.tokenize_str(text, parse_special=True)
    return found


@pytest.mark.live
def test_fixed_spacing_forces_most_of_a_call(vocabulary: Vocabulary) -> None:
    grammar = tool_grammar({"get_weather": WEATHER})
    tokens, chosen = LlguidanceGrammar(grammar.llguidance(), vocabulary.tokenizer).steps(CALL)
    assert tokens > 40
    assert chosen <= tokens * 0.45
