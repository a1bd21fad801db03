"""The layouts an import knows: which headings they have, and who reads their rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from complaints.importing import cfpb, own_layout
from complaints.importing.cfpb import CfpbReading, Rule
from complaints.importing.lookups import Lookups
from complaints.importing.own_reading import OwnReading
from complaints.importing.shapes import CaseRow, ImportRefused
from config.shared.sheet_headers import heading_key
from config.shared.sheet_types import SheetRow
from config.shared.words import listed


class Reading(Protocol):
    """Reads the rows of one file."""

    def read(self, row: SheetRow, at: datetime) -> CaseRow:
        """Return the values of one row; errors are remarks of the row."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A layout: `headings` by field, `required` fields, `dates` fields that hold dates.

    `last_year_order` is how the source writes dates with the year last ("ymd" = never).
    """

    key: str
    title: str | Promise
    headings: Mapping[str, Sequence[str]]
    required: tuple[str, ...]
    dates: tuple[str, ...]
    last_year_order: str

    def known(self) -> list[str]:
        """Return all headings of the layout, the first spelling of each column first."""
        firsts = [spelled[0] for spelled in self.headings.values()]
        return firsts + [other for spelled in self.headings.values() for other in spelled[1:]]

    def places(self, headers: Sequence[str]) -> dict[str, str]:
        """Return the heading in the file for every field that has a column there."""
        there = {heading_key(name): name for name in headers if name}
        found = {}
        for field, spelled in self.headings.items():
            name = next((there[k] for s in spelled if (k := heading_key(s)) in there), None)
            if name is not None:
                found[field] = name
        return found

    def missing(self, headers: Sequence[str]) -> list[str]:
        """Return the headings of required fields that the file lacks."""
        places = self.places(headers)
        return [self.headings[field][0] for field in self.required if field not in places]

    def reading(self, headers: Sequence[str], *, order: str, rules: Sequence[Rule] = ()) -> Reading:
        """Return the reader of a file with these headings."""
        places = self.places(headers)
        if self.key == cfpb.KEY:
            rules = rules or cfpb.default_rules()
            return CfpbReading(Lookups(), places, rules=rules, order=order)
        return OwnReading(Lookups(), places, order=order)


def profiles() -> dict[str, Profile]:
    """Return the layouts by key."""
    own = Profile(
        key=own_layout.KEY,
        title=_("Huiyin: our own export"),
        headings={column.key: column.headings for column in own_layout.COLUMNS},
        required=own_layout.REQUIRED,
        dates=own_layout.DATES,
        last_year_order="ymd",
    )
    return {own.key: own, CFPB.key: CFPB}


CFPB: Final = Profile(
    key=cfpb.KEY,
    title=_("CFPB: US Consumer Complaint Database"),
    headings=cfpb.HEADINGS,
    required=cfpb.REQUIRED,
    dates=cfpb.DATES,
    last_year_order="mdy",
)


def profile(key: str) -> Profile:
    """Return the layout of that key; ImportRefused for an unknown one."""
    known = profiles()
    if key not in known:
        params = {"key": key, "known": listed(known)}
        message = _("The layout “%(key)s” is not known. Choose one of: %(known)s.")
        raise ImportRefused("profile", message, params)
    return known[key]


def detect(headers: Sequence[str]) -> Profile:
    """Return the layout that fits the headings; ImportRefused names what is missing."""
    ranked = sorted(profiles().values(), key=lambda p: -len(p.places(headers)))
    whole = [one for one in ranked if not one.missing(headers)]
    return whole[0] if whole else demand(ranked[0], headers)


def demand(wanted: Profile, headers: Sequence[str]) -> Profile:
    """Return the layout when its required columns are there, else raise ImportRefused."""
    missing = wanted.missing(headers)
    if missing:
        raise ImportRefused(
            "columns",
            _(
                "Columns are missing: %(columns)s. They are needed for the layout "
                "“%(layout)s”; add them or choose another layout."
            ),
            {"columns": listed(missing), "layout": str(wanted.title)},
        )
    return wanted
