"""The dialog of a macro: its words, and the fields of its move with what the macro gives."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from complaints.acting import must_ask
from complaints.conversation.writing import LONGEST_SUBJECT
from complaints.forms import LONG, MoveForm
from complaints.models import Case
from complaints.replies.macros import Doing, Plan, has_subject
from complaints.replies.offering import sends
from complaints.workflow.moves import MOVES
from config.shared.forms import CleanText
from config.shared.scope import Scope

_NO_MOVE = "edit_facts"  # a move whose dialog asks nothing


class MacroForm(MoveForm):
    """What a macro asks before it is carried out; `doubted` shows the tick that sends it anyway."""

    doubted = False
    SET: ClassVar[Mapping[str, str | Promise]] = {
        "business_line": _("Business line"),
        "business_channel": _("Business channel"),
        "nature": _("Nature"),
        "cause": _("Root cause"),
    }

    def __init__(self, *args: Any, plan: Plan, case: Case, scope: Scope, **options: Any) -> None:
        move = MOVES[plan.macro.verb or _NO_MOVE]
        asks = bool(plan.macro.verb) and must_ask(move, case, scope)
        super().__init__(*args, move=move, case=case, scope=scope, asks=asks, **options)
        self.plan, self.asks = plan, asks
        self.fields.pop("file", None)
        if plan.into:
            self.fields.pop(plan.into, None)
        if has_subject(plan.macro, plan.purpose):
            self.fields["subject"] = CleanText(
                label=_("Subject"), max_length=LONGEST_SUBJECT, required=False, initial=plan.subject
            )
        if plan.into or sends(plan.macro):
            self.fields["text"] = CleanText(
                label=_("Words to the customer"), rows=8, max_length=LONG, initial=plan.text
            )
        if sends(plan.macro) or "method" in self.fields:
            self.fields["sure"] = forms.BooleanField(
                label=_("Send it all the same"), required=False
            )
        self.initial = {**plan.given, **(self.initial or {})}

    def clean(self) -> dict[str, Any]:
        """Leave the question about a doubtful contact to the verb: it asks for every part."""
        return super(MoveForm, self).clean() or self.cleaned_data

    @property
    def asked(self) -> list[forms.BoundField]:
        """The fields of the move that one sees."""
        out = {"version", "subject", "text", "sure"}
        return [self[name] for name in self.fields if name not in out]

    @property
    def doing(self) -> Doing:
        """What is to be done; only of a valid form."""
        return Doing(
            self.plan,
            text=self.cleaned_data.get("text", ""),
            subject=self.cleaned_data.get("subject", ""),
            values=self.payload(),
            sure=bool(self.cleaned_data.get("sure")),
            asks=self.asks,
        )
