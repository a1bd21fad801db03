"""The named clocks of a case: they start, stop, pause, warn, escalate and explain themselves.

Verbs (`start stop happen pause resume extend rematch next_round restart progressed finish cancel`
and those of a review) take cases that the caller holds and return a ClockChange: facts for the
journal and the names of the case fields to save, so that row and record are written together by
the caller.
"""

from complaints.clocks.birth import Preview, preview
from complaints.clocks.chips import chip, chips, prime
from complaints.clocks.desk import NEVER, ClockChange
from complaints.clocks.escalating import sweep
from complaints.clocks.explaining import Explanation, explain, followed_rule
from complaints.clocks.following import follow_calendar
from complaints.clocks.recompute import Drift, recompute
from complaints.clocks.rematching import rematch
from complaints.clocks.reviews import begin_review, end_review, step_review
from complaints.clocks.running import (
    REOPENED,
    cancel,
    change,
    extend,
    finish,
    happen,
    next_extension,
    next_round,
    progressed,
    refresh,
    restart,
    start,
    stop,
)
from complaints.clocks.standing import longest_pause, pause, resume

__all__ = [
    "NEVER",
    "REOPENED",
    "ClockChange",
    "Drift",
    "Explanation",
    "Preview",
    "begin_review",
    "cancel",
    "change",
    "chip",
    "chips",
    "end_review",
    "explain",
    "extend",
    "finish",
    "follow_calendar",
    "followed_rule",
    "happen",
    "longest_pause",
    "next_extension",
    "next_round",
    "pause",
    "preview",
    "prime",
    "progressed",
    "recompute",
    "refresh",
    "rematch",
    "restart",
    "resume",
    "start",
    "step_review",
    "stop",
    "sweep",
]
