"""What the pages of the time limits show of one version: the policies in order, one in full."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from complaints.clocks.using import used
from config.kernel.models import RuleSet
from config.portal import policy_compare, rules_words
from config.portal.policy_compare import Change, Version, Vocabulary
from config.portal.rules_words import LimitLine, PolicyLine

DAYS: Final = 90


def board(
    rules: RuleSet | None, code: str, at: datetime, *, force: RuleSet | None = None
) -> dict[str, Any]:
    """Return the context of the list of policies and of the chosen one; seven queries.

    `force` is the version that `rules`, a draft, is compared with: three more.
    """
    words = policy_compare.vocabulary()
    shown = policy_compare.read(rules)
    counts = used(at - timedelta(days=DAYS), at)
    before = policy_compare.read(force) if force else None
    found = policy_compare.changes(before, shown, words) if before else []
    lines = [
        replace(line, cases=counts.get(line.code, 0), changed=changed)
        for line, changed in _lines(shown, words, found)
    ]
    chosen = next((line for line in lines if line.code == code), None) or next(iter(lines), None)
    return {
        "rows": shown.policies,
        "lines": [line for line in lines if not line.overlay],
        "overlays": [line for line in lines if line.overlay],
        "chosen": chosen,
        "ladders": rules_words.ladders(shown.steps, chosen) if chosen else [],
        "steps": shown.steps,
        "settings": list(shown.settings.items()),
        "changes": found,
        "was": was(before, chosen.code, words) if before and chosen else {},
        "words": words,
        "days": DAYS,
    }


def was(before: Version, code: str, words: Vocabulary) -> dict[str, LimitLine]:
    """Return the clocks of a policy as they are in force, by name."""
    row = before.policies.get(code)
    if row is None:
        return {}
    return {
        limit.clock: rules_words.limit_line(limit, words.calendars, overlay=row.overlay)
        for limit in row.limits.all()
    }


def _lines(
    shown: Version, words: Vocabulary, found: list[Change]
) -> Iterable[tuple[PolicyLine, bool]]:
    touched: Mapping[str, Change] = {change.code: change for change in found if change.code}
    for code, row in shown.policies.items():
        yield rules_words.policy_line(row, words.names, words.calendars), code in touched
