"""``/v1/completions``: a text to continue, without messages, templates or tools."""
