"""OpenAI's JSON read once, for the server and for the library: messages, tools, choices, formats.

Responses and other protocols come here for what they share with it.  ``library`` is the door for
Python callers, who may give the package's own types instead.
"""
