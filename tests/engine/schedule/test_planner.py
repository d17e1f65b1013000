"""Room for drafts is shared fairly."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.engine.schedule.planner import fair_shares


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=8), st.integers(0, 100))
def test_shares_of_the_room_are_fair_and_leave_nothing_that_is_wanted(
    wanted: list[int], room: int
) -> None:
    shares = fair_shares(wanted, room)
    assert sum(shares) == min(room, sum(wanted))
    assert all(share <= most for share, most in zip(shares, wanted, strict=True))
    least_cut = min(
        (share for share, most in zip(shares, wanted, strict=True) if share < most), default=room
    )
    assert all(share <= least_cut + 1 for share in shares)


def test_who_wants_little_gets_it_and_the_others_share_the_rest() -> None:
    assert fair_shares([1, 10, 10], 9) == [1, 4, 4]
