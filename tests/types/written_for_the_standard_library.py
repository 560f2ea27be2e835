"""Code that is typed with the standard library's classes takes ours: checked, never run."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import multiprocessing.pool
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from multiprocessing.pool import AsyncResult, IMapIterator
from typing import Any, Callable, Generic, Iterable, Iterator, Optional, Type, TypeVar

from poolcompat import futures, pool

T = TypeVar("T")


def sizes(executor: Executor, texts: Iterable[str]) -> list[int]:
    pending: dict[Future[int], str] = {executor.submit(len, text): text for text in texts}
    return [future.result() for future in concurrent.futures.as_completed(pending)]


def stop(executor: ThreadPoolExecutor) -> None:
    executor.shutdown(wait=False)


def first(waited_for: Iterable[Future[T]]) -> Iterator[T]:
    waited = concurrent.futures.wait(waited_for, return_when=concurrent.futures.FIRST_COMPLETED)
    for future in waited.done:
        yield future.result()


def when_done(future: Future[T], tell: Callable[[Future[T]], None]) -> Future[T]:
    future.add_done_callback(tell)
    return future


def doubled(threads: multiprocessing.pool.ThreadPool) -> list[str]:
    return threads.map(lambda text: text * 2, ["a"])


def later(workers: multiprocessing.pool.Pool, text: str) -> AsyncResult[int]:
    return workers.apply_async(len, (text,))


def lazily(workers: multiprocessing.pool.Pool) -> IMapIterator[int]:
    return workers.imap_unordered(len, ["a"], chunksize=2)


async def in_a_thread(executor: Executor) -> int:
    loop = asyncio.get_running_loop()
    length: int = await loop.run_in_executor(executor, functools.partial(len, "a"))
    return length + await asyncio.wrap_future(executor.submit(len, "a"))


class Client(Generic[T]):
    """Holds an executor, is given a class, and is a context manager."""

    executor: Optional[Executor] = None

    def __init__(self, make: Type[ThreadPoolExecutor], pools: Callable[[int], Executor]) -> None:
        self.executor = make(max_workers=2, thread_name_prefix="client")
        self.other = pools(2)

    def ask(self, question: Callable[[], T]) -> Future[T]:
        return self.other.submit(question)

    def __exit__(self, *exc_info: Any) -> None:
        self.other.shutdown()


class Subclass(futures.ThreadPoolExecutor):
    def shutdown(
        self, wait: bool = True, *, cancel_futures: bool = False, timeout: float | None = None
    ) -> None:
        super().shutdown(wait=wait, cancel_futures=cancel_futures, timeout=timeout)


class Bounded(ThreadPoolExecutor):
    """Theirs, as it was before."""

    def submit(self, __fn: Callable[..., T], *args: Any, **kwargs: Any) -> Future[T]:
        return super().submit(__fn, *args, **kwargs)


class Own(futures.Executor):
    """An executor of their own, whose futures are ours to type checkers."""

    def submit(self, __fn: Callable[..., T], *args: Any, **kwargs: Any) -> futures.Future[T]:
        future: futures.Future[T] = futures.Future()
        future.set_result(__fn(*args, **kwargs))
        return future


def all_of_ours() -> None:
    for executor in (
        futures.ThreadPoolExecutor(),
        futures.ProcessPoolExecutor(),
        futures.KillableThreadPoolExecutor(),
        Subclass(),
        Bounded(),
        Own(),
    ):
        print(sizes(executor, ["a"]))
        asyncio.run(in_a_thread(executor))
    stop(futures.ThreadPoolExecutor())
    asyncio.new_event_loop().set_default_executor(futures.ThreadPoolExecutor())
    print(doubled(pool.ThreadPool()), later(pool.ThreadPool(), "a").get(timeout=1))
    processes: multiprocessing.pool.Pool = pool.Pool()
    processes.terminate()
    print(next(lazily(processes)))
    client: Client[int] = Client(futures.ThreadPoolExecutor, futures.ProcessPoolExecutor)
    print(client.ask(lambda: 1).result())
    results: list[Future[int]] = [futures.ThreadPoolExecutor().submit(len, "a")]
    print(list(first(results)), when_done(results[0], print))


# From here on only the import lines were changed.


def named(executor: futures.Executor, names: list[str]) -> dict[str, int]:
    pending = {executor.submit(len, name): name for name in names}
    return {pending[future]: future.result() for future in futures.as_completed(pending)}


def named_by_threads(names: list[str]) -> dict[str, int]:
    with futures.ThreadPoolExecutor() as executor:
        pending = {executor.submit(len, name): name for name in names}
        done, not_done = futures.wait(pending)
        for future in not_done:
            pending.pop(future)
        return {pending[future]: future.result() for future in done}


def annotated(executor: futures.Executor) -> list[futures.Future[int]]:
    results: list[futures.Future[int]] = [executor.submit(len, "a")]
    results.append(futures.ProcessPoolExecutor().submit(len, "a"))
    return results


def of_the_pool(threads: pool.ThreadPool) -> pool.AsyncResult[int]:
    result: pool.AsyncResult[int] = threads.apply_async(len, ("a",))
    return result
