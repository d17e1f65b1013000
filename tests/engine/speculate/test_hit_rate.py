"""How often guesses were right."""

from __future__ import annotations

from gguf_fc.engine.speculate.hit_rate import HitRate


def test_a_rate_follows_what_happens_and_begins_with_what_happened_elsewhere() -> None:
    elsewhere = HitRate(first=0.3)
    here = HitRate(elsewhere=elsewhere)
    assert here.chance == elsewhere.chance == 0.3
    for _ in range(30):
        here.note(hit=True)
    assert here.chance > 0.9
    assert HitRate(elsewhere=elsewhere).chance > 0.8
    for _ in range(30):
        here.note(hit=False)
    assert here.chance < 0.5
