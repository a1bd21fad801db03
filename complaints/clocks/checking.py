"""What is wrong with a version of the time limits, before anybody meets it on a case.

Which cases a row catches is exact: every combination of type, severity, tier, vulnerability and
channel is one bit of a number, so a row that several earlier ones cover together is found too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final

from django.utils.translation import gettext as _

from complaints import naming
from complaints.choices import ClockName, Severity
from complaints.clocks.laddering import ladder_findings
from complaints.clocks.policy_words import names_of
from complaints.clocks.rules import DEPARTMENT, REVIEW, VULNERABLE, RuleBook, books
from complaints.models import ClockPolicy
from config.kernel.models import RuleSet, Term
from config.kernel.models.rules import RuleState
from config.kernel.rule_kinds import ERROR, WARNING, Finding
from config.shared.words import listed
from customers.models.customer import Tier
from staff.models import Department

NEEDED: Final = (ClockName.RESOLVE, ClockName.LOOP, ClockName.REGULATORY)
_LISTS: Final = ("types", "severities", "tiers", "channels")


@dataclass(frozen=True, slots=True)
class Combination:
    """What the four lists of a policy are compared with."""

    type: str
    severity: int
    tier: str
    vulnerable: bool
    channel: str


class Space:
    """All combinations a case may have, and the set of those a policy catches as bits."""

    def __init__(self, types: Sequence[str], channels: Sequence[str]) -> None:
        tiers = [(tier, weak) for tier in Tier.values for weak in (False, True)]
        self._axes: tuple[Sequence[Any], ...] = (types, Severity.values, tiers, channels)
        self.size = len(types) * len(Severity.values) * len(tiers) * len(channels)
        self.whole = (1 << self.size) - 1

    @classmethod
    def read(cls) -> "Space":
        """Return the space of the types and channels in use; one query."""
        terms = Term.objects.filter(taxonomy__in=["feedback_type", "intake_channel"], active=True)
        rows = list(terms.order_by("order", "code").values_list("taxonomy", "code"))
        types = [code for taxonomy, code in rows if taxonomy == "feedback_type"]
        return cls(types, [code for taxonomy, code in rows if taxonomy == "intake_channel"])

    def caught(self, policy: ClockPolicy) -> int:
        """Return the combinations that the lists of a policy hold, as bits."""
        bits, width = 1, 1
        for axis, given, tiers in zip(
            reversed(self._axes),
            (policy.channels, policy.tiers, policy.severities, policy.types),
            (False, True, False, False),
            strict=True,
        ):
            held = [self._holds(given, value, tiers=tiers) for value in axis]
            parts = [bits << (width * place) for place, yes in enumerate(held) if yes]
            bits, width = reduce(or_, parts, 0), width * len(axis)
        return bits

    def example(self, bits: int) -> Combination:
        """Return the first combination of a set that is not empty."""
        place = (bits & -bits).bit_length() - 1
        found: list[Any] = []
        for axis in reversed(self._axes):
            place, index = divmod(place, len(axis))
            found.insert(0, axis[index])
        kind, severity, (tier, weak), channel = found
        return Combination(kind, severity, tier, weak, channel)

    @staticmethod
    def _holds(given: Sequence[Any], value: Any, *, tiers: bool) -> bool:
        if not given:
            return True
        if not tiers:
            return value in given
        tier, weak = value
        return tier in given or (weak and VULNERABLE in given)


def check(rule_set: RuleSet) -> list[Finding]:
    """Return what is wrong with a version of the time limits, errors first; some ten queries."""
    book = books([rule_set.pk]).get(rule_set.pk)
    if book is None:
        words = _("There is no policy. Add one that holds for every case.")
        return [Finding(ERROR, "empty", "", words)]
    found = [
        *_order(book),
        *_missing_calendars(book),
        *_office(book),
        *ladder_findings(book),
    ]
    return sorted(found, key=lambda finding: finding.level != ERROR)


def _order(book: RuleBook) -> Iterator[Finding]:
    """Yield unreachable rows, overlaps, a combination without a row, and missing clocks."""
    space = Space.read()
    if not space.size:
        return
    cases = [row for row in book.policies if REVIEW not in row.types]
    yield from _reach(_shares(space, [row for row in cases if row.overlay]))
    shares = _shares(space, [row for row in cases if not row.overlay])
    yield from _reach(shares)
    if left := space.whole & ~reduce(or_, (share.caught for share in shares), 0):
        words = _("No policy holds for %(case)s. Add one, or widen the last.")
        yield Finding(ERROR, "no_catch_all", "", words % {"case": _said(space.example(left))})
    yield from _missing_clocks(book, space, shares)


@dataclass(frozen=True, slots=True)
class _Share:
    """A row, the cases its lists hold, and those that no earlier row takes from it."""

    row: ClockPolicy
    caught: int
    own: int


def _shares(space: Space, rows: Sequence[ClockPolicy]) -> list[_Share]:
    """Return what each row gets when the first match wins."""
    taken, shares = 0, []
    for row in rows:
        bits = space.caught(row)
        shares.append(_Share(row, bits, bits & ~taken))
        taken |= bits
    return shares


def _reach(shares: Sequence[_Share]) -> Iterator[Finding]:
    """Yield what earlier rows take from later ones."""
    for place, share in enumerate(shares):
        if share.own:
            yield from _overlaps(share, shares[:place])
        else:
            yield _unreachable(share, shares[:place])


def _unreachable(share: _Share, before: Sequence[_Share]) -> Finding:
    """Return the finding for a row of which earlier ones leave nothing."""
    name = names_of(share.row)[0]
    if not share.caught:
        words = _("“%(row)s” can never hold: its type or channel is not in use. Remove it.")
        return Finding(WARNING, "never", share.row.code, words % {"row": name})
    alone = [other for other in before if not share.caught & ~other.caught][:1]
    takers = alone or [other for other in before if other.own & share.caught]
    words = _(
        "“%(row)s” is never reached: %(others)s before it hold for all its cases. Move it up."
    )
    others = listed(f"“{other}”" for other in names_of(*(taker.row for taker in takers)))
    told = words % {"row": name, "others": others}
    return Finding(ERROR, "unreachable", share.row.code, told, takers[0].row.code)


def _overlaps(share: _Share, before: Sequence[_Share]) -> Iterator[Finding]:
    """Yield the earlier rows that take some cases from this one, though it says more of them."""
    for other in before:
        crossing = share.caught & other.own and other.caught & ~share.caught
        if crossing and _is_narrower(share.row, other.row):
            mine, its = names_of(share.row, other.row)
            words = _(
                "“%(row)s” is more specific than “%(other)s”, which comes first and takes some of "
                "its cases. Move it up if that is not meant."
            )
            told = words % {"row": mine, "other": its}
            yield Finding(WARNING, "overlap", share.row.code, told, other.row.code)


def _is_narrower(row: ClockPolicy, other: ClockPolicy) -> bool:
    """Tell whether one of the lists of a row holds less than the same list of the other."""
    pairs = [(set(getattr(row, name)), set(getattr(other, name))) for name in _LISTS]
    return any(mine and (not its or mine < its) for mine, its in pairs)


def _said(case: Combination) -> str:
    """Return a combination in words."""
    tier = str(Tier(case.tier).label)
    if case.vulnerable:
        tier = _("%(tier)s, vulnerable") % {"tier": tier}
    return _("%(type)s, severity %(severity)s, customer %(tier)s, channel %(channel)s") % {
        "type": naming.feedback_type(case.type),
        "severity": Severity(case.severity).label,
        "tier": tier,
        "channel": naming.intake_channel(case.channel),
    }


def _missing_clocks(book: RuleBook, space: Space, shares: Sequence[_Share]) -> Iterator[Finding]:
    """Yield policies that complaints get and that lack the clocks every complaint must have."""
    rows = Term.objects.filter(taxonomy="feedback_type", active=True)
    kinds = [term.code for term in rows if term.flags.get("regulatory")]
    complaints = space.caught(ClockPolicy(types=kinds)) if kinds else 0
    for share in shares:
        has = {limit.clock for limit in book.limits.get(share.row.pk, ())}
        lacks = [name for name in NEEDED if name not in has]
        if share.own & complaints and lacks:
            words = _("“%(row)s” is for complaints and lacks: %(clocks)s.")
            told = {"row": names_of(share.row)[0], "clocks": listed(x.label for x in lacks)}
            yield Finding(ERROR, "clock_missing", share.row.code, words % told)


def _missing_calendars(book: RuleBook) -> Iterator[Finding]:
    """Yield policies, and the version itself, that count on a calendar nobody has published."""
    kinds = RuleSet.objects.filter(kind__startswith="calendar:", state=RuleState.PUBLISHED)
    known = {kind.partition(":")[2] for kind in kinds.values_list("kind", flat=True)}
    known |= {"", DEPARTMENT}
    for policy in book.policies:
        used = {limit.calendar for limit in book.limits.get(policy.pk, ())}
        for key in sorted(used - known):
            words = _("“%(row)s” counts on the calendar “%(key)s”, which is not published.")
            told = {"row": names_of(policy)[0], "key": key}
            yield Finding(ERROR, "calendar_missing", policy.code, words % told)
    if (key := str(book.rule_set.settings.get("calendar", "bank"))) not in known:
        words = _("Warnings are read on the calendar “%(key)s”, which is not published.")
        yield Finding(ERROR, "calendar_missing", "", words % {"key": key})


def _office(book: RuleBook) -> Iterator[Finding]:
    """Yield a complaint office that is no unit of the bank."""
    if not Department.objects.filter(code=book.complaint_office, active=True).exists():
        words = _("The complaint office “%(code)s” is no unit of the bank. Choose one.")
        yield Finding(WARNING, "office_missing", "", words % {"code": book.complaint_office})


__all__ = ["Combination", "Space", "check"]
