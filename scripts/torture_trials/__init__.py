"""Trials of ``torture.py``: what is done to a running server, and what its clients see."""
