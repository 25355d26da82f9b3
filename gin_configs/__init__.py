"""Gin files: tasks and methods that compose, and short names for what users type most."""
