"""What the hand-over of shifts brings to the portal: record, notices, erasing, navigation."""

import json
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from complaints import naming
from complaints.models import Case, ShiftHandOver
from complaints.shifts import AREA, REFUSED, WAITING, Words, put_words
from config.kernel import journal
from config.kernel.actions import Action
from config.kernel.models import Notice
from config.kernel.notices import NoticeKind
from config.shared.actors import SYSTEM
from config.shared.claim import hold
from config.shared.registry import Eraser, NavItem


def erase(customer_pks: Sequence[int], at: datetime) -> int:
    """Erase what was written about these customers' cases; returns the hand-overs touched.

    The words in all may speak of anybody: those of a hand-over in which such a case stood go too.
    """
    cases = Case.objects.filter(customer__in=list(customer_pks), legal_hold=False)
    touched: set[int] = set()
    for number in cases.order_by("pk").values_list("number", flat=True):
        touched |= _erase(number, at)
    return len(touched)


def _erase(number: str, at: datetime) -> set[int]:
    """Erase the words about one case. Remarks are encrypted, so open hand-overs are read."""
    listed = ShiftHandOver.objects.annotate(text=Cast("items", TextField()))
    wanted = Q(text__contains=number) | Q(out_signed_at__isnull=True)
    with hold(ShiftHandOver.objects.filter(pk__in=listed.filter(wanted).values("pk"))) as held:
        rows = [row for row in held.rows if number in row.remarks or row.out_signed_at]
        for row in rows:
            remarks = dict(json.loads(row.remarks)) if row.remarks else {}
            remarks.pop(number, None)
            put_words(row, Words("", remarks))
            row.save(update_fields=["note", "remarks"])
        journal.erase_words([row.stream for row in rows], actor=SYSTEM, at=at)
    return {row.pk for row in rows}


def _link(notice: Notice) -> str:
    return reverse("shift", args=[notice.about.removeprefix("shift:")])


def contributions() -> list[Action | NoticeKind | Eraser | NavItem]:
    """Return what this module registers."""
    unit = {"unit": naming.department}
    return [
        Action("shift.begun", _("Hand-over of the shift begun"), "player-play"),
        Action("shift.noted", _("Words for the next shift were written"), "pencil"),
        Action("shift.signed_out", _("Signed by the outgoing shift: %(count)s cases"), "signature"),
        Action("shift.signed_in", _("Signed by the incoming shift: %(count)s cases"), "signature"),
        Action(REFUSED, _("Sent back by the incoming shift"), "arrow-back-up"),
        NoticeKind(
            WAITING,
            _("The hand-over of %(unit)s waits for your signature"),
            "signature",
            _link,
            _("Read and sign"),
            unit,
        ),
        NoticeKind(
            REFUSED,
            _("The hand-over of %(unit)s came back"),
            "arrow-back-up",
            _link,
            _("Write and sign again"),
            unit,
        ),
        Eraser("shifts", erase),
        NavItem("shifts", _("Shift hand-over"), "shifts", "signature", "work", AREA, order=50),
    ]
