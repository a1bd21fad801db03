"""The record: append-only entries, one hash chain per stream; their erasable words; seals."""

from hashlib import sha256

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.shared.claim import Versioned
from config.shared.crypto import EncryptedField


class Recorded(Versioned):
    """A row that owns a journal stream: `event_seq` and `head_hash` show a cut tail."""

    stream_kind = ""

    event_seq = models.PositiveIntegerField(default=0, editable=False)
    head_hash = models.CharField(max_length=64, default="", editable=False, blank=True)

    class Meta:
        abstract = True

    @property
    def stream(self) -> str:
        """Name of this row's chain, e.g. `case:123`."""
        return f"{self.stream_kind}:{self.pk}"


class JournalEntry(models.Model):
    """One link of one chain. `hash` = sha256(previous hash + body); `body` is canonical JSON."""

    stream = models.CharField(max_length=60)
    seq = models.PositiveIntegerField()
    action = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120, help_text=_("A display copy, not hashed."))
    at = models.DateTimeField()
    body = models.TextField()
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal entries")
        constraints = [models.UniqueConstraint(fields=["stream", "seq"], name="journal_one_link")]
        indexes = [
            models.Index(fields=["at", "id"], name="journal_by_time"),
            models.Index(fields=["actor_id", "at", "id"], name="journal_by_actor"),
            models.Index(fields=["action", "at", "id"], name="journal_by_action"),
        ]

    def __str__(self) -> str:
        return f"{self.stream} #{self.seq} {self.action}"


class EventWords(models.Model):
    """Free text of an entry; the chain holds only `sha256(salt + text)`, so it can be erased."""

    entry = models.ForeignKey(JournalEntry, models.PROTECT, related_name="words")
    name = models.CharField(max_length=40)
    salt = models.CharField(max_length=32)
    text = EncryptedField()
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("words of an entry")
        verbose_name_plural = _("words of entries")
        constraints = [
            models.UniqueConstraint(fields=["entry", "name"], name="words_once_per_name")
        ]

    def __str__(self) -> str:
        return f"{self.entry_id}.{self.name}"

    def digest(self) -> str:
        """Return the salted hash that stands in the chain."""
        return sha256((self.salt + self.text).encode()).hexdigest()


class Ledger(Recorded):
    """Owner row of a stream that belongs to no other row, e.g. `ledger:access`."""

    stream_kind = "ledger"

    name = models.CharField(max_length=60, unique=True)

    class Meta:
        verbose_name = _("ledger")
        verbose_name_plural = _("ledgers")

    def __str__(self) -> str:
        return self.name

    @property
    def stream(self) -> str:
        """Name of the chain, by name instead of pk."""
        return f"ledger:{self.name}"


class Seal(models.Model):
    """A signed list of (stream, seq, head) changed since the seal before; Ed25519."""

    number = models.PositiveIntegerField(unique=True)
    day = models.DateField()
    made_at = models.DateTimeField()
    body = models.TextField()
    previous_hash = models.CharField(max_length=64, blank=True)
    signature = models.CharField(max_length=200)

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")

    def __str__(self) -> str:
        return f"{self.number} ({self.day})"
