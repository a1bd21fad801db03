"""The slow truth that `worktime` is compared with: it looks at the wall clock minute by minute."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
Hours = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Oracle:
    """Opening hours in plain pairs of minutes; `days`: those of special dates, empty = off."""

    zone: str
    week: Mapping[int, Hours]
    days: Mapping[date, Hours]

    def is_open(self, at: datetime) -> bool:
        wall = at.astimezone(ZoneInfo(self.zone))
        return self._shows(wall.date(), wall.weekday(), wall.hour * 60 + wall.minute)

    def _shows(self, day: date, weekday: int, minute: int) -> bool:
        hours = self.days.get(day, self.week.get(weekday, ()))
        return any(start <= minute < end for start, end in hours)

    def film(self, start: datetime, minutes: int) -> "Film":
        """Record whether each of the next `minutes` is open; `start` is a whole minute."""
        first = start.astimezone(UTC)
        return Film(first, [self._shows(*wall) for wall in walls(self.zone, first, minutes)])


@lru_cache(maxsize=8)
def walls(zone: str, first: datetime, minutes: int) -> list[tuple[date, int, int]]:
    """Return day, weekday and minute of the day on the wall for each of these minutes."""
    here = ZoneInfo(zone)
    shown = [(first + n * MINUTE).astimezone(here) for n in range(minutes)]
    return [(wall.date(), wall.weekday(), wall.hour * 60 + wall.minute) for wall in shown]


@dataclass(frozen=True)
class Film:
    """One frame per minute from `first`; answers by walking, None when it runs off the film."""

    first: datetime
    frames: list[bool]

    def add(self, start: datetime, minutes: int) -> datetime | None:
        """The end of the open minute with which `minutes` are full."""
        return self._walk(start, minutes, 1)

    def before(self, moment: datetime, minutes: int) -> datetime | None:
        """The beginning of the open minute with which, going back, `minutes` are full."""
        return self._walk(moment, minutes, -1)

    def between(self, start: datetime, end: datetime) -> int:
        low, high = sorted((self._at(start), self._at(end)))
        return sum(self.frames[low:high]) * (1 if start <= end else -1)

    def minutes(self) -> Iterator[tuple[datetime, bool]]:
        for at, open_now in enumerate(self.frames):
            yield self.first + at * MINUTE, open_now

    def _at(self, moment: datetime) -> int:
        return (moment - self.first) // MINUTE

    def _walk(self, moment: datetime, minutes: int, step: int) -> datetime | None:
        left, at = minutes, self._at(moment)
        while left:
            frame = at if step > 0 else at - 1
            if not 0 <= frame < len(self.frames):
                return None
            left -= self.frames[frame]
            at += step
        return self.first + at * MINUTE
