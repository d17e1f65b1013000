"""The languages clients speak."""
