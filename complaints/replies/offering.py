"""Which templates and macros are offered for a case."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from complaints.choices import NoticePurpose
from complaints.models import Case, Macro, ReplyTemplate
from complaints.reach import reaches
from complaints.replies import details
from complaints.replies.macro_parts import INTO
from complaints.replies.rows import macros_of, templates_of
from complaints.workflow.moves import offered
from config.shared.scope import Scope

MOST: Final = 40


def templates_for(
    case: Case, at: datetime, *, method: str = "", query: str = ""
) -> list[ReplyTemplate]:
    """Return the templates in force that fit type and way; those made for the type first.

    Templates of results are left out: the result goes its own way (`result.py`). `query` keeps
    those in whose names or texts every word stands. Two queries.
    """
    rules, _bank = details.in_force(at)
    rows = [row for row in templates_of(rules) if row.purpose != NoticePurpose.RESULT]
    rows = [row for row in rows if _fits(row.types, case.type.code)]
    if method:
        rows = [row for row in rows if _fits(row.methods, method)]
    wanted = query.casefold().split()
    rows = [row for row in rows if _has(row, wanted)]
    return sorted(rows, key=lambda row: not row.types)[:MOST]


def template(at: datetime, code: str) -> ReplyTemplate | None:
    """Return the template in force with this code; two queries."""
    rules, _bank = details.in_force(at)
    if rules is None or "\x00" in code:
        return None
    return ReplyTemplate.objects.filter(rule_set=rules, code=code).first()


def macros_for(case: Case, scope: Scope, at: datetime) -> list[Macro]:
    """Return the macros of which every part is this person's to do, or to ask for, on this case."""
    rules, _bank = details.in_force(at)
    rows = macros_of(rules)
    free = {view.move.verb for view in offered(case, scope)} if rows else set()
    return [
        row for row in rows if _fits(row.types, case.type.code) and _may(row, case, scope, free)
    ]


def has_macro(at: datetime, code: str) -> bool:
    """Tell whether the version in force has this macro; two queries."""
    rules, _bank = details.in_force(at)
    return any(row.code == code for row in macros_of(rules))


def _may(row: Macro, case: Case, scope: Scope, free: Iterable[str]) -> bool:
    """Tell whether every part of a macro may be done."""
    if row.verb and row.verb not in free:
        return False
    if row.fields and not (case.is_open and reaches(case, scope, "edit")):
        return False
    return not sends(row) or (case.is_open and reaches(case, scope, "message"))


def sends(row: Macro) -> bool:
    """Whether a macro sends its template as a message (else its text goes to the verb)."""
    return bool(row.template) and row.verb not in INTO


def _fits(listed: Sequence[str], code: str) -> bool:
    return not listed or code in listed


def _has(row: ReplyTemplate, wanted: Sequence[str]) -> bool:
    text = " ".join((row.code, row.name_en, row.name_zh, row.body_en, row.body_zh)).casefold()
    return all(word in text for word in wanted)


__all__ = ["has_macro", "macros_for", "sends", "template", "templates_for"]
