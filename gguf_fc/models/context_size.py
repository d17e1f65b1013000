"""Choice of the context size: what the model was trained for, as far as memory goes.

``choose_context_size`` is a pure function over numbers; ``free_memory`` reads the machine.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

LARGEST = 32_768  # unasked: enough for long tool conversations, and a laptop stays usable
FLOOR = 8_192  # below this a conversation with tools soon ends; risk the memory instead
MEMORY_SHARE = 0.5  # of what is free beside the weights; the rest is for computing and the user
UNKNOWN_KV_BYTES = 262_144  # per token, where the header does not say: a large 8 B model's
UNKNOWN_TRAINED = 4_096


@dataclass(frozen=True, slots=True)
class ContextSize:
    """A context size and why it was chosen."""

    n_ctx: int  # shared by all sequences
    why: str


def choose_context_size(
    *,
    trained: int | None,
    kv_bytes: int | None,
    weight_bytes: int,
    free_bytes: int | None,
    n_parallel: int,
    asked: int | None = None,
) -> ContextSize:
    """The context for *n_parallel* sequences; *asked* is what the operator wants, if anything.

    A sequence gets at most what the model was *trained* for; all of them share the context, so a
    model trained for little gets room for each.  The weights lie in the same memory.
    """
    per_token = UNKNOWN_KV_BYTES if kv_bytes is None else kv_bytes
    if asked is not None:
        return ContextSize(asked, _why(asked, trained, per_token, "as asked"))
    longest = trained or UNKNOWN_TRAINED
    n_ctx, reason = min(longest * n_parallel, LARGEST), ""
    if free_bytes is not None and per_token:
        room = int(max(free_bytes - weight_bytes, 0) * MEMORY_SHARE) // per_token
        if room < n_ctx:
            n_ctx, reason = max(room // 256 * 256, min(FLOOR, longest)), "limited by free memory"
    return ContextSize(n_ctx, _why(n_ctx, trained, per_token, reason))


def free_memory() -> int | None:
    """Bytes of memory that can be had without swapping; None where the system does not say."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo.read_text(), re.MULTILINE)
        return int(found[1]) * 1024 if found else None
    # Without /proc (macOS) only the total is to be had: count half of it as free.
    names = os.sysconf_names
    if "SC_PHYS_PAGES" in names and "SC_PAGE_SIZE" in names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return None


def size_text(n_bytes: int) -> str:
    """A size for people: ``1.1 GB``."""
    for power, unit in ((3, "GB"), (2, "MB"), (1, "kB")):
        if n_bytes >= 1000**power:
            return f"{n_bytes / 1000**power:,.1f} {unit}"
    return f"{n_bytes} B"


def _why(n_ctx: int, trained: int | None, per_token: int, reason: str) -> str:
    about = f"trained for {trained:,}" if trained else "trained length unknown"
    if trained and n_ctx > trained:
        about = f"shared; {trained:,} a sequence, as trained"
    parts = [about, size_text(n_ctx * per_token), *([reason] if reason else [])]
    return f"{n_ctx:,} tokens ({'; '.join(parts)})"
