"""The sentences of the case's record and of the notices about it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from complaints import fact_names, naming
from complaints.choices import NoticeMethod, NoticePurpose, ReviewDecision, Status
from complaints.clocks.telling import case_link
from complaints.models import CallRecord
from config.kernel.actions import Action
from config.kernel.notices import NoticeKind
from config.shared.words import moment_words


def _state(code: Any) -> object:
    return Status(code).label if code in Status.values else code


def _method(code: Any) -> object:
    return NoticeMethod(code).label if code in NoticeMethod.values else code


def _purpose(code: Any) -> object:
    return NoticePurpose(code).label if code in NoticePurpose.values else code


def _moment(text: Any) -> object:
    return moment_words(datetime.fromisoformat(str(text)))


def _result(code: Any) -> object:
    known = CallRecord.Result
    return known(code).label if code in known.values else code


def _decision(code: Any) -> object:
    return ReviewDecision(code).label if code in ReviewDecision.values else code


_SHOW: Final[Mapping[str, Callable[[Any], object]]] = {
    "from": _state,
    "to": _state,
    "severity": naming.severity,
    "severity_before": naming.severity,
    "type": naming.feedback_type,
    "type_before": naming.feedback_type,
    "department": naming.department,
    "method": _method,
    "purpose": _purpose,
    "was": _moment,
    "due": _moment,
    "reply_by": _moment,
    "until": _moment,
    "since": _moment,
    "result": _result,
    "decision": _decision,
    "fields": fact_names.facts,
}

_ACTIONS: Final = (
    ("case.opened", _("Registered as %(number)s, department %(department)s"), "playlist-add"),
    ("case.accept", _("Accepted by a named person"), "circle-check"),
    ("case.refuse", _("Not accepted"), "ban"),
    ("case.readmit", _("Objection accepted, registered again"), "rotate"),
    ("case.assess", _("Initial assessment began"), "list-check"),
    ("case.settle", _("Settled on the spot"), "circle-check"),
    ("case.assign", _("Sent to department %(department)s"), "route"),
    ("case.sign", _("The department signed for it"), "signature"),
    ("case.return", _("Department %(department)s refused the case"), "arrow-back-up"),
    ("case.start", _("Handling began"), "player-play"),
    ("case.wait_customer", _("Waiting for the customer"), "player-pause"),
    ("case.wait_third_party", _("Waiting for a third party"), "hourglass"),
    ("case.suspend", _("Suspended for court or arbitration"), "clock-pause"),
    ("case.resume", _("Handling went on"), "player-play"),
    ("case.propose", _("An answer was proposed"), "clipboard-check"),
    ("case.ask_compensation", _("A compensation above the authority was asked for"), "coin"),
    ("case.approve", _("The answer was approved"), "circle-check"),
    ("case.send_back", _("The answer was sent back"), "arrow-back-up"),
    ("case.resolve", _("Decision made"), "circle-check"),
    ("case.result_sent", _("The result is on its way (%(method)s)"), "send"),
    ("case.notify", _("Customer told (%(method)s)"), "message-2-check"),
    ("case.not_delivered", _("%(purpose)s could not be delivered"), "alert-triangle"),
    ("case.confirm", _("The customer confirmed; closed"), "checks"),
    ("case.close", _("Closed"), "lock"),
    ("case.reopen", _("Reopened, round %(round)s"), "lock-open"),
    ("case.follow_up", _("Continued in case %(number)s"), "link"),
    ("case.archive", _("Archived"), "archive"),
    (
        "case.ask_review",
        _("The customer objected on %(since)s; %(department)s reviews the decision"),
        "zoom-question",
    ),
    (
        "case.acknowledge_review",
        _("Receipt of the objection confirmed (%(method)s)"),
        "mail-opened",
    ),
    ("case.progress_review", _("Progress notice on the review (%(method)s)"), "message"),
    ("case.decide_review", _("Review decided: %(decision)s"), "gavel"),
    ("case.review_sent", _("The result of the review is on its way (%(method)s)"), "send"),
    (
        "case.tell_review",
        _("Customer told the result of the review (%(method)s)"),
        "message-2-check",
    ),
    ("case.withdraw", _("Withdrawn by the customer"), "circle-x"),
    ("case.merge", _("Merged into case %(into)s"), "git-merge"),
    ("case.took_in", _("Took in case %(number)s"), "git-merge"),
    ("case.transfer", _("Transferred to %(receiver)s"), "transfer"),
    ("case.retype", _("Type changed from %(type_before)s to %(type)s"), "category"),
    (
        "case.raise_severity",
        _("Severity raised from %(severity_before)s to %(severity)s"),
        "arrow-up",
    ),
    (
        "case.lower_severity",
        _("Severity lowered from %(severity_before)s to %(severity)s"),
        "arrow-down",
    ),
    ("case.claim", _("Claimed"), "hand-stop"),
    ("case.assign_handler", _("Given to another handler"), "user-plus"),
    ("case.extend", _("Regulatory limit extended from %(was)s to %(due)s"), "calendar-plus"),
    (
        "case.external_appraisal",
        _("Outside appraisal by %(appraiser)s until %(until)s; the regulatory limit stands still"),
        "clock-pause",
    ),
    ("case.end_appraisal", _("The outside appraisal ended"), "player-play"),
    (
        "case.restart_new_facts",
        _("New facts since %(since)s: regulatory limit begun anew, due %(due)s, before %(was)s"),
        "rotate",
    ),
    ("case.set_major", _("Marked as major for the regulator"), "alert-triangle"),
    ("case.clear_major", _("The mark for the regulator was cleared"), "eraser"),
    ("case.contain", _("The harm was contained"), "shield-check"),
    ("case.edit_facts", _("Facts were edited: %(fields)s"), "edit"),
    ("case.ask", _("A decision was asked for"), "clipboard-check"),
    ("case.note", _("Internal note"), "lock"),
    ("case.call", _("Call: %(result)s"), "phone"),
    ("case.attached", _("A file was attached"), "paperclip"),
    ("case.revealed", _("Contact data was shown in clear"), "eye"),
    ("case.file_opened", _("An attachment was opened"), "file"),
    ("case.chase", _("A reminder was sent to the handler"), "bell"),
    ("case.supervise", _("An answer was ordered by %(reply_by)s"), "flag"),
    ("case.progress", _("Progress notice (%(method)s)"), "message"),
    ("case.rm_changed", _("The relationship manager changed"), "user-share"),
    ("case.handler_left", _("The handler has left the bank"), "user-minus"),
    ("case.acknowledged", _("The receipt reached the customer"), "mail-opened"),
)
_NOTICES: Final = (
    ("case.assigned", _("Case %(number)s is with you"), "inbox"),
    ("case.returned", _("Case %(number)s came back from %(department)s"), "arrow-back-up"),
    ("case.sent_back", _("Your answer in case %(number)s was sent back"), "arrow-back-up"),
    ("case.resolved", _("Case %(number)s is decided: tell the customer"), "message-2-check"),
    ("case.reopened", _("Case %(number)s was reopened"), "lock-open"),
    (
        "case.not_delivered",
        _("Case %(number)s: a message did not reach the customer"),
        "alert-triangle",
    ),
    ("case.review_asked", _("Case %(number)s: an objection is to be reviewed"), "zoom-question"),
    (
        "case.review_decided",
        _("Case %(number)s: the review is decided, tell the customer"),
        "message-2-check",
    ),
    ("case.major", _("Case %(number)s is to be reported to the regulator"), "alert-triangle"),
    ("case.chase", _("You are reminded of case %(number)s"), "bell"),
    ("case.handler_left", _("Case %(number)s has no handler any more"), "user-minus"),
    ("case.supervise", _("An answer is ordered in case %(number)s"), "flag"),
)


def actions() -> Iterator[Action]:
    """Yield what may be recorded of a case."""
    for key, sentence, icon in _ACTIONS:
        yield Action(key, sentence, icon, _SHOW)


_VERBS: Final = {
    "case.assigned": _("Open the case"),
    "case.returned": _("Send it on"),
    "case.sent_back": _("Work it over"),
    "case.resolved": _("Tell the customer"),
    "case.reopened": _("Open the case"),
    "case.not_delivered": _("Reach the customer"),
    "case.review_asked": _("Review it"),
    "case.review_decided": _("Tell the customer"),
    "case.major": _("Report it"),
    "case.chase": _("Open the case"),
    "case.handler_left": _("Give it to somebody"),
    "case.supervise": _("Answer"),
}


def notice_kinds() -> Iterator[NoticeKind]:
    """Yield the notices about cases, besides those of the clocks."""
    for key, title, icon in _NOTICES:
        yield NoticeKind(key, title, icon, case_link, _VERBS[key], _SHOW)
