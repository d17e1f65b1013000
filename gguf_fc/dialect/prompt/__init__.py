"""Conversation to prompt: history, repair, continuation, the template itself."""
