"""Search over everything (Ctrl K): results as one types, and a page of its own.

What is searched for is often a name or a telephone number, so it never stands in an address: the
palette and the form post it, and the page's address holds it encrypted, for the same person only
(decisions/0011). `?q=` is taken, and sent on to such an address at once.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from complaints.looking_up import tidy
from config.portal.context import address, granted_items
from config.shared.crypto import Undecipherable, decrypt, encrypt
from config.shared.registry import contributed
from config.shared.scope import Scope
from config.shared.search_sources import Found, Hit, SearchSource, first_of
from staff.http import StaffRequest

IN_PALETTE: Final = 5
ON_PAGE: Final = 30
_LONGEST: Final = 80
_LANGUAGES: Final = ("en", "zh-hans")


@dataclass(frozen=True, slots=True)
class Section:
    """The hits of one source under its title."""

    key: str
    title: str | Promise
    found: Found


@require_http_methods(["GET", "POST"])
def search(request: StaffRequest) -> HttpResponse:
    """Show everything that answers; a post is sent on to an address that hides what was asked."""
    asked = tidy(request.POST.get("q", "") or request.GET.get("q", ""), most=_LONGEST)
    if request.method == "POST" or asked:
        query = urlencode({"s": _hidden(asked, request.scope)}) if asked else ""
        return redirect(f"{reverse('search')}?{query}" if query else reverse("search"))
    asked = _shown(request.GET.get("s", ""), request.scope)
    sections = list(_sections(asked, request.scope, timezone.now(), ON_PAGE)) if asked else []
    return render(request, "portal/search.html", {"asked": asked, "sections": sections})


@require_POST
def search_hits(request: StaffRequest) -> HttpResponse:
    """Answer with the first hits of every source; with the pages to go to for an empty field."""
    asked = tidy(request.POST.get("q", ""), most=_LONGEST)
    at = timezone.now()
    sections = list(_sections(asked, request.scope, at, IN_PALETTE)) if asked else []
    if not asked:
        sections = [Section("pages", _("Go to"), pages("", request.scope, at, ON_PAGE))]
    return render(request, "portal/search_hits.html", {"asked": asked, "sections": sections})


def pages(asked: str, scope: Scope, _at: datetime, limit: int) -> Found:
    """Return the pages and acts that this reader may open and whose names hold what was typed.

    Names count in both languages, whichever the reader's is.
    """
    wanted = asked.casefold()
    rows = [
        Hit(str(item.title), url, item.icon)
        for item in granted_items(scope)
        if (url := address(item.url_name)) and any(wanted in name for name in _names(item.title))
    ]
    hits, more = first_of(rows, limit)
    return Found(tuple(hits), more)


def source() -> SearchSource:
    """Return the pages as a source among the others."""
    return SearchSource("pages", _("Pages"), pages, order=40)


def _sections(asked: str, scope: Scope, at: datetime, limit: int) -> Iterator[Section]:
    """Yield the sources that found something, in their order."""
    for part in sorted(contributed(SearchSource).values(), key=lambda each: each.order):
        found = part.find(asked, scope, at, limit)
        if found.hits:
            yield Section(part.key, part.title, found)


def _names(title: str | Promise) -> list[str]:
    """Return a title in both languages, in small letters."""
    names = []
    for language in _LANGUAGES:
        with translation.override(language):
            names.append(str(title).casefold())
    return names


def _hidden(asked: str, scope: Scope) -> str:
    """Return what was asked as only we can read it, bound to the person."""
    return encrypt(json.dumps([scope.member, asked], ensure_ascii=False))


def _shown(text: str, scope: Scope) -> str:
    """Return what was asked; "" for anything that is not ours or not this person's."""
    if not text or len(text) > 1000:
        return ""
    try:
        kept: Any = json.loads(decrypt(text))
    except (Undecipherable, ValueError):
        return ""
    mine = isinstance(kept, list) and len(kept) == 2 and kept[0] == scope.member
    return tidy(str(kept[1]), most=_LONGEST) if mine else ""


__all__ = ["pages", "search", "search_hits", "source"]
