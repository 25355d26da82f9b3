"""Errors a user can mend; commands print them as one sentence, without a traceback."""


class RunError(Exception):
    """A run cannot start or go on; the message says what is wrong and how to mend it."""
