"""Cases follow what changes below them: another relationship manager, a handler who has left."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_lazy as _

from complaints.choices import OPEN
from complaints.holding import hold_cases
from complaints.models import Case
from config.kernel import journal, notices
from config.kernel.job_runs import JobRun
from config.kernel.jobs import JobHandler
from config.shared.actors import SYSTEM

MANAGERS: Final = "cases.managers"
LEAVERS: Final = "cases.leavers"
_CHUNK: Final = 100


def job_handlers() -> Iterator[JobHandler]:
    """Yield the jobs that receivers write."""
    yield JobHandler(MANAGERS, _run(_managers, follow_managers), title=_("Cases follow managers"))
    yield JobHandler(LEAVERS, _run(_leavers, release), title=_("Cases of people who have left"))


def follow_managers(ids: Sequence[int], at: datetime) -> int:
    """Give cases the relationship manager their customer has now; returns how many changed."""
    with hold_cases(Case.objects.filter(pk__in=ids)) as held:
        facts = []
        for case in held.rows:
            manager = case.customer.rm_id if case.customer else case.rm_id
            if manager != case.rm_id:
                told = {"rm": manager, "rm_before": case.rm_id}
                facts.append(journal.Fact(case, "case.rm_changed", told))
                case.rm_id = manager
        journal.append(facts, actor=SYSTEM, at=at, save=["rm"])
    return len(facts)


def release(ids: Sequence[int], at: datetime) -> int:
    """Take open cases from handlers who have left; the head of the department is told."""
    with hold_cases(Case.objects.filter(pk__in=ids, status__in=OPEN)) as held:
        gone = [case for case in held.rows if case.handler and not case.handler.active]
        facts = [
            journal.Fact(case, "case.handler_left", {"handler": case.handler_id}) for case in gone
        ]
        tellings = []
        for case in gone:
            case.handler = None
            case.updated_at = at
            if case.department.head_id:
                tellings.append(
                    notices.Telling(
                        key=f"case.handler_left:{case.number}:{case.event_seq + 1}",
                        person_id=case.department.head_id,
                        kind="case.handler_left",
                        about=case.about,
                        facts={"number": case.number},
                        needs_action=True,
                    )
                )
        journal.append(facts, actor=SYSTEM, at=at, save=["handler", "updated_at"])
        notices.tell(tellings, at=at)
    return len(gone)


def _managers(params: dict[str, list[int]]) -> list[int]:
    """Return the cases of these customers whose manager is not the customer's."""
    rows = Case.objects.filter(customer__in=params["customer_ids"])
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _leavers(params: dict[str, list[int]]) -> list[int]:
    """Return the open cases these people handle."""
    rows = Case.objects.filter(handler__in=params["person_ids"], status__in=OPEN)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _run(
    find: Callable[[dict[str, list[int]]], list[int]],
    work: Callable[[Sequence[int], datetime], int],
) -> Callable[[JobRun], None]:
    """Return a job that works in chunks; running it again finds nothing left to change."""

    def run(job_run: JobRun) -> None:
        ids = find(dict(job_run.job.params))
        changed = 0
        for start in range(0, len(ids), _CHUNK):
            changed += work(ids[start : start + _CHUNK], job_run.at())
            done = min(start + _CHUNK, len(ids))
            job_run.progress(done=done, total=len(ids), counts={"changed": changed})

    return run
