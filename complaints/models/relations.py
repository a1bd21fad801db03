"""How cases hang together: links, look-alikes, agents, sources, other customers."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from complaints.choices import AgentState, LinkKind, SignatureKind
from complaints.models.case import Case
from config.kernel.models import StoredFile, Term
from config.shared.claim import Versioned
from config.shared.crypto import EncryptedField


class CaseLink(models.Model):
    """Two cases belong together; `a` is always the older one (lower pk). Reasons: the record."""

    a = models.ForeignKey(Case, models.PROTECT, related_name="links_a")
    b = models.ForeignKey(Case, models.PROTECT, related_name="links_b")
    kind = models.CharField(max_length=14, choices=LinkKind)
    at = models.DateTimeField()
    by_id = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("link of cases")
        verbose_name_plural = _("links of cases")
        constraints = [
            models.UniqueConstraint(fields=["a", "b", "kind"], name="link_once"),
            models.CheckConstraint(condition=models.Q(a__lt=models.F("b")), name="link_in_order"),
        ]
        indexes = [models.Index(fields=["b", "kind"], name="link_by_b")]

    def __str__(self) -> str:
        return f"{self.a_id} {self.kind} {self.b_id}"


class CaseSignature(models.Model):
    """A mark by which cases of different customers are found to be alike; keyed hashes only."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="signatures")
    kind = models.CharField(max_length=10, choices=SignatureKind)
    value = models.CharField(max_length=64)
    at = models.DateTimeField(help_text=_("When the case was received."))

    class Meta:
        verbose_name = _("signature of a case")
        verbose_name_plural = _("signatures of cases")
        constraints = [
            models.UniqueConstraint(fields=["case", "kind", "value"], name="signature_once")
        ]
        indexes = [
            models.Index(fields=["kind", "value", "-at"], name="signature_alike"),
            models.Index(fields=["-at", "-id"], name="signature_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.kind}"


class CaseAgent(Versioned):
    """Somebody acts for the customer; checking the authority never refuses or slows the case."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="agents")
    name = EncryptedField(_("name of the agent"))
    phone = EncryptedField(_("phone of the agent"))
    phone_hash = models.CharField(max_length=64, blank=True, editable=False)
    relation = models.CharField(_("relation to the customer"), max_length=80, blank=True)
    authority = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=12, choices=AgentState, default=AgentState.CLAIMED)
    added_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True, blank=True)
    checked_by_id = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("agent")
        verbose_name_plural = _("agents")
        indexes = [
            models.Index(fields=["case", "id"], name="agent_of_case"),
            models.Index(fields=["phone_hash"], name="agent_by_phone"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.state}"


class SourceRef(models.Model):
    """One source that sent the matter (referral sheet), with its own deadline and its own reply.

    Kept when cases are merged: the surviving case answers every source. The first source of a
    case is copied from its referral fields.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="sources")
    came_with = models.ForeignKey(Case, models.PROTECT, related_name="+")
    channel = models.ForeignKey(Term, models.PROTECT, related_name="+")
    number = models.CharField(_("referral number"), max_length=80, blank=True)
    body = models.CharField(_("referring body"), max_length=120, blank=True)
    on = models.DateField(_("referral date"), null=True, blank=True)
    due_at = models.DateTimeField(_("referral deadline"), null=True, blank=True)
    replied_at = models.DateTimeField(null=True, blank=True)
    reply_seq = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("source of a case")
        verbose_name_plural = _("sources of cases")
        indexes = [
            models.Index(fields=["case", "id"], name="source_of_case"),
            models.Index(
                fields=["due_at"],
                name="source_unanswered",
                condition=models.Q(replied_at__isnull=True, due_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.number}"
