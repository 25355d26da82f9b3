"""Cells with their own tuned settings."""
