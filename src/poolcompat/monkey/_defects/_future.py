"""Defects of ``Future``."""

from __future__ import annotations

import gc
import logging
import sys
import weakref
from typing import Any, Callable

from .. import patch_all
from ._doors import IMPORT
from ._reproducer import DESTRUCTORS, busy_executor, defect, provoked, replace


class Failure(Exception):
    """What tasks fail with."""


class FalseFailure(Failure):
    def __bool__(self) -> bool:
        return False


class EmptyFailure(Failure):
    def __len__(self) -> int:
        return 0


def fail(error: Exception) -> None:
    raise error


def failed_futures(lib: Any, error: Exception) -> list[Any]:
    """Futures that are done with *error*: one that was completed by hand, one of an executor."""
    by_hand = lib.futures.Future()
    by_hand.set_exception(error)
    with lib.futures.ThreadPoolExecutor(1) as executor:
        submitted = executor.submit(fail, error)
    return [by_hand, submitted]


@defect("falsy-exception")
def _(lib: Any) -> None:
    errors = FalseFailure(), EmptyFailure()
    futures = [future for error in errors for future in failed_futures(lib, error)]
    provoked()
    for future in futures:
        try:
            future.result()
        except Failure:
            continue
        raise AssertionError("no Failure")


@defect("falsy-exception-repr")
def _(lib: Any) -> None:
    errors = FalseFailure(), EmptyFailure()
    futures = [future for error in errors for future in failed_futures(lib, error)]
    provoked()
    for future in futures:
        assert " raised " + type(future.exception()).__name__ in repr(future)


@defect("future-keeps-callbacks")
def _(lib: Any) -> None:
    class Callback:
        def __call__(self, future: Any) -> None:
            pass

    def add_callback(future: Any) -> weakref.ref[Callback]:
        callback = Callback()
        future.add_done_callback(callback)
        return weakref.ref(callback)

    futures = [lib.futures.Future() for _ in range(3)]
    callbacks = [add_callback(future) for future in futures]
    with busy_executor(lib) as executor:
        futures += [executor.submit(int), executor.submit(fail, Failure())]
        callbacks += [add_callback(future) for future in futures[3:]]
    futures[0].set_result(None)
    futures[1].set_exception(Failure())
    futures[2].cancel()
    provoked()
    gc.collect()
    assert [callback() for callback in callbacks] == [None] * 5


def check_refused(complete: Callable[[Any], None], value: object) -> None:
    refusal = None
    try:
        complete(value)
    except Exception as error:
        refusal = type(error).__name__
    assert refusal == "InvalidStateError"


@defect("invalid-state-error")
def _(lib: Any) -> None:
    finished = lib.futures.Future()
    finished.set_result("first")
    first = Failure()
    failed = lib.futures.Future()
    failed.set_exception(first)
    cancelled = lib.futures.Future()
    cancelled.cancel()
    with busy_executor(lib) as executor:
        submitted, queued = executor.submit(str, "first"), executor.submit(str)
        queued.cancel()
        provoked()
        check_refused(queued.set_result, "second")
        check_refused(queued.set_exception, Failure())
    for future in (finished, failed, cancelled, submitted, queued):
        check_refused(future.set_result, "second")
        check_refused(future.set_exception, Failure())
    assert [finished.result(), submitted.result()] == ["first"] * 2
    assert failed.exception() is first
    assert [future.cancelled() for future in (cancelled, queued)] == [True] * 2


def raised_by(get: Callable[[], object]) -> weakref.ref[Failure]:
    """A weak reference to what *get* raises, which nothing but a cycle keeps alive."""
    try:
        get()
    except Failure as error:
        return weakref.ref(error)
    finally:
        # The traceback has the frame of this function.
        del get
    raise AssertionError("no Failure")


def fail_anew(*_: object) -> None:
    # No name is bound to the exception, which has this function's frame.
    raise Failure


@defect("result-reference-cycle")
def _(lib: Any) -> None:
    def completed() -> Any:
        future = lib.futures.Future()
        future.set_exception(Failure())
        return future

    def submitted() -> Any:
        with lib.futures.ThreadPoolExecutor(1) as executor:
            return executor.submit(fail_anew)

    def mapped() -> Any:
        with lib.futures.ThreadPoolExecutor(1) as executor:
            return executor.map(fail_anew, range(1))

    gc.disable()
    provoked()
    errors = [
        raised_by(completed().result),
        raised_by(submitted().result),
        raised_by(mapped().__next__),
    ]
    if sys.implementation.name != "cpython":  # nothing is freed at once
        gc.collect()
    assert [error() for error in errors] == [None] * 3


@defect("generic-alias")
def _(lib: Any) -> None:
    provoked()
    assert isinstance(lib.futures.Future[int](), lib.futures.Future)

    class FutureNumber(lib.futures.Future[int]):  # type: ignore[misc]
        pass

    assert issubclass(FutureNumber, lib.futures.Future)


@defect("lost-exception", DESTRUCTORS)
def _(lib: Any) -> None:
    if lib.door == IMPORT:  # there is no other way to ask for it
        patch_all(only=["lost-exception"])
    records: list[Any] = []
    handler = logging.Handler()
    replace(handler, "emit", records.append)
    logging.getLogger("concurrent.futures").addHandler(handler)
    with lib.futures.ThreadPoolExecutor(1) as executor:
        lost = executor.submit(fail_anew)
        asked = [executor.submit(fail_anew) for _ in range(3)]
        asked[2].add_done_callback(lambda _: None)
    asked.append(lib.futures.Future())
    asked[3].set_exception(Failure())
    asked[3].add_done_callback(lambda _: None)
    assert asked[0].exception() is not None
    raised_by(asked[1].result)
    provoked()
    del lost, asked
    gc.collect()
    (record,) = records
    assert "never retrieved" in record.getMessage()
    assert record.exc_info[0] is Failure
