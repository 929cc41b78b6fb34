"""Rate limits: so many requests in a window for a person, or for an address that does not say who asks."""

from __future__ import annotations

import math
import time
from typing import cast

from flask import Flask, Response, current_app, g
from limits import RateLimitItem, parse
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from repository.api.problems import ApiError
from repository.findings import N_
from repository.settings import Settings

_EXTENSION = "jingui-rate-limit"


class RateLimit:
    """How often may be asked, and how often was.

    Args:
        settings: of the archive: ``rate_limit`` and where the counts are kept, ``rate_limit_storage``.
    """

    def __init__(self, settings: Settings) -> None:
        self._item: RateLimitItem = parse(settings.rate_limit)
        self._counts = MovingWindowRateLimiter(storage_from_string(settings.rate_limit_storage))

    def hit(self, who: str) -> None:
        """Counts a request of somebody; the answer will tell how many are left.

        Raises:
            ApiError: 429, there were too many.
        """
        allowed = self._counts.hit(self._item, who)
        window = self._counts.get_window_stats(self._item, who)
        seconds = max(0, math.ceil(window.reset_time - time.time()))
        g.rate_limit = {
            "RateLimit-Limit": str(self._item.amount),
            "RateLimit-Remaining": str(max(0, window.remaining)),
            "RateLimit-Reset": str(seconds),
        }
        if not allowed:
            raise ApiError(
                "RATE_LIMITED",
                N_("More than {amount} requests came in {seconds} seconds."),
                headers={"Retry-After": str(max(1, seconds))},
                remedy=N_("Wait as many seconds as the header “Retry-After” says."),
                amount=self._item.amount,
                seconds=self._item.get_expiry(),
            )


def register(app: Flask, settings: Settings) -> None:
    """Gives the application its counts."""
    app.extensions[_EXTENSION] = RateLimit(settings)


def count(who: str) -> None:
    """Counts a request of somebody (see `RateLimit.hit`)."""
    cast(RateLimit, current_app.extensions[_EXTENSION]).hit(who)


def tell(response: Response) -> None:
    """Writes into an answer how many requests are left."""
    response.headers.update(g.get("rate_limit", {}))
