"""Templates that come from anywhere, rendered in a process that may be killed."""
