"""Which view of the case list is open, what it shows, and how that differs from what was saved.

A list is filters and order (the address), columns and density. Columns come from the address,
else from what the person set for this view alone ("only me"), else from the view. Density is the
person's (key V): per view, and for views that nobody has saved a density for wherever they look.
Everything of one person stands in one preference, so a page costs one query for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from complaints import looking_up
from complaints.lists import CASES
from config.kernel import preferences, saved
from config.kernel.models import SavedView
from config.shared.listing import Column
from config.shared.scope import Scope

KEY: Final = "cases.looks"
MOST_VIEWS: Final = 60
"""So many views are remembered per person; the ones set longest ago go first."""
_BESIDE: Final = ("view", "page", "col", "move")
_TRANSIENT: Final = {*_BESIDE, "sort", "q"}


@dataclass(frozen=True, slots=True)
class Own:
    """What one person set for themselves: a density, and columns and density per view."""

    compact: bool
    views: Mapping[str, Mapping[str, Any]]

    def columns(self, code: str) -> list[str]:
        """Return the columns set for this view alone; empty = none."""
        return list(self.views.get(code, {}).get("columns") or [])

    def density(self, code: str) -> bool | None:
        """Return the density set for this view alone."""
        value = self.views.get(code, {}).get("compact")
        return None if value is None else bool(value)


NOTHING: Final = Own(compact=False, views={})


@dataclass(frozen=True, slots=True)
class Shown:
    """The list as asked for.

    `keys` are the chosen columns, `changed` names in words what differs from the open view.
    """

    data: QueryDict
    view: SavedView | None
    keys: list[str]
    compact: bool
    changed: tuple[str | Promise, ...] = ()

    @property
    def columns(self) -> list[Column]:
        """Return the columns to draw: on one line the number needs a column of its own."""
        columns = CASES.chosen(self.keys)
        if self.compact and "number" not in self.keys:
            columns.insert(1, next(c for c in CASES.columns if c.key == "number"))
        return columns


def own(scope: Scope) -> Own:
    """Return what this person set; one query."""
    kept = preferences.read(scope.member, KEY, {})
    return Own(compact=bool(kept.get("compact")), views=dict(kept.get("views") or {}))


def set_density(scope: Scope, code: str, *, compact: bool) -> None:
    """Remember the density for this person: here, and wherever nothing else was said."""
    _change(scope, code, {"compact": compact}, compact=compact)


def set_columns(scope: Scope, code: str, columns: Sequence[str]) -> None:
    """Remember columns of one view for this person only; none = those of the view again."""
    _change(scope, code, {"columns": list(columns)})


def forget_density(scope: Scope, code: str) -> None:
    """Show a view in the density it was saved with again."""
    _change(scope, code, {"compact": None})


def _change(scope: Scope, code: str, values: Mapping[str, Any], *, compact: Any = None) -> None:
    if scope.member is None:
        return
    known = own(scope)
    views = {key: value for key, value in known.views.items() if key != code}
    left = {k: v for k, v in {**known.views.get(code, {}), **values}.items() if v not in (None, [])}
    if left:
        views[code] = left
    kept = dict(list(views.items())[-MOST_VIEWS:])
    general = known.compact if compact is None else bool(compact)
    preferences.write(scope.member, KEY, {"compact": general, "views": kept})


def saved_views(scope: Scope) -> list[SavedView]:
    """Return the tabs of this person; a view shared with several of their roles comes once."""
    once: dict[str, SavedView] = {}
    for view in saved.views(CASES.key, scope):
        once.setdefault(code_of(view), view)
    return list(once.values())


def code_of(view: SavedView) -> str:
    """Return what names a view in addresses: its code, for views of people `v` and the number."""
    return view.code or f"v{view.pk}"


def query_of(view: SavedView) -> QueryDict:
    """Return the filters and the order of a view."""
    query = QueryDict(view.query, mutable=True)
    for key in _BESIDE:
        query.pop(key, None)
    return query


def address_of(view: SavedView) -> str:
    """Return the query string that opens a view."""
    query = query_of(view)
    return f"view={code_of(view)}" + (f"&{query.urlencode()}" if query else "")


def shown(given: QueryDict, views: Sequence[SavedView], mine: Own = NOTHING) -> Shown:
    """Return the list that an address asks for; a bare one opens the first view.

    Empty parameters are dropped, so that addresses stay short; control characters are taken out.
    """
    data = _clean(given)
    if not given and (first := saved.opening(views)):
        data = QueryDict(address_of(first), mutable=True)
    view = next((v for v in views if code_of(v) == data.get("view")), None)
    code = code_of(view) if view else ""
    base = [c.key for c in CASES.chosen(mine.columns(code) or _columns_of(view))]
    asked = _moved(data, base)
    columns = [c.key for c in CASES.chosen(asked or base)]
    if columns == base:
        data.pop("col", None)
    else:
        data.setlist("col", columns)
    compact = _density(view, code, mine)
    return Shown(data, view, columns, compact, _changes(view, data, mine))


def kept(data: QueryDict) -> str:
    """Return what a view keeps of an address: filters and order."""
    query = data.copy()
    for key in _BESIDE:
        query.pop(key, None)
    return query.urlencode()


def _clean(given: QueryDict) -> QueryDict:
    left = QueryDict(mutable=True)
    for key, values in given.lists():
        if cleaned := [text for value in values if (text := looking_up.tidy(value, most=400))]:
            left.setlist(key, cleaned[:60])
    if left.get("sort") == CASES.orders[0].key:
        del left["sort"]
    return left


def _moved(data: QueryDict, base: list[str]) -> list[str]:
    """Return the columns asked for, with the one that `move=key:up` or `:down` moves."""
    keys = data.getlist("col") or base
    key, _colon, way = (data.pop("move", None) or [""])[-1].partition(":")
    free = [column.key for column in CASES.chosen(keys) if not column.locked]
    if key in free:
        place = free.index(key) + (-1 if way == "up" else 1)
        free.remove(key)
        free.insert(max(0, place), key)
        return free
    return data.getlist("col")


def _columns_of(view: SavedView | None) -> list[str]:
    if view is None:
        return []
    return list(view.columns or []) or QueryDict(view.query).getlist("col")


def _density(view: SavedView | None, code: str, mine: Own) -> bool:
    here = mine.density(code)
    if here is not None:
        return here
    return view.compact if view is not None and _made_by_people(view) else mine.compact


def _made_by_people(view: SavedView) -> bool:
    return view.person_id is not None or view.owner_id is not None


def _changes(view: SavedView | None, data: QueryDict, mine: Own) -> tuple[str | Promise, ...]:
    """Name what differs from the open view; words looked for are no change of it."""
    if view is None:
        return ()
    was, code = query_of(view), code_of(view)
    found: list[str | Promise] = []
    if _filters(data) != _filters(was):
        found.append(_("filters"))
    if _order(data) != _order(was):
        found.append(_("order"))
    if "col" in data:
        found.append(_("columns"))
    if _made_by_people(view) and mine.density(code) not in {None, view.compact}:
        found.append(_("density"))
    return tuple(found)


def _order(data: QueryDict) -> str:
    return CASES.order(data.get("sort", "")).key


def _filters(data: QueryDict) -> dict[str, frozenset[str]]:
    """Return the filters by name; what is in force without being named is left out."""
    found = {key: frozenset(values) for key, values in data.lists() if key not in _TRANSIENT}
    if found.get("state") == frozenset({"open"}) and not {"status", "q"} & set(data):
        del found["state"]
    return found
