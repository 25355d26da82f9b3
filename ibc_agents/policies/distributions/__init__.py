"""Distributions over actions that policies return."""
