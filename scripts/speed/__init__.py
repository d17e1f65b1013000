"""Parts of `scripts/performance.py`: rivals, rows, a random model, a page."""
