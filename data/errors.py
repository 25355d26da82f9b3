"""The exception that bad input raises."""

from ibc_agents.core import errors


class DataError(errors.UserError, ValueError):
    """Demonstrations cannot be read, written or used.

    The message names the file and the record, what is wrong and how to fix it. Records are counted
    from 0.
    """
