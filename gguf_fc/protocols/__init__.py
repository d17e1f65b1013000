"""API protocols: bodies to requests, events to replies and frames.  Knows no HTTP."""
