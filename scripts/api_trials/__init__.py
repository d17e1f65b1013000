"""Odd requests for every operation of the server, and what may come back."""
