"""Sampling from logits, and logprobs."""
