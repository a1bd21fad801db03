"""What one move is, what its dialog asks, and the fields that several moves share."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from complaints.choices import OPEN

Words = str | Promise


class Kind(StrEnum):
    """What a field of a dialog holds; terms and choices name their list in `Field.source`."""

    TEXT = "text"
    LINE = "line"
    TERM = "term"
    CHOICE = "choice"
    MONEY = "money"
    NUMBER = "number"
    MOMENT = "moment"
    TICK = "tick"
    PERSON = "person"
    DEPARTMENT = "department"
    FILE = "file"
    CASE = "case"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the dialog of a move; `name` is the field of the verb's payload."""

    name: str
    label: Words
    kind: Kind
    required: bool = True
    source: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """One verb. `target` None = the state stays. `only_approved`: by its approval only."""

    verb: str
    sources: frozenset[str]
    target: str | None
    act: str
    title: Words
    effects: Words
    fields: tuple[Field, ...] = ()
    approval: str = ""
    ask_act: str = ""
    only_approved: bool = False
    by_system: bool = False
    danger: bool = False

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the fields that must be filled in."""
        return tuple(field.name for field in self.fields if field.required)


def of(*states: str) -> frozenset[str]:
    """Return states as the sources of a move."""
    return frozenset(states)


OPEN_STATES: Final = frozenset(OPEN)
REASON = Field("reason", _("Reason"), Kind.TEXT)
NOTE = Field("note", _("Note"), Kind.TEXT, required=False)
HANDLER = Field("handler_id", _("Handler"), Kind.PERSON, required=False)
UNTIL = Field("expected_end_at", _("Expected until"), Kind.MOMENT)
ANSWER = (
    Field("outcome", _("Outcome"), Kind.TERM, source="outcome", required=False),
    Field("answer", _("Answer to the customer"), Kind.TEXT),
    Field("findings", _("What was verified"), Kind.TEXT, required=False),
    Field("basis", _("Basis and reasons"), Kind.TEXT, required=False),
    Field("objection_ways", _("Ways to object"), Kind.TEXT, required=False),
    Field("nature", _("Nature"), Kind.TERM, source="nature", required=False),
    Field("cause", _("Root cause"), Kind.TERM, source="cause", required=False),
    Field("release", _("Release (causes C2, C3)"), Kind.LINE, required=False),
    Field("responsibility", _("Responsibility"), Kind.CHOICE, required=False),
    Field("remedies", _("Remedies"), Kind.TERM, source="remedy", required=False),
    Field("compensation", _("Compensation"), Kind.MONEY, required=False),
    Field("compensation_kind", _("Kind of compensation"), Kind.CHOICE, required=False),
    Field(
        "suggestion_decision",
        _("Decision on the suggestion"),
        Kind.TERM,
        source="suggestion_decision",
        required=False,
    ),
)
