"""What a verb answers for every row, and how a refusal is put into words."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from complaints.models import Case
from config.kernel import journal
from config.kernel.models import JournalEntry
from config.shared.words import actor_words, moment_words, sentences

_TAIL = 4  # an act writes its own entry and few of its clocks


class Refusal(StrEnum):
    """Why a row was left as it is (`approval_asked`: somebody else decides now)."""

    STALE = "stale"
    MOVE = "move"
    GUARD = "guard"
    RECUSED = "recused"
    APPROVAL_ASKED = "approval_asked"


@dataclass(slots=True)
class Outcome:
    """The result for one case: `before` is the status it had, `why` a sentence for people.

    `refused` None = done. A refused row is unchanged, except that `approval_asked` may have
    moved it to "pending approval".
    """

    case: Case
    before: str
    refused: Refusal | None = None
    why: str = ""

    @property
    def done(self) -> bool:
        """Whether the act was carried out."""
        return self.refused is None

    @property
    def asked(self) -> bool:
        """Whether the act waits for an approval."""
        return self.refused is Refusal.APPROVAL_ASKED


def explain(outcome: Outcome) -> str:
    """Return the refusal in words; for a lost race it names who did what and when."""
    return explain_all([outcome])[0]


def explain_all(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the refusals of many rows in words, in their order; one query."""
    last = _last_changes([o.case for o in outcomes if o.refused in {Refusal.STALE, Refusal.MOVE}])
    return [
        sentences([o.why, _last_change(last[o.case.stream])]) if o.case.stream in last else o.why
        for o in outcomes
    ]


def _last_changes(cases: Sequence[Case]) -> dict[str, JournalEntry]:
    """Return by stream what was done last; what clocks did by it counts only where nothing else."""
    ends = {case.stream: case.event_seq for case in cases}
    tail = {end - back for end in ends.values() for back in range(_TAIL)}
    rows = JournalEntry.objects.filter(stream__in=list(ends), seq__in=tail) if ends else []
    near = [row for row in rows if ends[row.stream] - _TAIL < row.seq <= ends[row.stream]]
    near.sort(key=lambda row: (not row.action.startswith("clock."), row.seq))
    return {row.stream: row for row in near}


def _last_change(last: JournalEntry) -> str:
    return _("The last change was made by %(who)s on %(when)s: %(what)s") % {
        "who": actor_words(last.actor_label),
        "when": moment_words(last.at),
        "what": journal.describe(last),
    }
