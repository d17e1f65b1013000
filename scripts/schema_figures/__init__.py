"""Figures of ``scripts/schema_scores.py``: instances, texts, calls, masks, time."""
