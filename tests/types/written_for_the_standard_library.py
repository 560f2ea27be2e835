"""Code that is typed with the standard library's classes takes ours: checked, never run."""

from __future__ import annotations

import asyncio
import concurrent.futures
import multiprocessing.pool
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Iterable

from poolcompat import futures, pool


def sizes(executor: Executor, texts: Iterable[str]) -> list[int]:
    pending: dict[Future[int], str] = {executor.submit(len, text): text for text in texts}
    return [future.result() for future in concurrent.futures.as_completed(pending)]


def stop(executor: ThreadPoolExecutor) -> None:
    executor.shutdown(wait=False)


def doubled(threads: multiprocessing.pool.ThreadPool) -> list[str]:
    return threads.map(lambda text: text * 2, ["a"])


async def in_a_thread(executor: Executor) -> int:
    return await asyncio.get_running_loop().run_in_executor(executor, len, "a")


class TheirSubclass(futures.ThreadPoolExecutor):
    def shutdown(
        self, wait: bool = True, *, cancel_futures: bool = False, timeout: float | None = None
    ) -> None:
        super().shutdown(wait=wait, cancel_futures=cancel_futures, timeout=timeout)


def all_of_ours() -> None:
    for executor in (
        futures.ThreadPoolExecutor(),
        futures.ProcessPoolExecutor(),
        futures.KillableThreadPoolExecutor(),
        TheirSubclass(),
    ):
        print(sizes(executor, ["a"]))
        asyncio.run(in_a_thread(executor))
    stop(futures.ThreadPoolExecutor())
    asyncio.new_event_loop().set_default_executor(futures.ThreadPoolExecutor())
    print(doubled(pool.ThreadPool()))
    processes: multiprocessing.pool.Pool = pool.Pool()
    processes.terminate()
    results: list[Future[int]] = [futures.ThreadPoolExecutor().submit(len, "a")]
    concurrent.futures.wait(results)
    print([future.result() for future in futures.as_completed(results)])
