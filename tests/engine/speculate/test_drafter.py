"""Drafts: fewer steps, never another word."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.engine.batching.costs import Costs, KernelTile
from gguf_fc.engine.speculate.drafter import Drafter, Speculation, StepLoad
from gguf_fc.engine.speculate.guesses import FORCED, Guess
from gguf_fc.job import GrammarText, Job, Sampling, Segment
from tests.engine.sample.test_logprobs import scores
from tests.engine.test_loop import Script
from tests.support.engine import GREEDY, Run
from tests.support.scripted_model import VOCABULARY, ScriptedModel, rambling

PHRASE = b"the cat sat on the mat and the cat sat on the hat. "
ONE = StepLoad(1, 1)
WANT = GrammarText(llguidance="script")


def reciting(tokens: Sequence[int]) -> int:
    """The phrase, over and over."""
    return PHRASE[len(tokens) % len(PHRASE)]


def wandering(tokens: Sequence[int]) -> int:
    """Mostly the phrase: a draft is right for a while, then wrong."""
    return ord("z") if sum(tokens[-3:]) % 11 == 0 else reciting(tokens)


def replied(reply: Callable[[Sequence[int]], int], *, drafts: bool, **options: object) -> Run:
    run = Run(ScriptedModel(reply, n_ctx=512, n_ctx_seq=200), drafts=drafts)
    run.job("say it: ", **options)  # type: ignore[arg-type]
    run.finish()
    return run


def test_repeated_text_takes_fewer_steps_and_says_the_same() -> None:
    plain, drafted = (replied(reciting, drafts=on, max_tokens=150) for on in (False, True))
    assert drafted.text() == plain.text()
    assert drafted.done().completion_tokens == 150
    assert drafted.done().decode_steps < plain.done().decode_steps / 3
    assert 0 < drafted.done().accepted_tokens <= drafted.done().drafted_tokens
    assert plain.done().drafted_tokens == 0


def test_a_draft_never_takes_more_steps_and_gives_up_where_it_is_wrong() -> None:
    plain, drafted = (replied(rambling, drafts=on) for on in (False, True))
    assert drafted.text() == plain.text()
    assert drafted.done().decode_steps <= plain.done().decode_steps


def test_as_much_is_evaluated_ahead_as_saves_steps() -> None:
    def draft_length(curve: tuple[float, ...], n_streams: int, seen: int = 0) -> int:
        drafter = Drafter(Speculation(VOCABULARY, Costs(curve)), list(b"+-*+-*+-"), [])
        for _ in range(seen):
            draft = drafter.propose((), None, 9, ONE)
            drafter.judge(draft, [guess.token for guess in draft.guesses])
        return drafter.propose((), None, 9, StepLoad(n_streams, n_streams)).length

    cheap, dear, linear = (1.0, 1.02), (1.0, 3.0, 4.0, 5.0), (1.0, 2.0, 4.0, 8.0)
    assert 2 <= draft_length(cheap, 1) < draft_length(cheap, 1, seen=20)
    assert draft_length(dear, 1) == 0
    assert draft_length(dear, 1, seen=20) == 9
    assert draft_length(linear, 1, seen=20) == 0
    assert draft_length(linear, 8, seen=20) == 0


def test_guesses_are_judged_whether_they_were_evaluated_or_not() -> None:
    drafter = Drafter(Speculation(VOCABULARY, Costs((1.0, 2.0))), list(b"+-*+-*+-"), [])
    draft = drafter.propose((), None, 9, ONE)
    assert draft.length == 0
    before = len(draft.guesses)
    for _ in range(9):
        drafter.judge(draft, [ord("*")])
    assert len(drafter.propose((), None, 9, ONE).guesses) > before
    for _ in range(150):
        drafter.judge(draft, [ord("x")])
    assert len(drafter.propose((), None, 9, ONE).guesses) == 1


def test_a_model_that_cannot_be_trimmed_has_no_drafts() -> None:
    run = Run(ScriptedModel(reciting, can_trim=False), drafts=True)
    run.job("say it: ", max_tokens=100)
    run.finish()
    assert run.done().drafted_tokens == 0


sampling = st.builds(
    Sampling,
    temperature=st.sampled_from([0.0, 1.0, 5.0]),
    seed=st.integers(0, 99),
    repeat_penalty=st.sampled_from([1.0, 1.3]),
    frequency_penalty=st.sampled_from([0.0, 0.5]),
    logit_bias=st.sampled_from([(), ((ord("q"), 9.5),), ((ord("t"), -20.0),)]),
)
jobs = st.lists(
    st.fixed_dictionaries(
        {
            "prompt": st.sampled_from(["the cat ", "the ", "the mat and the cat sat ", "x"]),
            "sampling": st.one_of(st.just(GREEDY), sampling),
            "max_tokens": st.integers(1, 60),
            "stop": st.sampled_from([(), ("mat",), ("t s", "zz")]),
            "prediction": st.sampled_from([None, PHRASE.decode(), "sat on the mat"]),
            "logprobs": st.sampled_from([None, 1]),
        }
    ),
    min_size=1,
    max_size=5,
)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(jobs, st.sampled_from([reciting, wandering, rambling]), st.integers(80, 400), st.data())
def test_every_reply_is_the_same_with_and_without_drafts(
    wanted: list[dict[str, object]],
    reply: Callable[[Sequence[int]], int],
    n_ctx: int,
    data: st.DataObject,
) -> None:
    """Whatever runs beside it, is cancelled, or has to give way."""
    cancelled = data.draw(st.sets(st.integers(0, 4)))

    def run(*, drafts: bool) -> Run:
        costs = Costs((1.0, 1.1), tile=KernelTile(4, 0.5))
        model = ScriptedModel(reply, n_ctx=n_ctx, n_ctx_seq=80, n_batch=16, costs=costs)
        run = Run(model, n_parallel=3, drafts=drafts)
        for n, options in enumerate(wanted):
            run.job(name=str(n), **options)  # type: ignore[arg-type]
        run.step(5)
        for n in cancelled:
            run.engine.cancel(str(n))
            run.engine.scheduler.check()
        run.finish()
        run.engine.scheduler.check()
        return run

    plain, drafted = run(drafts=False), run(drafts=True)
    for n in map(str, set(range(len(wanted))) - cancelled):
        assert drafted.text(n) == plain.text(n)
        assert scores(drafted, n) == scores(plain, n)
        one, other = plain.done(n), drafted.done(n)
        assert one.finish_reason == other.finish_reason
        assert one.stop_string == other.stop_string
        assert one.completion_tokens == other.completion_tokens
        assert other.decode_steps <= one.decode_steps or n_ctx < 240
    for n in map(str, cancelled & set(range(len(wanted)))):
        assert drafted.ends(n) == plain.ends(n) == 1


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.text("ab", min_size=2, max_size=40),
    st.dictionaries(st.integers(0, 40), st.integers(1, 6), max_size=8),
    st.sampled_from([None, 0]),
)
def test_forced_tokens_go_on_within_a_draft(
    text: str, runs: dict[int, int], logprobs: int | None
) -> None:
    def run(*, drafts: bool) -> Run:
        def reply(tokens: Sequence[int]) -> int:
            return (text + "a" * 60).encode()[max(0, len(tokens) - len("abab"))]

        run = Run(ScriptedModel(reply), lambda _: Script(text, runs), drafts=drafts)
        run.job("abab", grammar=WANT, logprobs=logprobs)
        run.finish()
        return run

    plain, drafted = run(drafts=False), run(drafts=True)
    assert drafted.text() == plain.text() == text
    assert drafted.done().forced_tokens == plain.done().forced_tokens
    assert drafted.done().decode_steps <= plain.done().decode_steps
    assert scores(drafted) == scores(plain)


def test_a_prediction_is_drafted_from_its_beginning_and_counted() -> None:
    said = b"def area(radius):\n    return 3.14159 * radius ** 2\n"

    def reply(tokens: Sequence[int]) -> int:
        return said[len(tokens) - len("say it: ")]

    plain = replied(reply, drafts=True, max_tokens=len(said))
    helped = replied(reply, drafts=True, max_tokens=len(said), prediction=said.decode())
    assert helped.text() == plain.text() == said.decode()
    done = helped.done()
    assert done.decode_steps < plain.done().decode_steps / 2
    assert len(said) / 2 < done.accepted_predictions <= done.drafted_predictions
    assert plain.done().drafted_predictions == 0


def test_an_end_token_is_never_guessed_and_a_refused_one_neither() -> None:
    habits = Speculation(VOCABULARY, Costs())
    drafter = Drafter(habits, [*b"ab", 256, *b"ab"], [])
    assert drafter.propose((), None, 9, ONE).guesses == ()
    drafter = Drafter(habits, list(b"abc.ab"), [])
    draft = drafter.propose((), None, 9, ONE)
    assert [guess.token for guess in draft.guesses][:2] == list(b"c.")
    assert drafter.propose((), Script("xyz", {}), 9, ONE).guesses == ()


def test_what_the_grammar_forces_after_a_guess_goes_with_it() -> None:
    drafter = Drafter(Speculation(VOCABULARY, Costs()), list(b"abc.ab"), [])
    guesses = drafter.propose((), Script("c123", {1: 2}), 9, ONE).guesses
    assert guesses[0].token == ord("c")
    assert guesses[1:3] == (Guess(ord("1"), FORCED), Guess(ord("2"), FORCED))
    assert drafter.propose((), Script("c123", {1: 2}), 2, ONE).guesses == guesses[:2]


def test_a_guess_after_which_the_reply_is_over_is_not_evaluated() -> None:
    """The row before it decides as much; it is judged all the same."""

    def draft(text: str) -> tuple[str, int]:
        drafter = Drafter(Speculation(VOCABULARY, Costs((1.0, 1.0))), list(b"abcdef.ab"), [])
        draft = drafter.propose((), Script(text, {len(text) - 1: 1}), 9, ONE)
        return bytes(guess.token for guess in draft.guesses).decode(), draft.length

    assert draft("cdef") == ("cdef", 2)
    assert draft("cdefxyz") == ("cdef", 4)


def test_a_draft_has_more_guesses_where_its_step_is_padded_anyway() -> None:
    def draft(size: int, n_streams: int, most: int = 9) -> tuple[str, int]:
        costs = Costs((1.0, 1.0), tile=KernelTile(size, 0.1))
        drafter = Drafter(Speculation(VOCABULARY, costs), list(b"abcabcab"), [])
        draft = drafter.propose((), Script("cabcab", {}), most, StepLoad(n_streams, n_streams))
        return bytes(draft.ahead).decode(), draft.length

    assert draft(size=1, n_streams=1) == ("cabca", 5)
    assert draft(size=4, n_streams=1) == ("cabcab", 6)
    assert draft(size=4, n_streams=2) == ("cabca", 5)
    assert draft(size=4, n_streams=1, most=5) == ("cabca", 5)


def test_a_full_memory_costs_drafts_before_anything_else() -> None:
    def run(*, drafts: bool) -> Run:
        model = ScriptedModel(reciting, n_ctx=104, n_ctx_seq=60)
        run = Run(model, n_parallel=1, drafts=drafts)
        run.job("y" * 50, "kept", max_tokens=1)
        run.finish()
        run.job("the cat sat on the mat and ", "a", max_tokens=25)
        run.finish()
        run.job("y" * 50, "again", max_tokens=1)
        run.finish()
        return run

    plain, drafted = run(drafts=False), run(drafts=True)
    assert drafted.text() == plain.text()
    assert drafted.done().drafted_tokens > 0
    assert drafted.done("again").cached_tokens == plain.done("again").cached_tokens > 0


@pytest.mark.parametrize("temperature", [0.7, 1.5])
def test_sampled_replies_have_the_same_distribution_and_numbers(temperature: float) -> None:
    def said(seed: int, *, drafts: bool) -> str:
        run = Run(ScriptedModel(reciting, n_ctx=512, n_ctx_seq=200), drafts=drafts)
        chosen = Sampling(temperature=temperature * 4, top_k=0, top_p=1, min_p=0, seed=seed)
        run.engine.submit(
            Job(id="a", prompt=(Segment("the cat "),), max_tokens=80, sampling=chosen)
        )
        run.finish()
        return run.text()

    for seed in range(5):
        assert said(seed, drafts=True) == said(seed, drafts=False)
