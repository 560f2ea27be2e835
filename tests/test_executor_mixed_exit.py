"""Executors some of whose workers are the standard library's, when the interpreter exits."""

from __future__ import annotations

import pytest

from fresh import run

PROGRAM = """
    import concurrent.futures, threading
    import poolcompat

    # What is kept until the end is still there when the workers are told to end.
    executor = concurrent.futures.ThreadPoolExecutor(2)
    both = threading.Barrier(2)

    def begin():
        executor.submit(int).result()

    def go_on():
        for future in [executor.submit(both.wait), executor.submit(both.wait)]:
            future.result()
        print(len(executor._threads))

"""


@pytest.mark.parametrize(
    "steps",
    ["begin(); poolcompat.patch_all(); go_on()", "poolcompat.patch_all(); begin(); go_on()"],
    ids=["made before the patch", "patched"],
)
@pytest.mark.parametrize(
    "end", ["", "poolcompat.unpatch_all()", "poolcompat.unpatch_all(); go_on()"]
)
def test_the_interpreter_exits(steps, end):
    """Each worker's signal reaches one that ends."""
    said = run(f"{PROGRAM}\n    {steps}\n    {end}\n")
    assert said.splitlines() == ["2"] * (1 + end.count("go_on"))


def test_the_interpreter_exits_when_it_was_unpatched_in_between():
    program = f"{PROGRAM}\n    poolcompat.patch_all(); begin(); poolcompat.unpatch_all(); go_on()\n"
    assert run(program) == "2\n"
