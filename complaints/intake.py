"""The one door: every case of every channel is opened here, and only here.

`open_cases` is plural and set-based: what it costs in queries does not depend on how many drafts
it gets. `similar` and `preview` read only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from complaints import clocks, drafting, indexing, letters, routing, service_notices
from complaints.case_rules import local_day, rules_at
from complaints.choices import NoticePurpose
from complaints.clocks import planning
from complaints.drafts import CaseDraft, Opened, Preview, Similar
from complaints.models import Case, CaseExclusion, CustomerNotice, HandOver
from complaints.relations import alike, looks, signatures, sources
from complaints.routing import effects
from complaints.teamwork import following
from config.kernel import bell, journal, notices, numbers, outbox
from config.kernel.models import Term
from config.shared.actors import Actor
from config.shared.scope import Scope
from config.shared.words import sentences
from customers.hashes import phone_hash
from staff import people
from staff.models import Person
from staff.models.accounts import Role

_LOOK_ALIKES: Final = 5
_OTHERS: Final = 3


@dataclass(slots=True)
class _Fresh:
    """A sound draft on its way to become a case; `at_index` is its place among the drafts.

    `routed` is None while, and where, no rule was asked.
    """

    at_index: int
    draft: CaseDraft
    case: Case
    out: set[int]
    routed: routing.Routed | None = None


def open_cases(
    drafts: Sequence[CaseDraft],
    *,
    actor: Actor,
    at: datetime,
    registrar: Person | None = None,
) -> list[Opened]:
    """Register what came in; one result per draft, in order. A refused draft stops no other.

    A draft whose `origin_key` is known gives the existing case back (`duplicate`). Cases are
    routed, their clocks start, the customer gets a receipt (not on a live channel), those who
    must know are told. Drafts with `history` are recorded as they were: nothing else happens.
    Numbers are gapless per year of registration (local date of `at`).
    """
    try:
        with transaction.atomic():
            return _open(drafts, actor, at, registrar)
    except IntegrityError:  # the same origin key was stored meanwhile: now it is a duplicate
        with transaction.atomic():
            return _open(drafts, actor, at, registrar)


def similar(draft: CaseDraft, *, scope: Scope, at: datetime) -> list[Similar]:
    """Return open cases of the same customer or telephone in the last 90 days, newest first.

    Only what this scope may see; at most five. A hint never refuses or slows a case.
    """
    sender = _sender(draft)
    if sender is None:
        return []
    rows = _recent(scope, at).filter(sender).order_by("-received_at", "-pk")
    return [_same_sender(draft, case, _heart(draft)) for case in rows[:_LOOK_ALIKES]]


def waiting(draft: CaseDraft, *, scope: Scope) -> list[Case]:
    """Return open cases of this sender that the reader may not read but may record a chase on.

    Only number, state and due time of them are to be shown; soonest due first, at most five.
    """
    sender = _sender(draft)
    if sender is None or not scope.may("cases", "chased"):
        return []
    readable = Case.objects.visible_to(scope).values("pk")
    rows = Case.objects.visible_to(scope, "chased").open().filter(sender)
    return list(rows.exclude(pk__in=readable).order_by("next_due_at", "pk")[:_LOOK_ALIKES])


def others(draft: CaseDraft, *, scope: Scope, at: datetime) -> list[looks.LookAlike]:
    """Return open cases of other senders whose core issue reads alike, the closest first.

    To look at, not to add to: they are other people's. Only what this scope may see; at most 3.
    """
    found = looks.alike_words(_heart(draft), _recent(scope, at), limit=_LOOK_ALIKES)
    number = phone_hash(draft.contact_phone) if draft.contact_phone else ""
    theirs = [one for one in found if not (number and one.case.contact_phone_hash == number)]
    if draft.customer is not None:
        theirs = [one for one in theirs if one.case.customer_id != draft.customer.pk]
    return theirs[:_OTHERS]


def _sender(draft: CaseDraft) -> Q | None:
    """Return what finds the cases of a draft's sender: customer or telephone; None of neither."""
    number = phone_hash(draft.contact_phone) if draft.contact_phone else ""
    if draft.customer is None and not number:
        return None
    wanted = Q(contact_phone_hash=number) if number else Q(pk__in=[])
    return wanted | Q(customer=draft.customer) if draft.customer is not None else wanted


def _recent(scope: Scope, at: datetime) -> QuerySet[Case]:
    return looks.open_to(scope, at - timedelta(days=rules_at(at).repeat_days))


def _heart(draft: CaseDraft) -> str:
    """Return the words by which a draft is compared."""
    return draft.core_issue.strip() or draft.content.strip()[:120]


def _same_sender(draft: CaseDraft, case: Case, text: str) -> Similar:
    """Return a case of the same sender with what else speaks for the same matter."""
    customer = draft.customer.pk if draft.customer else None
    why = "customer" if customer and case.customer_id == customer else "phone"
    reasons = [why]
    line = draft.business_line
    code = line.code if isinstance(line, Term) else line
    if code and case.business_line and _level(code) == _level(case.business_line.code):
        reasons.append("line")
    share = alike.overlap(alike.bigrams(text), alike.bigrams(case.core_issue))
    if share >= looks.LIKE:
        reasons.append("words")
    return Similar(case, why, tuple(reasons), share)


def _level(code: str) -> str:
    """Return the first level of a business line from its code (`B-CC-02` -> `B-CC`)."""
    return "-".join(code.split("-")[:2])


def preview(draft: CaseDraft, at: datetime) -> Preview:
    """Return what registering this draft now would do; writes nothing.

    An incomplete draft gives `problems` and, as far as type and channel are known, the rest.
    """
    batch = drafting.Batch.read([draft], at)
    wrong = tuple(drafting.problems(draft, batch))
    kind = batch.term("feedback_type", draft.type)
    channel = batch.term("intake_channel", draft.intake_channel)
    if kind is None or channel is None or draft.severity not in range(1, 5):
        return Preview(None, None, "", "", "", draft.severity, problems=wrong)
    case = drafting.build(draft, batch, None)
    _place([_Fresh(0, draft, case, batch.out_of(draft))], at, batch)
    planned = planning.planned(case, at=at)
    return Preview(
        department=case.department if case.department_id else None,
        handler=case.handler,
        rule=str(case.routing_reason.get("rule", "")),
        why=routing.sentence(case.routing_reason) if case.routing_reason.get("rule") else "",
        policy=planned.policy,
        severity=case.severity,
        due=planned.due,
        provisional=planned.provisional,
        problems=wrong,
    )


def _open(
    drafts: Sequence[CaseDraft], actor: Actor, at: datetime, registrar: Person | None
) -> list[Opened]:
    """Judge, place, number, insert, record: one transaction."""
    batch = drafting.Batch.read(drafts, at)
    results: dict[int, Opened] = {}
    fresh: list[_Fresh] = []
    in_batch: dict[str, int] = {}
    for index, draft in enumerate(drafts):
        known = batch.known.get(draft.origin_key) if draft.origin_key else None
        if known is not None:
            results[index] = Opened(known, duplicate=True)
        elif draft.origin_key and draft.origin_key in in_batch:
            continue
        elif wrong := drafting.problems(draft, batch):
            results[index] = Opened(None, sentences(wrong))
        else:
            case = drafting.build(draft, batch, registrar)
            batch.remember(draft, case)
            fresh.append(_Fresh(index, draft, case, batch.out_of(draft)))
            in_batch[draft.origin_key] = index
    homeless = _place(fresh, at, batch)
    for one in homeless:
        results[one.at_index] = Opened(None, _("No rule says which department gets this case."))
    fresh = [one for one in fresh if one not in homeless]
    _write(fresh, actor, at)
    results |= {one.at_index: Opened(one.case) for one in fresh}
    return [_result(results, index, draft, in_batch) for index, draft in enumerate(drafts)]


def _result(
    results: dict[int, Opened], index: int, draft: CaseDraft, in_batch: dict[str, int]
) -> Opened:
    """Return the result of one draft; a key met twice in the batch is the first one's duplicate."""
    if index in results:
        return results[index]
    first = results[in_batch[draft.origin_key]]
    return Opened(first.case, first.refused, duplicate=first.case is not None)


def _place(fresh: list[_Fresh], at: datetime, batch: drafting.Batch) -> list[_Fresh]:
    """Give every case its department and person; returns those that no rule places."""
    routed = [one for one in fresh if one.draft.department is None]
    for one in fresh:
        if one.draft.department is not None:
            one.case.department, one.case.handler = one.draft.department, one.draft.handler
            one.case.routing_reason = {"rule": "", "why": "given"}
    if routed:
        out, named = [one.out for one in routed], [one.draft.named_ids for one in routed]
        routes = routing.assign([one.case for one in routed], at=at, out=out, named=named)
        for one, way in zip(routed, routes, strict=True):
            one.routed = way
    for one in fresh:
        if one.draft.history is not None:
            one.case.handler = one.draft.history.handler
        _keep_out(one, batch)
    return [one for one in routed if one.case.department_id is None]


def _keep_out(one: _Fresh, batch: drafting.Batch) -> None:
    """Take a case that was placed by hand from people who are named in it (§4.8)."""
    case = one.case
    if case.handler_id in one.out:
        case.handler = None
    if one.draft.department is None or case.department_id not in batch.branches_out:
        return
    if case.department.superior is not None:
        case.department, case.handler = case.department.superior, None


def _write(fresh: list[_Fresh], actor: Actor, at: datetime) -> None:
    """Insert the cases with all that belongs to them."""
    if not fresh:
        return
    live = [one for one in fresh if one.draft.history is None]
    year = local_day(at).year
    for one, number in zip(fresh, numbers.take(f"case:{year}", len(fresh)), strict=True):
        one.case.number = f"C-{year}-{number:07d}"
    cases = Case.objects.bulk_create([one.case for one in fresh])
    _relate(fresh, at)
    sources.write_first(one.case for one in live)
    signatures.write([one.case for one in live], at)
    change = clocks.start([one.case for one in live], at=at)
    facts = [journal.Fact(one.case, "case.opened", *_told(one)) for one in fresh]
    facts += effects.facts(_routes(fresh))
    facts += following.after_intake([one.case for one in live], actor=actor, at=at)
    linked = _link_in_batch(fresh)
    saved = sorted({*change.fields, *(["repeat_of"] if linked else [])})
    journal.append([*facts, *change.facts], actor=actor, at=at, save=saved)
    indexing.put(cases)
    _send(live, actor, at)
    bell.wake("clocks")


def _relate(fresh: list[_Fresh], at: datetime) -> None:
    """Write hand-overs, recusals, and the watchers and tags that rules add."""
    HandOver.objects.bulk_create(
        HandOver(
            case=one.case,
            department_id=one.case.department_id,
            handler_id=one.case.handler_id,
            from_at=at,
            rule=one.routed.rule if one.routed else None,
        )
        for one in fresh
        if one.draft.history is None
    )
    effects.write(_routes(fresh), at=at)
    noticed = [(x.case, x.draft.service_notice) for x in fresh if x.draft.service_notice]
    if noticed:
        service_notices.link(noticed)
    CaseExclusion.objects.bulk_create(
        CaseExclusion(
            case=one.case,
            person_id=pk,
            reason="named" if pk in one.draft.named_ids else "unit",
            at=at,
        )
        for one in fresh
        for pk in sorted(one.out)
    )


def _routes(fresh: list[_Fresh]) -> list[routing.Routed]:
    """Return how the cases were routed that rules were asked about."""
    return [one.routed for one in fresh if one.routed is not None]


def _link_in_batch(fresh: list[_Fresh]) -> bool:
    """Point repeats to cases of the same batch, which have their pk only now."""
    linked = False
    for one in fresh:
        earlier: Case | None = getattr(one.case, "repeats_in_batch", None)
        if earlier is not None:
            one.case.repeat_of, linked = earlier, True
    return linked


def _told(one: _Fresh) -> tuple[dict[str, object], dict[str, str]]:
    """Return facts and words of the first entry."""
    case, draft = one.case, one.draft
    facts: dict[str, object] = {
        "number": case.number,
        "status": case.status,
        "type": case.type.code,
        "channel": case.intake_channel.code,
        "severity": case.severity,
        "severity_given": draft.severity,
        "department": case.department.code,
        "handler": case.handler_id,
        "registrar": case.registrar_id,
        "customer": case.customer.number if case.customer else None,
        "tier": case.tier_at_receipt,
        "received_at": case.received_at,
        "repeat_of": case.repeat_of_id,
        "rule": case.routing_reason.get("rule"),
        "history": case.is_history,
        "origin": case.origin_key,
    }
    if draft.service_notice is not None:
        facts["service_notice"] = draft.service_notice.pk
    words = {
        "core_issue": case.core_issue,
        "content": case.content,
        "demand": case.demand,
        "expected_resolution": case.expected_resolution,
        "backdate_reason": draft.backdate_reason,
    }
    return facts, words


def _send(live: list[_Fresh], actor: Actor, at: datetime) -> None:
    """Queue receipts and tell handlers and, of the regulator's majors, the supervisors."""
    made = [
        letters.compose(
            letters.Order(one.case, NoticePurpose.ACKNOWLEDGEMENT, 1), actor=actor, at=at
        )
        for one in live
        if not one.case.intake_channel.flags.get("live")
    ]
    sent = [pair for pair in made if pair is not None]
    CustomerNotice.objects.bulk_create([notice for _letter, notice in sent])
    if sent:
        outbox.queue([letter for letter, _notice in sent], at=at)
    majors = [one.case for one in live if one.case.regulatory_major]
    bosses = [x.pk for x in people.audience([Role.SUPERVISOR])] if majors else []
    tellings = [
        _telling(one.case, "case.assigned", one.case.handler_id)
        for one in live
        if one.case.handler_id is not None and one.case.handler_id != actor.id
    ]
    named = {one.case.pk: one.out for one in live}
    tellings += [
        _telling(case, "case.major", boss)
        for case in majors
        for boss in bosses
        if boss not in named[case.pk]
    ]
    tellings += effects.tellings(_routes(live), actor_id=actor.id)
    if tellings:
        notices.tell(tellings, at=at)


def _telling(case: Case, kind: str, person: int) -> notices.Telling:
    return notices.Telling(
        key=f"{kind}:{case.number}:1:{person}",
        person_id=person,
        kind=kind,
        about=case.about,
        facts={"number": case.number},
        needs_action=True,
    )


__all__ = ["CaseDraft", "Opened", "open_cases", "others", "preview", "similar", "waiting"]
