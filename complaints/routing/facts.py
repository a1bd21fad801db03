"""What rules compare: the facts of one case, taken when it is routed and kept with the reason.

Codes and figures only. Words of the customer are never kept: of keywords and beginnings of product
names the snapshot holds which of the asked ones were there.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from complaints.models import Case
from complaints.routing.places import Units
from config.kernel.models import Term

_EDGE: Final = "[a-z0-9]"
_TEXTS: Final = ("core_issue", "content", "demand")
_FLAGS: Final = ("media_risk", "repeat", "vulnerable", "referred")
_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(slots=True)
class Facts:
    """One case as rules see it; `severity` rises while floors are applied.

    `lines`, `causes`, `branches` hold the code and those above it. `amount` in CNY. `text` is
    normalised; what is in `asked` was looked for when the case was routed, `found` is the answer.
    `places` says which unit `@line`, `@branch` and `@registrar` stand for.
    """

    type: str = ""
    lines: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    channel: str = ""
    severity: int = 1
    tier: str = "ordinary"
    product: str = ""
    branches: tuple[str, ...] = ()
    region: str = ""
    amount: Decimal | None = None
    media_risk: bool = False
    repeat: bool = False
    vulnerable: bool = False
    referred: bool = False
    text: str = ""
    places: Mapping[str, str] = field(default_factory=dict)
    asked: frozenset[str] = _NOTHING
    found: frozenset[str] = _NOTHING
    asked_products: frozenset[str] = _NOTHING
    found_products: frozenset[str] = _NOTHING

    def says(self, word: str) -> bool:
        """Tell whether a normalised keyword stands in the case's words."""
        return word in self.found if word in self.asked else stands_in(word, self.text)

    def begins(self, prefix: str) -> bool:
        """Tell whether the product's name begins with `prefix`."""
        if prefix in self.asked_products:
            return prefix in self.found_products
        return self.product.startswith(prefix)


def facts_of(case: Case, units: Units, *, with_text: bool) -> Facts:
    """Return the facts of a case; its words only where a rule asks for keywords."""
    lines, causes = chain(case.business_line), chain(case.cause)
    branches = units.codes(case.branch_id)
    branch = branches[0] if branches else ""
    registrar = units.by_pk.get(case.registrar.department_id) if case.registrar else None
    return Facts(
        type=case.type.code,
        lines=tuple(term.code for term in lines),
        causes=tuple(term.code for term in causes),
        channel=case.intake_channel.code,
        severity=int(case.severity),
        tier=case.tier_at_receipt or "ordinary",
        product=case.product,
        branches=branches,
        region=units.region(case.branch_id),
        amount=case.amount if case.currency == "CNY" else None,
        media_risk=bool(case.media_risk),
        repeat=case.repeat_of_id is not None,
        vulnerable=bool(case.vulnerable),
        referred=bool(case.referral_number or case.referral_body or case.external_due_at),
        text=normal(" \n ".join(getattr(case, name) or "" for name in _TEXTS)) if with_text else "",
        places=places_of(owner_of(lines), branch, registrar.code if registrar else ""),
    )


def places_of(owner: str, branch: str, registrar: str) -> dict[str, str]:
    """Return what the words of a destination stand for; unknown ones are left out."""
    line = branch if owner == "BRANCH" else owner
    named = {"@line": line, "@branch": branch, "@registrar": registrar}
    return {word: code for word, code in named.items() if code}


def chain(term: Term | None) -> tuple[Term, ...]:
    """Return a term and those above it."""
    found: list[Term] = []
    while term is not None and term not in found:
        found.append(term)
        term = term.parent if term.parent_id else None
    return tuple(found)


def owner_of(lines: Iterable[Term]) -> str:
    """Return the code of the department that owns a business line, its own or from above."""
    return next((str(x.flags["owner"]) for x in lines if x.flags.get("owner")), "")


def kept(facts: Facts, words: Iterable[str], prefixes: Iterable[str]) -> dict[str, Any]:
    """Return the snapshot of facts for `routing_reason`; empty values are left out.

    `words` and `prefixes` are those of the whole version; which were there is kept.
    """
    snapshot: dict[str, Any] = {
        "type": facts.type,
        "lines": list(facts.lines),
        "causes": list(facts.causes),
        "channel": facts.channel,
        "severity": facts.severity,
        "tier": facts.tier,
        "branches": list(facts.branches),
        "region": facts.region,
        "amount": None if facts.amount is None else str(facts.amount),
        "places": dict(facts.places),
        "words": sorted(word for word in words if facts.says(word)),
        "products": sorted(prefix for prefix in prefixes if facts.begins(prefix)),
        **{name: getattr(facts, name) for name in _FLAGS},
    }
    return {name: value for name, value in snapshot.items() if value}


def recalled(snapshot: Mapping[str, Any], words: frozenset[str], prefixes: frozenset[str]) -> Facts:
    """Return the facts of a snapshot; `words` and `prefixes` were asked for when it was taken."""
    get = snapshot.get
    amount = get("amount")
    return Facts(
        get("type", ""),
        tuple(get("lines", ())),
        tuple(get("causes", ())),
        get("channel", ""),
        get("severity", 1),
        get("tier", "ordinary"),
        "",
        tuple(get("branches", ())),
        get("region", ""),
        None if amount is None else Decimal(amount),
        get("media_risk", False),
        get("repeat", False),
        get("vulnerable", False),
        get("referred", False),
        "",
        get("places", {}),
        words,
        frozenset(get("words", ())),
        prefixes,
        frozenset(get("products", ())),
    )


def normal(text: str) -> str:
    """Return a text without regard to case, width and runs of blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def stands_in(word: str, text: str) -> bool:
    """Tell whether a normalised word stands in a normalised text; Latin words as whole words."""
    return word in text and _pattern(word).search(text) is not None


@lru_cache(maxsize=2048)
def _pattern(word: str) -> re.Pattern[str]:
    """Return the search for a word; no letter or digit may touch a Latin beginning or end."""
    before = f"(?<!{_EDGE})" if re.match(_EDGE, word) else ""
    after = f"(?!{_EDGE})" if re.search(f"{_EDGE}$", word) else ""
    return re.compile(before + re.escape(word) + after)
