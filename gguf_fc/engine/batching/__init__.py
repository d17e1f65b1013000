"""Batch sizes: what a step costs, how long it may take, what was done in it."""
