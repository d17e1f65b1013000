"""Text to events: the streaming parser of what a model writes."""
