"""Syntax and tools to one grammar over the whole output."""
