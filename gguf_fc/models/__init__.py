"""The shelf of files: what can be served, where it lies, how it fits."""
