"""The catalogue of a night's reports, without which nothing is published."""

from __future__ import annotations

import threading


class Catalogue(object):
    def __init__(self):
        self.entries = []
        self._closed = threading.Event()

    def close(self):
        """Let the publisher go on: there will be no further entries."""
        self._closed.set()

    def publish(self):
        """Wait until the catalogue is closed; return how many reports were published."""
        self._closed.wait()
        return len(self.entries)
