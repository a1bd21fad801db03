"""The search document: one row per findable thing, terms as split words and bigrams."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class SearchDoc(models.Model):
    """Terms of one subject (`kind` e.g. case; `ref_id` its pk); see shared/terms_index.py.

    Indexed by GIN on PostgreSQL and an FTS5 table with triggers on SQLite (kernel/triggers.py).
    """

    kind = models.CharField(max_length=20)
    ref_id = models.BigIntegerField()
    terms = models.TextField()

    class Meta:
        verbose_name = _("search document")
        verbose_name_plural = _("search documents")
        constraints = [models.UniqueConstraint(fields=["kind", "ref_id"], name="search_doc_once")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.ref_id}"
