"""The job `case_bundle`: read what was asked for, set the pages, keep the file, record its hash.

Params: `case` (pk), `number`, `parts`, `files` (tokens), `seq` of the entry with purpose, reason
and names. What may be read follows the scope the asker has when the bundle is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints import case_page, hiding
from complaints.bundle import contents, paper
from complaints.bundle.asking import BUNDLED, KIND, BundleRefused
from complaints.bundle.redacting import Redactor
from complaints.models import Case, CaseAttachment
from config.kernel import files, journal, thumbnails
from config.kernel.job_runs import JobRun
from config.kernel.models import Job, JournalEntry
from config.shared.claim import hold
from config.shared.scope import Scope
from config.shared.words import moment_words
from staff.accounts import actor_of
from staff.models import Account
from staff.roles import scope_of

MOST_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class _Order:
    """What one job is to make, and for whom."""

    case: Case
    account: Account
    scope: Scope
    recipient: str
    names: Sequence[str]


def run(run: JobRun) -> None:
    """Make the bundle; BundleRefused in words when the asker may not or the words are gone."""
    account = Account.objects.filter(person_id=run.job.owner_id or 0, is_active=True).first()
    if account is None:
        raise _gone()
    with translation.override(account.language or "zh-hans"):
        order = _order(run, account)
        sections = _sections(run, order)
        if run.cancelled() and run.saw_cancel:
            return
        run.out_of_time = False  # a file is written in one go
        content, pages = paper.bound(_cover(order, run), sections)
        _keep(run, order, content, pages)


def _gone() -> BundleRefused:
    return BundleRefused("gone", gettext_lazy("This case is no longer open to you."))


def _order(run: JobRun, account: Account) -> _Order:
    """Return the order of the job, judged by what the asker reaches now."""
    scope, params = scope_of(account, at=run.at()), run.job.params
    rows = case_page.rows_for_page().visible_to(scope, "bundle")
    case = rows.filter(pk=params["case"]).first()
    if case is None:
        raise _gone()
    hiding.uncover(case)  # asked for with a reason; what must not leave is named to be blackened
    entries = list(JournalEntry.objects.filter(stream=case.stream, seq=params["seq"]))
    words = journal.words_of(entries)[entries[0].pk] if entries else {}
    recipient = words.get("recipient")
    if not recipient:
        raise BundleRefused("erased", gettext_lazy("The words of this request were erased."))
    names = [name for name in (words.get("names") or "").split("\n") if name]
    return _Order(case, account, scope, recipient, names)


def _sections(run: JobRun, order: _Order) -> list[paper.Section]:
    """Return the sections in order: the parts, then the ticked attachments."""
    params = run.job.params
    made, redact = contents.parts(order.case, order.scope, params["parts"], order.names, run.at())
    sections = [paper.part(one) for one in made]
    rows = order.case.attachments.select_related("file").filter(
        file__token__in=params["files"], file__erased_at__isnull=True
    )
    total = len(sections) + len(params["files"])
    for row in rows.order_by("pk"):
        sections.append(_attached(row, redact))
        run.progress(done=len(sections), total=total)
    return sections


def _attached(row: CaseAttachment, redact: Redactor) -> paper.Section:
    """Return a sheet about one attachment and its pages, where it has any."""
    stored = row.file
    title = _("Attachment: %(name)s") % {"name": redact(stored.name)}
    facts = [
        (_("Attached"), moment_words(row.added_at)),
        (_("Kind"), stored.content_type.partition(";")[0]),
        (_("Size in bytes"), str(stored.size)),
        ("SHA-256", stored.sha256),
    ]
    note, pages = _("It follows as it was received."), []
    try:
        with files.open_path(stored) as content:
            if stored.content_type == "application/pdf":
                pages = paper.foreign(content)
            elif thumbnails.is_picture(stored):
                pages = paper.picture(content)
            else:
                note = _("Files of this kind cannot be printed; the file is kept in the portal.")
    except (paper.Unreadable, thumbnails.NotDrawn):
        note = _("It cannot be printed: locked with a password, damaged or too large.")
    except FileNotFoundError:
        note = _("The file is missing in the storage.")
    sheet = paper.sheet(title, facts, note)
    return paper.Section(title, [*sheet.pages, *pages])


def _cover(order: _Order, run: JobRun) -> paper.Cover:
    """Return the first page and what stands across every page: who, when, for whom."""
    who = order.account.person.label
    when = moment_words(run.at())
    number = order.case.number
    lines = [
        f"{_('Made by')}: {who} ({order.account.person.department.label})",
        f"{_('Made on')}: {when}",
        f"{_('For whom')}: {order.recipient}",
        f"{_('Entries of the record')}: {order.case.event_seq}",
        f"{_('Last hash')}: {order.case.head_hash}",
        _("Third persons are made unrecognisable. Passing this on needs a right to do so."),
    ]
    return paper.Cover(
        title=_("Bundle of case %(number)s") % {"number": number},
        lines=lines,
        mark=f"{who} · {when} · {order.recipient}",
        foot=f"{number} · {who} · {when}",
    )


def _keep(run: JobRun, order: _Order, content: bytes, pages: int) -> None:
    """Store the file and record it in the case with its hash, in one transaction."""
    params, actor = run.job.params, actor_of(order.account)
    name = f"{order.case.number}-{run.at():%Y%m%d}.pdf"
    with transaction.atomic():
        with hold(Case.objects.filter(pk=order.case.pk)) as held:
            stored = files.store(
                files.Produced(name, content).as_file(),
                kind=KIND,
                uploaded_by_id=order.account.person_id,
                at=run.at(),
                max_bytes=MOST_BYTES,
            )
            facts = {
                "job": run.job.pk, "sha256": stored.sha256, "pages": pages,
                "parts": params["parts"], "files": len(params["files"]),
            }  # fmt: skip
            case = held.rows[0]
            journal.append([journal.Fact(case, BUNDLED, facts)], actor=actor, at=run.at())
        run.keep_result(stored)
        run.progress(done=run.job.total, counts={"pages": pages})


def link(job: Job) -> str:
    """Return the page where the bundle waits."""
    try:
        return reverse("case_bundle", args=[job.params.get("number", "")])
    except NoReverseMatch:
        return ""


__all__ = ["link", "run"]
