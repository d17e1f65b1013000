"""How much context is made."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.models.context_size import FLOOR, LARGEST, choose_context_size, free_memory, size_text

GB = 1_000_000_000


@pytest.mark.parametrize(
    ("trained", "kv", "free", "asked", "expected"),
    [
        (131_072, 32_768, 24 * GB, None, 32_768),  # the cap
        (8_192, 32_768, 24 * GB, None, 32_768),  # four sequences
        (2_048, 7_680, 24 * GB, None, 8_192),
        (131_072, 131_072, 7 * GB, None, 8_192),  # memory, but not below the floor
        (131_072, 32_768, 5 * GB, None, 8_192),
        (131_072, 32_768, 6 * GB, None, 15_104),
        (131_072, 0, 1, None, 32_768),  # recurrent: a token costs nothing
        (None, None, None, None, 16_384),
        (2_048, 7_680, 1, 50_000, 50_000),  # the operator knows best
    ],
)
def test_the_context_is_what_was_trained_as_far_as_memory_goes(
    trained: int | None, kv: int | None, free: int | None, asked: int | None, expected: int
) -> None:
    found = choose_context_size(
        trained=trained,
        kv_bytes=kv,
        weight_bytes=5 * GB,
        free_bytes=free,
        n_parallel=4,
        asked=asked,
    ).n_ctx
    assert found == expected


def test_the_choice_is_explained() -> None:
    def why(**changes: int) -> str:
        known = {"trained": 131_072, "kv_bytes": 32_768, "weight_bytes": 0, "free_bytes": 24 * GB}
        return choose_context_size(**{**known, "n_parallel": 4, **changes}).why

    assert why() == "32,768 tokens (trained for 131,072; 1.1 GB)"
    assert why(free_bytes=GB).startswith("15,104 tokens")
    assert why(free_bytes=GB).endswith("limited by free memory)")
    assert why(trained=2048) == "8,192 tokens (shared; 2,048 a sequence, as trained; 268.4 MB)"
    assert why(asked=1024) == "1,024 tokens (trained for 131,072; 33.6 MB; as asked)"


@settings(max_examples=100, derandomize=True)
@given(
    st.integers(1, 1 << 20), st.integers(0, 1 << 20), st.integers(0, 1 << 38), st.integers(1, 16)
)
def test_the_context_stays_between_floor_and_cap(
    trained: int, kv: int, free: int, n_parallel: int
) -> None:
    n_ctx = choose_context_size(
        trained=trained, kv_bytes=kv, weight_bytes=0, free_bytes=free, n_parallel=n_parallel
    ).n_ctx
    assert min(FLOOR, trained) <= n_ctx <= LARGEST


def test_this_machine_says_how_much_is_free() -> None:
    free = free_memory()
    assert free is not None
    assert free > 1_000_000


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [(17, "17 B"), (1_500, "1.5 kB"), (10_252_800, "10.3 MB"), (2 * GB, "2.0 GB")],
)
def test_sizes_are_readable(n_bytes: int, text: str) -> None:
    assert size_text(n_bytes) == text
