"""Regular expressions: parsed, made into automata, printed as rules or as expressions again."""
