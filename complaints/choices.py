"""Closed lists that code branches on (DOMAIN.md §4.5-4.6, §4.12). Values never change."""

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Status(TextChoices):
    """States of a case, DOMAIN.md §4.6 (`draft` is a Draft row, not a case)."""

    RECEIVED = "received", _("Registered")
    ACCEPTED = "accepted", _("Accepted")
    ASSESSING = "assessing", _("Initial assessment")
    ASSIGNED = "assigned", _("With department")
    RETURNED = "returned", _("Department refused")
    IN_PROGRESS = "in_progress", _("Handling")
    WAITING_CUSTOMER = "waiting_customer", _("Waiting for the customer")
    WAITING_THIRD_PARTY = "waiting_third_party", _("Waiting for a third party")
    SUSPENDED = "suspended", _("Suspended")
    PENDING_APPROVAL = "pending_approval", _("Pending approval")
    SENT_BACK = "sent_back", _("Answer sent back")
    RESOLVED = "resolved", _("Resolved")
    NOTIFIED = "notified", _("Customer told")
    CLOSED = "closed", _("Closed")
    REOPENED = "reopened", _("Reopened")
    ARCHIVED = "archived", _("Archived")
    NOT_ACCEPTED = "not_accepted", _("Not accepted")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    MERGED = "merged", _("Merged")
    TRANSFERRED = "transferred", _("Transferred")


# Work is still to be done before the customer knows the result ("open" ends at notified, K09).
OPEN = (
    Status.RECEIVED,
    Status.ACCEPTED,
    Status.ASSESSING,
    Status.ASSIGNED,
    Status.RETURNED,
    Status.IN_PROGRESS,
    Status.WAITING_CUSTOMER,
    Status.WAITING_THIRD_PARTY,
    Status.SUSPENDED,
    Status.PENDING_APPROVAL,
    Status.SENT_BACK,
    Status.RESOLVED,
    Status.REOPENED,
)
# Internal clocks stand still.
PAUSING = (Status.WAITING_CUSTOMER, Status.WAITING_THIRD_PARTY, Status.SUSPENDED)
# Side exits: processing ended without an answer of ours.
ENDED_ASIDE = (Status.NOT_ACCEPTED, Status.WITHDRAWN, Status.MERGED, Status.TRANSFERRED)


class Severity(IntegerChoices):
    """How grave the matter is (never who the customer is)."""

    LOW = 1, _("Low")
    MEDIUM = 2, _("Medium")
    HIGH = 3, _("High")
    CRITICAL = 4, _("Critical")


class ClockName(TextChoices):
    """The named clocks of a case, DOMAIN.md §4.12."""

    ACKNOWLEDGE = "acknowledge", _("Acknowledgement")
    ACCEPT = "accept", _("Acceptance")
    RESPOND = "respond", _("First response")
    SIGN = "sign", _("Department accepts")
    PROGRESS = "progress", _("Progress notice")
    RESOLVE = "resolve", _("Resolve")
    LOOP = "loop", _("Tell the customer")
    REGULATORY = "regulatory", _("Regulatory limit")
    EXTERNAL = "external", _("Referral deadline")
    REVIEW_ACK = "review_ack", _("Receipt of the objection")
    REVIEW_STEP = "review_step", _("Progress of the review")
    REVIEW = "review", _("Review")
    REVIEW_TOLD = "review_told", _("Tell the result of the review")


# Clocks of a review of an objection (核查); the clocks of the case stay stopped meanwhile.
REVIEW_CLOCKS = (
    ClockName.REVIEW_ACK,
    ClockName.REVIEW_STEP,
    ClockName.REVIEW,
    ClockName.REVIEW_TOLD,
)


class ClockEvent(TextChoices):
    """What starts or stops a clock; the values name the field of the case that says when."""

    RECEIVED = "received_at", _("Received")
    REGISTERED = "registered_at", _("Registered")
    ACKNOWLEDGED = "acknowledged_at", _("Receipt acknowledged")
    ACCEPTED = "accepted_at", _("Accepted")
    RESPONDED = "first_response_at", _("First response")
    ASSIGNED = "assigned_at", _("Sent to the department")
    SIGNED = "dept_accepted_at", _("Signed for by the department")
    CONTAINED = "contained_at", _("Harm contained")
    RESOLVED = "resolved_at", _("Resolved")
    NOTIFIED = "notified_at", _("Customer told")


class ReviewDecision(TextChoices):
    """Outcome of the review of an objection (核查)."""

    MAINTAINED = "maintained", _("Decision maintained")
    CHANGED = "changed", _("Decision changed")
    REDO = "redo", _("To be handled again")


class WatchedBy(TextChoices):
    """Why somebody watches a case."""

    ESCALATION = "escalation", _("raised to")
    RULE = "rule", _("routing rule")
    DUTY_TABLE = "duty_table", _("duty table")
    PERSON = "person", _("asked by a person")
    TASK = "task", _("co-handling")
    TASK_FORCE = "task_force", _("task force")
    MENTION = "mention", _("mentioned in a note")


class ClockState(TextChoices):
    """Life of one clock; `missed` = stopped late, breached clocks stay running until stopped."""

    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    MET = "met", _("Met")
    MISSED = "missed", _("Missed")
    CANCELLED = "cancelled", _("Cancelled")


class PauseKind(TextChoices):
    """What a pause stops: internal clocks, or the regulatory one for outside appraisal only."""

    INTERNAL = "internal", _("Internal clocks")
    APPRAISAL = "external_appraisal", _("Outside appraisal")


class Precision(TextChoices):
    """How exactly `received_at` is known; a day counts from its start."""

    MINUTE = "minute", _("To the minute")
    DAY = "day", _("Day only")


class Responsibility(TextChoices):
    """Finding per department."""

    RESPONSIBLE = "responsible", _("Responsible")
    PARTLY = "partly", _("Partly responsible")
    NONE = "none", _("Not responsible")


class NoticePurpose(TextChoices):
    """What the customer is told."""

    ACKNOWLEDGEMENT = "acknowledgement", _("Acknowledgement")
    ACCEPTANCE = "acceptance", _("Notice of acceptance")
    PROGRESS = "progress", _("Progress notice")
    RESULT = "result", _("Result notice")
    NOT_ACCEPTED = "not_accepted", _("Notice of non-acceptance")
    SUSPENSION = "suspension", _("Notice of suspension")
    EXTENSION = "extension", _("Notice of extension")
    TRANSFER = "transfer", _("Notice of transfer")
    REVIEW = "review", _("Result of the review")
    MESSAGE = "message", _("Message to the customer")


class NoticeMethod(TextChoices):
    """How the customer is told."""

    PHONE = "phone", _("Phone")
    IN_PERSON = "in_person", _("In person")
    SMS = "sms", _("SMS")
    EMAIL = "email", _("E-mail")
    LETTER = "letter", _("Registered letter")


class NoticeResult(TextChoices):
    """Notice results of DOMAIN.md §4.7; `pending` until delivery is known."""

    PENDING = "pending", _("On its way")
    TOLD = "told", _("Told in person or by phone")
    DELIVERED = "delivered", _("Message delivered")
    NOT_DELIVERED = "not_delivered", _("Not delivered")
    UNREACHABLE = "unreachable", _("Cannot be reached, sent in writing")
    RECALLED = "recalled", _("Recalled before it left")
    MISDELIVERED = "misdelivered", _("Reached the wrong person")


class CallWay(TextChoices):
    """How two people spoke."""

    PHONE = "phone", _("Phone")
    IN_PERSON = "in_person", _("In person")
    VIDEO = "video", _("Video")


class IdentityMethod(TextChoices):
    """How a customer was identified; the result is kept, never the biometric (S3-47)."""

    QUESTIONS = "questions", _("Security questions")
    ID_CARD = "id_card", _("Identity card")
    CODE = "code", _("One-time code")
    FACE = "face", _("Face recognition")
    CALLBACK = "callback", _("Call to the number on file")
    APP = "app", _("Signed in to the app or online bank")


class IdentityResult(TextChoices):
    """What came of it."""

    PASSED = "passed", _("Identified")
    FAILED = "failed", _("Not identified")
    OVERRIDDEN = "overridden", _("Shown without identification")


class RowResult(TextChoices):
    """What became of one case in a bulk act."""

    WAITING = "waiting", _("Waiting")
    DONE = "done", _("Done")
    REFUSED = "refused", _("Refused")
    UNDONE = "undone", _("Undone")


class LinkKind(TextChoices):
    """Why two cases belong together."""

    SAME_CONTACT = "same_contact", _("Same contact, another matter")
    RELATED = "related", _("Related")
    DUPLICATE = "duplicate", _("Duplicate")
    SPLIT = "split", _("Split off")
    FOLLOW_UP = "follow_up", _("Follow-up")


class SignatureKind(TextChoices):
    """By what cases of different customers are found to be alike."""

    PHONE = "phone", _("Same phone")
    AGENT = "agent", _("Same agent")
    ADDRESS = "address", _("Same address")
    TEXT = "text", _("Nearly the same words")


class AgentState(TextChoices):
    """What is known of somebody who acts for the customer."""

    CLAIMED = "claimed", _("Says to act for the customer")
    LETTER = "letter", _("Authority letter is there")
    CONFIRMED = "confirmed", _("Confirmed by the customer")
    DENIED = "denied", _("Denied by the customer")


class TaskKind(TextChoices):
    """What is asked of others."""

    CO_HANDLING = "co_handling", _("Co-handling")
    REPORT = "report", _("Report to the regulator")
    CARE = "care", _("Care")
    APOLOGY = "apology", _("Apology")
    OTHER = "other", _("Other task")


class TaskState(TextChoices):
    """Life of a task."""

    ASKED = "asked", _("Asked")
    ACCEPTED = "accepted", _("Accepted by the department")
    REFUSED = "refused", _("Refused")
    ANSWERED = "answered", _("Answered")
    CANCELLED = "cancelled", _("Cancelled")


class StepState(TextChoices):
    """Life of a playbook step of a case."""

    OPEN = "open", pgettext_lazy("playbook step", "To do")
    DONE = "done", _("Done")
    SKIPPED = "skipped", _("Left out")


class RemedyState(TextChoices):
    """Life of a remedy: promised, done with proof, or taken back."""

    PROMISED = "promised", _("Promised")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")


class ServiceNoticeKind(TextChoices):
    """What intake staff are told of."""

    MAINTENANCE = "maintenance", _("Planned maintenance")
    RELEASE = "release", _("Release")
    BRANCH = "branch", _("Branch closed")
    FAULT = "fault", _("Known fault")
