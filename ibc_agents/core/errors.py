"""Errors that the user can fix. Commands print them as one message, without a traceback."""


class UserError(Exception):
    """An error whose message states what is wrong, where, and how to fix it."""


class RunError(UserError):
    """A run cannot start or continue."""
