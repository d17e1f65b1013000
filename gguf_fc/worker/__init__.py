"""Worker process of the loaded model: its client, supervisor and main loop."""
