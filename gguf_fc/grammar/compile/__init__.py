"""Schema tree to rules: objects, arrays, numbers, and strings that stand bare."""
