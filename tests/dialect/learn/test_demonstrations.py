"""Demonstrations this project began with, each for every form of calls that they were of.

They are the two cities of functionary, the stock tracker and the calculator of ChatGLM3, its
weather example that speaks first, OpenAI's pizza with ``functions`` and a message of the role
``function``, ``multi_Func`` with null for what is not called, and three cities.  The templates of
our own are of the kinds of those models; the real ones are read where the data is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
import pytest

from gguf_fc import Dialect
from gguf_fc.job import Sampling
from gguf_fc.protocols.chat.request import to_request
from gguf_fc.protocols.chat.schema import CHAT
from gguf_fc.request import Request
from tests.dialect.learn.test_trained_forms import TEMPLATES
from tests.support.families import canonical, hear
from tests.support.models import DATA

Call = tuple[str, dict[str, Any]]


def _function(name: str, description: str, required: list[str], **properties: Any) -> Any:
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"name": name, "description": description, "parameters": parameters}


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What is asked, the calls that are right for it, their results, and the answer."""

    functions: list[Any]
    asked: str
    calls: list[Call]
    results: list[str]
    answer: str
    said: str = ""  # in front of the first call
    legacy: bool = False  # told as ``functions``, answered in the role ``function``

    def request(self, *, done: bool = False) -> Request:
        """As a client sends it; *done*: with the calls and their results."""
        told = (self._as_functions if self.legacy else self._as_tools)() if done else []
        tools = [{"type": "function", "function": item} for item in self.functions]
        listed = {"functions": self.functions} if self.legacy else {"tools": tools}
        return _sent([{"role": "user", "content": self.asked}, *told], **listed)

    def _as_functions(self) -> Iterator[Any]:
        for (name, arguments), result in zip(self.calls, self.results, strict=True):
            called = {"name": name, "arguments": _json(arguments)}
            yield {"role": "assistant", "content": "", "function_call": called}
            yield {"role": "function", "name": name, "content": result}

    def _as_tools(self) -> Iterator[Any]:
        calls = [
            {
                "id": f"call_{n}",
                "type": "function",
                "function": {"name": name, "arguments": _json(arguments)},
            }
            for n, (name, arguments) in enumerate(self.calls)
        ]
        yield {"role": "assistant", "content": self.said or None, "tool_calls": calls}
        for n, result in enumerate(self.results):
            yield {"role": "tool", "tool_call_id": f"call_{n}", "content": result}


def _sent(messages: list[Any], **fields: Any) -> Request:
    body, _ = CHAT.parse(orjson.dumps({"messages": messages, **fields}))
    return to_request(body, Sampling())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_PLACE = {"type": "string", "description": "The city and state, e.g. San Francisco, CA"}
_WEATHER = _function(
    "get_current_weather",
    "Get the current weather in a given location",
    ["location"],
    location=_PLACE,
    unit={"type": "string"},
)
_THREE = ("San Francisco", "Tokyo", "Paris")
_CITY = {"type": "string", "description": "name of city to get weather"}
_TRACKER = [
    _function(
        "track",
        "追踪指定股票的实时价格",
        ["symbol"],
        symbol={"description": "需要追踪的股票代码"},
    ),
    _function(
        "Calculator",
        "数学计算器,计算数学问题",
        [],
        symbol={"description": "要计算的数学公式"},
    ),
]
# As its author sent it: the schemas of the two functions stand where no keyword of a schema is.
_BOTH = _function(
    "multi_Func",
    "Call two functions in one call",
    ["get_Weather", "get_Events"],
    get_Weather=_function("get_Weather", "Get the weather.", ["location"], location=_PLACE),
    get_Events=_function(
        "get_Events", "Get events.", ["location", "date"], location=_PLACE, date={"type": "string"}
    ),
)
_FRISCO = {"location": "San Francisco"}
_EVENTS = {"location": "San Francisco", "date": "2023-05-25"}


def _both(asked: str, weather: Any, events: Any) -> Demonstration:
    call = ("multi_Func", {"get_Weather": weather, "get_Events": events})
    return Demonstration([_BOTH], asked, [call], ["It is foggy."], "Foggy.", legacy=True)


DEMONSTRATIONS = {
    "two cities": Demonstration(
        [_function("get_weather", "get the weather of a location", [], city=_CITY)],
        "What is the weather like in Paris and Lyon?",
        [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Lyon"})],
        ['{"weather": "Cloudy, 6°C"}', '{"weather": "Sunny, 12°C"}'],
        "The weather in Paris is cloudy with a temperature of 6°C.",
    ),
    "a stock": Demonstration(
        _TRACKER,
        "帮我查询股票10111的价格",
        [("track", {"symbol": "10111"})],
        ['{"price": 12412}'],
        "根据您的查询,经过API的调用,股票10111的价格是12412。",
    ),
    "a calculation": Demonstration(
        _TRACKER,
        "37乘以8加7除2等于多少?",
        [("Calculator", {"symbol": "37*8+7/2"})],
        ["299.5"],
        "37乘以8加7除以2等于299.5。",
    ),
    "text first": Demonstration(
        [_WEATHER],
        "今天北京的天气怎么样?",
        [("get_current_weather", {"location": "beijing", "unit": "celsius"})],
        ['{"temperature": 22}'],
        "根据查询结果,今天北京的气温为 22 摄氏度。",
        said="好的,让我们来查看今天的天气",
    ),
    "three cities": Demonstration(
        [_WEATHER],
        "What's the weather like in San Francisco, Tokyo, and Paris?",
        [
            ("get_current_weather", {"location": city})
            for city in ("San Francisco", "Tokyo", "Paris")
        ],
        ['{"temperature": "72"}', '{"temperature": "10"}', '{"temperature": "22"}'],
        "It is 72 in San Francisco, 10 in Tokyo and 22 in Paris.",
    ),
    "a pizza": Demonstration(
        [
            _function(
                "get_pizza_info",
                "Get name and price of a pizza of the restaurant",
                ["pizza_name"],
                pizza_name={"type": "string", "description": "The name of the pizza, e.g. Salami"},
            )
        ],
        "How much does pizza salami cost?",
        [("get_pizza_info", {"pizza_name": "Salami"})],
        ['{"name": "Salami", "price": "10.99"}'],
        "The cost of a Salami pizza is $10.99.",
        legacy=True,
    ),
    "events only": _both("Get the events for San Francisco at 25th May 2023.", None, _EVENTS),
    "weather only": _both("Get the weather for San Francisco.", _FRISCO, None),
    "weather and events": _both("Get both for San Francisco.", _FRISCO, _EVENTS),
}


def _fenced(call: Call, fence: str, shown: Callable[[Any], str]) -> str:
    name, arguments = call
    pairs = ", ".join(f"{key}={shown(value)}" for key, value in arguments.items())
    return f"{name}\n{fence}\ntool_call({pairs})\n```"


def _script(value: Any) -> str:
    return "None" if value is None else _json(value)


_HEADER = "<|from|>assistant\n<|recipient|>"
# Form -> the text of a call as its models write it, and what stands between it and text in front.
WRITTEN: dict[str, tuple[Callable[[Call], str], Callable[[str], str]]] = {
    "roles": (lambda call: _fenced(call, "```python", repr), "\n {}<|assistant|>".format),
    "blocks": (lambda call: _fenced(call, "```", _script), " {}\n".format),
    "metadata": (lambda call: f"{call[0]}\n{_json(call[1])}", "\n{}<|assistant|>".format),
    "recipients": (
        lambda call: f"{call[0]}\n<|content|>{_json(call[1])}",
        lambda said: f"all\n<|content|>{said}\n{_HEADER}",
    ),
    "functions": (
        lambda call: f'<functioncall>{{"name": "{call[0]}", "arguments": {_json(call[1])}}}',
        "<plain>{}".format,
    ),
}
# Form -> how a result comes back, from its text and the name of what was called.
ROLE: dict[str, Callable[[str, str], str]] = {
    "roles": lambda result, _: f"<|observation|>\n {result}",
    "blocks": lambda result, _: f"\n\nObersavtion: {result}\n\n",
    "metadata": lambda result, _: f"<|observation|>\n{result}",
    "recipients": lambda result, name: f"<|from|>{name}\n<|recipient|>all\n<|content|>{result}\n",
    "functions": lambda result, _: f"TOOL: {result}\n\n",
}
# Form -> what the prompt holds before the conversation, from the functions, where it is known.
TOLD: dict[str, Callable[[list[Any]], str]] = {
    "roles": lambda functions: (
        "<|system|>\n Answer the following questions as best as you can. You have access to the "
        f"following tools:\n{json.dumps(functions, ensure_ascii=False, indent=4)}<|user|>"
    ),
    "blocks": lambda functions: (
        "System: You are a helpful assistant with access to the following functions. Use them if "
        f"required {_json(functions)}\n\nUser: "
    ),
    "recipients": lambda functions: (
        "<|content|>// Supported function definitions that should be called when necessary.\n"
        f"namespace functions {{\n\n// {functions[0]['description']}\n"
        f"type {functions[0]['name']} = (_: {{\n"
    ),
    "functions": lambda functions: (
        f"FUNCTIONS: {json.dumps(functions, ensure_ascii=False, indent=4)}\n\nUSER: "
    ),
}
REAL = (
    "seed-ChatGLM3",
    "seed-ChatGLM4",
    "llama-cpp-rwkv-world",
    "huggingface--custom__meetkai__functionary-medium-v2.2",
    "fireworks-ai-llama-3-firefunction-v2",
    "meetkai-functionary-medium-v3.1",
    "meetkai-functionary-medium-v3.2",
    "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
    "mistralai-Mistral-Nemo-Instruct-2407",
    "seed-Mistral-Large-2407",
)


@cache
def _dialect(name: str) -> Dialect:
    if name in TEMPLATES:
        return Dialect.from_template(TEMPLATES[name])
    path = DATA / "templates" / f"{name}.jinja"
    if not path.exists():
        pytest.skip(f"no {path.name} in the data folder, which GGUF_FC_DATA names")
    dialect = Dialect.from_template(path.read_text(encoding="utf-8"), bos_token="<s>")  # noqa: S106
    assert dialect.native, dialect.evidence
    return dialect


every_form = pytest.mark.parametrize("name", [*TEMPLATES, *REAL])
every_demonstration = pytest.mark.parametrize(
    "shown", DEMONSTRATIONS.values(), ids=DEMONSTRATIONS.keys()
)


@every_form
@every_demonstration
def test_the_prompt_tells_the_functions_and_what_is_asked(name: str, shown: Demonstration) -> None:
    request = shown.request()
    prompt = _dialect(name).render(request.messages, request.tools)
    assert prompt.warning is None
    assert shown.asked in prompt.text
    for function in shown.functions:
        assert function["name"] in prompt.text
        assert function["description"] in prompt.text
        assert all(key in prompt.text for key in function["parameters"]["properties"])
    if name in TOLD:
        assert TOLD[name](shown.functions) in prompt.text


def _heard(calls: list[Call]) -> list[tuple[str, str]]:
    return [(called, canonical(arguments)) for called, arguments in calls]


@pytest.mark.parametrize("name", TEMPLATES)
@every_demonstration
def test_each_call_as_models_write_it_is_read_and_is_in_the_grammar(
    name: str, shown: Demonstration
) -> None:
    dialect, request = _dialect(name), shown.request()
    prefill = dialect.render(request.messages, request.tools).prefill
    form, before = WRITTEN[name]
    for call in shown.calls:
        text = (before(shown.said) if shown.said else "") + form(call)
        for pieces in ([text], list(text)):
            heard = hear(dialect.parser(tools=request.tools, prefill=prefill), pieces)
            assert (heard.content, heard.calls) == (shown.said, _heard([call]))
        assert dialect.grammar(request.tools, prefill=prefill).matches(text)
        required = dialect.grammar(request.tools, "required", prefill=prefill)
        assert required.matches(form(call))


@every_form
@every_demonstration
def test_a_turn_is_read_as_it_was_written_whole_and_streamed(
    name: str, shown: Demonstration
) -> None:
    dialect, request = _dialect(name), shown.request()
    prefill = dialect.render(request.messages, request.tools).prefill
    together = [shown.calls] if dialect.syntax.parallel else [[call] for call in shown.calls]
    for calls in together:
        given = [{"name": called, "arguments": arguments} for called, arguments in calls]
        text = dialect.write(tool_calls=given, prefill=prefill, tools=request.tools)
        for pieces in ([text], list(text)):
            heard = hear(dialect.parser(tools=request.tools, prefill=prefill), pieces)
            assert (heard.content, heard.calls) == ("", _heard(calls))
        assert dialect.grammar(request.tools, prefill=prefill).matches(text)


def _in_order(words: list[str], text: str) -> Iterator[str]:
    """Those that do not stand in *text* behind the ones before them."""
    at = 0
    for word in words:
        found = text.find(word, at)
        if found < 0:
            yield word
        else:
            at = found + len(word)


@every_form
@every_demonstration
def test_results_stand_behind_the_calls_and_an_answer_follows(
    name: str, shown: Demonstration
) -> None:
    dialect, request = _dialect(name), shown.request(done=True)
    prompt = dialect.render(request.messages, request.tools)
    assert prompt.warning is None
    known = ROLE.get(name)
    results = [
        known(result, called) if known else result.removeprefix("{").removesuffix("}")
        for (called, _), result in zip(shown.calls, shown.results, strict=True)
    ]
    words = [shown.asked, *([shown.said] if shown.said else []), shown.calls[0][0], *results]
    unread = list(_in_order(words, prompt.text))
    assert not unread, prompt.text
    text = dialect.write(shown.answer, prefill=prompt.prefill, tools=request.tools)
    for pieces in ([text], list(text)):
        heard = hear(dialect.parser(tools=request.tools, prefill=prompt.prefill), pieces)
        assert (heard.content, heard.calls) == (shown.answer, [])
    assert dialect.grammar(request.tools, prefill=prompt.prefill).matches(text)


@every_form
def test_results_reach_the_model_where_clients_left_the_calls_out(name: str) -> None:
    shown = DEMONSTRATIONS["two cities"]
    asked = {"role": "user", "content": shown.asked}
    results = [  # both of one id, which is the function's name
        {"role": "tool", "tool_call_id": "get_weather", "name": "get_weather", "content": result}
        for result in shown.results
    ]
    tools = [{"type": "function", "function": item} for item in shown.functions]
    request = _sent([asked, *results], tools=tools)
    prompt = _dialect(name).render(request.messages, request.tools)
    words = [shown.asked, "Cloudy, 6°C", "Sunny, 12°C"]
    assert not list(_in_order(words, prompt.text)), prompt.text


@every_form
def test_a_call_that_an_agent_kept_as_text_stands_before_its_result(name: str) -> None:
    shown = DEMONSTRATIONS["a pizza"]
    kept = "{'function_call': {'name': 'get_pizza_info', 'arguments': '{\"pizza_name\": ...}'}}"
    messages = [
        {"role": "user", "content": shown.asked},
        {"role": "assistant", "content": kept},
        {"role": "function", "name": "get_pizza_info", "content": "10.99 dollars"},
    ]
    request = _sent(messages, functions=shown.functions)
    prompt = _dialect(name).render(request.messages, request.tools)
    assert not list(_in_order([shown.asked, kept, "10.99 dollars"], prompt.text)), prompt.text
