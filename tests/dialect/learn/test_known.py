"""The formats that rendering cannot show: each entry of the data file, from template to call."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gguf_fc.dialect import Dialect
from gguf_fc.dialect.learn.known import Known, Origin, entries, known_for
from gguf_fc.dialect.syntax import Parts, Placeholder
from tests.support.families import (
    EVERYTHING,
    NOTHING,
    PARIS,
    TOOLS,
    USER,
    Heard,
    family_dialect,
    hear,
    wanted,
)

EVERY_ENTRY = pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
FORGETFUL = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def dialect_of(entry: Known) -> Dialect:
    """The dialect of a template that contains what the entry asks for and drops all calls."""
    return Dialect.from_template("{# " + " ".join(entry.contains) + " #}" + FORGETFUL)


def heard(dialect: Dialect, text: str) -> Heard:
    whole = hear(dialect.parser(tools=TOOLS), [text])
    assert hear(dialect.parser(tools=TOOLS), text) == whole
    return whole


BLOCKS = (
    "{% for m in messages %}{{ m.role | capitalize }}: {{ m.content }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)


@pytest.mark.parametrize(
    ("template", "architecture", "pre_tokenizer", "label", "decided_by"),
    [
        ("rwkv-world", "", "", "native (name and key-value pairs)", "the template's text"),
        ("", "rwkv7", "", "native (name and key-value pairs)", "the template's text"),
        ("", "chatglm", "default", "native (name and key-value pairs)", "the template's text"),
        ("ChatGLM3", "", "", "native (name and key-value pairs)", "the template's text"),
        ("", "chatglm", "chatglm-bpe", "native (name and JSON arguments)", "the turns"),
        ("ChatGLM4", "", "", "native (name and JSON arguments)", "the turns"),
        (BLOCKS, "rwkv6", "", "native (name and key-value pairs)", "the file (rwkv6)"),
        (BLOCKS, "llama", "", "generic (tagged JSON)", "nothing that shows calls"),
        (FORGETFUL, "rwkv6", "", "generic (tagged JSON)", "nothing that shows calls"),
    ],
)
def test_what_a_file_says_beside_its_template_counts_where_that_shows_no_calls(
    template: str, architecture: str, pre_tokenizer: str, label: str, decided_by: str
) -> None:
    dialect = Dialect.from_template(
        template, architecture=architecture, pre_tokenizer=pre_tokenizer
    )
    assert dialect.label == label
    assert dialect.decided_by.startswith(decided_by)
    prompt = dialect.render([{"role": "user", "content": "Hi"}], TOOLS)
    assert "Hi" in prompt.text
    assert prompt.warning is None


@EVERY_ENTRY
def test_an_entry_is_used_for_what_contains_its_texts(entry: Known) -> None:
    dialect = dialect_of(entry)
    assert dialect.native
    found = dialect.evidence[0]
    assert (found.name, found.value, found.evidence) == ("known", entry.name, entry.evidence)


@EVERY_ENTRY
def test_an_entry_is_not_used_without_them_or_with_what_it_lacks(entry: Known) -> None:
    unknown = Origin()
    assert known_for("".join(entry.contains[1:]), unknown, "") is not entry
    excluded = "".join((*entry.contains, *entry.lacks[:1]))
    assert known_for(excluded, unknown, "") is not entry or not entry.lacks


@EVERY_ENTRY
def test_what_it_writes_it_accepts_and_reads(entry: Known) -> None:
    dialect = dialect_of(entry)
    calls = [EVERYTHING, NOTHING, PARIS] if dialect.syntax.parallel else [EVERYTHING]
    text = dialect.write(tool_calls=calls)
    for choice in ("auto", "required"):
        assert dialect.grammar(TOOLS, choice).matches(text)
    assert not dialect.grammar(TOOLS, "none").matches(text)
    read = heard(dialect, text)
    assert (read.calls, read.content) == (wanted(*calls), "")


@EVERY_ENTRY
def test_its_calls_of_the_past_are_written_into_the_conversation(entry: Known) -> None:
    dialect = dialect_of(entry)
    turn = {"role": "assistant", "tool_calls": [{"id": "abcdefgh0", "function": PARIS}]}
    shown = dialect.render([USER, turn, USER], tools=TOOLS).text
    assert dialect.write(tool_calls=[PARIS]) in shown


def written_as(parts: Parts) -> str:
    values = {"name": "get_weather", "arguments": '{"city": "Paris", "days": 40}'}
    return "".join(values[p.kind] if isinstance(p, Placeholder) else p for p in parts)


CHANNELS = dialect_of(entries()[0])
HEADER = CHANNELS.syntax.joint


@pytest.mark.parametrize("n", range(len(CHANNELS.syntax.patterns)))
@pytest.mark.parametrize("before", ["", f"<|channel|>analysis<|message|>Hm.{HEADER}"])
def test_a_recipient_may_stand_before_or_behind_the_channel(n: int, before: str) -> None:
    text = before + written_as(CHANNELS.syntax.patterns[n].parts)
    read = heard(CHANNELS, text)
    assert (read.calls, read.content) == (wanted(PARIS), "")
    assert read.reasoning == ("Hm." if before else "")


@pytest.mark.parametrize(
    ("text", "content", "reasoning"),
    [
        ("<|channel|>final<|message|>Fine.", "Fine.", ""),
        (
            f"<|channel|>analysis<|message|>A.{HEADER}<|channel|>final<|message|>B.",
            "B.",
            "A.",
        ),
        (
            f"<|channel|>commentary<|message|>A.{HEADER}<|channel|>final<|message|>B.",
            "A.B.",
            "",
        ),
        (
            (
                f"<|channel|>final<|message|>A.{HEADER}<|channel|>analysis<|message|>Hm.{HEADER}"
                "<|channel|>final<|message|>B."
            ),
            "A.B.",
            "Hm.",
        ),
        (f"{HEADER}<|channel|>final<|message|>Fine.", "Fine.", ""),
        ("<|start|>assistant<|channel|>final<|message|>Fine.", "Fine.", ""),
        (
            (
                "<|start|><|channel|>analysis<|message|>A.<|end|>"
                "<|channel|>final<|message|>B.<|end|>"
            ),
            "B.",
            "A.",
        ),
        (
            "<|channel|>commentary<|message|>A.<|end|><|channel|>final<|message|>B.",
            "A.B.",
            "",
        ),
        ("<|channel|>final<|message|>It ends with <|end|> then.", "It ends with <|end|> then.", ""),
    ],
)
def test_channels_are_told_apart(text: str, content: str, reasoning: str) -> None:
    read = heard(CHANNELS, text)
    assert (read.content, read.reasoning, read.started) == (content, reasoning, 0)


def test_a_call_may_follow_the_text_of_a_channel() -> None:
    call = CHANNELS.write(tool_calls=[PARIS])
    text = f"<|channel|>commentary<|message|>Let me look.{HEADER}{call}"
    read = heard(CHANNELS, text)
    assert (read.content, read.calls) == ("Let me look.", wanted(PARIS))


def test_the_list_of_entries_is_no_template_s_that_shows_its_calls() -> None:
    assert all(family_dialect(name).evidence[0].name != "known" for name in ("keywords", "lines"))


def test_a_word_instead_of_a_template_names_a_format_with_calls_of_its_own() -> None:
    dialect = Dialect.from_template("rwkv-world")
    prompt = dialect.render([USER], tools=TOOLS).text
    assert dialect.native
    assert prompt.endswith(f"User: {USER['content']}\n\nAssistant:")
    assert "get_weather" in prompt
    text = "get_weather\n```\ntool_call(city='Paris')\n```"
    (call,) = dialect.parse(text, tools=TOOLS).tool_calls
    assert call.arguments == '{"city": "Paris"}'
    assert not Dialect.from_template("some-world").native


def test_the_classes_are_read_before_threads_ask_for_entries() -> None:
    code = (
        "from gguf_fc.dialect.learn import known\n"
        "assert not known._data.cache_info().currsize\n"
        "assert all('__msgspec_cache__' in vars(one) for one in (known.Known, known.Syntax))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
