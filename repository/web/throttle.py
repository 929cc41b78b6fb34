"""How often one address may fail: a second line behind the lock of the accounts, against trying one password on many names."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta
from typing import Final

#: Addresses that are remembered at most; the one that was quiet for longest is forgotten first.
_MOST: Final = 10_000


class Throttle:
    """Counts failures by address, in this process.

    Args:
        most: failures after which an address must wait.
        within: only failures of this time count.
    """

    def __init__(self, most: int, within: timedelta) -> None:
        self._most = most
        self._within = within
        self._failures: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, address: str, now: datetime) -> timedelta | None:
        """How long an address must wait before it may try again; None: it may."""
        with self._lock:
            failures = self._recent(address, now)
            return failures[-self._most] + self._within - now if len(failures) >= self._most else None

    def failed(self, address: str, now: datetime) -> None:
        """Counts a failure."""
        with self._lock:
            failures = self._recent(address, now)
            failures.append(now)
            self._failures[address] = failures
            self._failures.move_to_end(address)
            while len(self._failures) > _MOST:
                self._failures.popitem(last=False)

    def _recent(self, address: str, now: datetime) -> deque[datetime]:
        failures = self._failures.get(address, deque(maxlen=self._most))
        while failures and now - failures[0] > self._within:
            failures.popleft()
        return failures
