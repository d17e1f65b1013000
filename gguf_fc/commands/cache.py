"""``gguf-fc cache``: evaluated prompts and analyses of templates that are kept as files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from gguf_fc.models.analyses import analysis_files, clear_analyses
from gguf_fc.models.context_size import size_text
from gguf_fc.saved_prompts import FOLDER, clear_states, state_files


def clear(folder: Path) -> None:
    """Delete everything kept in *folder*; print how much that was."""
    n_files, n_bytes = clear_states(folder)
    print(f"deleted {n_files} files, {size_text(n_bytes)}, from {folder / FOLDER}")
    print(f"deleted {clear_analyses(folder)} analyses of chat templates")


def show(folder: Path) -> None:
    """Print the prompts kept in *folder*, the last used first, and the number of analyses."""
    files = sorted(state_files(folder), key=lambda file: -file.used)
    for file in files:
        used = datetime.fromtimestamp(file.used).astimezone().strftime("%Y-%m-%d %H:%M")
        tokens = f"{len(file.tokens):>8,} tokens"
        print(f"{used} {tokens} {size_text(file.n_bytes):>9}  {file.model}")
    total = size_text(sum(file.n_bytes for file in files))
    print(f"{len(files)} files, {total}, in {folder / FOLDER}")
    print(f"{len(analysis_files(folder))} analyses of chat templates")
