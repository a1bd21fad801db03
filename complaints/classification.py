"""How the case page shows what a case was classified as."""

from complaints.models import Case
from config.kernel import terms
from config.shared.words import labelled


def emotions(case: Case) -> str:
    """Return the emotion at the start and now, in words; '' when none was noted."""
    known = dict(terms.choices("emotion")) if _noted(case) else {}
    named = [
        str(known.get(str(level), level))
        for level in (case.emotion, case.emotion_now)
        if level is not None
    ]
    return " → ".join(named)


def media(case: Case) -> str:
    """Return where the matter appeared or may appear; '' when nothing was noted."""
    if case.media_platform and case.media_link:
        return labelled(case.media_platform, case.media_link)
    return case.media_platform or case.media_link


def _noted(case: Case) -> bool:
    return case.emotion is not None or case.emotion_now is not None


__all__ = ["emotions", "media"]
