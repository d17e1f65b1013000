"""Planning a step: which tokens of which sequences one decode evaluates.

Theory of operation.
1. A step first takes the pending tokens of all sequences that decode, then drafts and chunks of
   prompts (chunked prefill) within a token budget, the oldest prompt first.
2. The budget is the ``Pace``'s to say: neither a long prompt nor what is drafted for others stalls
   a running stream, and a cancelled prompt ends within a step.
3. Drafts share the room they have equally.  Where one sequence is alone, its certain tokens are
   evaluated in the cheapest parts.
4. Where few streams at a time take less time than all together, those that waited longest go.
5. A batch that is dear for its size, as it leaves kernel tiles part empty, is padded with tokens
   whose results are dropped, where that makes it cheaper.
6. A slot of a recurrent model cannot be cut: chunks of its prompt end at its checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gguf_fc.engine.batching.costs import Costs
from gguf_fc.engine.batching.pace import Pace
from gguf_fc.engine.model import Feed
from gguf_fc.engine.schedule.step import Step
from gguf_fc.engine.sequence import Sequence

MOST_SCORED = 64  # tokens in a chunk of a prompt that is scored: each takes a row of logits


@dataclass(slots=True, eq=False)
class Planner:
    """Plans steps of at most *n_batch* tokens."""

    n_batch: int
    costs: Costs
    can_trim: bool
    _pace: Pace = field(init=False)
    _may_pad: bool = field(init=False)
    _is_padded: bool = field(default=False, init=False)  # the last step was

    def __post_init__(self) -> None:
        self._pace = Pace(self.n_batch)
        self._may_pad = self.can_trim

    def plan(self, decoding: list[Sequence], reading: list[Sequence]) -> Step:
        """Step for the sequences that decode and those whose prompts are *reading*."""
        step = Step([], [])
        if not reading:
            decoding = self._longest_waiting(decoding)
        budget = self._pace.budget(len(decoding), prompts_wait=bool(reading))
        self._feed_streams(step, decoding, budget.ahead, with_prompts=bool(reading))
        extra = self.costs.rounded_extra(step.n_tokens, budget.extra - step.n_ahead)
        most = min(self.n_batch, step.n_tokens + extra)
        for sequence in reading:
            self._feed(step, sequence, most - step.n_tokens, most - step.n_tokens)
        self._pad(step)
        return step

    def note(self, step: Step, seconds: float) -> None:
        """Learn from *step*, which took *seconds*."""
        self._pace.note(step.n_streams, step.n_prompt, step.n_ahead, seconds)

    def streams_per_step(self, n_decoding: int) -> int:
        """Streams that share a step, of so many that decode."""
        return self.costs.streams_per_step(n_decoding) if n_decoding > 1 else n_decoding

    def stop_padding(self) -> bool:
        """Pad no more steps, as there is no room; False if the last one had no padding."""
        if self._is_padded:
            self._may_pad = False
        return self._is_padded

    def resume_padding(self) -> None:
        """Pad steps again: a sequence has left."""
        self._may_pad = self.can_trim

    def _longest_waiting(self, decoding: list[Sequence]) -> list[Sequence]:
        """All of *decoding*, or those that waited longest where few at a time take less time."""
        n_sharing = self.streams_per_step(len(decoding))
        if n_sharing == len(decoding):
            return decoding
        return sorted(decoding, key=lambda sequence: sequence.last_step)[:n_sharing]

    def _feed_streams(
        self, step: Step, decoding: list[Sequence], room: int, *, with_prompts: bool
    ) -> None:
        """Add all that is pending, and of the drafts as much as there is *room* for.

        Where several share a step that prompts do not fill up, it has whole kernel tiles.
        """
        wanted = [len(sequence.draft.ahead) for sequence in decoding]
        if len(decoding) > 1 and not with_prompts:
            certain = sum(sequence.n_certain for sequence in decoding)
            room = max(0, self.costs.round_down(certain + min(room, sum(wanted))) - certain)
        pending = sum(sequence.n_pending for sequence in decoding)
        for sequence, share in zip(decoding, fair_shares(wanted, room), strict=True):
            most = self.n_batch - step.n_tokens
            if len(decoding) == 1 and not with_prompts and not sequence.ahead:
                most = min(most, self.costs.first_part(pending))
            n_ahead = len(sequence.forced) + share
            self._feed(step, sequence, most, min(n_ahead, max(0, most - pending)))
            pending -= sequence.n_pending

    def _feed(self, step: Step, sequence: Sequence, most: int, most_ahead: int) -> None:
        """Add what of *sequence* fits: its pending tokens, then what is evaluated ahead."""
        scored = sequence.scores_prompt
        if scored:
            most = min(most, MOST_SCORED)
        if most <= 0:
            return
        start = sequence.n_evaluated
        if not self.can_trim:
            most = min(most, sequence.checkpoints.distance(start, len(sequence.tokens)))
        tokens = sequence.tokens[start : start + most]
        n_rows = 0
        if len(tokens) == sequence.n_pending:
            ahead = sequence.ahead[: min(most - len(tokens), most_ahead)]
            tokens, n_rows = tokens + ahead, 1 + len(ahead)
        assert sequence.slot is not None
        step.sequences.append(sequence)
        step.feeds.append(Feed(sequence.slot, start, tokens, len(tokens) if scored else n_rows))

    def _pad(self, step: Step) -> None:
        """Add tokens where a larger batch costs less: any, which are dropped right afterwards."""
        n_more = self.costs.padded(step.n_tokens) - step.n_tokens
        self._is_padded = False
        if not n_more or not self._may_pad:
            return
        for at, (sequence, feed) in enumerate(zip(step.sequences, step.feeds, strict=True)):
            end = feed.start + len(feed.tokens)
            if len(sequence.tokens) <= end <= sequence.limit - n_more:
                padded = [*feed.tokens, *[feed.tokens[-1]] * n_more]
                step.feeds[at] = replace(feed, tokens=padded, n_padding=n_more)
                self._is_padded = True
                return


def fair_shares(wanted: list[int], room: int) -> list[int]:
    """*room* shared out: nobody has more than is wanted, or less than one who wants no more."""
    shares = [0] * len(wanted)
    by_size = sorted(range(len(wanted)), key=wanted.__getitem__)
    for n_before, at in enumerate(by_size):
        shares[at] = min(wanted[at], room // (len(wanted) - n_before))
        room -= shares[at]
    return shares
