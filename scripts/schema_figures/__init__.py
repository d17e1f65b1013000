"""What ``scripts/schema_scores.py`` measures: instances, texts, calls, masks, time."""
