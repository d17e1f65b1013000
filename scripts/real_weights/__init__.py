"""Weights of real models that package registries ship, and how they become GGUF files."""
