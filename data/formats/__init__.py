"""Formats of other libraries, and downloads."""
