"""Tools as a chat template can show them: schemas in forms it knows, and what it hides."""
