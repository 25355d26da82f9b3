"""Implicit Behavioral Cloning (Florence et al., CoRL 2021) as a TF-Agents plugin."""

from ibc_agents.core.version import __version__

__all__ = ["__version__"]
