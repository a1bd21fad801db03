"""The views of the case list that every fresh bank has: which role sees which, in this order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from config.kernel.models import SavedView
from config.shared.actors import Actor

_EVERYBODY: Final = ("",)
_TEAM: Final = ("CO", "CS")
_WORKERS: Final = ("HA", "CO", "CS", "DH", "HD", "BH", "CD")


@dataclass(frozen=True, slots=True)
class _View:
    code: str
    name_en: str
    name_zh: str
    query: str
    roles: tuple[str, ...]


VIEWS: Final = (
    _View("attention", "Needs attention", "待关注", "clock=over&clock=risk&clock=today",
          _EVERYBODY),
    _View("mine", "My open", "我的在办", "mine=1", _WORKERS),
    _View("unassigned", "Unassigned", "待认领", "handler=none", (*_TEAM, "DH", "HD", "BH", "CD")),
    _View("core", "Core customers", "核心客户", "tier=core",
          (*_TEAM, "RM", "RMM", "DL", "QA", "ER")),
    _View("repeat", "Repeat complaints", "重复投诉", "repeat=1", (*_TEAM, "HD", "BH", "QA", "AU")),
    _View("departments", "With departments", "部门转办中",
          "status=assigned&status=in_progress&status=sent_back", _TEAM),
    _View("all", "All", "全部", "state=all", _EVERYBODY),
)  # fmt: skip


def load(_actor: Actor, _at: datetime) -> int:
    """Write the views that are missing, per role; what an admin changed stays. Returns how many."""
    known = set(SavedView.objects.filter(list_key="cases").values_list("code", "role"))
    missing = [
        SavedView(
            list_key="cases",
            code=view.code,
            role=role,
            name_en=view.name_en,
            name_zh=view.name_zh,
            query=view.query,
            order=order,
        )
        for order, view in enumerate(VIEWS)
        for role in view.roles
        if (view.code, role) not in known
    ]
    SavedView.objects.bulk_create(missing)
    return len(missing)
