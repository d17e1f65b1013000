"""Model files: which to serve, where they lie, how they fit, and the one that is loaded."""
