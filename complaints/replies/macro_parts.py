"""What a macro may hold: facts of the case it sets, verbs it carries out, values it gives them."""

from collections.abc import Mapping
from typing import Final

# Facts of the case (fields of workflow.FactsEdit.values) -> list of their codes.
FIELDS: Final[Mapping[str, str]] = {
    "business_line": "business_line",
    "business_channel": "business_channel",
    "nature": "nature",
    "cause": "cause",
}
# Verbs a macro may carry out; the others decide about people, money or evidence of one case.
VERBS: Final = (
    "accept", "assess", "start", "wait_customer", "wait_third_party", "resume", "settle",
    "propose", "resolve", "notify", "confirm", "close",
)  # fmt: skip
# Values of a payload that stand in the macro; `days` makes the end of a pause from the moment.
GIVEN: Final = (
    "reason", "note", "days", "core_issue", "nature", "cause", "outcome", "responsibility",
    "remedies", "suggestion_decision", "business_line",
)  # fmt: skip
# Verbs that take words for the customer themselves -> the field of their payload.
INTO: Final[Mapping[str, str]] = {
    "settle": "answer",
    "propose": "answer",
    "resolve": "answer",
    "notify": "words",
}


def demanded() -> frozenset[str]:
    """Return the verbs to which the text of a template goes, so that no message is sent."""
    return frozenset(INTO)
