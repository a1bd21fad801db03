"""What the platform contributes to the registries."""

from datetime import datetime, timedelta

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from config.kernel import (
    approval_waiting,
    files,
    job_runs,
    notice_digests,
    notice_mail,
    outbox,
    robot_gateway,
    robots,
    rule_kinds,
    running,
    saved,
    seals,
)
from config.kernel.actions import Action
from config.kernel.defaults import Default
from config.kernel.defaults import terms as default_terms
from config.kernel.models import Notice
from config.kernel.models.outbox import Channel
from config.kernel.notices import NoticeKind
from config.kernel.sending import Gateway
from config.shared.registry import DueWork, contribute
from config.shared.words import moment_words

_PARTS = {"ladder": _("warning ladder"), "settings": _("settings")}
_ABOUT = {"about": rule_kinds.about_words}


def _link(notice: Notice) -> str:
    """Return the page that was written down with the notice."""
    return str(notice.facts.get("link", ""))


def _request(notice: Notice) -> str:
    """Return the page where a request is decided; where there is none, that of the matter."""
    try:
        return reverse("approval", args=[notice.about.removeprefix("approval:")])
    except NoReverseMatch:
        return _link(notice)


contribute(
    Action("words.erased", _("Words were erased on request"), "eraser"),
    Action("seal.made", _("Seal %(number)s was made over %(streams)s changed records"), "seal"),
    DueWork("seals", seals.seal_day, timedelta(hours=1)),
)

contribute(
    DueWork("approvals", approval_waiting.escalate, timedelta(minutes=10)),
    DueWork("outbox", outbox.deliver, timedelta(seconds=30)),
    DueWork(notice_mail.WORK, notice_digests.send, timedelta(seconds=60)),
    DueWork("jobs", job_runs.work, timedelta(seconds=20), queue="bulk"),
    DueWork("heartbeat", running.sweep, timedelta(seconds=20)),
    DueWork("orphans", files.orphans, timedelta(hours=6), queue="bulk"),
    DueWork("drafts", saved.drop_old_drafts, timedelta(hours=24), queue="bulk"),
)

contribute(Gateway(Channel.ROBOT, robot_gateway.send), *robots.contributions())

contribute(Default("terms", default_terms.load, order=10), *saved.actions())

contribute(
    Action("outbox.retried", _("%(count)s messages were put back in the queue"), "refresh"),
    Action("outbox.cancelled", _("%(count)s messages were stopped"), "circle-x"),
    Action(
        "outbox.recalled", _("%(count)s messages were recalled before they left"), "arrow-back-up"
    ),
    Action(
        "outbox.reported", _("The gateway reported that a message did not arrive"), "alert-triangle"
    ),
    Action("job.started", _("Started"), "player-play"),
    Action("job.checked", _("Checked: %(done)s of %(total)s rows"), "list-check"),
    Action("job.confirmed", _("Confirmed"), "check"),
    Action("job.done", _("Done: %(done)s of %(total)s rows"), "circle-check"),
    Action("job.failed", _("Failed after %(done)s of %(total)s rows"), "alert-triangle"),
    Action("job.stop_asked", _("Asked to stop"), "player-stop"),
    Action("job.cancelled", _("Stopped after %(done)s of %(total)s rows"), "player-stop"),
    Action("approval.escalated", _("Nobody decided in time; those above were told"), "alarm"),
    Action("approval.asked", _("Approval was asked for"), "hand-stop"),
    Action("approval.approved", _("Approved"), "circle-check"),
    Action("approval.returned", _("Sent back with a reason"), "arrow-back-up"),
    Action("approval.refused", _("Refused"), "circle-x"),
    Action("approval.cancelled", _("The request was withdrawn"), "circle-x"),
    Action("rules.drafted", _("Version %(number)s was drafted"), "pencil"),
    Action(
        "rules.published",
        _("Version %(number)s was published, from %(valid_from)s"),
        "check",
        {"valid_from": lambda text: moment_words(datetime.fromisoformat(text))},
    ),
    Action("rules.retired", _("Version %(number)s was taken out of use"), "archive"),
    Action(
        "rules.edited",
        _("The draft was changed: %(row)s"),
        "pencil",
        {"row": lambda row: _PARTS.get(row, row)},
    ),
    Action("rules.asked", _("Publishing version %(number)s was asked for"), "hand-stop"),
    Action("rules.discarded", _("The draft of version %(number)s was discarded"), "trash"),
    Action("term.loaded", _("Loaded with the standard lists"), "list"),
    Action("term.added", _("Added to the list"), "plus"),
    Action("term.changed", _("Changed"), "pencil"),
)

contribute(
    NoticeKind(
        "job.checked",
        _("%(title)s is checked and waits for you"),
        "list-check",
        _link,
        _("See what it would do"),
    ),
    NoticeKind("job.done", _("%(title)s is done"), "circle-check", _link),
    NoticeKind("job.failed", _("%(title)s has failed"), "alert-triangle", _link, _("See why")),
    NoticeKind(
        "approval.asked",
        _("%(about)s waits for your decision"),
        "hand-stop",
        _request,
        _("Decide"),
        _ABOUT,
    ),
    NoticeKind(
        approval_waiting.WAITING,
        _("%(about)s has waited for a decision for too long"),
        "alarm",
        _request,
        _("Decide"),
        _ABOUT,
    ),
    NoticeKind(
        "approval.approved",
        _("Your request for %(about)s was approved"),
        "check",
        _link,
        show=_ABOUT,
    ),
    NoticeKind(
        "approval.returned",
        _("Your request for %(about)s was sent back"),
        "arrow-back-up",
        _link,
        show=_ABOUT,
    ),
    NoticeKind(
        "approval.refused",
        _("Your request for %(about)s was refused"),
        "circle-x",
        _link,
        show=_ABOUT,
    ),
)
