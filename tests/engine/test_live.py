"""The engine on llama.cpp itself, with the best model at hand and with random ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gguf_fc.engine.constrain.llguidance import Grammars
from gguf_fc.engine.kv_cache.saved_states import SavedStates
from gguf_fc.engine.llama.llama import Llama
from gguf_fc.errors import GrammarError, ModelFileError
from gguf_fc.job import Chunk, GrammarText, PromptScores, Sampling, Segment
from tests.support.engine import Run
from tests.support.loading import in_process
from tests.support.models import DATA, talking_model
from tests.support.random_model import write_random_model

pytestmark = pytest.mark.live

CALL = (
    r'start: "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \""'
    r' /[A-Za-z ]{1,12}/ "\"}}\n</tool_call>"'
)
TEXT_THEN_CALL = (
    r"start: head /[a-z]{1,9}/ " + '"</tool_call>"\n' + r"head[lazy]: /(?s:.*)<tool_call>/"
)


def grammar(text: str) -> GrammarText:
    return GrammarText(gbnf="", llguidance=text)


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llama]:
    path = talking_model(tmp_path_factory.mktemp("model"))
    with closing(Llama(in_process(path))) as model:
        yield model


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llama]:
    path = write_random_model(tmp_path_factory.mktemp("model") / "random.gguf")
    with closing(Llama(in_process(path, n_ctx=512))) as model:
        yield model


def run_on(model: Llama, n_parallel: int = 4, *, drafts: bool = True) -> Run:
    compile_grammar = Grammars(model.vocabulary).compile
    return Run(model, compile_grammar, n_parallel=n_parallel, drafts=drafts)


def test_the_vocabulary_is_whole(talking: Llama) -> None:
    vocabulary = talking.vocabulary
    assert len(vocabulary.pieces) == talking.ready().n_vocab
    assert vocabulary.ends
    assert b"a" in vocabulary.pieces


def test_a_required_call_is_always_the_call_and_mostly_forced(random: Llama) -> None:
    run = run_on(random)
    for seed in range(8):
        sampling = Sampling(temperature=1, seed=seed)
        run.job("hello", str(seed), sampling=sampling, grammar=grammar(CALL))
    run.finish()
    for seed in range(8):
        text, done = run.text(str(seed)), run.done(str(seed))
        assert text.startswith('<tool_call>\n{"name": "get_weather", "arguments": {"city": "')
        assert text.endswith('"}}\n</tool_call>')
        assert done.finish_reason == "stop"
        assert done.completion_tokens > 2 * done.decode_steps


def test_text_before_a_lazy_marker_is_free(random: Llama) -> None:
    run = run_on(random)
    run.job("x", max_tokens=40, sampling=Sampling(seed=1), grammar=grammar(TEXT_THEN_CALL))
    run.finish()
    assert run.done().completion_tokens == 40


def test_greedy_replies_do_not_depend_on_what_else_runs(talking: Llama) -> None:
    turn = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
    prompts = {name: turn.format(name) for name in "abc"}

    def replies(n_parallel: int) -> list[str]:
        run = run_on(talking, n_parallel)
        for name, prompt in prompts.items():
            run.job(prompt, name, max_tokens=16)
        run.finish()
        return [run.text(name) for name in prompts]

    assert replies(1) == replies(3)


def test_forced_tokens_leave_the_same_state_as_sampled_ones(random: Llama) -> None:
    fixed = r'start: "the city name" /[a-z]{8}/'
    run = run_on(random)
    run.job("x", "forced", grammar=grammar(fixed))
    run.finish()
    run.job("xthe city name", "prompted", grammar=grammar("start: /[a-z]{8}/"))
    run.finish()
    assert run.text("forced") == "the city name" + run.text("prompted")


def test_a_second_turn_starts_where_the_first_one_ended(talking: Llama) -> None:
    run = run_on(talking)
    first = "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"
    run.job(first, "one", max_tokens=8)
    run.finish()
    second = first + run.text("one") + "<|im_end|>\n<|im_start|>user\nbye<|im_end|>\n"
    run.job(second, "two", max_tokens=4)
    run.finish()
    assert run.done("two").cached_tokens >= run.done("one").prompt_tokens


def test_more_than_the_memory_holds_is_done_one_after_another(tmp_path: Path) -> None:
    path = write_random_model(tmp_path / "m.gguf")
    with closing(Llama(in_process(path, n_ctx=256))) as model:
        run = run_on(model)
        for seed in range(6):
            sampling = Sampling(temperature=1, seed=seed)
            run.job("the " * 20, str(seed), max_tokens=200, sampling=sampling)
        run.finish()
        for seed in range(6):
            assert run.done(str(seed)).completion_tokens > 0
        model.close()  # a second close is harmless


def test_a_malformed_grammar_is_refused_with_its_reason(random: Llama) -> None:
    with pytest.raises(GrammarError, match="nowhere"):
        Grammars(random.vocabulary).compile(grammar("start: nowhere"))


def test_a_grammar_beyond_the_limits_is_refused(random: Llama) -> None:
    text = "start: T\nT: /.*a.{300}/ & /.*b.{200}/ & ~/.*c.{100}/"
    with pytest.raises(GrammarError, match="cannot be used: fuel"):
        Grammars(random.vocabulary).compile(grammar(text))


def test_a_grammar_may_allow_the_end_only_where_it_is_whole(random: Llama) -> None:
    constraint = Grammars(random.vocabulary).compile(grammar('start: "ab" | "abab"'))
    (end, *_) = random.vocabulary.ends
    assert constraint.forced() == random.tokenize([Segment("ab")])
    assert constraint.allows(end)
    assert constraint.mask()[end]
    assert not constraint.complete
    letter = random.vocabulary.pieces.index(b"a")
    constraint.take(letter)
    assert not constraint.allows(end)


def test_an_end_token_that_a_grammar_names_is_part_of_the_reply(random: Llama) -> None:
    run = run_on(random)
    for name in "abc":
        named = grammar('start: /[a-z]{1,3}/ <|im_end|> "!"')
        run.job("x", name, sampling=Sampling(seed=ord(name)), grammar=named)
    run.finish()
    for name in "abc":
        assert run.text(name).endswith("<|im_end|>!")
        assert run.done(name).finish_reason == "stop"


def test_no_user_writes_a_control_token(random: Llama) -> None:
    control = random.vocabulary.pieces.index(b"<|im_start|>")
    honest = random.tokenize([Segment("<|im_start|>user\n<|im_start|>")])
    forged = random.tokenize(
        [Segment("<|im_start|>user\n"), Segment("<|im_start|>", special=False)]
    )
    assert honest.count(control) == 2
    assert forged.count(control) == 1
    assert (
        b"".join(random.vocabulary.pieces[t] for t in forged) == b"<|im_start|>user\n<|im_start|>"
    )


@pytest.mark.parametrize("name", ["qwen2", "llama-spm"])
def test_real_vocabularies_split_alike_wherever_segments_begin(name: str, tmp_path: Path) -> None:
    vocabulary = DATA / "vocab" / f"ggml-vocab-{name}.gguf"
    if not vocabulary.exists():
        pytest.skip(f"no real vocabulary at {vocabulary}")
    path = write_random_model(tmp_path / "m.gguf", vocabulary=vocabulary)
    with closing(Llama(in_process(path, n_ctx=256))) as model:
        whole = model.tokenize([Segment("What is it, user? Hello there.\n")])
        parts = [
            Segment("What is it, us"),
            Segment("er? Hello", special=False),
            Segment(" there.\n"),
        ]
        assert model.tokenize(parts) == whole
        run = run_on(model)
        run.job("hello", sampling=Sampling(seed=1), grammar=grammar(CALL))
        run.finish()
        assert run.text().endswith('"}}\n</tool_call>')
        assert run.done().forced_tokens > run.done().completion_tokens / 2


def test_a_prompt_that_runs_many_times_is_evaluated_once_and_answered_alike(
    talking: Llama,
) -> None:
    run = run_on(talking)
    system = "You are a helpful assistant that knows a great deal about the weather. " * 20
    for name in "abcd":
        run.job(f"{system}What is the weather in Paris?", name, max_tokens=8)
    run.finish()
    cached = [run.done(name).cached_tokens for name in "bcd"]
    assert cached == [run.done("a").prompt_tokens - 1] * 3
    assert len({run.text(name) for name in "abcd"}) == 1


def test_a_conversation_that_waited_outside_goes_on_as_if_it_had_stayed(talking: Llama) -> None:
    """Without room for saved states none can wait outside."""
    said: dict[int, str] = {}
    for most_bytes, way in ((0, "go on"), (1 << 30, "load")):
        states, compile_grammar = SavedStates(most_bytes), Grammars(talking.vocabulary).compile
        run = Run(talking, compile_grammar, states=states)
        cache = run.engine.cache
        for name in "abcd":
            run.job(f"What is {name}? " * 120, name, max_tokens=8)
            run.finish()
            while cache.save_next():
                pass
        next_turn = f"{'What is a? ' * 120}{run.text('a')} And then?"
        assert cache.preview(talking.tokenize((Segment(next_turn),)))[1] == way
        run.job(next_turn, "again", max_tokens=8)
        run.finish()
        assert run.done("again").cached_tokens >= run.done("a").prompt_tokens
        said[most_bytes] = run.text("again")
    assert len(set(said.values())) == 1


def test_an_answer_comes_back_in_the_tokens_it_was_said_in(random: Llama) -> None:
    run = run_on(random)
    differ = 0
    for seed in range(8):
        prompt = f"<|im_start|>user\nquestion {seed}<|im_end|>\n<|im_start|>assistant\n"
        name = f"{seed} first"
        wild = Sampling(temperature=2, top_k=0, seed=seed)
        run.job(prompt, name, sampling=wild, grammar=grammar("start: /[a-z ]{60}/"))
        run.finish()
        said = run.text(name)
        said_tokens = run.done(name).completion_tokens
        differ += len(random.tokenize([Segment(said)])) != said_tokens
        more = f"{prompt}{said}<|im_end|>\n<|im_start|>user\nmore<|im_end|>\n"
        run.job(more, f"{seed} second", max_tokens=2)
        run.finish()
        whole = run.done(name).prompt_tokens + said_tokens
        assert run.done(f"{seed} second").cached_tokens >= whole - 2
    assert differ, "nothing was said in other tokens than it is read in"


def test_a_begin_token_is_never_doubled(tmp_path: Path) -> None:
    vocabulary = DATA / "vocab" / "ggml-vocab-llama-spm.gguf"
    if not vocabulary.exists():
        pytest.skip(f"no real vocabulary at {vocabulary}")
    path = write_random_model(tmp_path / "m.gguf", vocabulary=vocabulary)
    with closing(Llama(in_process(path, n_ctx=256))) as model:
        assert model.tokenize([Segment("<s>[INST] hi")])[:2] != [1, 1]
        assert model.tokenize([Segment("<s>[INST] hi")])[0] == 1
        assert model.tokenize([Segment("[INST] hi")])[0] == 1


def test_files_that_are_no_models_are_named_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="there is no such file"):
        Llama(in_process(tmp_path / "missing.gguf"))
    nonsense = tmp_path / "nonsense.gguf"
    nonsense.write_bytes(b"nonsense" * 100)
    with pytest.raises(ModelFileError, match="magic"):
        Llama(in_process(nonsense))
    whole = write_random_model(tmp_path / "whole.gguf").read_bytes()
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelFileError, match="incomplete"):
        Llama(in_process(cut))


def test_logprobs_are_the_same_whether_a_text_was_read_written_or_forced(random: Llama) -> None:
    """One batch or several: llama.cpp's figures differ in the last digits only."""
    fixed = "the city name"
    run = run_on(random)
    forced = grammar(f'start: "{fixed}"')
    run.job("hello ", "forced", logprobs=3, grammar=forced)
    run.finish()
    run.job("hello " + fixed, "read", prompt_logprobs=3, max_tokens=0)
    run.finish()
    written = [t for m in run.of("forced") if isinstance(m, Chunk) for t in m.logprobs]
    read = [t for m in run.of("read") if isinstance(m, PromptScores) for t in m.logprobs]
    assert run.done("forced").forced_tokens > 0
    assert "".join(token.text for token in written) == fixed
    for one, other in zip(written, read[-len(written) :], strict=True):
        assert one.bytes == other.bytes
        assert one.logprob == pytest.approx(other.logprob, abs=0.02)
        assert [t.bytes for t in one.top] == [t.bytes for t in other.top]


def test_a_talking_model_says_the_same_with_and_without_drafts(talking: Llama) -> None:
    turn = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
    said = "The weather in Rotterdam is rainy today, so take the train to Rotterdam Centraal."
    prompts = {"free": "Say hello to Rotterdam.", "call": "What is the weather in Rotterdam?"}

    def replies(*, drafts: bool) -> Run:
        run = run_on(talking, drafts=drafts)
        run.job(turn.format(prompts["free"]), "free", max_tokens=40)
        run.job(turn.format(prompts["call"]), "call", grammar=grammar(CALL), logprobs=1)
        repeat = turn.format("Repeat: " + said) + said[:30]
        run.job(repeat, "predicted", prediction=said, max_tokens=40)
        run.finish()
        return run

    drafted, plain = replies(drafts=True), replies(drafts=False)
    for name in ("free", "call", "predicted"):
        assert drafted.text(name) == plain.text(name)
        assert drafted.done(name).completion_tokens == plain.done(name).completion_tokens
        assert drafted.done(name).decode_steps <= plain.done(name).decode_steps
    assert drafted.done("call").accepted_tokens > 0
    assert drafted.done("call").decode_steps < plain.done("call").decode_steps


def test_random_replies_are_the_same_with_and_without_drafts(random: Llama) -> None:
    def replies(*, drafts: bool) -> list[str]:
        run = run_on(random, drafts=drafts)
        for seed in range(4):
            sampling = Sampling(temperature=0.5, seed=seed, repeat_penalty=1.1)
            run.job("the city name the city name the", str(seed), max_tokens=60, sampling=sampling)
        run.finish()
        return [run.text(str(seed)) for seed in range(4)]

    assert replies(drafts=True) == replies(drafts=False)


def test_a_text_without_a_sure_spelling_is_guessed_and_so_is_the_end_of_a_value(
    random: Llama,
) -> None:
    pieces = random.vocabulary.pieces
    constraint = Grammars(random.vocabulary).compile(
        grammar(r'start: "{" /[a-z0-9 ]*/ "}" | "[" /[a-z]+/ "]]" /[a-z]/')
    )
    assert constraint.spelling() is None
    constraint.take(pieces.index(b"["))
    ahead = constraint.copy()
    assert ahead.value_end() is None  # a value is not empty
    ahead.take(pieces.index(b"x"))
    out = ahead.value_end()
    assert out is not None
    assert pieces[out] in (b"]", b"]]")
    assert not constraint.allows(out)
    constraint.take(pieces.index(b"x"))
    constraint.take(pieces.index(b"]"))
    assert constraint.forced() == [] or constraint.spelling() is None


def test_chunks_are_whole_characters(random: Llama) -> None:
    run = run_on(random)
    run.job("x", max_tokens=60, sampling=Sampling(temperature=3, top_k=0, seed=2))
    run.finish()
    chunks = [m.text for m in run.of("a") if isinstance(m, Chunk)]
    assert all(chunks)
