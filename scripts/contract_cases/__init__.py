"""Judges of ``scripts/contract_scores.py``: a module for each shape of case.

A case is judged by the fields that it has, never by its name, so that others of the same shapes can
be judged by the same command.
"""
