"""Tasks of a case: the page "My tasks", and the dialogs to ask, take, refuse, answer, call back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from complaints import case_page
from complaints.choices import OPEN, TaskKind
from complaints.models import Case, CaseTask
from complaints.teamwork import asking, listing, parts, tasks
from complaints.teamwork.access import TeamRefused
from complaints.teamwork.listing import TASKS
from complaints.views.teamwork_forms import AcceptForm, AnswerForm, AskForm, ReasonForm, TaskForm
from config.kernel.files import FileRefused
from config.shared.chips import Head, PagerLinks
from config.shared.htmx import form_answer, go
from config.shared.listing import Order
from config.shared.listing_pages import BIGGEST, Page, page_of
from config.shared.words import moment_words
from staff.http import StaffRequest


@dataclass(frozen=True, slots=True)
class _Act:
    """One act on a task: its form, what it does, its words, and the reach it needs."""

    form: type[TaskForm]
    do: Callable[[Any, TaskForm, dict[str, Any]], None]
    title: str
    words: str
    initial: Mapping[str, Any] = field(default_factory=dict)
    danger: bool = False
    need: str = "answer"


@require_safe
def task_list(request: StaffRequest) -> HttpResponse:
    """Show open tasks; `view` mine, unit, asked or late, `sort` due or new, `page` a cursor."""
    scope, at = request.scope, timezone.now()
    scope.demand(TASKS.area)
    filters: Any = TASKS.filters(request.GET, TASKS.rows(scope), scope, at)
    order = TASKS.order(request.GET.get("sort", ""))
    page = page_of(filters.qs, order, request.GET.get("page", ""), TASKS.page_size)
    counts = listing.counts(scope, at)
    tabs = [
        {"key": key, "title": title, "current": key == filters.view, "count": counts[key]}
        for key, title in listing.VIEWS.items()
    ]
    context = {
        "list": TASKS,
        "at": at,
        "tabs": tabs,
        "view": filters.view,
        "order": order,
        "columns": TASKS.columns,
        "heads": [_head(c.title, c.style, c.order, order, filters.view) for c in TASKS.columns],
        "rows": [{"task": task, "chip": parts.chip(task, at)} for task in page.rows],
        "pager": _links(page, order, filters.view),
    }
    return render(request, "complaints/tasks.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def task_new(request: StaffRequest, number: str) -> HttpResponse:
    """Ask departments or a person about the case."""
    case = case_page.rows_for_page().fetch(request.scope, "task", number=number)
    form = AskForm(request.POST if request.method == "POST" else None, case=case)
    if case.status not in OPEN:
        raise PermissionDenied(_("Others are asked only while the case is open."))
    if form.is_valid():
        rows = Case.objects.visible_to(request.scope, "task").filter(pk=case.pk)
        try:
            made = asking.ask(rows, form.asking, actor=request.actor, at=timezone.now())
        except TeamRefused as refused:
            _put(request, form, refused)
        else:
            for task in made:
                told = {"unit": task.department.label, "due": moment_words(task.due_at)}
                messages.success(request, _("Asked %(unit)s, answer due %(due)s.") % told)
            return go(request, case.get_absolute_url())
    context = {
        "form": form,
        "title": _("Ask a department or person"),
        "lead": _("They may read the case until it is archived, or until they refuse the task."),
        "act": _("Ask them"),
        "back": case.get_absolute_url(),
    }
    return form_answer(request, context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def task_accept(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a task for the department and say who sees to it."""

    def act(rows: Any, form: TaskForm, said: dict[str, Any]) -> None:
        tasks.accept(rows, form.cleaned_data["person"].pk, **said)

    initial = {"person": request.scope.member}
    return _dialog(request, pk, _Act(AcceptForm, act, _("Take the task"), _("Take it"), initial))


@require_http_methods(["GET", "HEAD", "POST"])
def task_refuse(request: StaffRequest, pk: int) -> HttpResponse:
    """Give a task back with a reason."""

    def act(rows: Any, form: TaskForm, said: dict[str, Any]) -> None:
        tasks.refuse(rows, form.cleaned_data["reason"], **said)

    title = _("Refuse the task")
    return _dialog(request, pk, _Act(ReasonForm, act, title, _("Refuse"), danger=True))


@require_http_methods(["GET", "HEAD", "POST"])
def task_answer(request: StaffRequest, pk: int) -> HttpResponse:
    """Answer a task, with a file where there is one."""

    def act(rows: Any, form: TaskForm, said: dict[str, Any]) -> None:
        upload = form.cleaned_data["file"]
        uploads = [upload] if upload else []
        tasks.answer(rows, form.cleaned_data["words"], uploads=uploads, **said)

    return _dialog(request, pk, _Act(AnswerForm, act, _("Answer the task"), _("Send the answer")))


@require_http_methods(["GET", "HEAD", "POST"])
def task_cancel(request: StaffRequest, pk: int) -> HttpResponse:
    """Call a task back with a reason."""

    def act(rows: Any, form: TaskForm, said: dict[str, Any]) -> None:
        tasks.cancel(rows, form.cleaned_data["reason"], **said)

    title, need = _("Call the task back"), "cancel"
    made = _Act(ReasonForm, act, title, _("Call it back"), danger=True, need=need)
    return _dialog(request, pk, made)


def _dialog(request: StaffRequest, pk: int, act: _Act) -> HttpResponse:
    """Show one act on a task, or do it: 404 unseen, 403 not theirs, 409 overtaken."""
    task = _task(request, pk, act.need)
    posted = request.method == "POST"
    form = act.form(
        request.POST if posted else None,
        request.FILES if posted else None,
        task=task,
        initial=dict(act.initial),
    )
    if form.is_valid():
        rows = CaseTask.objects.visible_to(request.scope, act.need).filter(pk=task.pk)
        expected = {task.pk: form.cleaned_data["version"]}
        said = {"actor": request.actor, "at": timezone.now(), "expected": expected}
        try:
            act.do(rows, form, said)
        except TeamRefused as refused:
            _put(request, form, refused)
        except FileRefused as refused:
            form.add_error("file", str(refused))
        else:
            messages.success(request, _("Saved."))
            return go(request, _after(request, task))
    context = {
        "form": form,
        "title": act.title,
        "act": act.words,
        "danger": act.danger,
        "lead": _lead(task, request),
        "back": _after(request, task),
    }
    return form_answer(request, context, status=form.status)


def _task(request: StaffRequest, pk: int, need: str) -> CaseTask:
    """Return one task for an act, or refuse: unseen 404, seen only 403."""
    request.scope.demand(TASKS.area)
    rows = CaseTask.objects.visible_to(request.scope).filter(pk=min(pk, BIGGEST))
    task = rows.select_related("department", "person", "case__customer").first()
    if task is None:
        raise Http404
    if not CaseTask.objects.visible_to(request.scope, need).filter(pk=task.pk).exists():
        raise PermissionDenied(_("You may read this, but not do that here."))
    return task


def _lead(task: CaseTask, request: StaffRequest) -> str:
    """Return what was asked, for the head of the dialog."""
    if task.kind == TaskKind.REPORT:
        said = _("Report this major complaint to the regulator and attach the proof.")
    else:
        said = parts.question(task, request.scope)
    told = {"number": task.case.number, "due": moment_words(task.due_at), "question": said}
    return _("Case %(number)s, due %(due)s. %(question)s") % told


def _put(request: StaffRequest, form: forms.Form, refused: TeamRefused) -> None:
    """Show a refusal: 409 where somebody was faster, else beside its field."""
    if refused.code == "stale" and isinstance(form, TaskForm):
        now = CaseTask.objects.visible_to(request.scope).filter(pk=form.task.pk).first()
        form.refuse(str(refused), (now or form.task).version)
    else:
        form.add_error(refused.field if refused.field in form.fields else None, str(refused))


def _after(request: StaffRequest, task: CaseTask) -> str:
    """Return the case at its tasks, or the list of tasks for who may not open the case."""
    may = Case.objects.visible_to(request.scope).filter(pk=task.case_id).exists()
    return task.case.get_absolute_url() if may else reverse("tasks")


def _head(title: Any, style: str, key: str, order: Order, view: str) -> Head:
    url = f"?view={view}&sort={key}" if key else ""
    return Head(title, style, url, "ascending" if key and key == order.key else "")


def _links(page: Page, order: Order, view: str) -> PagerLinks:
    """Return the addresses of the neighbouring pages."""

    def to(cursor: str) -> str:
        data = QueryDict(mutable=True)
        data["view"], data["sort"] = view, order.key
        if cursor:
            data["page"] = cursor
        return f"?{data.urlencode()}"

    return PagerLinks(
        first="" if page.is_first else to(""),
        previous=to(page.previous) if page.previous else "",
        next=to(page.next) if page.next else "",
        last=to(page.last) if page.last else "",
    )
