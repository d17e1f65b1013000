"""Tokens over time: runs only inside the worker process."""
