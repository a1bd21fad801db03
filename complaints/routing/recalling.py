"""The facts of past cases: from the snapshot of each, from its columns where it has none."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from complaints.models import Case, RoutingRule
from complaints.routing.facts import Facts, chain, normal, owner_of, places_of, recalled
from complaints.routing.matching import Book, asked_by
from complaints.routing.rerunning import Row
from complaints.routing.then import Then
from config.kernel.models import Term

_NOTHING: Final[frozenset[str]] = frozenset()
_LISTS: Final = ("feedback_type", "intake_channel", "business_line", "cause")
_COLUMNS: Final = (
    "type_at_receipt_id", "intake_channel_id", "business_line_id", "severity", "tier_at_receipt",
    "branch_id", "amount", "currency", "media_risk", "vulnerable", "referral_number",
    "referral_body", "external_due_at", "repeat_of_id", "registrar_id",
)  # fmt: skip


class Recall:
    """Gives cases of a chunk their facts; words of customers are read only for new keywords."""

    def __init__(self, book: Book, then: Then) -> None:
        """Learn what each version of the rules asked for when it was in force; two queries."""
        self._book, self._then = book, then
        versions: dict[int, list[RoutingRule]] = {}
        rows = RoutingRule.objects.filter(active=True).exclude(rule_set__state="draft")
        for rule in rows.only("rule_set_id", "conditions"):
            versions.setdefault(rule.rule_set_id, []).append(rule)
        self._asked = {pk: asked_by(rules) for pk, rules in versions.items()}
        terms = Term.objects.filter(taxonomy__in=_LISTS).select_related("parent__parent")
        self._terms = {term.pk: term for term in terms}

    def facts(self, rows: Sequence[Row]) -> dict[int, Facts]:
        """Return the facts by pk; at most two queries."""
        found: dict[int, Facts] = {}
        silent = []
        for row in rows:
            kept = row.reason.get("facts")
            if kept is None:
                silent.append(row)
                continue
            words, prefixes = self._asked.get(row.reason["rule_set"], (_NOTHING, _NOTHING))
            facts = recalled(kept, words, prefixes)
            facts.product = row.product
            found[row.pk] = facts
        found |= dict(self._from_columns(silent))
        self._read_words(found)
        return found

    def _read_words(self, found: dict[int, Facts]) -> None:
        """Give their words to the facts of cases that were not asked for all these keywords."""
        new = [pk for pk, facts in found.items() if not self._book.words <= facts.asked]
        rows = Case.objects.filter(pk__in=new)
        for pk, *texts in rows.values_list("pk", "core_issue", "content", "demand") if new else ():
            found[pk].text = normal(" \n ".join(text or "" for text in texts))

    def _from_columns(self, rows: Sequence[Row]) -> Iterator[tuple[int, Facts]]:
        """Yield the facts of cases routed before facts were kept, as far as columns know them."""
        cases = Case.objects.filter(pk__in=[row.pk for row in rows])
        columns = ("pk", "product", *_COLUMNS)
        for values in cases.values(*columns) if rows else ():
            yield values["pk"], self._read(values)

    def _read(self, values: dict[str, Any]) -> Facts:
        units = self._then.units
        line = chain(self._terms.get(values["business_line_id"]))
        branches = units.codes(values["branch_id"])
        desk = units.by_pk.get(self._then.unit_of.get(values["registrar_id"] or 0, 0))
        referred = ("referral_number", "referral_body", "external_due_at")
        return Facts(
            type=self._terms[values["type_at_receipt_id"]].code,
            lines=tuple(term.code for term in line),
            channel=self._terms[values["intake_channel_id"]].code,
            severity=values["severity"],
            tier=values["tier_at_receipt"] or "ordinary",
            product=values["product"],
            branches=branches,
            region=units.region(values["branch_id"]),
            amount=values["amount"] if values["currency"] == "CNY" else None,
            media_risk=values["media_risk"],
            repeat=values["repeat_of_id"] is not None,
            vulnerable=values["vulnerable"],
            referred=any(values[name] for name in referred),
            places=places_of(
                owner_of(line), branches[0] if branches else "", desk.code if desk else ""
            ),
        )
