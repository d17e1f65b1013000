"""JSON Schema to rules to grammar text.  Pure: knows nothing of tools, models or processes."""
