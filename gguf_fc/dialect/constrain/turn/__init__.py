"""Grammars of the forms of a turn: announced, framed and bare, and of the parts they share."""
