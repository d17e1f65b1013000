"""Speculative decoding: prompt lookup, kinds of guesses and their hit rates, draft length."""
