"""Batch sizes: costs of a step, its token budget, decode counters."""
