"""The units of the bank as routing needs them: the tree, regions, and who stands above whom."""

from collections.abc import Collection, Iterable, Iterator

from staff.models import Department
from staff.models.people import UnitKind


class Units:
    """All units, read once; closed ones are known but receive nothing."""

    def __init__(self, rows: Iterable[Department] | None = None) -> None:
        """Read the units; one query."""
        units = Department.objects.order_by("pk") if rows is None else rows
        self.by_pk = {unit.pk: unit for unit in units}
        self.by_code = {unit.code: unit for unit in self.by_pk.values()}
        self._codes: dict[int, tuple[str, ...]] = {}

    def open(self, code: str) -> Department | None:
        """Return an active unit by code."""
        unit = self.by_code.get(code)
        return unit if unit is not None and unit.active else None

    def upwards(self, pk: int | None) -> Iterator[Department]:
        """Yield a unit and those it is part of."""
        seen: set[int] = set()
        while pk is not None and pk in self.by_pk and pk not in seen:
            seen.add(pk)
            yield self.by_pk[pk]
            pk = self.by_pk[pk].parent_id

    def codes(self, pk: int | None) -> tuple[str, ...]:
        """Return the codes of a unit and of those it is part of."""
        if pk is None:
            return ()
        if pk not in self._codes:
            self._codes[pk] = tuple(unit.code for unit in self.upwards(pk))
        return self._codes[pk]

    def region(self, pk: int | None) -> str:
        """Return the English city of a unit, or of the nearest above that has one."""
        return next((unit.city_en for unit in self.upwards(pk) if unit.city_en), "")

    def clear(self, unit: Department, named: Collection[int]) -> Department:
        """Return the unit itself, or for a branch whose head is named its superior unit (§4.8).

        When the superior is a branch whose head is named as well, its own superior, and so on; a
        branch with nobody above it keeps the case.
        """
        seen = {unit.pk}
        here: Department | None = unit
        while here is not None and not (here.active and _is_clear(here, named)):
            above = here.superior_id or here.parent_id
            here = self.by_pk.get(above) if above is not None and above not in seen else None
            seen |= {above} if above is not None else set()
        return here or unit


def _is_clear(unit: Department, named: Collection[int]) -> bool:
    return unit.kind != UnitKind.BRANCH or unit.head_id not in named
