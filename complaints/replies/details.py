"""What templates say about the bank itself: settings of rule set `replies`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

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


LABELS: Final[Mapping[str, Promise]] = {
    "name_en": gettext_lazy("Name of the bank in English"),
    "name_zh": gettext_lazy("Name of the bank in Chinese"),
    "hotline": gettext_lazy("Hotline"),
    "hours_en": gettext_lazy("Office hours in English"),
    "hours_zh": gettext_lazy("Office hours in Chinese"),
    "address_en": gettext_lazy("Complaint office, address in English"),
    "address_zh": gettext_lazy("Complaint office, address in Chinese"),
    "tracking_page": gettext_lazy("Page where the tracking code is entered"),
    "mediation_en": gettext_lazy("Mediation body in English"),
    "mediation_zh": gettext_lazy("Mediation body in Chinese"),
    "mediation_address_en": gettext_lazy("Mediation body, address in English"),
    "mediation_address_zh": gettext_lazy("Mediation body, address in Chinese"),
    "mediation_phone": gettext_lazy("Mediation body, telephone"),
    "arbitration_en": gettext_lazy("Arbitration commission in English"),
    "arbitration_zh": gettext_lazy("Arbitration commission in Chinese"),
    "arbitration_address_en": gettext_lazy("Arbitration commission, address in English"),
    "arbitration_address_zh": gettext_lazy("Arbitration commission, address in Chinese"),
    "arbitration_phone": gettext_lazy("Arbitration commission, telephone"),
    "court_en": gettext_lazy("Competent court in English"),
    "court_zh": gettext_lazy("Competent court in Chinese"),
    "court_address_en": gettext_lazy("Competent court, address in English"),
    "court_address_zh": gettext_lazy("Competent court, address in Chinese"),
    "court_phone": gettext_lazy("Competent court, telephone"),
}
"""Name of a detail -> what it is called."""
_OWN: Final = (
    "name_en", "name_zh", "hotline", "address_en", "address_zh",
    "mediation_en", "mediation_zh", "mediation_address_en", "mediation_address_zh",
    "arbitration_en", "arbitration_zh", "arbitration_address_en", "arbitration_address_zh",
    "court_en", "court_zh", "court_address_en", "court_address_zh",
)  # fmt: skip
_EXAMPLES: Final[Mapping[str, str]] = {
    "name_en": "Huiyin Bank",
    "name_zh": "汇银银行",
    "hotline": "400 000 0000",
    "address_en": "Complaint office, head office of the bank",
    "address_zh": "总行消费者权益保护办公室",
}
"""What defaults/replies.json says until a bank writes its own; a test holds both together."""
NAMES: Final = tuple(part.name for part in fields(Details))


def to_write(bank: Details) -> list[str]:
    """Return the details that only the bank can give and that nobody has given yet."""
    return [name for name in _OWN if not getattr(bank, name).strip()]


def as_delivered(bank: Details) -> list[str]:
    """Return the details that still hold the example the portal came with."""
    return [name for name, said in _EXAMPLES.items() if getattr(bank, name).strip() == said]


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
