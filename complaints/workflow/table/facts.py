"""What the case is and who handles it: moves that change no state."""

from dataclasses import replace
from typing import Final

from django.utils.translation import gettext_lazy as _

from complaints.choices import Status
from complaints.workflow.table.shape import HANDLER, NOTE, OPEN_STATES, REASON, Field, Kind, Move

MOVES: Final[tuple[Move, ...]] = (
    Move(
        "retype",
        OPEN_STATES - {Status.PENDING_APPROVAL},
        None,
        "retype",
        _("Change the type"),
        _("Clocks are matched again. A complaint stays counted as registered."),
        (Field("type", _("Type"), Kind.TERM, source="feedback_type"), REASON),
        approval="retype",
        ask_act="ask_retype",
    ),
    Move(
        "raise_severity",
        OPEN_STATES,
        None,
        "raise",
        _("Raise the severity"),
        _("Clocks are matched again."),
        (Field("severity", _("Severity"), Kind.CHOICE), REASON),
    ),
    Move(
        "lower_severity",
        OPEN_STATES,
        None,
        "lower",
        _("Lower the severity"),
        _("Clocks are matched again."),
        (Field("severity", _("Severity"), Kind.CHOICE), REASON),
        approval="severity",
        ask_act="ask_retype",
    ),
    Move(
        "claim",
        OPEN_STATES,
        None,
        "claim",
        _("Claim"),
        _("You become the handler."),
    ),
    Move(
        "assign_handler",
        OPEN_STATES,
        None,
        "route",
        _("Assign a handler"),
        _("The new handler is told."),
        (replace(HANDLER, required=True), NOTE),
    ),
    Move(
        "set_major",
        OPEN_STATES,
        None,
        "major",
        _("Mark as major for the regulator"),
        _("Severity becomes critical and the report to the regulator is due."),
        (REASON,),
        approval="major",
        ask_act="ask_major",
    ),
    Move(
        "clear_major",
        OPEN_STATES,
        None,
        "lower",
        _("Clear the mark for the regulator"),
        _("Only the supervisor clears it, with a reason."),
        (REASON,),
    ),
    Move(
        "contain",
        OPEN_STATES,
        None,
        "edit",
        _("Harm contained"),
        _("For critical cases: the moment the harm stopped, with evidence."),
        (
            Field("words", _("What stopped the harm"), Kind.TEXT),
            Field("proof_id", _("Evidence"), Kind.FILE),
        ),
    ),
    Move(
        "edit_facts",
        OPEN_STATES - {Status.PENDING_APPROVAL},
        None,
        "edit",
        _("Edit facts"),
        _("The change is kept with its old value in the record."),
    ),
)  # fmt: skip
