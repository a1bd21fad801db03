"""Does this come back? The same customer on the same matter within 90 days, and similar words.

At intake `drafting.Batch.repeats` counts; here cases are looked at later, when line or cause are
known better, and words are compared. Reads only; every queryset is cut by what the reader sees.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from complaints.case_rules import rules_at
from complaints.choices import OPEN, Status
from complaints.models import Case
from complaints.relations import alike
from config.kernel import search
from config.kernel.models import Term
from config.shared.scope import Scope
from config.shared.terms_index import query_terms

LIKE: Final = 0.4  # share of pairs from which on two matters look the same
_PROBES: Final = 4
_PER_PROBE: Final = 60
_COMPARED: Final = 60


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A case that looks like another; `why` codes: customer, phone, line, cause, words.

    `share` is the share of pairs of letters both texts have, 0 where words were not compared.
    """

    case: Case
    why: tuple[str, ...]
    share: float = 0.0


def earlier(case: Case, rows: QuerySet[Case], at: datetime) -> list[Case]:
    """Return the sender's earlier cases on this matter within the window, newest first.

    The same customer (else the same telephone), the same first level of the business line, and
    the same first level of the cause where both have one. `rows` is cut by scope; one query.
    """
    sender = _sender(case)
    if sender is None:
        return []
    since = case.received_at - timedelta(days=rules_at(at).repeat_days)
    before = rows.filter(sender, received_at__gte=since, received_at__lte=case.received_at)
    found = before.exclude(pk=case.pk).exclude(status=Status.MERGED)
    joined = found.select_related("type", "business_line", "cause", "customer", "department")
    return [row for row in joined.order_by("-received_at", "-pk")[:50] if same_matter(case, row)]


def same_matter(one: Case, other: Case) -> bool:
    """Tell whether two cases are on the same line and, where both know it, cause."""
    line, cause = root(one.business_line), root(one.cause)
    other_cause = root(other.cause)
    if line is None or line != root(other.business_line) or track(one) != track(other):
        return False
    return cause is None or other_cause is None or cause == other_cause


def alike_words(
    text: str, rows: QuerySet[Case], *, skip: int = 0, limit: int = 5
) -> list[LookAlike]:
    """Return the cases of `rows` whose core issue reads like `text`, the closest first.

    Candidates come from the search index by parts of the text, capped; the words of at most 60
    are compared. `rows` is cut by scope and time.
    """
    wanted = alike.bigrams(text)
    ids = _candidates(text) if len(wanted) > 3 else []
    if not ids:
        return []
    near = rows.filter(pk__in=ids, restricted=False).exclude(pk=skip)
    found = []
    for case in near.order_by("-received_at", "-pk")[:_COMPARED]:
        share = alike.overlap(wanted, alike.bigrams(case.core_issue))
        if share >= LIKE:
            found.append(LookAlike(case, ("words",), share))
    found.sort(key=lambda one: (-one.share, -one.case.pk))
    return found[:limit]


def _candidates(text: str) -> list[int]:
    """Return pks of cases that hold a part of the text, newest first, by few short searches."""
    found: dict[int, None] = {}
    for probe in _probes(text):
        ids = search.find("case", probe, limit=_PER_PROBE, prefix_last=False)
        found |= dict.fromkeys(ids)
    return sorted(found, reverse=True)


def _probes(text: str) -> list[str]:
    """Return the parts to search for, at most four: long words, and three letters in a row."""
    latin: dict[str, None] = {}
    runs: dict[str, None] = {}
    for phrase in query_terms(text[:200]):
        for at, term in enumerate(phrase):
            if term.isascii() and len(term) > 3:
                latin[term] = None
            elif not term.isascii() and not term.endswith("*"):
                after = phrase[at + 1][-1] if at + 1 < len(phrase) else ""
                runs[term + after] = None
    words = sorted(latin, key=lambda word: (-len(word), word))[:_PROBES]
    three = [run for run in runs if len(run) > 2] or list(runs)
    return [*words, *three[:: max(1, len(three) // _PROBES)]][:_PROBES]


def _sender(case: Case) -> Q | None:
    if case.customer_id:
        return Q(customer=case.customer_id)
    return Q(contact_phone_hash=case.contact_phone_hash) if case.contact_phone_hash else None


def root(term: Term | None) -> int | None:
    """Return the pk of the first level a term stands below."""
    return None if term is None else (term.parent_id or term.pk)


def track(case: Case) -> str:
    """Return the track of a case: complaint, or another."""
    return str(case.type.flags.get("track", ""))


def open_to(scope: Scope, since: datetime) -> QuerySet[Case]:
    """Return the open cases this reader may see that came in since then."""
    rows = Case.objects.visible_to(scope).filter(status__in=OPEN, received_at__gte=since)
    return rows.select_related("type", "department", "handler", "business_line", "cause")
