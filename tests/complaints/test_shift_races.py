"""Hand-over of a shift under several hands at the same moment, on real connections."""

import pytest

from complaints import shifts
from complaints.models import ShiftHandOver
from complaints.shifts import ShiftRefused, Words
from config.kernel import journal
from config.kernel.models import JournalEntry
from tests.factories.complaints import AT, bank
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def tried(act):
    try:
        act()
    except ShiftRefused as refused:
        return refused.code
    return "done"


def test_eight_who_begin_and_eight_who_sign_make_one_hand_over_and_one_signature():
    house = bank()
    unit = house.units["CMPT"]
    actor = house.actor("officer")
    begun = at_once(
        lambda n: tried(
            lambda: shifts.sign_out(unit, Words(f"note {n}"), actor=actor, at=AT, expected=0)
        )
    )
    assert sorted(begun) == ["done", *["stale"] * 7]
    shift = ShiftHandOver.objects.get()
    people = [house.actor(name) for name in ("officer2", "supervisor")] * 4

    def sign(n):
        rows = ShiftHandOver.objects.filter(pk=shift.pk)
        return tried(
            lambda: shifts.sign_in(rows, actor=people[n], at=AT, expected={shift.pk: shift.version})
        )

    assert sorted(at_once(sign)) == ["done", *["stale"] * 7]
    entries = JournalEntry.objects.filter(stream=shift.stream).order_by("seq")
    assert [entry.action for entry in entries] == [
        "shift.begun",
        "shift.signed_out",
        "shift.signed_in",
    ]
    assert journal.first_fault(ShiftHandOver.objects.get()) is None
