"""The mandatory blocks of the result letter and the ways to object (DOMAIN.md §4.7)."""

from dataclasses import dataclass
from typing import Final

from django.utils import translation
from django.utils.translation import gettext as _

from complaints.choices import RemedyState
from complaints.models import Case, CaseRemedy
from complaints.replies.details import Details
from config.shared.words import labelled, listed, noted
from staff.models.people import UnitKind

_ROUTES: Final = ("mediation", "arbitration", "court")


@dataclass(frozen=True, slots=True)
class Block:
    """One block in the customer's language; `field` is the fact of the case it comes from."""

    key: str
    title: str
    text: str
    field: str

    @property
    def missing(self) -> bool:
        """Whether nothing stands in it yet."""
        return not self.text


def blocks(case: Case, language: str) -> list[Block]:
    """Return the blocks of a result letter.

    Complaints and petitions have every one; other types those that are filled, but always the
    decision. One query.
    """
    with translation.override(language):
        found = [
            Block("matter", _("Your matter and demand"), _matter(case), "demand"),
            Block("findings", _("What we verified"), case.findings.strip(), "findings"),
            Block("basis", _("Basis and reasons"), case.basis.strip(), "basis"),
            Block("decision", _("Decision and remedies"), _decision(case), "answer"),
            Block(
                "objection",
                _("How you can object"),
                case.objection_ways.strip(),
                "objection_ways",
            ),
        ]
    full = bool(case.type.flags.get("confirm_before_close"))
    return [block for block in found if full or block.text or block.key == "decision"]


def objection_words(case: Case, bank: Details, language: str) -> str:
    """Return the standard words on how to object.

    The decision of a branch is reviewed by its superior unit when asked in writing within 30 days;
    against one of the head office there is mediation, arbitration and court (§4.6).
    """
    with translation.override(language):
        said = [_("If you do not agree with this decision, these ways are open to you:")]
        if review := _review(case, bank, language):
            said.append(f"1. {review}")
        for place, (route, words) in enumerate(zip(_ROUTES, _route_words(), strict=True), 2):
            number = place if review else place - 1
            said.append(f"{number}. {_with_place(words, bank, route, language)}")
    return "\n".join(said)


def _review(case: Case, bank: Details, language: str) -> str:
    """Return the words on a review, '' for a decision of the head office."""
    unit = case.department
    if unit.kind != UnitKind.BRANCH or unit.superior is None:
        return ""
    words = _(
        "Review: within 30 days of receiving this decision you may ask in writing for a review by "
        "%(unit)s."
    ) % {"unit": unit.superior.label}
    place = _place(bank.of("address", language), bank.hotline)
    return f"{words} {place}".strip()


def _route_words() -> tuple[str, str, str]:
    return (
        _("Mediation by %(body)s."),
        _("Arbitration by %(body)s, where an arbitration agreement exists."),
        _("Court: %(body)s."),
    )


def _with_place(words: str, bank: Details, route: str, language: str) -> str:
    """Return a way with its body, address and telephone."""
    usual = {
        "mediation": _("the local banking dispute mediation body"),
        "arbitration": _("the arbitration commission"),
        "court": _("the competent people's court"),
    }
    body = bank.of(route, language) or usual[route]
    place = _place(bank.of(f"{route}_address", language), getattr(bank, f"{route}_phone"))
    return f"{words % {'body': body}} {place}".strip()


def _place(address: str, phone: str) -> str:
    """Return address and telephone in words, as far as they are known."""
    parts = [labelled(_("Address"), address)] if address else []
    parts += [labelled(_("Telephone"), phone)] if phone else []
    return _("(%(place)s)") % {"place": listed(parts)} if parts else ""


def kept_remedies(case: Case) -> list[CaseRemedy]:
    """Return the remedies of a case that were not taken back, in their order.

    One query, none where `remedies__term` was fetched with the case.
    """
    if "remedies" in getattr(case, "_prefetched_objects_cache", {}):
        known = sorted(case.remedies.all(), key=lambda row: row.pk)
        return [row for row in known if row.state != RemedyState.CANCELLED]
    rows = case.remedies.exclude(state=RemedyState.CANCELLED)
    return list(rows.select_related("term").order_by("pk"))


def _matter(case: Case) -> str:
    issue, demand = case.core_issue.strip(), case.demand.strip()
    if issue and demand and issue != demand:
        return f"{issue}\n{labelled(_('Your demand'), demand)}"
    return demand or issue


def _decision(case: Case) -> str:
    """Return outcome, answer and remedies; '' without an answer."""
    answer = case.answer.strip()
    if not answer:
        return ""
    lines = [case.outcome.label] if case.outcome else []
    lines.append(answer)
    measures = [
        noted(row.term.label, f"{row.amount:,.2f} {case.currency}")
        if row.amount
        else row.term.label
        for row in kept_remedies(case)
    ]
    if measures:
        lines.append(labelled(_("Remedies"), listed(measures)))
    return "\n".join(lines)


__all__ = ["Block", "blocks", "kept_remedies", "objection_words"]
