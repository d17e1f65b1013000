"""Sandbox for chat templates, which come from anywhere: a process that can be killed."""
