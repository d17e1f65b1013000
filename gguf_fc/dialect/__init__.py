"""The language a model speaks, read from its chat template.  Pure."""
