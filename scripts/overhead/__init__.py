"""A server over a scripted engine, to see what the server itself costs."""
