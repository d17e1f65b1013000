"""``gguf-fc bench``: the same work for this server and for others, and how the times compare."""
