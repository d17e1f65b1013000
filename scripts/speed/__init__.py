"""What `scripts/performance.py` is made of: rivals, rows, a random model, a page."""
