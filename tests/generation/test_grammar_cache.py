"""Grammars for a model's worker: a client's own, what is kept, and what is printed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from gguf_fc.config import Settings
from gguf_fc.errors import GrammarError, SchemaNotEnforceable
from gguf_fc.generation.grammar_cache import GrammarCache, refuse_loosened
from gguf_fc.job import ConstraintEngine
from gguf_fc.models.load_plan import plan_load
from gguf_fc.models.models_yaml import Entry
from gguf_fc.models.pool import LoadedModel
from gguf_fc.request import Format, Message, OwnGrammar, Request, Tool, ToolChoice
from tests.support.random_model import write_random_model
from tests.support.serving import READY, CountingWorker

TEMPLATE = (Path(__file__).parent.parent / "end_to_end/templates/tagged.jinja").read_text()


def loaded(folder: Path, constraint: ConstraintEngine = "llguidance") -> LoadedModel:
    path = write_random_model(folder / "m.gguf", chat_template=TEMPLATE)
    settings = Settings(constraint=constraint, ctx=512)
    return LoadedModel(plan_load(Entry(alias="m", source=path), settings), CountingWorker(), READY)


def asking(**options: Any) -> Request:
    return Request(model=None, messages=(Message(role="user", content="x"),), **options)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return loaded(tmp_path_factory.mktemp("model"))


def test_only_the_notation_that_the_worker_runs_is_printed(
    model: LoadedModel, tmp_path: Path
) -> None:
    request = asking(grammar=OwnGrammar(source='root ::= <|im_start|> "a"'))
    _, text = GrammarCache().get(model, request, "")
    assert text.llguidance.startswith("%llguidance")
    assert (text.gbnf, text.tokens) == ("", ())
    other = loaded(tmp_path, "llama.cpp")
    _, text = GrammarCache().get(other, request, "")
    assert text.gbnf == 'root ::= <|im_start|> "a"\n'
    assert text.tokens == (other.header.control_tokens["<|im_start|>"],)
    assert text.llguidance == ""


def test_strict_refuses_malformed_keywords_but_not_those_that_are_null(model: LoadedModel) -> None:
    def refused(value: object) -> str | None:
        parameters = {"properties": {"a": {"type": "string", "maxLength": value}}, "type": "object"}
        tool = Tool(name="t", parameters=parameters, strict=True)
        grammar, _ = GrammarCache().get(model, asking(tools=(tool,)), "")
        assert [item.keyword for item in grammar.report] == ["maxLength"]
        try:
            refuse_loosened(grammar, [tool.parameters_at(0)])
        except SchemaNotEnforceable as error:
            return error.param
        return None

    assert refused(None) is None
    assert refused("3") == "tools[0].function.parameters.properties.a"


@pytest.mark.parametrize(
    ("grammar", "message"),
    [
        ('root ::= "a" |\n  | x', "line 2, column 5: rule 'x' is not defined"),
        ("root ::= <no-such-token>", "no control token '<no-such-token>'"),
        ("root ::= <[99999]>", "no token 99999"),
        ('root ::= "a" root', "nothing can match"),
        ("", "no rule 'root'"),
    ],
)
@pytest.mark.parametrize("constraint", ["llguidance", "llama.cpp"])
def test_a_bad_grammar_names_its_parameter_and_place(
    tmp_path: Path, constraint: ConstraintEngine, grammar: str, message: str
) -> None:
    request = asking(grammar=OwnGrammar(source=grammar))
    with pytest.raises(GrammarError, match="'grammar' cannot be used") as caught:
        GrammarCache().get(loaded(tmp_path, constraint), request, "")
    assert caught.value.param == "grammar"
    assert message in caught.value.message


ENDLESS: Any = {"type": "object", "properties": {"x": {"$ref": "#"}}, "required": ["x"]}


@pytest.mark.parametrize(
    ("options", "param"),
    [
        (
            {
                "tools": (Tool(name="fine"), Tool(name="f", parameters=ENDLESS)),
                "tool_choice": ToolChoice("named", "f"),
            },
            "tools[1]",
        ),
        ({"format": Format(type="json_schema", schema=ENDLESS)}, "response_format"),
        (
            {"format": Format(type="json_schema", schema=ENDLESS, schema_at="text.format.schema")},
            "text.format",
        ),
    ],
)
def test_a_schema_that_nothing_can_meet_is_named(
    model: LoadedModel, options: dict[str, Any], param: str
) -> None:
    with pytest.raises(GrammarError) as caught:
        GrammarCache().get(model, asking(**options), "")
    assert caught.value.param == param


def test_the_second_use_of_many_tools_takes_no_time(model: LoadedModel) -> None:
    parameters = {
        "type": "object",
        "properties": {f"p{n}": {"type": "string", "maxLength": 40 + n} for n in range(8)},
    }
    tools = tuple(Tool(name=f"tool_{n}", parameters=parameters) for n in range(100))
    grammars = GrammarCache()
    first = grammars.get(model, asking(tools=tools, tool_choice=ToolChoice("auto")), "")
    again = asking(tools=tuple(tools), tool_choice=ToolChoice("auto"))
    started = time.process_time()
    assert grammars.get(model, again, "") is not None
    assert time.process_time() - started < 0.005
    assert grammars.get(model, again, "")[0] is first[0]


def test_the_least_used_is_forgotten(model: LoadedModel) -> None:
    grammars = GrammarCache(size=2)

    def get(letter: str) -> object:
        return grammars.get(model, asking(grammar=OwnGrammar(source=f'root ::= "{letter}"')), "")[0]

    a, b = get("a"), get("b")
    assert get("a") is a
    get("c")
    assert get("a") is a
    assert get("b") is not b
