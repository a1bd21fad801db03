"""Publishes the starting templates and macros (defaults/replies.json) once."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.db import transaction

from complaints.models import Macro, ReplyTemplate
from complaints.replies.details import KIND, SETTING
from config.kernel import rulesets
from config.kernel.models import RuleSet
from config.shared.actors import Actor

SOURCE: Final = Path(__file__).parents[1] / "defaults" / "replies.json"
_BEGINNING: Final = datetime(2020, 1, 1, tzinfo=UTC)


def load(actor: Actor, at: datetime) -> int:
    """Publish the templates; a bank that has any version keeps its own. Returns rows written."""
    if RuleSet.objects.filter(kind=KIND).exists():
        return 0
    content: dict[str, Any] = json.loads(SOURCE.read_text(encoding="utf-8"))
    with transaction.atomic():
        draft = rulesets.new_version(
            KIND,
            titles=(content["title_en"], content["title_zh"]),
            settings={SETTING: content["bank"]},
            actor=actor,
            at=at,
        )
        source = f"replies.json {content['version']}"
        RuleSet.objects.filter(pk=draft.pk).update(source=source)
        templates = ReplyTemplate.objects.bulk_create(
            ReplyTemplate(rule_set=draft, order=place * 10, **_texts(row))
            for place, row in enumerate(content["templates"], start=1)
        )
        macros = Macro.objects.bulk_create(
            Macro(rule_set=draft, order=place * 10, **row)
            for place, row in enumerate(content["macros"], start=1)
        )
        begins = min(_BEGINNING, at)
        rulesets.publish(draft, valid_from=begins, reason=content["reason"], actor=actor, at=at)
    return len(templates) + len(macros)


def _texts(row: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a template; its texts stand in the file as lists of lines."""
    return row | {name: "\n".join(row[name]) for name in ("body_en", "body_zh")}
