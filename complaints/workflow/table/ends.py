"""Side exits and new beginnings."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from complaints.choices import ENDED_ASIDE, Status
from complaints.workflow.table.shape import OPEN_STATES, REASON, Field, Kind, Move, of

MOVES: Final[tuple[Move, ...]] = (
    Move(
        "reopen",
        of(Status.NOTIFIED, Status.CLOSED),
        Status.REOPENED,
        "reopen",
        _("Reopen"),
        _("Clocks start a new round. Possible within 90 days of closing."),
        (REASON,),
    ),
    Move(
        "follow_up",
        of(Status.CLOSED, Status.ARCHIVED),
        None,
        "reopen",
        _("Open a linked case"),
        _("A new case is registered and linked to this one."),
        (REASON,),
    ),
    Move(
        "archive",
        frozenset({Status.CLOSED, *ENDED_ASIDE}),
        Status.ARCHIVED,
        "close",
        _("Archive"),
        _("The file is sealed: read only, retention runs."),
        by_system=True,
    ),
    Move(
        "withdraw",
        OPEN_STATES,
        Status.WITHDRAWN,
        "withdraw",
        _("Withdrawn by the customer"),
        _("A second person calls the customer to check; then processing ends."),
        (
            Field("words", _("The customer's own words"), Kind.TEXT),
            Field("recording", _("Reference of the recording"), Kind.LINE, required=False),
            Field("proof_id", _("Signed statement"), Kind.FILE, required=False),
        ),
        approval="withdrawal",
        ask_act="withdraw",
        only_approved=True,
        danger=True,
    ),
    Move(
        "merge",
        OPEN_STATES,
        Status.MERGED,
        "merge",
        _("Merge"),
        _("The clocks of this case end; the surviving case answers every sender."),
        (Field("into_id", _("Surviving case"), Kind.CASE), REASON),
        danger=True,
    ),
    Move(
        "transfer",
        OPEN_STATES,
        Status.TRANSFERRED,
        "transfer",
        _("Transfer to another institution"),
        _("The customer is told who handles the matter now; every clock ends."),
        (Field("receiver", _("Receiving institution"), Kind.LINE), REASON),
        danger=True,
    ),
)  # fmt: skip
