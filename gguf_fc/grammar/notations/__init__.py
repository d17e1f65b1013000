"""Rules as text: GBNF read and printed, llguidance printed, and what the engines limit."""
