"""Drafts of forms, which belong to a person, and saved views of lists: own or shared with a role.

A shared view has no `person_id`; `owner_id` is who shared it (NULL: the bank's own). Sharing,
changing and dropping shared views is recorded in the ledger `views`; own views are private.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote_plus

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from config.kernel import journal
from config.kernel.actions import Action
from config.kernel.models import Draft, SavedView
from config.shared.actors import Actor
from config.shared.scope import Scope
from config.shared.worded import WordedError

KEPT: Final = timedelta(days=30)
LARGEST: Final = 200_000  # characters of one draft
MOST_VIEWS: Final = 50  # per person and list, and per role


class NotSaved(WordedError):  # noqa: N818 - named for what happened
    """Too much to keep; the words say what."""


def save_draft(person_id: int, key: str, body: Mapping[str, Any], *, at: datetime) -> None:
    """Keep the unsent words of one form, replacing what was kept; raises NotSaved when too long.

    `key` names form and subject, e.g. `case:new` or `case:123:answer`.
    """
    text = json.dumps(dict(body), ensure_ascii=False)
    if len(text) > LARGEST:
        raise NotSaved("large", _("This text is too long to be kept as a draft."))
    Draft.objects.bulk_create(
        [Draft(person_id=person_id, key=key, body=text, saved_at=at)],
        update_conflicts=True,
        unique_fields=["person_id", "key"],
        update_fields=["body", "saved_at"],
    )


def load_draft(person_id: int, key: str) -> dict[str, Any] | None:
    """Return what was kept, or None."""
    draft = Draft.objects.filter(person_id=person_id, key=key).first()
    return None if draft is None else dict(json.loads(draft.body))


def drop_draft(person_id: int, key: str) -> None:
    """Forget a draft; nothing happens when there is none."""
    Draft.objects.filter(person_id=person_id, key=key).delete()


def drop_old_drafts(at: datetime) -> int:
    """Due work `drafts`: forget drafts nobody touched for 30 days; returns how many."""
    return Draft.objects.filter(saved_at__lt=at - KEPT).delete()[0]


def forget(mentions: Iterable[str]) -> int:
    """Delete drafts and views that mention one of these texts; for erasers. Returns how many.

    Views are those made by people, own or shared; the bank's stay. Texts of fewer than two
    letters are left out: they would find everything.
    """
    wanted = {text.strip().casefold() for text in mentions if len(text.strip()) > 1}
    if not wanted:
        return 0
    drafts = [d.pk for d in Draft.objects.all() if _mentions(d.body, wanted)]
    made = SavedView.objects.filter(Q(person_id__isnull=False) | Q(owner_id__isnull=False))
    found = [v.pk for v in made if _mentions(_text_of(v), wanted)]
    return (
        Draft.objects.filter(pk__in=drafts).delete()[0]
        + SavedView.objects.filter(pk__in=found).delete()[0]
    )


def _text_of(view: SavedView) -> str:
    return f"{view.name_en} {view.name_zh} {unquote_plus(view.query)}"


def _mentions(text: str, wanted: set[str]) -> bool:
    folded = text.casefold()
    return any(part in folded for part in wanted)


@dataclass(frozen=True, slots=True)
class Look:
    """What a view shows: the query string of its filters and order, its columns, its density."""

    query: str
    columns: Sequence[str] = ()
    compact: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """What a view is called and whose it is: `role` None = one's own, "" = everybody's.

    `opens`: the list opens with it, for its person or its role.
    """

    name_en: str
    name_zh: str = ""
    role: str | None = None
    opens: bool = False


def views(list_key: str, scope: Scope) -> list[SavedView]:
    """Return the views of a list for this person: the bank's, those of the roles, the own ones."""
    shared = Q(person_id__isnull=True) & Q(role__in=["", *scope.roles])
    own = Q(person_id=scope.member) if scope.member is not None else Q(pk__in=[])
    found = SavedView.objects.filter(shared | own, list_key=list_key)
    return sorted(found, key=lambda view: (view.person_id is not None, view.order, view.pk))


def opening(found: Sequence[SavedView]) -> SavedView | None:
    """Return the view a list opens with: the one the person chose, the role's, else the first."""
    chosen = [view for view in found if view.opens]
    own = [view for view in chosen if view.person_id is not None]
    named = [view for view in chosen if view.role]
    return next(iter([*own, *named, *chosen, *found]), None)


def changeable(list_key: str, *, person_id: int, shares: bool) -> QuerySet[SavedView]:
    """Return the views this person may change: the own ones, and with `shares` the shared ones."""
    wanted = Q(person_id=person_id)
    if shares:
        wanted |= Q(person_id__isnull=True)
    return SavedView.objects.filter(wanted, list_key=list_key)


def save_view(
    list_key: str, name: str, query: str, *, person_id: int, columns: Sequence[str] = ()
) -> SavedView:
    """Keep a filter under a name of the person's own; the same name is replaced."""
    return keep_own(list_key, Label(name), Look(query, columns), person_id=person_id)


@transaction.atomic
def keep_own(list_key: str, label: Label, look: Look, *, person_id: int) -> SavedView:
    """Keep a view of one's own; one of the same name is replaced. Raises NotSaved in words."""
    own = SavedView.objects.filter(list_key=list_key, person_id=person_id)
    view = own.filter(name_en=label.name_en[:60]).first()
    if view is None:
        _refuse_many(own)
        view = SavedView(list_key=list_key, person_id=person_id, order=_next(own))
    return _write(view, label, look)


@transaction.atomic
def share(list_key: str, label: Label, look: Look, *, actor: Actor, at: datetime) -> SavedView:
    """Keep a view for everybody or a role; one of the same name and role is replaced.

    A view that looks for words or one customer is refused: it would show a name to others.
    """
    refuse_personal(look.query)
    role = label.role or ""
    theirs = SavedView.objects.filter(list_key=list_key, person_id=None, role=role)
    view = theirs.filter(name_en=label.name_en[:60]).first()
    if view is None:
        _refuse_many(theirs)
        shared = SavedView.objects.filter(list_key=list_key, person_id=None)
        view = SavedView(list_key=list_key, role=role, owner_id=actor.id, order=_next(shared))
    kept = _write(view, label, look)
    _note("view.shared", kept, actor, at)
    return kept


@transaction.atomic
def change_look(view: SavedView, look: Look, *, actor: Actor, at: datetime) -> None:
    """Replace what a view shows; whoever has it open sees it at the next look."""
    if view.person_id is None:
        refuse_personal(look.query)
    _write(view, Label(view.name_en, view.name_zh, view.role, view.opens), look)
    if view.person_id is None:
        _note("view.changed", view, actor, at)


@transaction.atomic
def change_label(view: SavedView, label: Label, *, actor: Actor, at: datetime) -> None:
    """Rename a view, hand it to another role, or have the list open with it.

    An own view given a role becomes a shared one, a shared one stays shared.
    """
    if view.person_id is not None and label.role is not None:
        refuse_personal(view.query)
        view.person_id, view.owner_id = None, actor.id
    if view.person_id is None:
        view.role = label.role or ""
    _write(view, label, Look(view.query, view.columns, view.compact))
    if view.person_id is None:
        _note("view.changed", view, actor, at)


@transaction.atomic
def move_view(view: SavedView, step: int) -> None:
    """Move a view one place up (-1) or down (1) among those of its person or its role."""
    siblings = SavedView.objects.filter(
        list_key=view.list_key, person_id=view.person_id, role=view.role
    )
    rows = list(siblings.select_for_update().order_by("order", "pk"))
    place = next((n for n, row in enumerate(rows) if row.pk == view.pk), None)
    if place is None or not 0 <= place + step < len(rows):
        return
    orders = [row.order for row in rows]
    rows.insert(place + step, rows.pop(place))
    last = -1
    for row, order in zip(rows, orders, strict=True):
        row.order = last = max(order, last + 1)
    SavedView.objects.bulk_update(rows, ["order"])


@transaction.atomic
def drop(view: SavedView, *, actor: Actor, at: datetime) -> None:
    """Forget a view."""
    shared = view.person_id is None
    pk = view.pk
    view.delete()
    if shared:
        view.pk = pk
        _note("view.dropped", view, actor, at)


def drop_view(view_pk: int, *, person_id: int) -> bool:
    """Delete an own view; False when it is not the person's."""
    return SavedView.objects.filter(pk=view_pk, person_id=person_id).delete()[0] > 0


def refuse_personal(query: str) -> None:
    """Raise NotSaved where a filter to be shared looks for words or for one customer."""
    if {part.partition("=")[0] for part in query.split("&")} & {"q", "customer"}:
        raise NotSaved(
            "personal",
            _("A shared view cannot look for words or one customer: others would read the name."),
        )


def _refuse_many(rows: QuerySet[SavedView]) -> None:
    if rows.count() >= MOST_VIEWS:
        raise NotSaved("many", _("You have saved many views of this list. Delete one first."))


def _next(rows: QuerySet[SavedView]) -> int:
    """Return the order after the last of these."""
    last = rows.order_by("-order").values_list("order", flat=True).first()
    return 0 if last is None else last + 1


def _write(view: SavedView, label: Label, look: Look) -> SavedView:
    """Write a view; of those that open a list for the same people only this one stays so."""
    if len(look.query) > 1000:
        raise NotSaved("large", _("This filter is too long to be saved."))
    view.name_en = label.name_en[:60]
    view.name_zh = (label.name_zh or label.name_en)[:60]
    view.query, view.columns, view.compact = look.query, list(look.columns), look.compact
    view.opens = label.opens
    view.save()
    if view.opens:
        same = SavedView.objects.filter(
            list_key=view.list_key, person_id=view.person_id, role=view.role, opens=True
        )
        same.exclude(pk=view.pk).update(opens=False)
    return view


def _note(action: str, view: SavedView, actor: Actor, at: datetime) -> None:
    facts = {"list": view.list_key, "view": view.pk, "role": view.role or "-"}
    journal.note("views", action, facts, actor=actor, at=at)


def actions() -> tuple[Action, ...]:
    """Return what the record may say about shared views."""
    return (
        Action("view.shared", _("Saved view %(view)s of a list was shared, role %(role)s"), "eye"),
        Action("view.changed", _("Shared view %(view)s was changed, role %(role)s"), "pencil"),
        Action("view.dropped", _("Shared view %(view)s was deleted, role %(role)s"), "trash"),
    )
