"""Continuous batching: admission, planning of each step, prefix sharing, preemption."""
