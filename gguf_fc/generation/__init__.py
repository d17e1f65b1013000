"""Requests to events, for every protocol: ``generator`` is the whole server in one class."""
