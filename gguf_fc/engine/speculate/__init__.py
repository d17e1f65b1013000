"""Speculative decoding: prompt lookup, drafts, and whether they are worth their price."""
