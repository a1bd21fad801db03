"""The same act in several workers at the same moment, each on a connection of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connections


def at_once(act: Callable[[int], Any], times: int = 8) -> list[Any]:
    """Call `act(n)` in so many threads that start together; returns the answers in order of n.

    Raises what one of them raised. For tests marked `django_db(transaction=True)`.
    """
    start = Barrier(times, timeout=60)

    def guarded(n: int) -> Any:
        try:
            start.wait()
            return act(n)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(guarded, range(times)))
