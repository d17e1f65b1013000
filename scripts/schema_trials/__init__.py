"""Random schemas put to the engine with a model of random weights."""
