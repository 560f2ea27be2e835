"""Crawl a small web site, and give up at the first page that cannot be downloaded.

The site is served by this very program, on the loopback interface and a free port, so that the
crawl needs no network. Its first page is broken on purpose: whatever has not been requested by
then is cancelled, and the summary tells what became of each page.

Usage: crawler.py [--pages N] [--workers N]
"""

from __future__ import annotations

import argparse
import http.client
import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LATENCY = 0.05  # seconds the site takes to answer, so that there is a queue to cancel
BROKEN = "/page/0"


class Site(ThreadingHTTPServer):
    """The web site: an index, and behind it as many pages as asked for."""

    daemon_threads = False  # server_close() then waits for the requests still being answered

    def __init__(self, page_count: int) -> None:
        super().__init__(("127.0.0.1", 0), SiteHandler)
        links = (f'<a href="/page/{number}">page</a>' for number in range(page_count))
        self.index = "\n".join(links)


class SiteHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/":
            self.answer(200, self.server.index)
            return
        time.sleep(LATENCY)
        if self.path == BROKEN:
            self.answer(500, "out of order")
        else:
            self.answer(200, "this is " + self.path)

    def answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the crawler reports what it sees itself."""


@contextmanager
def serve(page_count: int):
    """Serve the site in a thread; yield its address, and leave nothing open behind."""
    with Site(page_count) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": LATENCY})
        thread.start()
        try:
            yield server.server_address
        finally:
            server.shutdown()
            thread.join()


def fetch(address: tuple, path: str) -> bytes:
    """Return the body of a page; raise OSError for anything but a 200."""
    with closing(http.client.HTTPConnection(*address, timeout=30)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
    if response.status != 200:
        raise OSError(f"HTTP {response.status} {response.reason}")
    return body


def crawl(address: tuple, paths: list, workers: int) -> Counter:
    """Download all pages, up to the first failure; return how many ended in which way."""
    tally = Counter()
    with ThreadPoolExecutor(max_workers=workers) as executor:
        futures = {executor.submit(fetch, address, path): path for path in paths}
        for future in as_completed(futures):
            if future.cancelled():
                tally["cancelled"] += 1
            elif future.exception() is None:
                tally["fetched"] += 1
            else:
                tally["failed"] += 1
                print(f"{futures[future]}: {future.exception()}")
                print("giving up, cancelling the pages still queued", flush=True)
                executor.shutdown(wait=False, cancel_futures=True)
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description="Crawl a small web site of our own.")
    parser.add_argument("--pages", type=int, default=120, help="pages on the site")
    parser.add_argument("--workers", type=int, default=3, help="downloads at a time")
    options = parser.parse_args()

    with serve(options.pages) as address:
        paths = re.findall('href="([^"]+)"', fetch(address, "/").decode())
        tally = crawl(address, paths, options.workers)
    print(
        "{} pages: {} fetched, {} failed, {} cancelled".format(
            len(paths), tally["fetched"], tally["failed"], tally["cancelled"]
        )
    )


if __name__ == "__main__":
    main()
