"""Exact reasoning about which cases a rule can meet: boxes of codes, and what is left of one.

Every condition with finitely many values is a side of a box: the codes it admits. Amounts are cut
into the stretches between the sums that rules name. Keywords and product names are not finite and
are left to the caller.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from complaints.choices import Severity
from complaints.routing.matching import amount, wanted
from customers.models.customer import Tier

Box = Mapping[str, frozenset[Any]]
NONE: Final = ""
SOFT: Final = ("products", "keywords_any", "keywords_all")
_FLAGS: Final = ("media_risk", "repeat", "vulnerable", "referred")
_BUDGET: Final = 20_000


class TooMany(Exception):  # noqa: N818 - named for what happened
    """The question has too many parts to be answered exactly."""


@dataclass(frozen=True)
class World:
    """All values a case can have: `above` gives the codes that a line, cause or unit stands for.

    `owners` is the owner of each business line, `open_units` the units that can get cases.
    """

    types: frozenset[str]
    channels: frozenset[str]
    lines: Mapping[str, tuple[str, ...]]
    causes: Mapping[str, tuple[str, ...]]
    units: Mapping[str, tuple[str, ...]]
    cities: Mapping[str, str]
    owners: Mapping[str, str]
    open_units: frozenset[str]
    sums: Sequence[Decimal] = field(default_factory=list)

    def full(self) -> dict[str, frozenset[Any]]:
        """Return the box of all cases."""
        return {
            "type": self.types,
            "channel": self.channels,
            "line": frozenset(self.lines) | {NONE},
            "cause": frozenset(self.causes) | {NONE},
            "branch": frozenset(self.units) | {NONE},
            "severity": frozenset(Severity.values),
            "tier": frozenset(Tier.values) | {"ordinary"},
            "amount": frozenset(range(-1, 2 * len(self.sums) + 1)),
            **{name: frozenset((True, False)) for name in _FLAGS},
        }

    def box(self, conditions: Mapping[str, Any]) -> Box | None:
        """Return the cases that meet the finite conditions; None when no case can."""
        box = self.full()
        for key, value in conditions.items():
            values = wanted(value)
            if not values or key in SOFT:
                continue
            side, admitted = self._side(key, values)
            if side:
                box[side] &= admitted
            if not side or not box[side]:
                return None
        return box

    def captured(self, box: Box, department: str) -> list[Box]:
        """Return the part of a box whose cases have an open unit behind a destination.

        What cannot be known of a case (`@registrar`) is left out.
        """
        branches = frozenset(code for code in self.units if code in self.open_units)
        owned = {line: self.owners.get(line, "") for line in self.lines}
        at_head = frozenset(line for line, code in owned.items() if code in self.open_units)
        at_branch = frozenset(line for line, code in owned.items() if code == "BRANCH")
        parts: list[dict[str, frozenset[Any]]]
        if department == "@branch":
            parts = [{"branch": branches}]
        elif department == "@line":
            parts = [{"line": at_head - at_branch}, {"line": at_branch, "branch": branches}]
        else:
            parts = [{}] if department in self.open_units else []
        cut = [{**box, **{k: box[k] & v for k, v in part.items()}} for part in parts]
        return [one for one in cut if all(one.values())]

    def _side(self, key: str, values: Sequence[Any]) -> tuple[str, frozenset[Any]]:
        """Return the side of the box that a condition cuts, and what it admits."""
        plain = {value for value in values if isinstance(value, str | int)}
        if key in _FLAGS:
            return key, frozenset(plain)
        if key in _TREES:
            side, name = _TREES[key]
            tree: Mapping[str, tuple[str, ...]] = getattr(self, name)
            return side, frozenset(code for code, up in tree.items() if plain & set(up))
        if key == "regions":
            return "branch", frozenset(c for c, city in self.cities.items() if city in plain)
        if key in {"amount_from", "amount_to"}:
            return "amount", self._stretches(key, amount(values[0]))
        return _SIDES.get(key, ""), frozenset(plain)

    def _stretches(self, key: str, sum_: Decimal | None) -> frozenset[int]:
        """Return the stretches of amounts from, or up to, a sum; -1 stands for no amount."""
        if sum_ is None or sum_ not in self.sums:
            return frozenset()
        at = 2 * self.sums.index(sum_) + 1
        whole = range(2 * len(self.sums) + 1)
        return frozenset(n for n in whole if (n >= at if key == "amount_from" else n <= at))


_SIDES: Final = {
    "types": "type",
    "intake_channels": "channel",
    "severities": "severity",
    "tiers": "tier",
}
_TREES: Final = {
    "business_lines": ("line", "lines"),
    "causes": ("cause", "causes"),
    "branches": ("branch", "units"),
}


def is_covered(box: Box, covers: Iterable[Box]) -> bool:
    """Tell whether every case of a box lies in one of the covers; raises TooMany."""
    budget = [_BUDGET]
    return not _is_left(box, [cover for cover in covers if _meet(box, cover)], budget)


def _is_left(box: Box, covers: Sequence[Box], budget: list[int]) -> bool:
    """Tell whether something of a box is left outside all covers."""
    budget[0] -= 1
    if budget[0] < 0:
        raise TooMany
    if not covers:
        return True
    first, rest = covers[0], covers[1:]
    if not _meet(box, first):
        return _is_left(box, rest, budget)
    inside = dict(box)
    for side, admitted in first.items():
        outside = inside[side] - admitted
        if outside and _is_left({**inside, side: outside}, rest, budget):
            return True
        inside[side] &= admitted
    return False


def _meet(box: Box, other: Box) -> bool:
    return all(box[side] & other[side] for side in other)
