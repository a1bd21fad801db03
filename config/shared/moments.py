"""Which moments the portal can keep at all."""

from typing import Final

YEARS: Final = range(1990, 2100)
"""Days outside cannot be counted (the calendars end) nor moved to every zone (year 1)."""
