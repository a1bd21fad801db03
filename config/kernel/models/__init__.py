"""Tables every room stands on."""

from config.kernel.models.approval import Approval
from config.kernel.models.files import StoredFile
from config.kernel.models.jobs import Job, JobRow
from config.kernel.models.journal import EventWords, JournalEntry, Ledger, Recorded, Seal
from config.kernel.models.notices import Notice, NoticeMail
from config.kernel.models.numbers import NumberSeries
from config.kernel.models.outbox import OutboxMessage
from config.kernel.models.robots import GroupRobot
from config.kernel.models.rules import RuleRow, RuleSet, Term
from config.kernel.models.running import Heartbeat
from config.kernel.models.saved import Draft, Preference, SavedView
from config.kernel.models.search import SearchDoc

__all__ = [
    "Approval",
    "Draft",
    "EventWords",
    "GroupRobot",
    "Heartbeat",
    "Job",
    "JobRow",
    "JournalEntry",
    "Ledger",
    "Notice",
    "NoticeMail",
    "NumberSeries",
    "OutboxMessage",
    "Preference",
    "Recorded",
    "RuleRow",
    "RuleSet",
    "SavedView",
    "Seal",
    "SearchDoc",
    "StoredFile",
    "Term",
]
