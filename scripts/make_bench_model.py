#!/usr/bin/env python3
"""Makes the ballast model: what the demo model says, at the cost of a 0.5B model.

    python scripts/make_bench_model.py bench.gguf
    python scripts/make_bench_model.py bench.gguf --check 24      # compare greedy replies

The demo model is widened, deepened and given a real-sized vocabulary, so that servers can be
compared on realistic work without a download. Nothing that is added changes what it says:

- matrices are padded with zeros; a norm over the wider state is made exact by its weights times
  sqrt(old/new) and its epsilon times old/new;
- added heads and added feed-forward rows have random weights, but their output is multiplied by 0;
- added layers are random inside and write nothing;
- added tokens copy the embedding of a token that the demo model never says.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from repository import ROOT

from demo_model.ballast import Sizes, make_ballast
from demo_model.examination import Examiner
from demo_model.greedy import Greedy
from demo_model.render import render

SHIPPED = ROOT / "gguf_fc" / "demo" / "demo.gguf"


def check(one: Path, other: Path, prompts: int) -> None:
    """Print how many greedy replies of two models are equal."""
    examiner = Examiner()
    categories = list(examiner.categories)
    cases = [examiner.case(categories[i % len(categories)], i) for i in range(prompts)]
    texts = [render(case.messages, case.tools, add_generation_prompt=True) for case in cases]
    first, second = Greedy(one, threads=2), Greedy(other, threads=2)
    equal = sum(first.complete(text) == second.complete(text) for text in texts)
    print(f"{equal} of {prompts} greedy replies are equal")


def main() -> None:
    """Make the model, and check it where that is asked for."""
    sizes = Sizes()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path)
    parser.add_argument("--model", type=Path, default=SHIPPED, help="the model to widen")
    parser.add_argument("--layers", type=int, default=sizes.layers)
    parser.add_argument("--heads", type=int, default=sizes.heads, help="of 64 each")
    parser.add_argument("--feed-forward", type=int, default=sizes.feed_forward)
    parser.add_argument("--vocabulary", type=int, default=sizes.vocabulary)
    parser.add_argument("--check", type=int, default=0, metavar="N", help="compare N replies")
    parser.add_argument("--only-check", action="store_true", help="the output is there already")
    chosen = parser.parse_args()
    if not chosen.only_check:
        wanted = Sizes(chosen.layers, chosen.heads, chosen.feed_forward, chosen.vocabulary)
        make_ballast(chosen.model, chosen.output, wanted)
        print(f"{chosen.output}: {chosen.output.stat().st_size / 1e6:.0f} MB")
    if chosen.check:
        check(chosen.model, chosen.output, chosen.check)


if __name__ == "__main__":
    main()
