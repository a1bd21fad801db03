"""How often each clock policy was the one that counted."""

from collections import Counter
from datetime import datetime

from django.db.models import Count
from django.db.models.fields.json import KT

from complaints.models import Case

_NONE = frozenset({None, "", "null"})  # SQLite writes a JSON null as text


def used(since: datetime, until: datetime) -> Counter[str]:
    """Return by policy code how many cases received in [since, until) it counts for; one query.

    A case under an overlay counts for the overlay too. Figures of the whole bank, no cases: they
    are for everybody who may read the rules.
    """
    rows = (
        Case.objects.filter(received_at__gte=since, received_at__lt=until)
        .values(base=KT("policy_reason__policy"), over=KT("policy_reason__overlay"))
        .annotate(n=Count("pk"))
        .order_by()
    )
    found: Counter[str] = Counter()
    for row in rows:
        for code in (row["base"], row["over"]):
            if code not in _NONE:
                found[code] += row["n"]
    return found
