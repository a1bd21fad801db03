"""What can be done with a draft of rules: begin, publish or ask for it, throw away.

The pages of policies, routing, duties and calendars share these views; each gives the kind of its
rule set and the address to go back to. Show `bar(...)` by templates/portal/_draft_bar.html.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.forms import MomentField
from config.kernel import journal, rule_kinds, rulesets
from config.kernel.models import JournalEntry, RuleSet
from config.kernel.models.rules import RuleState
from config.portal.errors import conflict
from config.portal.rules_versions import numbered
from config.shared.forms import CleanText, VersionedForm
from config.shared.htmx import form_answer, go
from config.shared.worded import WordedError
from config.shared.words import actor_words, labelled, moment_words, near_moment_words
from staff.http import StaffRequest

LONGEST_REASON = 500
OVERTAKEN = frozenset({"stale", "state"})


class _DraftForm(VersionedForm):
    """An act on one draft; `number` tells it from a later draft of the same kind."""

    number = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    reason = CleanText(label=gettext_lazy("Reason"), rows=3, max_length=LONGEST_REASON)


class PublishForm(_DraftForm):
    """Why a version is published, and from when."""

    valid_from = MomentField(
        label=gettext_lazy("In force from"),
        required=False,
        help_text=gettext_lazy("Bank time. Empty = at once."),
    )


class DiscardForm(_DraftForm):
    """Why a draft is thrown away."""


@dataclass(frozen=True, slots=True)
class DraftStory:
    """Who began a draft, who changed it last, and how often it was changed."""

    begun_by: str
    begun_at: datetime | None
    changed_by: str
    changed_at: datetime | None
    edits: int


def bar(
    request: StaffRequest,
    draft: RuleSet,
    urls: Mapping[str, str],
    *,
    changes: int | None = None,
) -> dict[str, Any]:
    """Return the context of _draft_bar.html; three queries and those of the check.

    `urls` holds `publish` and `discard`; it may hold `row` (an address to which the code of a row
    is added, for links of findings) and `changes` (the page that lists them). The number `changes`
    counts rows that differ from those in force; without it the edits are counted.
    """
    findings = rule_kinds.of(draft).check(draft)
    return {
        "draft": draft,
        "story": story(draft),
        "changes": changes,
        "findings": findings,
        "errors": sum(finding.level == "error" for finding in findings),
        "waiting": rule_kinds.pending(draft),
        "may_publish": request.scope.may("rules", "edit"),
        "may_propose": request.scope.may("rules", "propose"),
        "urls": dict(urls),
    }


def story(draft: RuleSet) -> DraftStory:
    """Return who began and who last changed a draft, from its record; one query."""
    read = list(journal.entries(draft.stream))
    edits = [entry for entry in read if entry.action == "rules.edited"]
    first, last = next(iter(read), None), next(reversed(edits), None)
    return DraftStory(
        begun_by=actor_words(first.actor_label) if first else "",
        begun_at=first.at if first else None,
        changed_by=actor_words(last.actor_label) if last else "",
        changed_at=last.at if last else None,
        edits=len(edits),
    )


def begin_view(request: StaffRequest, kind: str, *, back: str) -> HttpResponse:
    """Begin a draft of the kind, or go on with the open one; then show `back`. Posts only.

    With `from` the draft is a copy of that older version (how rules are rolled back): 409 while
    another draft is open, 404 for a version that is not there.
    """
    request.scope.demand("rules", "propose")
    at = timezone.now()
    wanted = request.POST.get("from", "")
    try:
        if wanted:
            older = _version(kind, wanted)
            rule_kinds.begin_from(older, actor=request.actor, at=at)
        else:
            rule_kinds.begin(kind, actor=request.actor, at=at)
    except WordedError as refused:
        return conflict(request, str(refused), back=back)
    return go(request, back)


def publish_view(request: StaffRequest, kind: str, *, back: str, title: str = "") -> HttpResponse:
    """Ask for reason and start, then publish; who may only propose asks somebody who may publish.

    422 with what the check finds or for a start in the past, 409 when the draft has moved on.
    """
    request.scope.demand("rules", "propose")
    draft = rulesets.draft(kind)
    if draft is None:
        return _gone(request, kind, back)
    alone = request.scope.may("rules", "edit")
    form = _form(PublishForm, request, draft)
    if form.is_valid():
        if form.cleaned_data["number"] != draft.number:
            return _gone(request, kind, back, form)
        try:
            _publish(request, draft, form.cleaned_data, alone=alone)
        except WordedError as refused:
            _refuse(form, draft, refused)
        else:
            return go(request, back)
    given = title or draft.title
    context = {
        "form": form,
        "title": labelled(_("Publish") if alone else _("Ask to publish"), given),
        "act": _("Publish") if alone else _("Ask to publish"),
        "lead": " ".join(filter(None, [_lead(kind, alone=alone), _coming(kind)])),
        "back": back,
    }
    return form_answer(request, context, status=form.status)


def discard_view(request: StaffRequest, kind: str, *, back: str) -> HttpResponse:
    """Ask for a reason, then throw the draft away; 409 when it has moved on."""
    request.scope.demand("rules", "propose")
    draft = rulesets.draft(kind)
    if draft is None:
        return _gone(request, kind, back)
    form = _form(DiscardForm, request, draft)
    if form.is_valid():
        given = form.cleaned_data
        if given["number"] != draft.number:
            return _gone(request, kind, back, form)
        try:
            rule_kinds.discard(
                draft,
                reason=given["reason"],
                actor=request.actor,
                at=timezone.now(),
                expected=given["version"],
            )
        except WordedError as refused:
            _refuse(form, draft, refused)
        else:
            messages.success(request, _("The draft was thrown away."))
            return go(request, back)
    context = {
        "form": form,
        "title": _("Discard this draft?"),
        "lead": _("All its changes are lost. The rules in force stay as they are."),
        "act": _("Discard the draft"),
        "danger": True,
        "back": back,
    }
    return form_answer(request, context, status=form.status)


def overtaken(rule_set: RuleSet) -> str:
    """Return who did what to these rules last: a sentence for a 409."""
    entry = journal.entries(rule_set.stream).last()
    if entry is None:
        return _("Somebody has changed this version. Look at it again.")
    return _told(entry)


def _publish(
    request: StaffRequest, draft: RuleSet, given: Mapping[str, Any], *, alone: bool
) -> None:
    """Publish the draft or ask for it, and say so."""
    at, begins = timezone.now(), given["valid_from"]
    if not alone:
        if given["version"] != draft.version:
            raise rulesets.RulesRefused("stale", overtaken(draft))
        rule_kinds.ask(draft, reason=given["reason"], valid_from=begins, actor=request.actor, at=at)
        messages.success(request, _("Your request was sent to those who may publish."))
        return
    done = rule_kinds.publish(
        draft,
        reason=given["reason"],
        valid_from=begins,
        actor=request.actor,
        at=at,
        expected=given["version"],
    )
    later = done.valid_from is not None and done.valid_from > at
    text = (
        _("Version %(n)s is published; it is in force from %(from)s.")
        if later
        else _("Version %(n)s is in force.")
    )
    told = {"n": done.number, "from": moment_words(done.valid_from) if done.valid_from else ""}
    messages.success(request, text % told)


def _refuse(form: VersionedForm, draft: RuleSet, refused: WordedError) -> None:
    """Show a refusal in the form: 409 where the draft has moved on, else beside what is wrong."""
    if refused.code in OVERTAKEN:
        now = RuleSet.objects.filter(pk=draft.pk).first() or draft
        form.refuse(overtaken(now), now.version)
    else:
        form.add_error("valid_from" if refused.code == "past" else None, str(refused))


def _gone(
    request: StaffRequest, kind: str, back: str, form: VersionedForm | None = None
) -> HttpResponse:
    """Answer that the draft is no more (409): who did what, and the words typed here."""
    left = RuleSet.objects.filter(kind=kind).exclude(state=RuleState.DRAFT)
    shown = left.order_by("-number").first()
    typed = str(form.cleaned_data.get("reason", "")) if form else request.POST.get("reason", "")
    kept: dict[str | Promise, str] = {_("Reason"): typed} if typed else {}
    why = overtaken(shown) if shown else _("There is no draft any more.")
    return conflict(request, why, kept=kept, back=back)


def _told(entry: JournalEntry) -> str:
    return _("%(who)s, %(when)s: %(what)s. Look at it again.") % {
        "who": actor_words(entry.actor_label),
        "when": near_moment_words(entry.at),
        "what": journal.describe(entry),
    }


def _lead(kind: str, *, alone: bool) -> str:
    """Return what publishing does, before it is done."""
    if not alone:
        return _("Somebody who may publish rules decides. Until then nothing changes.")
    if kind == "clock_policies":
        return _("New cases follow this version. Running cases keep the version they began with.")
    if kind.startswith("calendar:"):
        return _("Running clocks on this calendar are counted again.")
    return _("Cases registered from then on follow this version.")


def _coming(kind: str) -> str:
    """Return which version published already will take the place of one that begins now, or ''."""
    later = RuleSet.objects.filter(
        kind=kind, state=RuleState.PUBLISHED, valid_from__gt=timezone.now()
    )
    row = later.order_by("valid_from", "number").first()
    if row is None or row.valid_from is None:
        return ""
    return _(
        "Version %(n)s is published already: it comes into force %(when)s and takes the place of"
        " this one, unless this one begins then or later."
    ) % {"n": row.number, "when": moment_words(row.valid_from)}


def _version(kind: str, wanted: str) -> RuleSet:
    """Return a version that has left draft by its number, or 404."""
    found = numbered(kind, wanted)
    if found.state == RuleState.DRAFT:
        raise Http404
    return found


def _form(made: type[_DraftForm], request: StaffRequest, draft: RuleSet) -> Any:
    data = request.POST if request.method == "POST" else None
    return made(data, row_version=draft.version, initial={"number": draft.number})
