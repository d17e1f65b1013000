"""Figures of ``scripts/template_scores.py``, one a module.

Every figure is a function from a ``Corpus`` to ``Figure``s, and asks only the public ``Dialect``.
"""
