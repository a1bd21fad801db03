"""Tables of the complaints room."""

from complaints.models.case import Case, CaseAttachment, CaseRemedy, CaseResponsibility
from complaints.models.clock import CaseClock, CasePause, Escalation
from complaints.models.contact import CallRecord, CustomerNotice, InboundMessage, PromisedReply
from complaints.models.desk import BulkAct, BulkRow, CasePresence, IdentityCheck, ShiftHandOver
from complaints.models.handling import (
    CaseExclusion,
    CaseGrant,
    CaseReview,
    CaseTag,
    DelayReason,
    HandOver,
    InterestDeclaration,
)
from complaints.models.relations import CaseAgent, CaseLink, CaseSignature, SourceRef
from complaints.models.replies import Macro, NoticeOfCase, ReplyTemplate, ServiceNotice
from complaints.models.rules import ClockLimit, ClockPolicy, DutyLine, LadderStep, RoutingRule
from complaints.models.teamwork import (
    CaseStep,
    CaseTask,
    PlaybookStep,
    QualityCheck,
    RemedyBudget,
)

__all__ = [
    "BulkAct",
    "BulkRow",
    "CallRecord",
    "Case",
    "CaseAgent",
    "CaseAttachment",
    "CaseClock",
    "CaseExclusion",
    "CaseGrant",
    "CaseLink",
    "CasePause",
    "CasePresence",
    "CaseRemedy",
    "CaseResponsibility",
    "CaseReview",
    "CaseSignature",
    "CaseStep",
    "CaseTag",
    "CaseTask",
    "ClockLimit",
    "ClockPolicy",
    "CustomerNotice",
    "DelayReason",
    "DutyLine",
    "Escalation",
    "HandOver",
    "IdentityCheck",
    "InboundMessage",
    "InterestDeclaration",
    "LadderStep",
    "Macro",
    "NoticeOfCase",
    "PlaybookStep",
    "PromisedReply",
    "QualityCheck",
    "RemedyBudget",
    "ReplyTemplate",
    "RoutingRule",
    "ServiceNotice",
    "ShiftHandOver",
    "SourceRef",
]
