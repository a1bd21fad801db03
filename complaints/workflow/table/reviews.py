"""Moves of a review (核查): the customer objects to a decision, the superior unit looks at it."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from complaints.choices import ENDED_ASIDE, Status
from complaints.workflow.table.shape import OPEN_STATES, REASON, Field, Kind, Move, of

_TOLD = of(Status.NOTIFIED, Status.CLOSED)
_METHOD = Field("method", _("How"), Kind.CHOICE)
_SAID = Field("words", _("What the customer is told"), Kind.TEXT)

MOVES: Final[tuple[Move, ...]] = (
    Move(
        "ask_review",
        _TOLD,
        None,
        "reopen",
        _("Record an objection"),
        _("The superior unit reviews the decision; the review has clocks of its own. Possible "
          "within 30 days of telling the customer, by nobody who handled or decided the case."),
        (
            REASON,
            Field("asked_at", _("Objection received"), Kind.MOMENT),
            Field("reviewer_id", _("Reviewer"), Kind.PERSON, required=False),
        ),
    ),
    Move(
        "acknowledge_review",
        _TOLD,
        None,
        "notify",
        _("Confirm receipt of the objection"),
        _("The customer is told who reviews the decision."),
        (_METHOD, Field("words", _("What the customer is told"), Kind.TEXT, required=False)),
    ),
    Move(
        "progress_review",
        _TOLD,
        None,
        "notify",
        _("Tell how the review is going"),
        _("The customer is told how far the review is; the next notice is due five working days "
          "later."),
        (_METHOD, _SAID),
    ),
    Move(
        "decide_review",
        _TOLD,
        None,
        "review",
        _("Decide the review"),
        _("If the matter is to be handled again, the case is reopened. The customer must still be "
          "told."),
        (
            Field("decision", _("Decision of the review"), Kind.CHOICE),
            Field("words", _("What was found and why"), Kind.TEXT),
            Field("no_interest", _("I have no interest of my own in this matter"), Kind.TICK),
        ),
    ),
    Move(
        "tell_review",
        frozenset({*OPEN_STATES, *_TOLD, *ENDED_ASIDE}),
        None,
        "notify",
        _("Tell the result of the review"),
        _("Told by phone or in person: the review ends now. By e-mail or SMS: when the message was "
          "delivered. A registered letter needs its proof of posting."),
        (_METHOD, _SAID, Field("proof_id", _("Proof of posting"), Kind.FILE, required=False)),
    ),
)  # fmt: skip
