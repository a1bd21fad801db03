"""Quality checks of handled cases by the form of DOMAIN.md §4.14; one per case and rater."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from complaints.case_parts import CaseAct, CasePart
from complaints.choices import OPEN
from complaints.hiding import hider
from complaints.holding import hold_cases
from complaints.models import Case, CaseExclusion, HandOver, QualityCheck
from complaints.reach import reaches
from config.kernel import journal
from config.kernel.actions import Action
from config.kernel.models import Term
from config.shared.actors import Actor
from config.shared.scope import Scope
from config.shared.worded import WordedError
from staff.http import StaffRequest

TAXONOMY: Final = "quality_item"
HIGHEST: Final = 2
RATE, SEE = "quality", "quality_view"


class CheckRefused(WordedError):  # noqa: N818 - reads as words
    """A quality check that cannot be kept; the words say why. Code `rated`: done before."""


@dataclass(frozen=True, slots=True)
class Rated:
    """One check as shown: percent of the points of the items that applied, the weak items."""

    who: str
    at: datetime
    percent: int | None
    weak: Sequence[str]
    words: str | None


def items() -> list[Term]:
    """Return the items of the form in their order."""
    return list(Term.objects.of(TAXONOMY).usable(timezone.localdate()))


def rate(
    cases: QuerySet[Case],
    scores: Mapping[str, int | None],
    words: str,
    *,
    actor: Actor,
    at: datetime,
) -> list[QualityCheck]:
    """Keep one check per case; `scores` by code of the item, 0-2, None = did not apply.

    Every item of the form is rated, at least one applies. Raises CheckRefused: an item that is
    missing or unknown, a case still being handled, rated before by this person, or a rater who
    handled, accepted or registered the case or is named in it.
    """
    _judge(scores)
    person = _person(actor)
    with hold_cases(cases) as held:
        for case in held.rows:
            _judge_rater(case, person)
        facts = [
            journal.Fact(
                case, "case.quality", {"scores": dict(scores), "percent": percent(scores)},
                {"words": words.strip()} if words.strip() else {},
            )
            for case in held.rows
        ]  # fmt: skip
        entries = journal.append(facts, actor=actor, at=at)
        made = [
            QualityCheck(
                case=case, rater_id=person, rated_id=case.handler_id or case.officer_id,
                scores=dict(scores), at=at, seq=entry.seq,
            )
            for case, entry in zip(held.rows, entries, strict=True)
        ]  # fmt: skip
        try:
            with transaction.atomic():
                return QualityCheck.objects.bulk_create(made)
        except IntegrityError as error:
            raise CheckRefused("rated", _("You have rated this case already.")) from error


def percent(scores: Mapping[str, int | None]) -> int | None:
    """Return the points reached of those possible, whole percent; None when nothing applied."""
    given = [score for score in scores.values() if score is not None]
    return round(100 * sum(given) / (HIGHEST * len(given))) if given else None


def checks(case: Case, scope: Scope) -> list[Rated]:
    """Return the checks of a case, oldest first."""
    rows = list(QualityCheck.objects.filter(case=case).select_related("rater").order_by("pk"))
    if not rows:
        return []
    named = {term.code: term.label for term in Term.objects.of(TAXONOMY)}
    entries = list(journal.entries(case.stream).filter(seq__in=[row.seq for row in rows]))
    said = journal.words_of(entries)
    by_seq = {entry.seq: said[entry.pk].get("words") for entry in entries}
    hide = hider(case, scope)
    return [
        Rated(
            row.rater.label,
            row.at,
            percent(row.scores),
            [named.get(code, code) for code, score in row.scores.items() if score == 0],
            None if by_seq.get(row.seq) is None else hide(str(by_seq[row.seq])),
        )
        for row in rows
    ]


def contributions() -> list[Any]:
    """Return action, part and act of the case page."""
    return [
        Action("case.quality", _("Quality was checked: %(percent)s %%"), "clipboard-check"),
        CasePart(
            "quality",
            _("Quality"),
            "clipboard-check",
            "complaints/_part_quality.html",
            _part,
            order=70,
            shows=_shows,
        ),
        CaseAct(
            "quality",
            _("Check the quality"),
            "clipboard-check",
            "case_quality",
            _may_rate,
            order=80,
        ),
    ]


def _part(request: StaffRequest, case: Case) -> dict[str, Any]:
    return {
        "quality_checks": checks(case, request.scope),
        "may_rate": _may_rate(case, request.scope),
    }


def _shows(case: Case, scope: Scope) -> bool:
    return not _waits(case) and reaches(case, scope, SEE)


def _may_rate(case: Case, scope: Scope) -> bool:
    """Whether this person may rate; what asks the database is refused by the verb."""
    own = {case.handler_id, case.officer_id, case.registrar_id}
    return not _waits(case) and reaches(case, scope, RATE) and scope.member not in own


def _waits(case: Case) -> bool:
    return case.status in OPEN


def _judge(scores: Mapping[str, int | None]) -> None:
    """Refuse scores that are no full form."""
    known = {term.code for term in items()}
    if set(scores) != known:
        raise CheckRefused("items", _("Rate every item of the form."))
    if any(score is not None and score not in range(HIGHEST + 1) for score in scores.values()):
        raise CheckRefused("score", _("A score is 0, 1 or 2."))
    if percent(scores) is None:
        raise CheckRefused("empty", _("At least one item must apply."))


def _judge_rater(case: Case, person: int) -> None:
    """Refuse a rater who has a part in the case, and a case that is still worked on."""
    if _waits(case):
        raise CheckRefused("open", _("This case is still being handled."))
    worked = HandOver.objects.filter(case=case, handler_id=person).exists()
    if worked or person in {case.handler_id, case.officer_id, case.registrar_id}:
        raise CheckRefused("own", _("You worked on this case; somebody else rates it."))
    if CaseExclusion.objects.filter(case=case, person_id=person).exists():
        raise CheckRefused("recused", _("You are named in this case and stay out of it."))


def _person(actor: Actor) -> int:
    if actor.kind != "person" or actor.id is None:
        raise CheckRefused("person", _("Only a person rates a case."))
    return actor.id


__all__ = ["CheckRefused", "Rated", "checks", "contributions", "items", "percent", "rate"]
