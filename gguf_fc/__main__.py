"""``python -m gguf_fc`` is ``gguf-fc``."""

from __future__ import annotations

import sys

from gguf_fc.cli import main

if __name__ == "__main__":
    sys.exit(main())
