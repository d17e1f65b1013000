"""From a template to a syntax: what is found, and when it is not trusted."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import replace

import pytest

from gguf_fc import Dialect
from gguf_fc.dialect import describe
from gguf_fc.dialect.syntax import Marked, Placeholder, Syntax
from tests.support.models import DATA, ROOT
from tests.support.templates import NAMES, NATIVE, dialect_of, template_text

NAME, ARGUMENTS, ID = Placeholder("name"), Placeholder("arguments"), Placeholder("id")
EXPECTED = {
    "tagged": Syntax(
        call=('<tool_call>\n{"name": "', NAME, '", "arguments": ', ARGUMENTS, "}\n</tool_call>"),
        gap="\n",
        reasoning=Marked("<think>\n", "\n</think>\n\n"),
    ),
    "alternating": Syntax(
        call=('<call>{"name": "', NAME, '", "arguments": ', ARGUMENTS, "}</call>"), separator=""
    ),
    "array": Syntax(
        call=('{"name": "', NAME, '", "arguments": ', ARGUMENTS, "}"),
        section=Marked("<calls>[", "]</calls>"),
        separator=", ",
    ),
    "bare": Syntax(
        call=('{"name": "', NAME, '", "parameters": ', ARGUMENTS, "}"), gap="\n", parallel=False
    ),
    "name_in_tag": Syntax(call=("<function=", NAME, ">", ARGUMENTS, "</function>"), separator=""),
    "recipient": Syntax(
        call=(">>>", NAME, "\n", ARGUMENTS),
        separator="",
        content=Marked(">>>all\n"),
        opened=">>>",
    ),
    "headed": Syntax(
        call=("<|from|>me\n<|to|>", NAME, "\n<|content|>", ARGUMENTS),
        gap="\n",
        content=Marked("<|from|>me\n<|to|>all\n<|content|>"),
        opened="<|from|>me\n<|to|>",
    ),
    "short_ids": Syntax(
        call=('{"name": "', NAME, '", "arguments": ', ARGUMENTS, ', "id": "', ID, '"}'),
        section=Marked("[CALLS][", "]"),
        separator=", ",
        gap="\n",
        space=" ",
    ),
}
DEMO = ROOT / "scripts" / "demo_model" / "template.jinja"


TOLD = "The chat template does not show tools: they are described in the system message."


@pytest.mark.parametrize("name", NATIVE)
def test_a_template_that_shows_its_calls_is_native(name: str) -> None:
    dialect = dialect_of(name)
    assert dialect.native
    # What ends a turn is the template's own, if it has such a mark.
    assert replace(dialect.syntax, end="") == EXPECTED[name]
    assert [*dialect.warnings] == [TOLD] * (not dialect.needs.tells_tools)


def test_the_demo_model_s_template_is_native() -> None:
    dialect = Dialect.from_template(DEMO.read_text(encoding="utf-8"))
    assert dialect.label == "native (tagged JSON)"
    assert dialect.syntax.parallel
    assert [*dialect.warnings] == [TOLD] * (not dialect.needs.tells_tools)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no_tools", "the template does not show calls"),
        ("prints_python", "the template does not write arguments as JSON"),
    ],
)
def test_a_template_that_does_not_falls_back_and_says_why(name: str, reason: str) -> None:
    dialect = dialect_of(name)
    assert not dialect.native
    assert dialect.evidence[0].evidence.startswith(reason)


def test_a_number_that_counts_the_calls_is_a_slot() -> None:
    text = template_text("tagged")
    text = text.replace("""{"name": "'""", """{"n": ' ~ loop.index0 ~ ', "name": "'""")
    dialect = Dialect.from_template(text)
    assert dialect.native
    calls = [{"name": f"probe_{n}", "arguments": {}} for n in range(3)]
    written = dialect.write(tool_calls=calls)
    assert '{"n": 2, "name": "probe_2"' in written
    tools = [{"type": "function", "function": {"name": call["name"]}} for call in calls]
    assert dialect.grammar(tools=tools).matches(written)


@pytest.mark.parametrize(
    "text", ["{% if %}", "{{ raise_exception('never') }}", "{{ messages | nothing }}"]
)
def test_a_template_that_cannot_be_used_still_gives_a_dialect(text: str) -> None:
    dialect = Dialect.from_template(text)
    assert not dialect.native
    assert "generic chat format" in dialect.warnings[0]
    prompt = dialect.render([{"role": "user", "content": "Hello"}]).text
    assert "Hello" in prompt


def test_findings_say_what_was_seen_where() -> None:
    found = {finding.name: finding for finding in dialect_of("tagged").evidence}
    assert found["call"].value.startswith('<tool_call>\n{"name": "{name}"')
    assert "probe_alpha" in found["call"].evidence
    assert found["check"].value == "passed"


@pytest.mark.parametrize("name", NAMES)
def test_a_description_is_json_and_has_an_example_its_grammar_accepts(name: str) -> None:
    dialect = dialect_of(name)
    described = describe(dialect)
    assert json.loads(json.dumps(described)) == described
    read = dialect.parse(described["example"], tools=[{"function": {"name": "get_weather"}}])
    assert [(call.name, call.arguments) for call in read.tool_calls] == [
        ("get_weather", '{"city": "Paris"}')
    ]
    assert described["gbnf"].startswith("root")


def test_a_label_names_the_form_of_a_call() -> None:
    assert [dialect_of(name).label for name in ("tagged", "bare", "recipient", "no_tools")] == [
        "native (tagged JSON)",
        "native (bare JSON)",
        "native (name and JSON arguments)",
        "generic (tagged JSON)",
    ]


@pytest.mark.skipif(not (DATA / "templates").is_dir(), reason=f"no templates in {DATA}")
def test_every_real_template_gives_a_dialect_in_time(capsys: pytest.CaptureFixture[str]) -> None:
    labels: Counter[str] = Counter()
    for path in sorted((DATA / "templates").glob("*.jinja")):
        start = time.process_time()
        dialect = Dialect.from_template(path.read_text(encoding="utf-8"), bos_token="<s>")  # noqa: S106
        assert time.process_time() - start < 3, path.name
        assert dialect.native or dialect.evidence or dialect.warnings, path.name
        labels[dialect.label] += 1
    with capsys.disabled():
        print(*(f"\n{count:4} {label}" for label, count in labels.most_common()))  # noqa: T201
    assert sum(n for label, n in labels.items() if label.startswith("native")) >= 34


IN_TAGS = (
    "{% if tools %}EXAMPLE{{ tools | tojson }}<end>{% endif %}{% for m in messages %}<{{ m.role }}>"
    "{{ m.content or '' }}{% for c in m.tool_calls or [] %}"
    "<call>\n<function={{ c.function.name }}>\n"
    "{% for k, v in c.function.arguments | items %}<parameter={{ k }}>BREAK"
    "{{ v if v is string else v | tojson }}\n</parameter>\n{% endfor %}</function>\n</call>\n"
    "{% endfor %}<end>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)
EXAMPLE = "<call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n</function>\n</call>"
LOOK = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    },
}


@pytest.mark.parametrize(("line", "example"), [("\n", ""), ("\n", EXAMPLE), ("", EXAMPLE)])
def test_a_line_break_before_values_that_the_prompt_asks_for_is_no_part_of_them(
    line: str, example: str
) -> None:
    text = IN_TAGS.replace("EXAMPLE", example).replace("BREAK", line)
    dialect = Dialect.from_template(text)
    assert dialect.native
    written = "<call>\n<function=look>\n<parameter=at>\nParis\n</parameter>\n</function>\n</call>"
    assert dialect.grammar([LOOK], "auto").matches(written)
    for reply in (written, written.replace("=at>\n", "=at>")):
        (call,) = dialect.parse(reply, tools=[LOOK]).tool_calls
        assert json.loads(call.arguments) == {"at": "Paris"}


def test_white_space_behind_the_last_call_may_be_missing() -> None:
    dialect = Dialect.from_template(IN_TAGS.replace("EXAMPLE", "").replace("BREAK", "\n"))
    calls = [{"name": "look", "arguments": {"at": "left"}}] * 2
    assert dialect.write(tool_calls=calls[:1]).endswith("</call>")
    assert "</call>\n<call>" in dialect.write(tool_calls=calls)
