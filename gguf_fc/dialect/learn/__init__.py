"""Template to syntax: probe, derive, check."""
