"""What comes of tasks that are stopped, and of those that fail."""

from __future__ import annotations

import pytest

from poolcompat import TaskStopped


def reason_of(get):
    """Call *get*, which must raise ``TaskStopped``, and return the reason."""
    with pytest.raises(TaskStopped) as caught:
        get()
    return caught.value.reason


def error_of(get):
    """Call *get*, and return what it raises, be it what ends a program; or ``None``."""
    try:
        get()
    except BaseException as error:
        return error
    return None


def raising(error):
    """Return a function of any arguments that raises *error*."""

    def fail(*args):
        raise error

    return fail
