"""Check the health of a service, and give up the checks that hang.

Two of the four checks never end. One asks a server that takes the connection and says nothing, the
other waits for a device that is not there; both hang inside of C, where no exception reaches them
before Python 3.15. The executor of threads says where they are stuck and leaves them behind. Let
the line that imports it end differently, and they are killed:

    from poolcompat.futures import KillableThreadPoolExecutor as ThreadPoolExecutor, as_completed

Usage: hung_calls.py [--patience SECONDS]
"""

from __future__ import annotations

import argparse
import platform
import shutil
import socket
import tempfile
import time

from poolcompat.futures import ThreadPoolExecutor, as_completed


def check_system() -> str:
    return platform.system() or "unknown"


def check_disk() -> str:
    return f"{shutil.disk_usage(tempfile.gettempdir()).free // 10**6:,} MB free"


def check_server(address: tuple) -> str:
    """Return what the server says first; there is no timeout, as it so often is."""
    with socket.create_connection(address) as connection:
        return connection.recv(100).decode()


def check_device() -> str:
    """Wait for the device, like a driver that does not give up."""
    time.sleep(3600)
    return "ready"


def run_checks(checks: dict, patience: float) -> None:
    """Print what each check says, and stop those that take longer than *patience*."""
    with ThreadPoolExecutor(len(checks)) as executor:
        futures = {executor.submit(*call): name for name, call in checks.items()}
        try:
            for future in as_completed(futures, timeout=patience):
                name = futures.pop(future)
                print(f"{name}: {future.result()}", flush=True)
        except TimeoutError:
            executor.terminate_workers()
    for future, name in futures.items():
        print(f"{name}: hangs; {future.exception()}", flush=True)


def is_still_there(server: socket.socket) -> bool:
    """Return whether the other end of the connection is open, that of a check."""
    connection, _ = server.accept()
    with connection:
        connection.settimeout(1)
        try:
            return connection.recv(1) != b""
        except ConnectionError:
            return False
        except socket.timeout:
            return True


def main() -> None:
    parser = argparse.ArgumentParser(description="Check the health of a service.")
    parser.add_argument("--patience", type=float, default=3, help="seconds for all checks")
    options = parser.parse_args()

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        checks = {
            "system": (check_system,),
            "disk": (check_disk,),
            "server": (check_server, server.getsockname()),
            "device": (check_device,),
        }
        run_checks(checks, options.patience)
        still = "still" if is_still_there(server) else "no longer"
        print(f"the check of the server is {still} connected")


if __name__ == "__main__":
    main()
