"""Implicit Behavioral Cloning (Florence et al., CoRL 2021) as a TF-Agents plugin."""

__version__ = "0.1.0"
