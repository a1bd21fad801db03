"""How often each rule was used."""

from collections import Counter
from datetime import datetime

from django.db.models import Count

from complaints.models import Case, HandOver


def hits(since: datetime, until: datetime) -> dict[str, int]:
    """Return how many cases each rule sent or added to from `since` to before `until`, by code.

    Counted over all versions; what rules only added is counted by the time of receipt. Two queries.
    """
    sent = HandOver.objects.filter(rule__isnull=False, from_at__gte=since, from_at__lt=until)
    counted = sent.order_by().values_list("rule__code").annotate(n=Count("pk"))
    found = Counter(dict(counted))
    period = Case.objects.filter(received_at__gte=since, received_at__lt=until)
    rows = period.filter(routing_reason__added__isnull=False)
    for reason in rows.values_list("routing_reason", flat=True):
        final = reason.get("rule")
        found.update(row["rule"] for row in reason["added"] if row["rule"] != final)
    return dict(found)
