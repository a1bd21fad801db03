"""What matching rules add to a new case besides its unit: severity, watchers, tags; and the record.

`assign` has set severity, unit and person on the case; the rest is written here, in the
transaction that registers the case.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from complaints import tagging
from complaints.choices import WatchedBy
from complaints.models import Case, CaseGrant, CaseTag
from complaints.routing.engine import Routed
from config.kernel import journal, notices

WATCH: Final = "case.watched_by_rule"
ADDED: Final = "case.rule_added"
RAISED: Final = "case.rule_raised"


def write(routes: Sequence[Routed], *, at: datetime) -> None:
    """Insert watchers and tags of registered cases; no query where no rule adds any."""
    if any(routed.watchers for routed in routes):
        CaseGrant.objects.bulk_create(
            CaseGrant(case=r.case, person_id=pk, watcher=True, why=WatchedBy.RULE, at=at)
            for r in routes
            for pk in r.watchers
        )
    codes = {code for routed in routes for code in routed.tags}
    if codes:
        terms = tagging.live(codes)
        CaseTag.objects.bulk_create(
            CaseTag(case=r.case, term=term, at=at)
            for r in routes
            for term in dict.fromkeys(terms[code] for code in r.tags if code in terms)
        )


def facts(routes: Iterable[Routed]) -> Iterator[journal.Fact]:
    """Yield what the record says: which rule raised the severity, which added watchers or tags."""
    for routed in routes:
        for rule, before, after in routed.raised:
            told = {"rule": rule, "severity_before": before, "severity": after}
            yield journal.Fact(routed.case, RAISED, told)
        for row in routed.why.get("added", ()):
            more = {name: row[name] for name in ("watchers", "tags") if name in row}
            if more:
                yield journal.Fact(routed.case, ADDED, {"rule": row["rule"], **more})


def tellings(routes: Iterable[Routed], *, actor_id: int | None) -> Iterator[notices.Telling]:
    """Yield the notices to new watchers; whoever registered the case knows."""
    for routed in routes:
        for pk in routed.watchers:
            if pk != actor_id:
                yield _telling(routed.case, routed, pk)


def _telling(case: Case, routed: Routed, pk: int) -> notices.Telling:
    rows = routed.why.get("added", ())
    rule = next(row["rule"] for row in rows if pk in row.get("watchers", ()))
    return notices.Telling(
        key=f"{WATCH}:{case.number}:{pk}",
        person_id=pk,
        kind=WATCH,
        about=case.about,
        facts={"number": case.number, "rule": rule},
    )
