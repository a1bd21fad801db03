"""The search documents of cases: what a case can be found by."""

from collections.abc import Iterable

from complaints.models import Case
from config.kernel import search
from config.shared.terms_index import index_terms


def put(cases: Iterable[Case]) -> None:
    """Write the search documents of these cases; one upsert.

    Holds core issue, words, name and references. Telephone and identity numbers never enter it,
    and a report against a person (restricted) is found by its number alone.
    """
    search.put({("case", case.pk): _terms(case) for case in cases})


def _terms(case: Case) -> str:
    tail = case.number.rpartition("-")[2]
    tokens = [case.number, tail, tail.lstrip("0"), tail[-4:], case.external_ref]
    tokens += [case.referral_number]
    if case.restricted:
        return index_terms(tokens=tokens)
    customer = case.customer.name if case.customer else ""
    words = (case.core_issue, case.content, case.demand, case.product)
    names = dict.fromkeys((case.contact_name, customer))
    return index_terms(*words, *names, tokens=tokens)
