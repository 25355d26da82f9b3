"""Errors a user can mend, each a sentence that says what is wrong and how to mend it."""


class RenderingError(RuntimeError):
    """There is nothing to draw with."""
