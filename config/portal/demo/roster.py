"""The duty roster of the demonstration, and the trainings and phones of those who stand in it."""

from datetime import timedelta

from config.kernel.models import Term
from config.portal.demo.stage import Stage, local
from staff import duty, duty_roster
from staff.duty_roster import HOURS, ShiftData, moments
from staff.models import DutyCall, DutyShift, Person, Qualification
from staff.models.accounts import Role

_BACK, _AHEAD, _EMPTY = 7, 20, 4  # days; the night of the fourth day ahead is still empty
_OPEN = timedelta(minutes=10)
_COURSE, _VALID = "DIS", timedelta(days=700)


def keep_roster(stage: Stage) -> int:
    """Put days and nights around the stage's moment, one still empty; returns how many shifts.

    The demonstration's duty leader has the day shifts of working days.
    """
    leaders, today = stage.roles[Role.DUTY_LEADER], local(stage.at).date()
    seconds = stage.roles[Role.SUPERVISOR]
    rows = []
    for number in range(-_BACK, _AHEAD):
        on = today + timedelta(days=number)
        for place, (shift, hours) in enumerate(HOURS.items()):
            if (number, shift) == (_EMPTY, "night"):
                continue
            turn = on.toordinal() + place
            first = leaders[0] if shift == "day" and on.weekday() < 5 else leaders[1:][turn % 3]
            second = seconds[0] if shift == "day" else leaders[1:][(turn + 1) % 3]
            rows.append(ShiftData(on, shift, *moments(on, *hours), first, second))
    asked_at = rows[0].starts_at - timedelta(days=1)
    duty_roster.put_shifts(rows, actor=stage.actor(seconds[0]), at=asked_at)
    _give_phones([*leaders, *seconds])
    _note_trainings(stage)
    return DutyShift.objects.count()


def answer_calls(stage: Stage) -> int:
    """Let whoever was called in the year take their call after some minutes; returns how many."""
    waiting = DutyCall.objects.filter(acknowledged_at__isnull=True, called_at__lt=stage.at - _OPEN)
    taken = 0
    for place, row in enumerate(waiting.select_related("called").order_by("pk")):
        at = row.called_at + timedelta(minutes=2 + place % 9)
        taken += duty.acknowledge(
            DutyCall.objects.filter(pk=row.pk), actor=stage.actor(row.called), at=at
        )
    return taken


def _give_phones(people: list[Person]) -> None:
    for number, person in enumerate(people):
        person.mobile = f"1390000{number:04d}"
    Person.objects.bulk_update(people, ["mobile"])


def _note_trainings(stage: Stage) -> None:
    """Note the training in disputes for everybody who handles cases, by staff number."""
    course = Term.objects.get(taxonomy="training_course", code=_COURSE)
    day = local(stage.at).date()
    trained = [person for team in stage.handlers.values() for person in team]
    trained += stage.roles[Role.OFFICER]
    Qualification.objects.bulk_create(
        Qualification(
            person=person,
            course=course,
            obtained_on=day - timedelta(days=30 + 11 * place),
            valid_until=day - timedelta(days=30 + 11 * place) + _VALID,
        )
        for place, person in enumerate(sorted({*trained}, key=lambda x: x.staff_no))
    )
