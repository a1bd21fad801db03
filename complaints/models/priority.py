"""The priority score of a case (S3-24): points of stored facts, worked out by the database.

A generated column, so that no writer can forget it and an index can order by it. Time is not part
of it: cases of equal score stand in the order of their due time. `complaints.priority` explains it.
"""

from typing import Any, Final

from django.db.models import Case as When_
from django.db.models import F, PositiveSmallIntegerField, Q, Value, When
from django.db.models.functions import Coalesce

SEVERITY_POINTS: Final = 20  # times the severity 1-4
EMOTION_POINTS: Final = 4  # times the emotion 0-5, the later one when it was noted
CHASE_POINTS: Final = 5  # times the chases, at most three
TIER_POINTS: Final = {"core": 15, "key": 8}
FLAG_POINTS: Final = {
    "breached": 25,
    "regulatory_major": 20,
    "media_risk": 15,
    "vulnerable": 12,
}
REPEAT_POINTS: Final = 8  # brought forward before
REFERRAL_POINTS: Final = 8  # came with a deadline of another body
MOST_CHASES: Final = 3


def _points(condition: Q, points: int) -> Any:
    return When_(
        When(condition, then=Value(points)),
        default=Value(0),
        output_field=PositiveSmallIntegerField(),
    )


PRIORITY: Final[Any] = (
    F("severity") * Value(SEVERITY_POINTS)
    + Coalesce(F("emotion_now"), F("emotion"), Value(0)) * Value(EMOTION_POINTS)
    + When_(
        When(chase_count__gte=MOST_CHASES, then=Value(MOST_CHASES)),
        default=F("chase_count"),
        output_field=PositiveSmallIntegerField(),
    )
    * Value(CHASE_POINTS)
    + _points(Q(tier_at_receipt="core"), TIER_POINTS["core"])
    + _points(Q(tier_at_receipt="key"), TIER_POINTS["key"])
    + _points(Q(breached=True), FLAG_POINTS["breached"])
    + _points(Q(regulatory_major=True), FLAG_POINTS["regulatory_major"])
    + _points(Q(media_risk=True), FLAG_POINTS["media_risk"])
    + _points(Q(vulnerable=True), FLAG_POINTS["vulnerable"])
    + _points(Q(repeat_count__gt=0), REPEAT_POINTS)
    + _points(Q(external_due_at__isnull=False), REFERRAL_POINTS)
)
