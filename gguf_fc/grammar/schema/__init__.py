"""JSON Schema as a tree: read, combined, negated, closed; what cannot be held is reported."""
