"""The layout of the US Consumer Complaint Database: 18 columns, closed cases of other banks.

How values are translated stands in `defaults/cfpb.json`. What the source does not say is not
made up: only a closed case needs a time of closing, and there the end of the day is taken on
which the complaint was sent to the company (else received); `source_facts.closing_estimated`
marks it. Dates are days in the bank's own zone, since the source names no other.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from complaints.choices import Precision, Severity, Status
from complaints.importing.lookups import Lookups
from complaints.importing.reading import Reader, bank_zone, kept
from complaints.importing.shapes import CaseRow, ImportRefused
from config.kernel.models import Term
from config.shared.cell_values import CellError, folded, shown
from config.shared.sheet_types import SheetRow
from staff.models import Department

KEY: Final = "cfpb"
HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "received": ("Date received", "date_received"),
    "product": ("Product", "product"),
    "sub_product": ("Sub-product", "sub_product", "Subproduct"),
    "issue": ("Issue", "issue"),
    "sub_issue": ("Sub-issue", "sub_issue", "Subissue"),
    "narrative": (
        "Consumer complaint narrative",
        "complaint_what_happened",
        "Consumer complaint",
        "narrative",
    ),
    "public_response": ("Company public response", "company_public_response"),
    "company": ("Company", "company"),
    "state": ("State", "state"),
    "zip": ("ZIP code", "zip_code", "ZIP"),
    "tags": ("Tags", "tags"),
    "consent": (
        "Consumer consent provided?",
        "consumer_consent_provided",
        "Consumer consent provided",
    ),
    "via": ("Submitted via", "submitted_via"),
    "sent": ("Date sent to company", "date_sent_to_company"),
    "response": ("Company response to consumer", "company_response", "Company response"),
    "timely": ("Timely response?", "timely", "Timely response"),
    "disputed": ("Consumer disputed?", "consumer_disputed", "Consumer disputed"),
    "id": ("Complaint ID", "complaint_id"),
}
REQUIRED: Final = ("received", "product", "id")
DATES: Final = ("received", "sent")
PRIVATE: Final = frozenset({"narrative", "zip"})

_DEFAULTS: Final = Path(__file__).resolve().parent.parent / "defaults" / "cfpb.json"
_NOT_SAID: Final = {"", "n/a", "na", "none", "null"}


@dataclass(frozen=True, slots=True)
class Rule:
    """Products that begin with `prefix` belong to `department`, called `group` in the source."""

    prefix: str
    group: str
    department: str
    line: str = ""


@cache
def defaults() -> dict[str, Any]:
    """Return the translation tables."""
    found: dict[str, Any] = json.loads(_DEFAULTS.read_text(encoding="utf-8"))
    return found


def default_rules() -> list[Rule]:
    """Return the rules that come with the portal; departments by code."""
    groups = defaults()["groups"]
    return [
        Rule(row["prefix"], row["group"], groups[row["group"]], row["line"])
        for row in defaults()["products"]
    ]


def rules_from(rows: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """Return rules of a department file (columns product_prefix, department).

    A department is a code, a name in either language, or one of the source's eight groups.
    Raises ImportRefused in words for a row that names no department of ours.
    """
    departments, groups = Lookups().departments, defaults()["groups"]
    found = []
    for row in rows:
        prefix, named = folded(row.get("product_prefix")), folded(row.get("department"))
        if not prefix:
            continue
        department = departments.get(named) or departments.get(groups.get(named, ""))
        if department is None:
            raise ImportRefused(
                "department",
                _(
                    "The department file sends “%(prefix)s” to “%(department)s”, which is no "
                    "department of the bank. Write the code or the name of one."
                ),
                {"prefix": shown(prefix), "department": shown(named)},
            )
        line = next((rule.line for rule in default_rules() if _begins(prefix, rule.prefix)), "")
        found.append(Rule(prefix, named, department.code, line))
    if not found:
        raise ImportRefused("department", _("The department file holds no rule."))
    return found


class CfpbReading:
    """Reads rows of this layout. `order` is how dates with the year last are written."""

    def __init__(
        self, lookups: Lookups, places: Mapping[str, str], *, rules: Sequence[Rule], order: str
    ) -> None:
        self._lookups, self._places, self._order = lookups, places, order
        self._rules = sorted(rules, key=lambda rule: -len(rule.prefix))
        tables = defaults()
        self._channels = {folded(k).casefold(): v for k, v in tables["channels"].items()}
        self._responses = {folded(k).casefold(): v for k, v in tables["responses"].items()}
        self._lines = {folded(k).casefold(): v for k, v in tables["sub_products"].items()}

    def read(self, row: SheetRow, at: datetime) -> CaseRow:
        """Return the values of one row; errors are remarks of the row."""
        cell = Reader(row, self._places, private=PRIVATE, at=at, order=self._order)
        found = cell.row
        reference = cell.must("id", cell.code("id") or None)
        received = cell.must("received", cell.day("received"))
        product = cell.must("product", cell.line("product", limit=160) or None)
        found.key = f"{KEY}:{reference}" if reference else ""
        if reference is None or received is None or product is None:
            return found
        facts = self._facts(cell)
        found.values = {
            "external_ref": reference,
            "type": self._lookups.terms("feedback_type").find("CMP"),
            "intake_channel": self._channel(cell),
            "business_line": self._line(product, cell),
            "product": _product_text(product, cell.line("sub_product", limit=160)),
            "department": self._department(cell, product, facts),
            "received_at": _start_of(received),
            "received_precision": Precision.DAY,
            "severity": Severity.MEDIUM,
            "language": "en",
            "currency": "USD",
            "vulnerable": "older american" in folded(cell.raw("tags")).casefold(),
            "imported_timely": self._timely(cell),
            **self._words(cell, product, facts),
        }
        found.history = self._history(cell, received, facts, at)
        found.values["source_facts"] = facts
        return found

    def _facts(self, cell: Reader) -> dict[str, Any]:
        """Return the columns that have no field of the case; 'N/A' is nothing said."""
        columns = ("sub_product", "issue", "sub_issue", "public_response", "company", "state",
                   "zip", "tags", "consent", "disputed", "response", "via")  # fmt: skip
        facts = {key: _said(cell.line(key, limit=400)) for key in columns}
        sent = cell.day("sent")
        return {"source": KEY, **kept(facts), **({"sent_on": sent.isoformat()} if sent else {})}

    def _channel(self, cell: Reader) -> Term:
        """Return the intake channel; one we do not know is kept as "other" with a warning."""
        via = folded(cell.raw("via"))
        code = self._channels.get(via.casefold(), "OTH")
        if via.casefold() not in self._channels and _said(via):
            message = _("“%(value)s” is not a known channel; the case is recorded under “Other”.")
            cell.fail("via", CellError("channel", message, {"value": shown(via)}), warning=True)
        return self._lookups.terms("intake_channel").find(code)

    def _line(self, product: str, cell: Reader) -> Term | None:
        """Return the business line: by sub-product where that is sure, else by product."""
        code = self._lines.get(folded(cell.raw("sub_product")).casefold())
        if code is None or product.casefold().startswith("debt"):
            rule = self._rule(product)
            code = rule.line if rule and rule.line else "B-OT"
        return self._lookups.terms("business_line").get(code)

    def _department(self, cell: Reader, product: str, facts: dict[str, Any]) -> Department | None:
        """Return the department by prefix of the product; notes the source's own group."""
        rule = self._rule(product)
        if rule is None:
            message = _("No rule knows the product “%(value)s”; the complaint team gets the case.")
            cell.fail(
                "product", CellError("product", message, {"value": shown(product)}), warning=True
            )
            return self._lookups.departments.get("CMPT")
        facts["department_group"], facts["department_rule"] = rule.group, rule.prefix
        department = self._lookups.departments.get(rule.department)
        if department is None:
            message = _("The department %(code)s of the rule for “%(value)s” does not exist.")
            params = {"code": rule.department, "value": shown(product)}
            cell.fail("product", CellError("department", message, params))
        return department

    def _rule(self, product: str) -> Rule | None:
        return next((rule for rule in self._rules if _begins(product, rule.prefix)), None)

    def _timely(self, cell: Reader) -> bool | None:
        """Return whether the company answered in time, where the source says so."""
        return cell.flag("timely") if _said(folded(cell.raw("timely"))) else None

    def _words(self, cell: Reader, product: str, facts: dict[str, Any]) -> dict[str, str]:
        """Return core issue and the customer's words; without words the issue stands in."""
        issues = [cell.line("issue", limit=200), cell.line("sub_issue", limit=200)]
        issue = " — ".join(filter(None, issues)) or product
        words = cell.text("narrative")
        if not words:
            facts["words_missing"] = True
        return {"core_issue": issue, "content": words or issue}

    def _history(
        self, cell: Reader, received: date, facts: dict[str, Any], at: datetime
    ) -> dict[str, Any]:
        """Return state and times: the past of a case that was handled elsewhere."""
        response = folded(cell.raw("response"))
        known = self._responses.get(response.casefold())
        if known is None:
            if _said(response):
                message = _("“%(value)s” is not a known response; the case has no outcome.")
                error = CellError("response", message, {"value": shown(response)})
                cell.fail("response", error, warning=True)
            known = {"status": "closed", "outcome": ""}
        history: dict[str, Any] = {"status": Status(known["status"])}
        if known["outcome"]:
            history["outcome"] = self._lookups.terms("outcome").find(known["outcome"])
        else:
            facts["outcome_missing"] = True
        if history["status"] == Status.CLOSED:
            sent = date.fromisoformat(facts["sent_on"]) if "sent_on" in facts else received
            history["closed_at"] = min(_end_of(max(sent, received)), at)
            facts["closing_estimated"] = True
        return history


def _begins(product: str, prefix: str) -> bool:
    return product.casefold().startswith(prefix.casefold())


def _said(text: str) -> str:
    """Return the text, '' for the source's ways to say nothing."""
    return "" if text.strip().casefold() in _NOT_SAID else text


def _product_text(product: str, sub_product: str) -> str:
    """Return product and sub-product in one line of at most 160 characters."""
    text = f"{product} › {sub_product}" if sub_product else product
    return text if len(text) <= 160 else f"{text[:159]}…"


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), bank_zone())


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59), bank_zone())
