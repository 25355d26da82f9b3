"""Errors that the user can fix. Commands print them as one message, without a traceback."""


class UserError(Exception):
    """An error whose message states what is wrong, where, and how to fix it."""


class RunError(UserError):
    """A run cannot start or continue."""


class SettingError(UserError, ValueError):
    """A setting of a class has a wrong type or is out of range.

    The message begins with the setting as gin names it, such as `TrainingSettings.num_steps`.
    Libraries that raise the error again, with more text, keep its class only if the message is its
    only argument.
    """
