"""Annotations that a user has already, from whatever tool: read, and made the project's labels."""
