"""Tables of the staff room."""

from staff.models.accounts import Account, AccountSession, RoleGrant
from staff.models.calendar import CalendarDay, CalendarSpan
from staff.models.duty import DutyCall, DutyShift, Qualification
from staff.models.people import Absence, Department, Person

__all__ = [
    "Absence",
    "Account",
    "AccountSession",
    "CalendarDay",
    "CalendarSpan",
    "Department",
    "DutyCall",
    "DutyShift",
    "Person",
    "Qualification",
    "RoleGrant",
]
