"""What templates say about the bank itself: settings of rule set `replies`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from config.kernel.models import RuleSet
from config.kernel.models.rules import RuleState
from config.shared.memo import Memo

KIND: Final = "replies"
SETTING: Final = "bank"


@dataclass(frozen=True, slots=True)
class Details:
    """Names, numbers and addresses of the bank and of those who hear objections (§4.7).

    Texts come in pairs `..._en` and `..._zh`; '' = not given.
    """

    name_en: str = ""
    name_zh: str = ""
    hotline: str = ""
    hours_en: str = ""
    hours_zh: str = ""
    address_en: str = ""
    address_zh: str = ""
    tracking_page: str = ""
    mediation_en: str = ""
    mediation_zh: str = ""
    mediation_address_en: str = ""
    mediation_address_zh: str = ""
    mediation_phone: str = ""
    arbitration_en: str = ""
    arbitration_zh: str = ""
    arbitration_address_en: str = ""
    arbitration_address_zh: str = ""
    arbitration_phone: str = ""
    court_en: str = ""
    court_zh: str = ""
    court_address_en: str = ""
    court_address_zh: str = ""
    court_phone: str = ""

    def of(self, name: str, language: str) -> str:
        """Return `name` in a language (`en`, `zh-hans`); what has no language as it is."""
        side = "zh" if language.startswith("zh") else "en"
        return str(getattr(self, f"{name}_{side}", "") or getattr(self, name, ""))


NAMES: Final = tuple(part.name for part in fields(Details))


def of_version(rules: RuleSet | None) -> Details:
    """Return the details that stand in a version."""
    given: Mapping[str, Any] = rules.settings.get(SETTING, {}) if rules else {}
    return Details(**{name: str(given[name]) for name in NAMES if name in given})


def in_force(at: datetime) -> tuple[RuleSet | None, Details]:
    """Return the version in force with its details; one query for all of a request."""
    begun = (rules for rules in _published() if rules.valid_from and rules.valid_from <= at)
    rules = next(begun, None)
    return rules, of_version(rules)


def _read() -> list[RuleSet]:
    versions = RuleSet.objects.filter(kind=KIND, state=RuleState.PUBLISHED)
    return list(versions.order_by("-valid_from", "-number"))


_published: Final = Memo(_read)
