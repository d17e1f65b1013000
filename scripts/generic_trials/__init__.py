"""Trial of forms of the generic format: questions, candidates, judging and the table."""
