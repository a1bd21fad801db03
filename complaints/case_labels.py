"""The tags and the findings of one case, read together: the case page shows both in one query."""

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import CharField, F, QuerySet, Value

from complaints.models import Case, CaseResponsibility, CaseTag
from config.kernel.models import Term
from staff.models import Department

_CELLS: Final = ("kind_", "rank_", "pk", "about", "code", "en", "zh", "said", "used")


def load(case: Case) -> None:
    """Put the tags (in the order of their list) and the findings on the case; one query.

    They stand where `prefetch_related` would put them, so that `case.tags.all()` and
    `case.responsibilities.all()` cost no further query. Terms and departments have code and
    names, no more.
    """
    rows = _tags(case).union(_findings(case), all=True)
    ordered = sorted(rows, key=lambda cells: (cells[1], cells[2]))
    _keep(case, "tags", [_tag(case, cells) for cells in ordered if cells[0] == "tag"])
    found = [_finding(case, cells) for cells in ordered if cells[0] == "finding"]
    _keep(case, "responsibilities", found)


def _tags(case: Case) -> QuerySet[Any, Any]:
    rows: QuerySet[Any] = CaseTag.objects.filter(case=case).order_by()
    return _cells(rows, "tag", "term", rank="term__order", said=Value(""), used=F("term__active"))


def _findings(case: Case) -> QuerySet[Any, Any]:
    rows: QuerySet[Any] = CaseResponsibility.objects.filter(case=case).order_by()
    used = F("department__active")
    return _cells(rows, "finding", "department", rank="pk", said=F("finding"), used=used)


def _cells(rows: QuerySet[Any], kind: str, about: str, **given: Any) -> QuerySet[Any, Any]:
    """Return the cells of these rows in the one shape that both kinds share."""
    named = rows.annotate(
        kind_=Value(kind, CharField()),
        rank_=F(given["rank"]),
        about=F(about),
        code=F(f"{about}__code"),
        en=F(f"{about}__name_en"),
        zh=F(f"{about}__name_zh"),
        said=given["said"],
        used=given["used"],
    )
    cells: QuerySet[Any, Any] = named.values_list(*_CELLS)
    return cells


def _tag(case: Case, cells: Sequence[Any]) -> CaseTag:
    _kind, rank, pk, about, code, english, chinese, _said, used = cells
    term = Term(
        pk=about, taxonomy="tag", code=code, name_en=english, name_zh=chinese, order=rank,
        active=used,
    )  # fmt: skip
    return CaseTag(pk=pk, case=case, term=term)


def _finding(case: Case, cells: Sequence[Any]) -> CaseResponsibility:
    _kind, _rank, pk, about, code, english, chinese, said, used = cells
    unit = Department(pk=about, code=code, name_en=english, name_zh=chinese, active=used)
    return CaseResponsibility(pk=pk, case=case, department=unit, finding=said)


def _keep(case: Case, name: str, rows: list[Any]) -> None:
    """Let the relation answer with these rows, as after `prefetch_related`."""
    found = getattr(case, name).all()
    found._result_cache = rows  # noqa: SLF001 - what `prefetch_related` sets
    known: dict[str, Any] = case.__dict__.setdefault("_prefetched_objects_cache", {})
    known[name] = found


__all__ = ["load"]
