"""The one exception that bad input raises."""


class DataError(ValueError):
    """Demonstrations cannot be read, written or used.

    The message is one sentence for the user: which file and record, what is wrong, how to mend it.
    Records are counted from 0.
    """
