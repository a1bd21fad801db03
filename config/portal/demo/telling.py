"""Playing stories through the real verbs, in the order of time.

Steps that different cases take at the same moment, by the same person and with the same words are
one call of the plural verb. After each moment the letters of that moment count as delivered;
once a day the clocks are swept, silent cases closed and old ones archived.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Final

from django.conf import settings

from complaints import clocks, intake, records, workflow
from complaints.choices import NoticePurpose
from complaints.letters import KINDS
from complaints.models import Case
from complaints.workflow import Merging, Outcome
from config.kernel import approvals, notice_digests
from config.kernel.models import Approval, Notice, OutboxMessage
from config.kernel.models.outbox import OutboxState
from config.kernel.outbox import DeliveryHandler
from config.portal.demo.explaining import explain
from config.portal.demo.helping import tick
from config.portal.demo.stage import Stage, local
from config.shared.registry import contributed
from staff.models import Person
from staff.roles import scope_of

_LOST_EVERY: Final = 211  # of receipts: the address does not exist
_RECEIPT: Final = KINDS[NoticePurpose.ACKNOWLEDGEMENT]


@dataclass(frozen=True, slots=True)
class Deciding:
    """A decision on the request of this kind that waits about the case."""

    kind: str
    decision: str
    note: str


@dataclass(frozen=True, slots=True)
class Joining:
    """Merging into the case of another story, by its place among the stories."""

    place: int
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """One act on one case: when, verb, payload, by whom (None = the system).

    Beside the verbs of the workflow: note, call, progress, chase, decide, and `ask:<verb>`.
    """

    at: datetime
    verb: str
    what: Any
    by: Person | None


@dataclass(slots=True)
class Story:
    """One case: how it comes in, who registers it, and what happens to it."""

    draft: intake.CaseDraft
    opened_at: datetime
    registrar: Person | None
    steps: list[Step] = field(default_factory=list)
    pk: int | None = None


@dataclass(slots=True)
class Teller:
    """Plays stories; `refused` counts what the verbs did not do, by their words."""

    stage: Stage
    refused: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    _stories: Sequence[Story] = ()
    _day: date | None = None

    def tell(self, stories: Sequence[Story]) -> None:
        """Play all stories up to the stage's moment."""
        self._stories = stories
        opening = [(story.opened_at, -1, story, None) for story in stories]
        acting = [(s.at, k, story, s) for story in stories for k, s in enumerate(story.steps)]
        timed = [event for event in [*opening, *acting] if event[0] <= self.stage.at]
        timed.sort(key=lambda event: event[0])
        for moment, events in groupby(timed, key=lambda event: event[0]):
            found = list(events)
            self._open([story for _at, _k, story, step in found if step is None], moment)
            self._act([(story, step) for _at, _k, story, step in found if step], moment)
            deliver(moment)
            self._daily(moment)
        self._daily(self.stage.at, always=True)
        settle_notices(self.stage.at)

    def _open(self, stories: list[Story], at: datetime) -> None:
        """Register what came in, per registrar."""
        for registrar, group in _grouped(stories, lambda story: story.registrar):
            drafts = [story.draft for story in group]
            actor = self.stage.actor(registrar)
            opened = intake.open_cases(drafts, actor=actor, at=at, registrar=registrar)
            self.calls += 1
            for story, result in zip(group, opened, strict=True):
                story.pk = result.case.pk if result.case else None
                if result.refused:
                    self.refused[f"open: {result.refused}"] += 1

    def _act(self, pairs: list[tuple[Story, Step]], at: datetime) -> None:
        """Take the steps of one moment, in groups."""
        ready = [(story, step) for story, step in pairs if story.pk is not None]
        keys = _grouped(ready, lambda pair: (pair[1].verb, pair[1].what, pair[1].by))
        for (verb, what, by), group in keys:
            cases = Case.objects.filter(pk__in=[story.pk for story, _step in group])
            self._one(verb, what, by, cases, at)

    def _one(self, verb: str, what: Any, by: Person | None, cases: Any, at: datetime) -> None:
        """Call one verb for a group of cases."""
        actor = self.stage.actor(by)
        self.calls += 1
        if verb in _RECORDS:
            _RECORDS[verb](cases, what, actor=actor, at=at)
            return
        if verb == "decide":
            self._decide(cases, what, by, at)
            return
        if isinstance(what, Joining):
            what = Merging(self._stories[what.place].pk or 0, what.reason)
        if verb.startswith("ask:"):
            outcomes = workflow.ask(verb.removeprefix("ask:"), cases, what, actor=actor, at=at)
        else:
            outcomes = workflow.VERBS[verb][0](cases, what, actor=actor, at=at)
        self._note(verb, outcomes)

    def _decide(self, cases: Any, what: Deciding, by: Person | None, at: datetime) -> None:
        """Take the same decision on the waiting request of each case."""
        if by is None:
            return
        scope = scope_of(self.stage.accounts[by.pk], at=at)
        abouts = [case.about for case in cases]
        waiting = Approval.objects.pending().filter(kind=what.kind, about__in=abouts)
        for pk in list(waiting.order_by("pk").values_list("pk", flat=True)):
            told = approvals.decide(
                pk,
                what.decision,
                note=what.note,
                expected_version=None,
                actor=self.stage.actor(by),
                scope=scope,
                at=at,
            )
            if told.refused:
                self.refused[f"decide {what.kind}: {told.why}"] += 1

    def _note(self, verb: str, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            if not outcome.done and not outcome.asked:
                self.refused[f"{verb} from {outcome.before}: {outcome.why}"] += 1

    def _daily(self, at: datetime, *, always: bool = False) -> None:
        """Do what the beat does, at the first moment of a day."""
        day = local(at).date()
        if day == self._day and not always:
            return
        self._day = day
        workflow.resume_over(at)
        clocks.sweep(at)
        explain(at)
        tick(self.stage, at)
        workflow.close_silent(at)
        workflow.archive_old(at)
        notice_digests.send(at)
        deliver(at)


_RECORDS: Final[dict[str, Callable[..., Any]]] = {
    "note": records.add_note,
    "call": records.log_call,
    "progress": lambda cases, what, *, actor, at: records.tell_progress(
        cases, what, method="phone", actor=actor, at=at
    ),
    "chase": records.chase,
}


def deliver(at: datetime) -> int:
    """Let the letters queued up to `at` be what they were then: sent, and a few given up.

    The minute in which they can be recalled is left out: the story moves on from act to act.
    Nothing leaves the house: the rows are marked as a gateway would have left them, and the
    rooms are told in one call per kind.
    """
    ready = at + timedelta(seconds=settings.MESSAGE_RECALL_SECONDS)
    waiting = OutboxMessage.objects.filter(state=OutboxState.WAITING, ready_at__lte=ready)
    rows = list(waiting.order_by("pk"))
    if not rows:
        return 0
    handlers = contributed(DeliveryHandler)
    lost = [row for row in rows if row.kind == _RECEIPT and row.pk % _LOST_EVERY == 0]
    sent = [row for row in rows if row not in lost]
    for row in rows:
        row.attempts, row.ready_at = 1, None
        row.state = OutboxState.FAILED if row in lost else OutboxState.SENT
        row.sent_at = None if row in lost else at
        row.last_error = "550 5.1.1 no such user" if row in lost else ""
    OutboxMessage.objects.filter(pk__in=[row.pk for row in sent]).update(
        state=OutboxState.SENT, sent_at=at, ready_at=None, attempts=1
    )
    OutboxMessage.objects.bulk_update(lost, ["state", "ready_at", "attempts", "last_error"])
    for kind, group in _grouped(sent, lambda row: row.kind):
        if (handler := handlers.get(kind)) and handler.delivered:
            handler.delivered(group, at)
    for kind, group in _grouped(lost, lambda row: row.kind):
        if (handler := handlers.get(kind)) and handler.failed:
            handler.failed(group, at)
    return len(rows)


def settle_notices(at: datetime) -> None:
    """Read what staff were told more than two days ago; what is over needs no act any more."""
    old = Notice.objects.filter(at__lt=at.replace(hour=0, minute=0, second=0, microsecond=0))
    old.filter(read_at__isnull=True).update(read_at=at)
    closed = Case.objects.exclude(pk__in=Case.objects.open().values("pk"))
    abouts = {f"case:{number}" for number in closed.values_list("number", flat=True)}
    rows = Notice.objects.filter(needs_action=True, done_at__isnull=True)
    over = [pk for pk, about in rows.values_list("pk", "about") if about in abouts]
    for start in range(0, len(over), 500):
        Notice.objects.filter(pk__in=over[start : start + 500]).update(done_at=at)


def _grouped(rows: Iterable[Any], key: Callable[[Any], Any]) -> list[tuple[Any, list[Any]]]:
    """Return rows by key, in the order in which the keys were met."""
    found: dict[Any, list[Any]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return list(found.items())


__all__ = ["Deciding", "Joining", "Step", "Story", "Teller", "deliver"]
