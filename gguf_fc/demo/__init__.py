"""The demo model that `serve` loads when no model is named: `demo.gguf` in this folder."""
