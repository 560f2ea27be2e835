"""Carrying out a call that came in a message."""

from __future__ import annotations

import pickle
from typing import Any, Callable

from . import _wire

# What calls a function with its arguments, and returns or raises what the function does
Caller = Callable[..., Any]


def perform(payload: bytes, call: Caller) -> tuple[str, Any]:
    """Unpickle a call, have *call* call it, and return the kind and body of the answer.

    Whatever goes wrong on the way is the answer, and nothing is left behind of it.
    """
    try:
        fn, args, kwargs = pickle.loads(payload)
    except BaseException as error:
        message = "the call cannot be unpickled in the worker process: " + describe(error)
        return _wire.RAISED, failure_of(error, pickle.UnpicklingError(message))
    del payload
    try:
        result = call(fn, args, kwargs)
    except BaseException as error:
        return _wire.RAISED, failure_of(error)
    finally:
        del fn, args, kwargs
    try:
        return _wire.RETURNED, _wire.pack(result)
    except BaseException as error:
        return _wire.RAISED, failure_of(error)


def failure_of(error: BaseException, instead: BaseException | None = None) -> _wire.Failure:
    """Return what tells the parent of *error*, or of what is to be raised *instead* of it."""
    description = describe(error)
    text = format_error(error)
    # The frames hold whatever the call used.
    error.__traceback__ = None
    try:
        pickled = _wire.pack(instead or error).tobytes()
    except BaseException as why:
        message = f"the task raised {description}, which cannot be pickled: {describe(why)}"
        pickled = pickle.dumps(pickle.PicklingError(message))
    return _wire.Failure(pickled, description, text)


def describe(error: BaseException) -> str:
    """Return ``repr(error)``, or the name of its class if that raises."""
    try:
        return repr(error)
    except BaseException:
        return type(error).__name__


def format_error(error: BaseException) -> str:
    """Return an exception's traceback as text."""
    import traceback  # which takes a while, and most processes never need it

    try:
        return "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except BaseException:
        return describe(error)
