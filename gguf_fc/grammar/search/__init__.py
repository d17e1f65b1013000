"""Automata for finding texts in a text, and for text that begins like none of them."""
