"""A local OpenAI-compatible server for GGUF models whose tool calls can be trusted."""
