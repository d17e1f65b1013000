"""The engine over a scripted model: every job ends once, and says what it would say alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.engine.batching.costs import Costs, KernelTile
from gguf_fc.engine.kv_cache.saved_states import SavedStates
from gguf_fc.errors import EngineError
from gguf_fc.job import (
    Accepted,
    Chunk,
    GrammarText,
    Job,
    Measure,
    Measured,
    Sampling,
    Segment,
    Survey,
)
from tests.support.engine import Run, wait_for
from tests.support.scripted_model import END, ScriptedModel, rambling, saying


def test_a_job_is_accepted_speaks_and_is_done() -> None:
    run = Run(ScriptedModel(saying("hello")))
    run.job("prompt 0|")
    run.finish()
    first, *chunks, done = run.of("a")
    assert first == Accepted(id="a", prompt_tokens=9)
    assert all(isinstance(chunk, Chunk) for chunk in chunks)
    assert run.text() == "hello"
    assert done == run.done()
    assert (run.done().finish_reason, run.done().prompt_tokens) == ("stop", 9)
    assert run.done().completion_tokens == len("hello") + 1  # the end token is one too
    assert run.done().decode_steps == len("hello")
    assert run.done().forced_tokens == run.done().cached_tokens == 0


@pytest.mark.parametrize("n", [1, 3, 5])
def test_max_tokens_cuts(n: int) -> None:
    run = Run(ScriptedModel(saying("hello")))
    run.job("0|", max_tokens=n)
    run.finish()
    assert run.text() == "hello"[:n]
    assert (run.done().finish_reason, run.done().completion_tokens) == ("length", n)


@pytest.mark.parametrize(("least", "most", "count"), [(5, 9, 6), (6, 9, 7), (8, 8, 8), (99, 7, 7)])
@pytest.mark.parametrize("logprobs", [None, 1])
def test_a_reply_does_not_end_before_its_fewest_tokens(
    least: int, most: int, count: int, logprobs: int | None
) -> None:
    run = Run(ScriptedModel(saying("hello")))
    run.job("0|", min_tokens=least, max_tokens=most, logprobs=logprobs)
    run.finish()
    assert run.text().startswith("hello")
    assert run.done().completion_tokens == count


def test_without_max_tokens_the_context_is_the_end() -> None:
    run = Run(ScriptedModel(lambda _: ord("x"), n_ctx_seq=20))
    run.job("0123")
    run.finish()
    assert run.done().finish_reason == "length"
    assert run.done().completion_tokens == 16


def test_a_survey_counts_decodes_by_their_size() -> None:
    run = Run(ScriptedModel(saying("hello")))
    run.job("prompt 0|")
    run.finish()
    surveyed = run.engine.survey(Survey(id="s"))
    assert (surveyed.running, surveyed.waiting) == (0, 0)
    sizes = dict(zip(surveyed.batch_bounds, surveyed.batches, strict=False))
    assert sizes[16] == 1  # the prompt's nine tokens
    assert sizes[1] == len("hello")
    assert sum(surveyed.batches) == 1 + len("hello")
    assert surveyed.decoded_tokens == 9 + len("hello")
    assert surveyed.decode_seconds > 0


def test_a_survey_tells_who_runs_and_who_waits() -> None:
    run = Run(ScriptedModel(rambling), n_parallel=1)
    run.job("abc", "a")
    run.job("abd", "b")
    run.step()
    surveyed = run.engine.survey(Survey(id="s"))
    assert (surveyed.running, surveyed.waiting) == (1, 1)


def test_a_prompt_that_cannot_fit_is_answered_with_numbers() -> None:
    run = Run(ScriptedModel(rambling, n_ctx_seq=20))
    run.job("x" * 20)
    assert run.failed().code == "context_length_exceeded"
    assert "20 tokens, and the prompt alone has 20" in run.failed().message
    assert not run.accepted("a")
    assert run.engine.is_idle


def test_an_empty_prompt_and_a_bad_grammar_fail_before_they_are_accepted() -> None:
    run = Run(ScriptedModel(rambling))
    run.job("", "empty")
    run.job("x", "grammar", grammar=GrammarText(gbnf="", llguidance="bad"))
    assert run.failed("empty").code == "invalid_value"
    assert run.failed("grammar").code == "invalid_grammar"
    assert not run.accepted("grammar")


def test_the_queue_is_bounded() -> None:
    run = Run(ScriptedModel(rambling), n_parallel=2, max_queue=1)
    for name in "abcd":
        run.job("x", name)
    assert run.failed("d").code == "queue_full"
    run.finish()
    assert [run.ends(name) for name in "abcd"] == [1, 1, 1, 1]


def test_a_stop_string_ends_a_reply_and_is_not_shown() -> None:
    run = Run(ScriptedModel(saying("one, two, three")))
    run.job("0|", stop=("two",))
    run.finish()
    assert run.text() == "one, "
    assert (run.done().finish_reason, run.done().stop_string) == ("stop", "two")
    assert run.done().completion_tokens == len("one, two")


def test_the_mark_of_another_turn_ends_a_reply_as_if_the_model_had() -> None:
    run = Run(ScriptedModel(saying("one, two, three")))
    run.job("0|", stop=("three",), turn_marks=("two", "three"))
    run.job("0|", name="b", stop=("two",), turn_marks=("two",))
    run.finish()
    assert (run.text(), run.text("b")) == ("one, ", "one, ")
    assert (run.done().finish_reason, run.done().stop_string) == ("stop", None)
    assert run.done("b").stop_string == "two"


def test_chunks_count_every_token_and_no_character_is_split() -> None:
    said = "grüße 🦙".encode()
    run = Run(ScriptedModel(lambda tokens: (*said, END)[len(tokens) - 1]))
    run.job("x")
    run.finish()
    chunks = [message for message in run.of("a") if isinstance(message, Chunk)]
    assert run.text() == said.decode()
    assert "\ufffd" not in run.text()
    assert sum(chunk.n_tokens for chunk in chunks) == len(said)


def test_a_second_turn_reuses_the_first_one_s_answer() -> None:
    run = Run(ScriptedModel(saying("hello", "again")))
    run.job("0|", "a")
    run.finish()
    run.job("0|hello 1|", "b")
    run.finish()
    assert run.text("b") == "again"
    assert run.done("b").cached_tokens == len("0|hello")


def test_a_prompt_is_measured_without_being_evaluated() -> None:
    run = Run(ScriptedModel(saying("hello")))
    run.job("prompt 0|")
    run.finish()
    measured = run.engine.measure(Measure(id="m", prompt=(Segment("prompt 1|"),)))
    assert run.engine.is_idle
    assert measured == Measured(
        id="m", prompt_tokens=9, cached_tokens=len("prompt "), cache="share"
    )


def test_requests_with_the_same_beginning_share_it_while_they_run() -> None:
    run = Run(ScriptedModel(saying("first", "second", after="|")), n_parallel=2)
    run.job("a long system prompt 0|", "a")
    run.step()
    run.job("a long system prompt 1|", "b")
    run.finish()
    assert (run.text("a"), run.text("b")) == ("first", "second")
    assert run.done("b").cached_tokens == len("a long system prompt ")


TOOLS = "system text and tools, long enough that nobody wants to evaluate them twice: "


def test_what_a_running_prompt_evaluates_anyway_is_waited_for_and_shared() -> None:
    model = ScriptedModel(saying("one", "two", "three"), n_ctx=512, n_batch=32)
    run = Run(model, n_parallel=3)
    for n in range(3):
        run.job(f"{TOOLS}{n}|", str(n))
    run.finish()
    assert [run.text(str(n)) for n in range(3)] == ["one", "two", "three"]
    assert [run.done(str(n)).cached_tokens for n in range(3)] == [0, len(TOOLS), len(TOOLS)]
    evaluated = sum(len(feed.tokens) for batch in model.batches for feed in batch)
    assert evaluated < len(TOOLS) + 3 * 10


def test_the_same_prompt_many_times_is_evaluated_once() -> None:
    model = ScriptedModel(saying("same"), n_ctx=512, n_batch=32, n_slots=6)
    run = Run(model, n_parallel=4)
    for name in "abcd":
        run.job(f"{TOOLS}0|", name)
    run.finish()
    assert {run.text(name) for name in "abcd"} == {"same"}
    assert [run.done(name).cached_tokens for name in "bcd"] == [len(TOOLS) + 1] * 3


def test_who_waits_for_a_prompt_goes_on_alone_when_it_is_cancelled() -> None:
    run = Run(ScriptedModel(saying("one", "two"), n_ctx=512, n_batch=32), n_parallel=2)
    run.job(f"{TOOLS}0|", "a")
    run.job(f"{TOOLS}1|", "b")
    run.step()
    run.engine.cancel("a")
    run.finish()
    assert run.text("b") == "two"
    assert 0 < run.done("b").cached_tokens < len(TOOLS)


def test_the_common_beginning_of_conversations_stays_when_they_are_gone() -> None:
    model = ScriptedModel(saying("one", "two"), n_ctx=300, n_ctx_seq=200, n_slots=3)
    run = Run(model, n_parallel=1)
    run.job(f"{TOOLS}0|", "a", prefix=len(TOOLS))
    run.finish()
    for name, text in (("x", "x" * 90), ("y", "y" * 90), ("z", "z" * 90)):
        run.job(f"{text}0|", name)
        run.finish()
    run.job(f"{TOOLS}1|", "b", prefix=len(TOOLS))
    run.finish()
    assert run.done("b").cached_tokens == len(TOOLS) - 1


def test_a_conversation_comes_back_from_memory_after_many_others() -> None:
    model = ScriptedModel(saying("one", "two"), n_ctx=300, n_ctx_seq=200, n_slots=2)
    run = Run(model, n_parallel=1, states=SavedStates(1 << 20))
    run.job(f"{TOOLS}0|", "a")
    run.finish()
    for letter in "xyz":
        run.job(f"{letter * 150}0|", letter)
        run.finish()
    run.job(f"{TOOLS}0|one1|", "b")
    run.finish()
    assert run.text("b") == "two"
    assert run.done("b").cached_tokens == len(f"{TOOLS}0|one")
    run.states.check()  # type: ignore[union-attr]


def test_a_prompt_that_had_to_make_room_goes_on_where_it_was() -> None:
    def evaluated(states: SavedStates | None) -> int:
        model = ScriptedModel(lambda tokens: ord("a") + sum(tokens) % 26, n_ctx=150, n_ctx_seq=150)
        run = Run(model, n_parallel=2, states=states)
        for name in "pq":
            run.job(name * 40, name, max_tokens=60)
        run.finish()
        return sum(len(feed.tokens) for batch in model.batches for feed in batch)

    assert evaluated(SavedStates(1 << 20)) < evaluated(None)


def slow_model(per_token: float) -> ScriptedModel:
    return ScriptedModel(
        lambda _: ord("x"),
        n_ctx=16_384,
        n_ctx_seq=8192,
        n_batch=512,
        seconds=lambda n_tokens: 0.1 + per_token * n_tokens,
    )


@pytest.mark.parametrize("per_token", [0.0005, 0.01, 0.05])
def test_a_long_prompt_never_triples_the_gap_of_a_running_stream(per_token: float) -> None:
    model = slow_model(per_token)
    run = Run(model, n_parallel=2)
    run.job("short", "stream")
    run.step(3)
    run.job("y" * 6000, "long", max_tokens=1)
    gaps: list[float] = []
    while not run.text("long"):
        said, began = len(run.text("stream")), model.elapsed
        run.step()
        assert len(run.text("stream")) == said + 1, "every step gives the stream a token"
        gaps.append(model.elapsed - began)
    plain = 0.1 + per_token
    assert max(gaps) < 3 * plain
    assert sum(gaps) < 3 * (6000 * per_token + plain), "the prompt gets on all the same"


def test_a_long_prompt_fills_steps_up_to_whole_kernel_tiles() -> None:
    costs = Costs((1.0, 2.7, 3.4, 4.0, 6.0), tile=KernelTile(4, 1.0))
    model = slow_model(0.0)
    model.costs, model.seconds = costs, lambda n_tokens: 0.02 * costs.step(n_tokens, n_tokens)
    run = Run(model, n_parallel=4)
    for name in "abc":
        run.job(name, name)
    wait_for(run, lambda: len(run.text("c")) > 4)
    run.job("y" * 1000, "long", max_tokens=1)
    began, start = model.elapsed, len(model.batches)
    wait_for(run, lambda: run.text("long") != "")
    sizes = [sum(len(feed.tokens) for feed in batch) for batch in model.batches[start:]]
    mixed = [size for size in sizes[:-2] if size > 3]
    assert all(size % 4 == 0 for size in mixed)
    assert max(map(model.seconds, sizes)) < 3 * model.seconds(3)
    assert model.elapsed - began < 2 * sum(map(model.seconds, [64] * (1000 // 64)))


GROUPS = Costs((1.0, 2.7, 3.4, 4.0, 6.0), tile=KernelTile(4, 1.0))


def test_a_prompt_is_padded_where_more_tokens_cost_less() -> None:
    run = Run(ScriptedModel(saying("hello"), costs=GROUPS))
    run.job("-----0|")
    run.finish()
    (first,), (second,) = run.model.batches[:2]  # type: ignore[attr-defined]
    assert (len(first.tokens), first.n_padding, first.n_rows) == (8, 1, 1)
    assert (second.start, len(second.tokens)) == (7, 1)
    assert run.text() == "hello"
    run.engine.scheduler.check()


def test_two_streams_take_turns_where_that_takes_less_time() -> None:
    model = ScriptedModel(saying("hello there"), costs=GROUPS)
    run = Run(model)
    for name in "ab":
        run.job(f"{name}0|", name)
    run.finish()
    assert [run.text(name) for name in "ab"] == ["hello there"] * 2
    turns = [[feed.slot for feed in batch] for batch in model.batches[1:-1]]
    assert turns == [[n % 2] for n in range(turns[0][0], turns[0][0] + len(turns))]


def test_streams_are_padded_where_more_tokens_cost_less() -> None:
    model = ScriptedModel(saying("hello there"), costs=GROUPS, n_slots=8)
    run = Run(model, n_parallel=7)
    names = "abcdefg"
    for name in names:
        run.job(f"{name}0|", name)
    run.finish()
    assert [run.text(name) for name in names] == ["hello there"] * 7
    sizes = {sum(len(feed.tokens) for feed in batch) for batch in model.batches[8:-1]}
    assert sizes == {8}


def test_a_step_without_room_for_padding_is_not_padded() -> None:
    run = Run(ScriptedModel(saying("hello"), costs=GROUPS, n_ctx=19))
    run.job("----------------0|", max_tokens=1)
    run.finish()
    assert run.text() == "h"
    assert run.model.batches[0][0].n_padding == 0  # type: ignore[attr-defined]


def test_guesses_for_several_streams_make_whole_groups() -> None:
    costs = Costs((1.0, 2.7, 3.4, 4.0, 6.0), tile=KernelTile(4, 1.0))
    model = ScriptedModel(lambda _: ord("x"), n_ctx=2048, n_ctx_seq=500, costs=costs)
    run = Run(model, n_parallel=3, drafts=True)
    for name in "abc":
        run.job(name, name)
    wait_for(run, lambda: min(len(run.text(name)) for name in "abc") > 300)
    sizes = [sum(len(feed.tokens) for feed in batch) for batch in model.batches[5:]]
    assert max(sizes) > 8
    assert all(size % 4 == 0 or size == 3 for size in sizes)


def test_streams_that_are_guessed_well_flow_evenly_with_and_without_a_long_prompt() -> None:
    model = slow_model(0.02)  # guesses seem to cost little, and do cost much
    run = Run(model, n_parallel=4, drafts=True)
    for name in "abc":
        run.job("abc" * 20, name)
    wait_for(run, lambda: min(len(run.text(name)) for name in "abc") > 40)
    alone: list[float] = []
    beside: list[float] = []
    for gaps in (alone, beside):
        if gaps is beside:
            run.job("y" * 1000, "long", max_tokens=1)
        for _ in range(60):
            began = model.elapsed
            run.step()
            gaps.append(model.elapsed - began)
    ahead = [max(len(feed.tokens) for feed in batch) for batch in model.batches[-120:-60]]
    assert max(ahead) > 4
    assert max(alone) <= 0.5
    assert max(beside) < 3 * (0.1 + 3 * 0.02)


def test_a_prompt_that_comes_with_another_s_stream_has_its_price_measured() -> None:
    model = slow_model(0.01)
    run = Run(model, n_parallel=2)
    run.job("short", "stream")
    run.job("y" * 600, "long", max_tokens=1)
    wait_for(run, lambda: run.text("long") != "")
    mixed = [batch for batch in model.batches if len(batch) == 2]
    assert all(sum(len(feed.tokens) for feed in batch) <= 30 for batch in mixed[1:])


def test_jobs_start_in_the_order_they_came() -> None:
    run = Run(ScriptedModel(saying("xxxx")), n_parallel=1)
    for name in "abc":
        run.job("0|", name)
    run.finish()
    ends = [m.id for m in run.messages if m == run.done(getattr(m, "id", ""))]
    assert ends == ["a", "b", "c"]


def test_cancel_ends_a_waiting_and_a_running_job_and_ignores_one_that_is_gone() -> None:
    run = Run(ScriptedModel(lambda _: ord("x")), n_parallel=1)
    run.job("x", "running")
    run.job("x", "waiting")
    run.step(3)
    for name in ("waiting", "running", "running", "unknown"):
        run.engine.cancel(name)
        run.engine.scheduler.check()
    assert run.done("waiting").finish_reason == "cancelled"
    assert run.done("waiting").completion_tokens == 0
    assert run.done("running").finish_reason == "cancelled"
    assert run.done("running").completion_tokens == 3
    assert run.engine.is_idle


def test_a_full_memory_first_costs_what_nobody_runs() -> None:
    run = Run(ScriptedModel(rambling, n_ctx=64, n_ctx_seq=60), n_parallel=1)
    for name, prompt in (("a", "a" * 40), ("b", "b" * 40)):
        run.job(prompt, name, max_tokens=4)
        run.finish()
    assert run.done("b").completion_tokens > 0
    assert run.done("b").cached_tokens == 0


def test_memory_pressure_costs_one_request_time_and_none_its_text() -> None:
    def alone(prompt: str) -> str:
        run = Run(ScriptedModel(lambda tokens: ord("a") + sum(tokens) % 26), n_parallel=1)
        run.job(prompt, max_tokens=50)
        run.finish()
        return run.text()

    model = ScriptedModel(lambda tokens: ord("a") + sum(tokens) % 26, n_ctx=80, n_ctx_seq=80)
    run = Run(model, n_parallel=2)
    for name in "pq":
        run.job(name * 10, name, max_tokens=50)
    run.finish()
    assert [run.text(name) for name in "pq"] == [alone(name * 10) for name in "pq"]
    assert any(feed.start == 0 and len(feed.tokens) > 10 for b in model.batches for feed in b)


def test_a_broken_decode_fails_the_jobs_of_that_step_and_no_others() -> None:
    model = ScriptedModel(saying("fine"), n_slots=2)
    run = Run(model, n_parallel=1)
    run.job("0|", "a")
    run.job("0|", "b")
    model.broken = True
    run.step()
    model.broken = False
    run.finish()
    assert run.failed("a").code == "engine_error"
    assert run.text("b") == "fine"


class Script:
    """A constraint whose whole language is one text, forcing *runs* of it at a time."""

    def __init__(self, text: str, runs: dict[int, int]) -> None:
        self.text, self.runs, self.at = text.encode(), runs, 0

    @property
    def complete(self) -> bool:
        return self.at == len(self.text)

    accepting = complete

    def allows(self, token: int) -> bool:
        return not self.complete and token == self.text[self.at]

    def first_allowed(self, tokens: Iterable[int], count: int) -> list[int] | None:
        del tokens, count
        return None

    def mask(self):  # type: ignore[no-untyped-def]
        raise EngineError("the script is violated")

    def take(self, token: int) -> None:
        assert self.allows(token)
        self.at += 1

    def forced(self) -> list[int]:
        start = self.at
        self.at = min(start + self.runs.get(start, 0), len(self.text))
        return list(self.text[start : self.at])

    def spelling(self) -> int | None:
        return None

    def value_end(self) -> int | None:
        return None

    def copy(self) -> Script:
        other = Script(self.text.decode(), self.runs)
        other.at = self.at
        return other


def scripted(text: str, runs: dict[int, int]) -> Run:
    model = ScriptedModel(lambda tokens: text.encode()[len(tokens) - 1])
    run = Run(model, lambda _: Script(text, runs))
    run.job("x", grammar=GrammarText(gbnf="", llguidance="script"))
    return run


def test_forced_tokens_are_decoded_together_without_sampling() -> None:
    run = scripted("abcdefgh", {0: 3, 4: 2})
    run.finish()
    assert run.text() == "abcdefgh"
    done = run.done()
    assert (done.finish_reason, done.completion_tokens, done.forced_tokens) == ("stop", 8, 5)
    assert done.decode_steps == 3  # x|abc, def, g; then h, after which nothing may follow


def test_a_text_that_is_forced_as_a_whole_needs_no_step_at_all() -> None:
    run = scripted("abc", {0: 3})
    assert run.engine.is_idle
    assert (run.text(), run.done().decode_steps) == ("abc", 0)


def test_max_tokens_cuts_within_forced_tokens() -> None:
    text = "abcdef"
    model = ScriptedModel(rambling)
    run = Run(model, lambda _: Script(text, {0: 6}))
    run.job("x", max_tokens=4, grammar=GrammarText(gbnf="", llguidance="script"))
    run.finish()
    assert (run.text(), run.done().finish_reason) == ("abcd", "length")
    assert run.done().completion_tokens == 4


def test_a_constraint_that_fails_ends_its_job_only() -> None:
    model = ScriptedModel(lambda tokens: END if tokens[0] == ord("0") else ord("x"))
    run = Run(model, lambda _: Script("abc", {}))
    run.job("x", "bad", grammar=GrammarText(gbnf="", llguidance="script"))
    run.job("0|", "good")
    run.finish()
    assert run.failed("bad").code == "engine_error"
    assert run.done("good").finish_reason == "stop"


def reply_alone(prompt: str, limit: int) -> str:
    """What the rambling model says, without any engine."""
    tokens = list(prompt.encode())
    start = len(tokens)
    while len(tokens) < limit and (token := rambling(tokens)) != END:
        tokens.append(token)
    return bytes(tokens[start:]).decode()


submit = st.tuples(
    st.just("submit"),
    st.text("ab", min_size=1, max_size=30),
    st.one_of(st.none(), st.integers(1, 20)),
)
cancel = st.tuples(st.just("cancel"), st.integers(0, 11), st.none())
step = st.tuples(st.just("step"), st.integers(1, 10), st.none())
Action = tuple[str, str | int, int | None]


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(st.one_of(submit, cancel, step), max_size=30), st.integers(40, 120))
def test_every_job_ends_exactly_once_and_says_what_it_would_say_alone(
    actions: Sequence[Action], n_ctx: int
) -> None:
    run = Run(
        ScriptedModel(rambling, n_ctx=n_ctx, n_ctx_seq=40, n_batch=16), n_parallel=3, max_queue=4
    )
    jobs: dict[str, tuple[str, int]] = {}
    cancelled = set()
    for kind, value, limit in actions:
        if kind == "submit":
            name = str(len(jobs))
            jobs[name] = str(value), limit or 99
            run.job(str(value), name, max_tokens=limit)
        elif kind == "cancel":
            cancelled.add(str(value))
            run.engine.cancel(str(value))
        else:
            run.step(int(value))
        run.engine.scheduler.check()
    run.finish()
    run.engine.scheduler.check()
    for name, (prompt, limit) in jobs.items():
        assert run.ends(name) == 1
        if not run.accepted(name):
            assert run.failed(name).code == "queue_full"
            continue
        expected = reply_alone(prompt, min(40, len(prompt) + limit))
        assert expected.startswith(run.text(name))
        if name not in cancelled:
            assert run.text(name) == expected
            assert run.done(name).completion_tokens >= len(expected)


def test_a_seed_decides_whoever_else_is_running() -> None:
    def flat(tokens: Sequence[int]) -> int:
        return ord("a") + len(tokens) % 3

    def said(others: int) -> str:
        run = Run(ScriptedModel(flat, n_ctx=512, n_slots=8), n_parallel=4)
        sampling = Sampling(seed=7, temperature=50, top_k=0, top_p=1, min_p=0)
        for other in range(others):
            run.job("other", str(other), max_tokens=10)
        job = Job(id="a", prompt=(Segment("x"),), max_tokens=10, sampling=sampling)
        run.engine.submit(job)
        run.finish()
        return run.text()

    assert said(0) == said(3)


PARTS = ("tools and system text of one application, spelled out at length; ", "other tools: ", "ab")


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from(PARTS), min_size=1), st.integers(0, 40)), max_size=12
    ),
    st.integers(200, 500),
    st.sampled_from([0, 2_000, 1 << 20]),
    st.sampled_from(["attention", "recurrent"]),
)
def test_what_is_shared_pinned_saved_and_loaded_never_changes_a_reply(
    jobs: list[tuple[list[str], int]], n_ctx: int, max_bytes: int, kind: str
) -> None:
    can_trim = kind == "attention"
    model = ScriptedModel(
        rambling, n_ctx=n_ctx, n_ctx_seq=160, n_batch=32, n_slots=5, can_trim=can_trim
    )
    states = SavedStates(max_bytes, is_whole=not can_trim)
    run = Run(model, n_parallel=2, max_queue=12, states=states)
    prompts = ["".join(parts)[:150] for parts, _ in jobs]
    for n, (prompt, (parts, steps)) in enumerate(zip(prompts, jobs, strict=True)):
        run.job(prompt, str(n), prefix=min(len(parts[0]), len(prompt)), max_tokens=8)
        run.step(steps)
        if run.engine.is_idle:
            run.engine.cache.save_next()
        states.check()
    run.finish()
    for n, prompt in enumerate(prompts):
        assert run.text(str(n)) == reply_alone(prompt, min(160, len(prompt) + 8))
