"""Compress the *.log files of a directory tree in parallel, and stop half-way.

Each file is replaced by a .gz. After `--stop-after` files (half of them, unless told otherwise)
the run is stopped, as if the operator had pressed the button: the workers hold before the next
file, the pool is terminated, and a list tells which files were compressed and which were not.

Usage: log_compressor.py [--stop-after N] [--workers N] [DIRECTORY]

Without a directory a temporary one with sample logs is made, and removed at the end.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import tempfile
import threading
from multiprocessing.pool import ThreadPool

SAMPLES = 8


class Batch:
    """Lets a limited number of files through, and holds all others until `release()`."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.admitted = []
        self.used_up = threading.Event()  # set once a worker is being held
        self._released = threading.Event()
        self._lock = threading.Lock()

    def admit(self, path: str) -> bool:
        with self._lock:
            if len(self.admitted) < self.size:
                self.admitted.append(path)
                return True
        self.used_up.set()
        self._released.wait()
        return False

    def release(self) -> None:
        """Send those who were held home, empty-handed."""
        self._released.set()


def compress(path: str, batch: Batch) -> str:
    """Replace a file by its .gz, which appears complete or not at all; return its name."""
    if not batch.admit(path):
        raise InterruptedError("stopped by the operator")
    target = path + ".gz"
    unfinished = target + ".part"
    try:
        with open(path, "rb") as source, gzip.open(unfinished, "wb") as sink:
            shutil.copyfileobj(source, sink)
        os.replace(unfinished, target)
    except BaseException:
        if os.path.exists(unfinished):
            os.remove(unfinished)
        raise
    os.remove(path)
    return target


def find_logs(directory: str) -> list:
    return sorted(
        os.path.join(folder, name)
        for folder, _, names in os.walk(directory)
        for name in names
        if name.endswith(".log")
    )


def collect(results: dict) -> int:
    """Print what became of each file; return how many were compressed."""
    compressed = 0
    for path, result in results.items():
        try:
            print("compressed:", result.get(), flush=True)
            compressed += 1
        except Exception as error:
            print(f"not compressed: {path} ({type(error).__name__})", flush=True)
    return compressed


def compress_some(paths: list, workers: int, stop_after: int) -> int:
    """Compress `stop_after` of the files, stop, and return how many were compressed."""
    batch = Batch(stop_after)
    pool = ThreadPool(workers)
    try:
        results = {path: pool.apply_async(compress, (path, batch)) for path in paths}
        if stop_after < len(paths):
            batch.used_up.wait()
            for path in batch.admitted:
                results[path].wait()
            pool.terminate()
            print("stopped by the operator, collecting the results", flush=True)
        return collect(results)
    finally:
        batch.release()
        pool.close()
        pool.join()


def write_samples(directory: str) -> None:
    for number in range(SAMPLES):
        with open(os.path.join(directory, f"app-{number}.log"), "w") as log:
            log.writelines(f"request {n} took {n * 7 % 31} ms\n" for n in range(2000))


def main() -> None:
    parser = argparse.ArgumentParser(description="Compress log files, and stop half-way.")
    parser.add_argument("directory", nargs="?", help="where the logs are")
    parser.add_argument("--stop-after", type=int, metavar="N", help="files to compress")
    parser.add_argument("--workers", type=int, default=2, help="files at a time")
    options = parser.parse_args()

    directory = options.directory or tempfile.mkdtemp(prefix="logs-")
    try:
        if not options.directory:
            write_samples(directory)
        paths = find_logs(directory)
        stop_after = options.stop_after
        if stop_after is None:
            stop_after = (len(paths) + 1) // 2
        compressed = compress_some(paths, options.workers, stop_after)
    finally:
        if not options.directory:
            shutil.rmtree(directory)
    left = len(paths) - compressed
    print(f"{compressed} of {len(paths)} files compressed, {left} left for the next run")


if __name__ == "__main__":
    main()
