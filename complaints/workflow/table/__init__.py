"""The table of moves (DOMAIN.md §4.6): from where, by which verb, to where, who, with what.

`act` is the act of area `cases` in staff/roles.py that the caller must reach; `ask_act` the one
that suffices to ask for it when `approval` names an approval kind.
"""

from typing import Final

from complaints.workflow.table import ends, facts, limits, reviews, way
from complaints.workflow.table.shape import Field, Kind, Move

TABLE: Final[tuple[Move, ...]] = (
    *way.MOVES, *limits.MOVES, *ends.MOVES, *reviews.MOVES, *facts.MOVES,
)  # fmt: skip

__all__ = ["TABLE", "Field", "Kind", "Move"]
