"""Ollama's protocol under ``/api``, for apps that speak no other."""
