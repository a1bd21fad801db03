"""What every page's frame needs: navigation within the reader's reach, bell, language, theme."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.kernel.models import Notice
from config.shared.registry import NavItem, contributed
from config.shared.scope import Scope
from config.shared.words import listed
from staff.models import Account
from staff.models.accounts import Role

GROUPS: Final[Mapping[str, str | Promise]] = {
    "work": _("Work"),
    "insight": _("Insight"),
    "rules": _("Rules"),
    "running": pgettext_lazy("navigation", "Running"),
    "oversight": _("Oversight"),
}
CHORDS: Final[Mapping[str, str]] = {
    "home": "h", "cases": "q", "case_new": "n", "callbacks": "c", "scoreboard": "s",
    "approvals": "a", "customers": "u", "board": "b", "follow_up": "f", "exports": "x",
    "remedies": "r", "outbox": "m", "shifts": "d",
}  # fmt: skip
"""The letter after G that goes to an entry of the sidebar, by its key."""
THEMES: Final = ("light", "dark")
BELL_LIMIT: Final = 99
_TABS: Final = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """A navigation entry as drawn; `counted` when a figure is fetched afterwards."""

    key: str
    title: str | Promise
    url: str
    icon: str
    group: str
    current: bool = False
    counted: bool = False

    @property
    def chord(self) -> str:
        """Return the letter that goes here after G."""
        return CHORDS.get(self.key, "")


@dataclass(frozen=True, slots=True)
class Group:
    """Entries under one heading."""

    title: str | Promise
    entries: Sequence[Entry]


def address(name: str, default: str = "") -> str:
    """Return the address of a named page, or `default` where no such page is installed."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return default


def granted_items(scope: Scope) -> list[NavItem]:
    """Return the navigation entries this reader may use, in the order of the sidebar."""
    order = list(GROUPS)
    found = [item for item in contributed(NavItem).values() if scope.may(item.area, item.act)]
    return sorted(found, key=lambda item: (order.index(item.group), item.order, item.key))


class Shell:
    """The frame of one answer; everything is worked out only when a template asks."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.scope: Scope | None = getattr(request, "scope", None)
        account = getattr(request, "user", None)
        self.account = account if isinstance(account, Account) else None

    @property
    def theme(self) -> str:
        """Return light or dark; empty on a first visit, when the system decides."""
        chosen = self.request.COOKIES.get("theme", "")
        return chosen if chosen in THEMES else ""

    @property
    def other_theme(self) -> str:
        """Return what the theme button switches to."""
        return "light" if self.theme == "dark" else "dark"

    @property
    def language(self) -> str:
        """Return the language tag of the page."""
        return "zh-Hans" if (translation.get_language() or "").startswith("zh") else "en"

    @property
    def home(self) -> str:
        """Return the address of the start page."""
        return get_script_prefix()

    @property
    def cases(self) -> str:
        """Return the address that searches cases."""
        return f"{get_script_prefix()}cases/"

    @property
    def language_url(self) -> str:
        """Return where the language form posts to."""
        return address("set_language")

    @property
    def theme_url(self) -> str:
        """Return where the theme form posts to."""
        return address("set_theme")

    @property
    def next(self) -> str:
        """Return this page's address for forms that come back (posts come back to the start)."""
        return self.request.get_full_path() if self.request.method == "GET" else self.home

    @cached_property
    def entries(self) -> list[Entry]:
        """Return the entries of the sidebar; the longest matching address is current."""
        if self.scope is None:
            return []
        pairs = [(item, address(item.url_name)) for item in granted_items(self.scope)]
        pairs = [(item, url) for item, url in pairs if url]
        path = self.request.path
        fitting = [url for _item, url in pairs if self._leads_to(path, url)]
        here = max(fitting, key=len, default="")
        return [
            Entry(
                key=item.key,
                title=item.title,
                url=url,
                icon=item.icon,
                group=item.group,
                current=url == here,
                counted=item.count is not None,
            )
            for item, url in pairs
        ]

    def _leads_to(self, path: str, url: str) -> bool:
        """Tell whether `path` lies at or below `url`; everything lies below the start page."""
        return path == url or (url != self.home and path.startswith(url))

    @cached_property
    def groups(self) -> list[Group]:
        """Return the sidebar by headings, without empty ones."""
        grouped = {key: [entry for entry in self.entries if entry.group == key] for key in GROUPS}
        return [Group(GROUPS[key], entries) for key, entries in grouped.items() if entries]

    @property
    def tabs(self) -> list[Entry]:
        """Return what stays at the foot of a phone."""
        return self.entries[:_TABS]

    @property
    def counted(self) -> bool:
        """Tell whether any figure is to be fetched after the page has been shown."""
        return any(entry.counted for entry in self.entries)

    @cached_property
    def bell(self) -> int:
        """Return how many notices need this reader (at most 100): one query on a partial index."""
        if self.scope is None:
            return 0
        waiting = Notice.objects.visible_to(self.scope).waiting()
        return len(waiting.values_list("pk")[: BELL_LIMIT + 1])

    @property
    def bell_text(self) -> str:
        """Return the figure on the bell."""
        return f"{BELL_LIMIT}+" if self.bell > BELL_LIMIT else str(self.bell)

    @property
    def roles(self) -> str:
        """Return the reader's roles in words."""
        codes = sorted(self.scope.roles) if self.scope else []
        return listed(Role(code).label for code in codes if code in Role.values)

    @property
    def single_keys(self) -> bool:
        """Tell whether single-key shortcuts are on (WCAG 2.1.4)."""
        return self.account is None or self.account.single_keys

    @property
    def now(self) -> str:
        """Return the server's time, so that browsers with a wrong clock count rightly."""
        return timezone.localtime().isoformat(timespec="seconds")

    @property
    def session_ends(self) -> str:
        """Return when an idle session ends; empty for visitors."""
        if self.account is None:
            return ""
        ends = timezone.localtime() + timedelta(minutes=settings.SESSION_IDLE_MINUTES)
        return ends.isoformat(timespec="seconds")


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return `shell` (see above) and `frame`, the template that pages for anybody extend."""
    known = Shell(request)
    return {"shell": known, "frame": "base.html" if known.scope else "base_public.html"}
