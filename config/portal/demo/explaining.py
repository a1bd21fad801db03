"""Why clocks ran out in the demo year: those who were asked answer after a day or two."""

from datetime import datetime, timedelta
from typing import Final

from complaints import delays
from complaints.models import Case, CaseClock
from config.kernel.models import Notice
from config.shared.actors import Actor
from staff.models import Person

AFTER: Final = timedelta(days=2)
_ANSWERS: Final = (
    ("WORKLOAD", "集中收到多笔同类投诉，当日未能全部办完。"),
    ("OTHER-UNIT", "等待运营部提供交易流水，对方次日才回复。"),
    ("CUSTOMER", "多次致电客户未接通，改约后才核实清楚。"),
    ("COMPLEX", "涉及两家网点和一笔代销业务，核查比预计复杂。"),
    ("THIRD", "第三方支付机构回函较晚。"),
    ("ABSENT", "经办休假，交接不及时。"),
)


def explain(at: datetime) -> int:
    """Give a reason for every clock that was asked about two days ago or more; returns how many."""
    asked = Notice.objects.filter(
        kind__startswith="clock.delay.", needs_action=True, done_at__isnull=True, at__lte=at - AFTER
    )
    by_clock = dict(asked.order_by("-pk").values_list("about", "person_id"))
    pks = {int(about.removeprefix("clock:")): person for about, person in by_clock.items()}
    people = Person.objects.in_bulk(set(pks.values()))
    given = 0
    for clock in CaseClock.objects.filter(pk__in=pks).order_by("pk"):
        person = people[pks[clock.pk]]
        actor = Actor("person", person.pk, f"{person.name_en} {person.name_zh}")
        reason, words = _ANSWERS[clock.pk % len(_ANSWERS)]
        try:
            delays.give_reason(
                Case.objects.filter(pk=clock.case_id), clock.pk, reason, words, actor=actor, at=at
            )
        except delays.DelayRefused:
            continue
        given += 1
    return given
