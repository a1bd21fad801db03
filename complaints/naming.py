"""Labels of the codes that entries and notices hold, all read with one query per request."""

from typing import Any, Final

from django.db.models import CharField, F, IntegerField, QuerySet, Value
from django.utils.translation import get_language

from complaints.choices import Severity
from complaints.models import ClockPolicy, Macro, RoutingRule
from config.kernel.models import Term
from config.shared.memo import Memo
from staff.models import Department

_Names = dict[tuple[str, str], tuple[str, str]]
_TAXONOMIES: Final = ("feedback_type", "intake_channel", "delay_reason", "remedy")
_NEW: Final = Value(0, IntegerField())


def department(code: Any) -> str:
    """Return the name of a department; the code itself when nothing has it."""
    return _label("department", code)


def feedback_type(code: Any) -> str:
    """Return the label of a feedback type."""
    return _label("feedback_type", code)


def intake_channel(code: Any) -> str:
    """Return the label of an intake channel."""
    return _label("intake_channel", code)


def delay_reason(code: Any) -> str:
    """Return the label of a reason of delay."""
    return _label("delay_reason", code)


def remedy(code: Any) -> str:
    """Return the label of a remedy."""
    return _label("remedy", code)


def policy(code: Any) -> str:
    """Return the name of a clock policy, as its newest version has it."""
    return _label("policy", code)


def routing_rule(code: Any) -> str:
    """Return the name of a routing rule, as its newest version has it."""
    return _label("routing_rule", code)


def macro(code: Any) -> str:
    """Return the name of a macro, as its newest version has it."""
    return _label("macro", code)


def severity(code: Any) -> object:
    """Return the label of a severity."""
    return Severity(code).label if code in Severity.values else code


def _label(kind: str, code: Any) -> str:
    english, chinese = _names().get((kind, str(code)), ("", ""))
    return (chinese if get_language() == "zh-hans" else english) or str(code)


def _read() -> _Names:
    """Return the names by kind and code; of rules the newest version comes last and stays."""
    units = _cells(Department.objects.all(), Value("department", CharField()), _NEW)
    listed = _cells(Term.objects.filter(taxonomy__in=_TAXONOMIES), F("taxonomy"), _NEW)
    policies = _cells(ClockPolicy.objects.all(), Value("policy", CharField()), F("rule_set_id"))
    rules = _cells(RoutingRule.objects.all(), Value("routing_rule", CharField()), F("rule_set_id"))
    macros = _cells(Macro.objects.all(), Value("macro", CharField()), F("rule_set_id"))
    rows = units.union(listed, policies, rules, macros, all=True).order_by("age")
    return {(kind, code): (english, chinese) for kind, age, code, english, chinese in rows}


def _cells(rows: QuerySet[Any], kind: Value | F, age: Value | F) -> QuerySet[Any, Any]:
    """Return kind, age, code and both names of the rows."""
    named: QuerySet[Any] = rows.order_by().annotate(kind_=kind, age=age)
    cells: QuerySet[Any, Any] = named.values_list("kind_", "age", "code", "name_en", "name_zh")
    return cells


_names: Final = Memo(_read)
