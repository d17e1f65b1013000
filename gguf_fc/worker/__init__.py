"""The process line: one child process for each loaded model."""
