"""Layers from a window of observations to a vector."""
