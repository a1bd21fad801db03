"""Moves that let the clocks wait, run on, or give them more time."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from complaints.choices import PAUSING, Status
from complaints.workflow.table.shape import (
    NOTE,
    OPEN_STATES,
    REASON,
    UNTIL,
    Field,
    Kind,
    Move,
    of,
)

MOVES: Final[tuple[Move, ...]] = (
    Move(
        "wait_customer",
        of(Status.IN_PROGRESS),
        Status.WAITING_CUSTOMER,
        "pause",
        _("Wait for the customer"),
        _("Internal clocks pause until the expected end and then run on by themselves; the "
          "regulatory limit runs on."),
        (REASON, UNTIL),
        approval="pause",
        ask_act="ask_pause",
    ),
    Move(
        "wait_third_party",
        of(Status.IN_PROGRESS),
        Status.WAITING_THIRD_PARTY,
        "pause",
        _("Wait for a third party"),
        _("Internal clocks pause until the expected end and then run on by themselves; the "
          "regulatory limit runs on."),
        (REASON, UNTIL),
        approval="pause",
        ask_act="ask_pause",
    ),
    Move(
        "suspend",
        of(Status.IN_PROGRESS),
        Status.SUSPENDED,
        "pause",
        _("Suspend"),
        _("For court or arbitration. The customer is told with the reason; internal clocks pause, "
          "the regulatory limit runs on. The pause ends by itself at the expected end."),
        (REASON, UNTIL),
        approval="pause",
        ask_act="ask_pause",
    ),
    Move(
        "resume",
        frozenset(PAUSING),
        Status.IN_PROGRESS,
        "edit",
        _("Resume"),
        _("The pause ends; internal clocks run on with their due times moved."),
        (NOTE,),
    ),
    Move(
        "extend",
        OPEN_STATES,
        None,
        "ask_extension",
        _("Extend the regulatory limit"),
        _("First extension to day 30: the supervisor decides. Second to day 60: the senior "
          "approver decides and the customer is told."),
        (REASON,),
        approval="extension",
        ask_act="ask_extension",
        only_approved=True,
    ),
    Move(
        "external_appraisal",
        OPEN_STATES,
        None,
        "ask_extension",
        _("Outside appraisal"),
        _("The senior approver decides. Until the appraisal is there the regulatory limit stands "
          "still, and only that; the customer is told with the reason."),
        (
            Field("appraiser", _("Who appraises, tests or evaluates"), Kind.LINE),
            UNTIL,
            REASON,
            Field("proof_id", _("Order or agreement of the appraisal"), Kind.FILE),
        ),
        approval="external_appraisal",
        ask_act="ask_extension",
        only_approved=True,
    ),
    Move(
        "end_appraisal",
        OPEN_STATES,
        None,
        "edit",
        _("The appraisal is there"),
        _("The regulatory limit runs on with its due time moved."),
        (NOTE,),
    ),
    Move(
        "restart_new_facts",
        OPEN_STATES,
        None,
        "ask_extension",
        _("Begin the regulatory limit anew"),
        _("For new facts only; the senior approver decides. The limit runs from the receipt of "
          "the new material, the old due time stays in the record, the customer is told."),
        (
            Field("new_facts_at", _("New material received"), Kind.MOMENT),
            REASON,
            Field("proof_id", _("The new material"), Kind.FILE, required=False),
        ),
        approval="restart_new_facts",
        ask_act="ask_extension",
        only_approved=True,
    ),
)  # fmt: skip
