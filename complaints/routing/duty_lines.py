"""The lines of the duty table: reading them, and which one fits a matter best."""

from collections.abc import Iterable, Sequence
from typing import Final

from complaints.models import DutyLine
from config.kernel.models import RuleSet

KIND: Final = "duties"
PLACES: Final = ("@line", "@branch")


def lines_of(rule_set: RuleSet | None) -> list[DutyLine]:
    """Return the lines of a version in their order; one query."""
    if rule_set is None:
        return []
    return list(DutyLine.objects.filter(rule_set=rule_set).order_by("order", "id"))


def best(lines: Iterable[DutyLine], kind: str, chain: Sequence[str]) -> DutyLine | None:
    """Return the most specific line for a type and a business line with those above it.

    A line that names the type wins over one that names the business line; a nearer business line
    over one further up.
    """
    fitting = [
        line
        for line in lines
        if line.type in ("", kind) and (not line.business_line or line.business_line in chain)
    ]
    return max(fitting, key=lambda line: _rank(line, chain), default=None)


def code_of(line: DutyLine) -> str:
    """Return the code under which a line is shown and edited: `CMP/B-CC`, `*/B-CC`, `*/*`."""
    return f"{line.type or '*'}/{line.business_line or '*'}"


def _rank(line: DutyLine, chain: Sequence[str]) -> tuple[int, int]:
    depth = len(chain) - chain.index(line.business_line) if line.business_line else 0
    return (1 if line.type else 0, depth)
