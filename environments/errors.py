"""Errors of environments that the user can fix."""

from ibc_agents.core import errors


class RenderingError(errors.UserError, RuntimeError):
    """No rendering backend works on this machine."""
