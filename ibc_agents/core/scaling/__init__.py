"""Conversion of single leaves between raw and scaled values, and of actions to vectors."""
