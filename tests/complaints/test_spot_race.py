"""Two clicks on "Settle and close" at the same moment: one case, closed once."""

import pytest

from complaints.choices import Status
from complaints.models import Case, CustomerNotice
from tests.complaints.test_spot import URL, inquiry
from tests.factories.complaints import bank
from tests.portal.desks import signed_in
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_clicks_at_the_same_moment_make_one_case():
    house = bank()
    typed = inquiry()
    clients = [signed_in(house.accounts["officer"]) for _n in range(2)]
    assert at_once(lambda n: clients[n].post(URL, typed).status_code, 2) == [302, 302]
    case = Case.objects.get()
    assert (case.status, case.settled_on_the_spot) == (Status.CLOSED, True)
    assert CustomerNotice.objects.count() == 1
