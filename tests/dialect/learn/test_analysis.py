"""Analyses that are kept: what is learned of a template once is used again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from gguf_fc import Dialect
from gguf_fc.dialect import Learned
from gguf_fc.dialect.learn.analysis import FileFacts, analyse
from gguf_fc.dialect.prompt.render import probe_clock
from gguf_fc.errors import TemplateError
from tests.support.templates import NAMES, template_text


@dataclass(slots=True)
class Memory:
    """A store that holds what it is given."""

    kept: dict[str, Learned] = field(default_factory=dict)

    def read(self, key: str) -> Learned | None:
        return self.kept.get(key)

    def write(self, key: str, learned: Learned) -> None:
        self.kept[key] = learned


@dataclass(frozen=True, slots=True)
class Unrendered:
    """A template that nobody renders."""

    text: str

    def render(self, *_: object, **__: object) -> str:
        raise AssertionError(self.text)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_analysed_once(name: str) -> None:
    text, store = template_text(name), Memory()
    first = Dialect.from_template(text, store=store)
    again = Dialect.from_template(text, store=store, compile_template=Unrendered)
    assert (again.syntax, again.native) == (first.syntax, first.native)
    assert (again.needs, again.thinking) == (first.needs, first.thinking)
    assert (again.evidence, again.warnings) == (first.evidence, first.warnings)


@pytest.mark.parametrize("tokens", [("", ""), ("a", ""), ("", "a"), ("a", "b")])
def test_an_analysis_is_that_of_a_template_and_its_tokens(tokens: tuple[str, str]) -> None:
    store, (begin, end) = Memory(), tokens
    Dialect.from_template("{{ messages }}", bos_token=begin, eos_token=end, store=store)
    facts = FileFacts(text="{{ messages }}", bos_token=begin, eos_token=end)
    assert list(store.kept) == [facts.key]
    other = (
        replace(facts, bos_token=begin + "b", eos_token=end + "a"),
        replace(facts, text="{{ message }}"),
        replace(facts, tokens=("[THINK]",)),
    )
    assert not {each.key for each in other} & {*store.kept}


@pytest.mark.parametrize("says", ["{{ strftime_now('%Y-%m-%d') }}", "<extra_0>"])
def test_a_prompt_that_ends_with_a_date_is_looked_at_every_time(says: str) -> None:
    store = Memory()
    text = (
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}SAYS assistant: {% endif %}"
    )
    Dialect.from_template(text.replace("SAYS", says), store=store)
    assert bool(store.kept) is ("strftime" not in says)


def test_a_template_that_fails_is_not_kept() -> None:
    def fails(text: str) -> Unrendered:
        raise TemplateError(text)

    store = Memory()
    found = analyse(
        FileFacts(text="broken"),
        clock=probe_clock,
        compile_template=fails,
        store=store,
    )
    assert "broken" in found.warnings[0]
    assert store.kept == {}


@pytest.mark.parametrize(
    "shown", ["", "{{ messages | length }}", "{{ (conversations or [1])[0] }}"]
)
def test_a_template_that_leaves_out_what_the_user_says_is_not_used(shown: str) -> None:
    dialect = Dialect.from_template(shown)
    assert "leaves out what the user says" in dialect.warnings[0]
    assert "hello there" in dialect.render([{"role": "user", "content": "hello there"}]).text
