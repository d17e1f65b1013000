"""Descriptions of the server for programs and people: OpenAPI, the reference, the first page."""
