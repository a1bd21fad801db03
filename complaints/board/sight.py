"""What one reader's board looks at: the cases in sight, of all units or of one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import QuerySet

from complaints.choices import OPEN
from complaints.clocks import rules
from complaints.models import Case
from config.shared.listing import MANY
from config.shared.scope import Scope
from staff.models import Department

QUEUE: Final = "cases"


@dataclass(frozen=True, slots=True)
class Sight:
    """Who looks, when, and at which unit; None = everything the reader may see."""

    scope: Scope
    at: datetime
    unit: Department | None = None

    def cases(self, act: str = "view") -> QuerySet[Case]:
        """Return the cases in sight on which the reader may do `act`, without an order."""
        rows = Case.objects.visible_to(self.scope, act).order_by()
        return rows.filter(department=self.unit) if self.unit else rows

    def open(self, act: str = "view") -> QuerySet[Case]:
        """Return those whose customer still waits for the result."""
        return self.cases(act).filter(status__in=OPEN)

    def query(self, **filters: object) -> str:
        """Return the query string under which the case queue shows the same cases."""
        pairs = [(key, str(value)) for key, value in filters.items()]
        if self.unit is not None and "department" not in filters:
            pairs.append(("department", self.unit.code))
        return f"?{urlencode(pairs)}"


@dataclass(frozen=True, slots=True)
class Count:
    """A figure; `more`: there are more than 10,000, and the figure says so."""

    n: int

    @property
    def more(self) -> bool:
        """Tell whether the figure was cut."""
        return self.n > MANY

    @property
    def words(self) -> str:
        """Return the figure as shown."""
        return f"{MANY:,}+" if self.more else f"{self.n:,}"


def counted(rows: QuerySet[Case]) -> Count:
    """Count the rows as far as 10,001."""
    return Count(rows.order_by().values("pk")[: MANY + 1].count())


def handler_limit(at: datetime) -> int:
    """Return how many open cases one person should have at most: `handler_limit` of the limits."""
    return _setting("handler_limit", settings.BOARD_HANDLER_LIMIT, at)


def hourly_intake(at: datetime) -> int:
    """Return how many cases can be accepted in one hour: `hourly_intake` of the limits."""
    return _setting("hourly_intake", settings.BOARD_HOURLY_INTAKE, at)


def _setting(name: str, default: int, at: datetime) -> int:
    book = rules.in_force(at)
    return int(book.rule_set.settings.get(name, default)) if book else default
