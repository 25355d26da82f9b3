"""Errors that the user can fix. Commands print them as one message, without a traceback."""


class UserError(Exception):
    """An error whose message states what is wrong, where, and how to fix it."""


class RunError(UserError):
    """A run cannot start or continue."""


class ObservationError(UserError, ValueError):
    """The observations do not fit the network that takes them."""

    # Keras 2.15 adds the arguments of the call to an error in a layer, unless this is set.
    _keras_call_info_injected = True


class SettingError(UserError, ValueError):
    """A setting of a class has a wrong type or is out of range.

    The message begins with the setting as gin names it, such as `TrainingSettings.num_steps`.
    """

    # Keras 2.15 adds the arguments of the call to an error in a layer, unless this is set.
    _keras_call_info_injected = True
