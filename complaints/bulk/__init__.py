"""Acts on many cases: what is chosen, what is done with each row, and taking it back.

One act is a `BulkAct` with a `BulkRow` per case. The list of cases is frozen when the act is
confirmed; rows are then worked off in chunks, each chunk in one transaction with its results, so
that a killed worker repeats nothing. Every change goes through the public verbs of the room.
"""

from complaints.bulk.acts import ACTS, BulkVerb, on_bar
from complaints.bulk.choosing import MOST_CHOSEN, MOST_MATCHING, Picked, Refused, pick
from complaints.bulk.engine import AT_ONCE, Order, begin, carry_out, finish, job_of, stop
from complaints.bulk.undoing import UNDO_WITHIN, UndoRefused, may_undo, undo, why_not

__all__ = [
    "ACTS",
    "AT_ONCE",
    "MOST_CHOSEN",
    "MOST_MATCHING",
    "UNDO_WITHIN",
    "BulkVerb",
    "Order",
    "Picked",
    "Refused",
    "UndoRefused",
    "begin",
    "carry_out",
    "finish",
    "job_of",
    "may_undo",
    "on_bar",
    "pick",
    "stop",
    "undo",
    "why_not",
]
