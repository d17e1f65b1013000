"""Tokens to text: detokenizing, stop strings, chunks."""
