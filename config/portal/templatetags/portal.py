"""Template tags of the portal (builtins in every template): marks, times, amounts, pieces."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from django import template
from django.conf import settings
from django.forms import BaseForm, BoundField
from django.template.context import Context
from django.template.loader import get_template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from complaints.choices import Severity, Status
from config.portal.when import full_time, short_time
from config.shared.chips import ClockChip, PagerLinks, clock_sentence, duration_formats
from config.shared.masking import mask_phone
from config.shared.words import actor_words, labelled
from customers.models.customer import Tier

register = template.Library()

SPRITE: Final = "vendor/tabler-icons-3.51.0/icons.svg"
CLOCK_ICONS: Final = {
    "risk": "hourglass-high",
    "over": "alert-triangle",
    "paused": "player-pause",
    "met": "check",
    "missed": "x",
}
# One shape per state, as colour alone says nothing.
STATUS_ICONS: Final[Mapping[str, str]] = {
    Status.RECEIVED: "circle-dashed",
    Status.ACCEPTED: "circle-dot",
    Status.ASSESSING: "list-check",
    Status.ASSIGNED: "arrows-exchange",
    Status.RETURNED: "arrow-back-up",
    Status.IN_PROGRESS: "progress",
    Status.WAITING_CUSTOMER: "player-pause",
    Status.WAITING_THIRD_PARTY: "hourglass",
    Status.SUSPENDED: "clock-pause",
    Status.PENDING_APPROVAL: "clipboard-check",
    Status.SENT_BACK: "arrow-forward-up",
    Status.RESOLVED: "circle-check",
    Status.NOTIFIED: "message-2-check",
    Status.CLOSED: "lock",
    Status.REOPENED: "lock-open",
    Status.ARCHIVED: "archive",
    Status.NOT_ACCEPTED: "ban",
    Status.WITHDRAWN: "circle-x",
    Status.MERGED: "git-merge",
    Status.TRANSFERRED: "transfer",
}
SEVERITY_MARKS: Final[Mapping[int, tuple[str, str]]] = {
    Severity.LOW: ("circle-minus", "pill--line"),
    Severity.MEDIUM: ("alert-circle", "pill--line"),
    Severity.HIGH: ("flame", "pill--risk"),
    Severity.CRITICAL: ("urgent", "pill--bad"),
}


@cache
def icon_names() -> frozenset[str]:
    """Return the names in the sprite."""
    text = (Path(settings.BASE_DIR) / "static" / SPRITE).read_text(encoding="utf-8")
    return frozenset(re.findall(r'<symbol id="([^"]+)"', text))


@cache
def _sprite() -> str:
    return static(SPRITE)


@register.simple_tag
def icon(name: str, cls: str = "", label: str = "") -> SafeString:
    """Draw an icon of the sprite; `label` only where no word stands beside it."""
    return _drawn_icon(name, cls, str(label))


@lru_cache(maxsize=2048)
def _drawn_icon(name: str, cls: str, label: str) -> SafeString:
    """Draw one icon; a list shows the same few hundreds of times."""
    shown = name if name in icon_names() else "circle"
    if label:
        return format_html(
            '<svg class="i {}" role="img" aria-label="{}"><use href="{}#{}"/></svg>',
            cls,
            label,
            _sprite(),
            shown,
        )
    return format_html(
        '<svg class="i {}" aria-hidden="true"><use href="{}#{}"/></svg>', cls, _sprite(), shown
    )


@register.simple_tag
def ring(percent: float) -> SafeString:
    """Draw the share of a clock that has passed, 0 to 100."""
    return format_html(
        '<svg viewBox="0 0 16 16" fill="none" aria-hidden="true">'
        '<circle class="ring-bg" cx="8" cy="8" r="6" stroke-width="2.5"/>'
        '<circle class="ring" cx="8" cy="8" r="6" stroke-width="2.5" pathLength="100"'
        ' stroke-dasharray="{} 100" transform="rotate(-90 8 8)"/></svg>',
        max(0, min(100, round(percent))),
    )


@register.simple_tag
def clock(chip: ClockChip | None, cls: str = "") -> SafeString | str:
    """Draw a clock chip; with a due time it carries what the browser needs to re-word it."""
    if chip is None:
        return ""
    drawn = ring(chip.percent) if chip.state == "ok" else icon(CLOCK_ICONS[chip.state])
    marks = {f"data-{name}": value for name, value in _counting(chip).items()}
    if chip.title or chip.due_at:
        marks["title"] = str(chip.title) or full_time(chip.due_at)
    if chip.url:
        marks |= {"hx-get": chip.url, "hx-trigger": "clock-crossed", "hx-swap": "outerHTML"}
    return format_html(
        '<span class="clock clock--{} {}"{}>{}<span class="clock__t">{}</span>{}</span>',
        chip.state,
        cls,
        format_html_join("", ' {}="{}"', marks.items()),
        drawn,
        chip.text,
        _provisional() if chip.provisional else "",
    )


def _provisional() -> SafeString:
    """Draw the mark of a due time that may still move, with its word for those who listen."""
    return format_html(
        '<span class="clock__p">≈<span class="vh"> {}</span></span>', _("provisional")
    )


def _counting(chip: ClockChip) -> dict[str, str]:
    """Return what portal.js needs to count on: seconds, until when, and the two sentences."""
    if chip.state not in {"ok", "risk", "over"} or chip.words or not chip.counted_until:
        return {}
    shown = {"time": "%s"}
    return {
        "seconds": str(-chip.seconds if chip.state == "over" else chip.seconds),
        "until": chip.counted_until.isoformat(),
        "day": str(chip.day_seconds),
        "left": clock_sentence("ok") % shown,
        "over": clock_sentence("over", day_clock=chip.day_clock) % shown,
    }


@register.simple_tag
def duration_json() -> SafeString:
    """Return the duration formats as an attribute value for portal.js."""
    return format_html("{}", json.dumps(duration_formats(), ensure_ascii=False))


@register.simple_tag(takes_context=True)
def cell(context: Context, name: str) -> SafeString:
    """Draw a small template in place, without the own frame that `include` gives every one.

    For the cells of a list: it sees all that stands around it, and must set nothing.
    """
    frame: Any = context.render_context
    kept: dict[str, Any] = frame.setdefault("cells", {})
    drawn = kept.get(name)
    if drawn is None:
        loaded: Any = get_template(name)
        drawn = kept[name] = loaded.template.nodelist
    text: SafeString = drawn.render(context)
    return text


@register.simple_tag
def tier(code: str) -> SafeString | str:
    """Draw a customer tier."""
    if code not in Tier.values:
        return ""
    drawn = icon("diamond") if code == Tier.CORE else ""
    return format_html('<span class="tier tier--{}">{}{}</span>', code, drawn, Tier(code).label)


@register.simple_tag
def tier_dot(code: str) -> SafeString:
    """Draw a customer tier as a small mark of equal width, with its word for those who listen."""
    if code not in (Tier.CORE, Tier.KEY):
        return mark_safe('<span class="tdot tdot--ordinary"></span>')
    word = str(Tier(code).label)
    drawn = (
        icon("diamond")
        if code == Tier.CORE
        else format_html('<span aria-hidden="true">{}</span>', word[:1])
    )
    return format_html(
        '<span class="tdot tdot--{}" title="{}">{}<span class="vh">{}</span></span>',
        code,
        word,
        drawn,
        word,
    )


@register.simple_tag
def status_mark(status: str, label: str = "") -> SafeString:
    """Draw a case status: one icon each, the colour never differs."""
    known = status in Status.values
    words = label or (Status(status).label if known else status)
    drawn = icon(STATUS_ICONS[status] if known else "circle")
    return format_html('<span class="st">{}{}</span>', drawn, words)


@register.simple_tag
def severity_mark(severity: int, label: str = "") -> SafeString | str:
    """Draw how grave a case is."""
    if severity not in Severity.values:
        return ""
    name, style = SEVERITY_MARKS[severity]
    words = label or Severity(severity).label
    return format_html('<span class="pill {}">{}{}</span>', style, icon(name, "i-s"), words)


@register.simple_tag
def avatar(person: Any, cls: str = "") -> SafeString:
    """Draw the family name of a person (or of a plain text); decoration beside the written name."""
    return format_html('<span class="av {}" aria-hidden="true">{}</span>', cls, initials(person))


def initials(person: Any) -> str:
    """Return the avatar text of a person, or of a plain name."""
    known = getattr(person, "initials", None)
    if known is not None:
        return str(known) or "?"
    name = str(person or "").strip()
    if re.match(r"[\u3400-\u9fff]", name):
        return name[0]
    return "".join(word[0] for word in name.split()[:2]).upper() or "?"


@register.filter
def actor(label: str) -> str:
    """Return who did it, from the copy of the name that the record keeps."""
    return actor_words(label)


@register.simple_tag(takes_context=True)
def when(context: Context, moment: datetime | None) -> SafeString:
    """Write a moment as short as the reader can bear; the whole of it in `<time>`."""
    if not moment:
        return mark_safe("–")
    at = context.get("at")
    now = at if isinstance(at, datetime) else timezone.now()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        timezone.localtime(moment).isoformat(timespec="minutes"),
        full_time(moment),
        short_time(moment, now),
    )


@register.filter
def money(amount: Decimal | int | float | None) -> str:
    """Write yuan: `¥2,000`; large round sums in Chinese as `842 万元`."""
    if amount is None:
        return "–"
    value = Decimal(str(amount)).quantize(Decimal("0.01"))
    if (get_language() or "").startswith("zh") and abs(value) >= 100_000 and value % 100 == 0:
        return pgettext("sum in ten thousands", "%(sum)s 万元") % {
            "sum": f"{(value / 10_000).normalize():,f}"
        }
    sign = "-" if value < 0 else ""
    shape = ",.0f" if value == value.to_integral_value() else ",.2f"
    return f"{sign}¥{abs(value):{shape}}"


@register.filter
def masked_phone(text: str | None) -> str:
    """Write `138 •••• 2107`."""
    return mask_phone(text or "")


@register.inclusion_tag("partials/_progress.html")
def progress(value: float, total: float, label: str, tone: str = "") -> dict[str, Any]:
    """Draw `value` of `total`; `tone` is good, risk or bad."""
    return {"value": value, "total": total, "label": label, "tone": tone}


@register.inclusion_tag("partials/_blank.html")
def blank(title: str, text: str = "", icon: str = "checks", **act: str) -> dict[str, Any]:
    """Say why there is nothing here and what to do: optional `url` and `label` of one link."""
    return {"title": title, "text": text, "icon": icon, **act}


@register.inclusion_tag("partials/_note.html")
def note(text: str, tone: str = "", title: str = "", icon: str = "info-circle") -> dict[str, str]:
    """Draw a note box: what (`title`), so what (`text`); `tone` is risk, bad, accent or empty."""
    return {"text": text, "tone": tone, "title": title, "icon": icon}


@register.inclusion_tag("partials/_pager.html")
def pager(links: PagerLinks, target: str = "") -> dict[str, Any]:
    """Draw first, previous, next, last; with `target` (a selector) htmx swaps only that part."""
    return {"links": links, "target": target}


@register.inclusion_tag("partials/_chip.html")
def chip(name: str, value: str, remove_url: str = "") -> dict[str, str]:
    """Draw an applied filter; `remove_url` is the same page without it."""
    return {"name": name, "value": value, "remove_url": remove_url}


@register.inclusion_tag("partials/_error_summary.html")
def error_summary(*forms: BaseForm) -> dict[str, Any]:
    """List all errors of the forms with links to their fields; empty when there are none."""
    found = [
        {"url": f"#{_first_control(field)}", "line": labelled(field.label, text)}
        for form in forms
        for field in form
        for text in field.errors
    ]
    loose = [text for form in forms for text in form.non_field_errors()]
    stale = any(getattr(form, "stale", "") for form in forms)
    return {"found": found, "loose": loose, "total": len(found) + len(loose), "stale": stale}


def _first_control(field: BoundField) -> str:
    """Return the id to jump to: of a group of radio buttons or boxes, the first."""
    return f"{field.auto_id}_0" if field.use_fieldset else field.id_for_label or field.auto_id


@register.simple_tag
def dash(value: object) -> str:
    """Write the value, or a dash where there is none (0 is a value)."""
    return _("–") if value is None or value == "" else str(value)
