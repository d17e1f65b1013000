"""Constrained decoding: which tokens the grammar allows next."""
