"""``/v1/completions``: a text that is gone on with, without messages, templates or tools."""
