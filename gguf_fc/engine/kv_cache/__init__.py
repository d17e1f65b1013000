"""KV cache: slots, prefix sharing, eviction priority, states in RAM and on disk."""
