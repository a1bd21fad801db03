"""The closed list of what a template may name, and how each value is read from a case.

Values come in the language of the customer (the active one when `read` is called) and only in
forms a customer may read: no internal codes, no masked numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from complaints.models import Case
from complaints.replies.blocks import blocks, kept_remedies, objection_words
from complaints.replies.details import Details
from complaints.replies.filling import Filled, fill
from config.kernel import terms
from config.kernel.models import Term
from config.shared.words import listed, near_moment_words, noted
from staff.models import Person


@dataclass(frozen=True, slots=True)
class Ground:
    """What values are read from: the case with its relations, the bank, who writes, when."""

    case: Case
    bank: Details
    language: str
    at: datetime
    writer: Person | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """One name: what it stands for, how it is read ('' = missing), an example in both languages."""

    name: str
    label: str | Promise
    about: str | Promise
    read: Callable[[Ground], str]
    sample: tuple[str, str]


def _day(day: date | datetime | None) -> str:
    if day is None:
        return ""
    local = timezone.localtime(day) if isinstance(day, datetime) else day
    return date_format(local, "DATE_FORMAT")


def _moment(moment: datetime | None) -> str:
    return near_moment_words(moment) if moment else ""


def _label(term: Term | None) -> str:
    return term.label if term else ""


def _money(amount: Decimal | None) -> str:
    return _("CNY %(sum)s") % {"sum": f"{amount:,.2f}"} if amount else ""


def _name(ground: Ground) -> str:
    case = ground.case
    return case.contact_name or (case.customer.name if case.customer else "")


def _address(ground: Ground) -> str:
    name = _name(ground)
    return _("Dear %(name)s") % {"name": name} if name else _("Dear customer")


def _handler(ground: Ground) -> Person | None:
    return ground.case.officer or ground.case.handler


def _post(person: Person | None, ground: Ground) -> str:
    if person is None:
        return ""
    return person.post_zh if ground.language.startswith("zh") else person.post_en


def _person(person: Person | None) -> str:
    return person.label if person else ""


def _remedies(ground: Ground) -> str:
    return listed(
        noted(row.term.label, _money(row.amount)) if row.amount else row.term.label
        for row in kept_remedies(ground.case)
    )


def _line(ground: Ground) -> str:
    line = ground.case.business_line
    return terms.path(line) if line else ""


def _contact(ground: Ground) -> str:
    told = {
        "person": _person(_handler(ground)) or _("Complaint team"),
        "department": ground.case.department.label,
    }
    said = _("Your contact: %(person)s, %(department)s.") % told
    if not ground.bank.hotline:
        return said
    return f"{said} {_('Telephone %(number)s.') % {'number': ground.bank.hotline}}"


def _blocks(ground: Ground) -> str:
    found = blocks(ground.case, ground.language)
    if any(block.missing for block in found):
        return ""
    return "\n\n".join(f"{block.title}\n{block.text}" for block in found)


def _ways(ground: Ground) -> str:
    own = ground.case.objection_ways.strip()
    return own or objection_words(ground.case, ground.bank, ground.language)


_LIST: Final = (
    Variable("customer", gettext_lazy("Form of address"),
             gettext_lazy("How the customer is addressed; without a name “Dear customer”"),
             _address, ("Dear Wang Li", "尊敬的王丽")),
    Variable("customer_name", gettext_lazy("Customer's name"),
             gettext_lazy("The name alone"), _name, ("Wang Li", "王丽")),
    Variable("case_number", gettext_lazy("Case number"),
             gettext_lazy("The number under which the case is registered"),
             lambda g: g.case.number, ("C-2026-0000123", "C-2026-0000123")),
    Variable("tracking_code", gettext_lazy("Tracking code"),
             gettext_lazy("With it the customer follows the case without signing in"),
             lambda g: g.case.tracking_code, ("7K2M-PQ4R-9XWT-3HVC", "7K2M-PQ4R-9XWT-3HVC")),
    Variable("tracking_link", gettext_lazy("Tracking page"),
             gettext_lazy("Address of the page where the tracking code is entered"),
             lambda g: g.bank.tracking_page,
             ("https://bank.example/track", "https://bank.example/track")),
    Variable("subject", gettext_lazy("Core issue"),
             gettext_lazy("The matter in one line"), lambda g: g.case.core_issue,
             ("Annual fee charged twice", "年费重复扣收")),
    Variable("demand", gettext_lazy("Demand"),
             gettext_lazy("What the customer demands"), lambda g: g.case.demand,
             ("Give the fee back", "退还年费")),
    Variable("type", gettext_lazy("Type"),
             gettext_lazy("Complaint, suggestion, inquiry …"), lambda g: _label(g.case.type),
             ("Complaint", "投诉")),
    Variable("business_line", gettext_lazy("Business line"),
             gettext_lazy("The business it is about"), _line, ("Credit card", "信用卡")),
    Variable("product", gettext_lazy("Product"),
             gettext_lazy("Product named in the case"), lambda g: g.case.product,
             ("Gold card", "金卡")),
    Variable("branch", gettext_lazy("Branch"),
             gettext_lazy("The branch concerned"),
             lambda g: g.case.branch.label if g.case.branch else "",
             ("Lujiazui branch", "陆家嘴支行")),
    Variable("department", gettext_lazy("Department"),
             gettext_lazy("The department that has the case"),
             lambda g: g.case.department.label, ("Credit card department", "信用卡部")),
    Variable("handler", gettext_lazy("Handler"),
             gettext_lazy("Named person of the case: complaint officer, else handler"),
             lambda g: _person(_handler(g)), ("Song Lu", "宋璐")),
    Variable("handler_title", gettext_lazy("Handler's post"),
             gettext_lazy("Post of that person"), lambda g: _post(_handler(g), g),
             ("Complaint officer", "投诉专员")),
    Variable("writer", gettext_lazy("Writer"),
             gettext_lazy("Who writes this message"), lambda g: _person(g.writer),
             ("Song Lu", "宋璐")),
    Variable("received_on", gettext_lazy("Received on"),
             gettext_lazy("Day on which the bank received the matter"),
             lambda g: _day(g.case.received_at), ("Nov. 16, 2026", "2026年11月16日")),
    Variable("occurred_on", gettext_lazy("Happened on"),
             gettext_lazy("Day on which it happened"), lambda g: _day(g.case.occurred_on),
             ("Nov. 12, 2026", "2026年11月12日")),
    Variable("accepted_on", gettext_lazy("Accepted on"),
             gettext_lazy("Day on which a person accepted it"),
             lambda g: _day(g.case.accepted_at), ("Nov. 16, 2026", "2026年11月16日")),
    Variable("promised_at", gettext_lazy("Promised reply"),
             gettext_lazy("When a reply was promised"),
             lambda g: _moment(g.case.promised_reply_at),
             ("Fri 20 Nov, 16:00", "11月20日 周五 16:00")),
    Variable("due_on", gettext_lazy("Due day"),
             gettext_lazy("Day until which the bank wants to resolve it"),
             lambda g: _day(g.case.resolve_due_at), ("Nov. 19, 2026", "2026年11月19日")),
    Variable("regulatory_due_on", gettext_lazy("Regulatory limit"),
             gettext_lazy("Last day by regulation"), lambda g: _day(g.case.regulatory_due_at),
             ("Dec. 1, 2026", "2026年12月1日")),
    Variable("today", gettext_lazy("Today"),
             gettext_lazy("Day on which the message is written"), lambda g: _day(g.at),
             ("Nov. 18, 2026", "2026年11月18日")),
    Variable("outcome", gettext_lazy("Outcome"),
             gettext_lazy("Upheld, partly upheld, not upheld …"),
             lambda g: _label(g.case.outcome), ("Upheld", "投诉成立")),
    Variable("decision", gettext_lazy("Decision"),
             gettext_lazy("The answer to the customer"), lambda g: g.case.answer,
             ("We refund the fee of CNY 300.", "我行将退还年费300元。")),
    Variable("findings", gettext_lazy("What was verified"),
             gettext_lazy("Facts found by the investigation"), lambda g: g.case.findings,
             ("The fee was booked twice.", "年费被重复入账。")),
    Variable("basis", gettext_lazy("Basis and reasons"),
             gettext_lazy("Rules and reasons of the decision"), lambda g: g.case.basis,
             ("Tariff 2026, section 4.", "《2026年服务价格目录》第四条。")),
    Variable("remedies", gettext_lazy("Remedies"),
             gettext_lazy("The measures for the customer"), _remedies,
             ("refund, apology", "退费、道歉")),
    Variable("compensation", gettext_lazy("Sum paid"),
             gettext_lazy("Compensation or goodwill payment"),
             lambda g: _money(g.case.compensation), ("CNY 300.00", "人民币300.00元")),
    Variable("amount", gettext_lazy("Amount in dispute"),
             gettext_lazy("The sum the matter is about"), lambda g: _money(g.case.amount),
             ("CNY 300.00", "人民币300.00元")),
    Variable("objection_ways", gettext_lazy("Ways to object"),
             gettext_lazy("Review, mediation, arbitration, court with addresses"), _ways,
             ("Within 30 days you may ask for a review …", "您可在30日内申请核查……")),
    Variable("not_accepted_reason", gettext_lazy("Reason of non-acceptance"),
             gettext_lazy("Why the case is not accepted"),
             lambda g: _label(g.case.not_accepted_reason),
             ("Not a dispute with the bank", "不属于与本行的纠纷")),
    Variable("transferred_to", gettext_lazy("Receiver"),
             gettext_lazy("Institution that handles the matter now"),
             lambda g: g.case.transferred_to, ("City Water Company", "市自来水公司")),
    Variable("blocks", gettext_lazy("Blocks of the result letter"),
             gettext_lazy("All mandatory blocks, each under its heading"), _blocks,
             ("Your matter and demand\n…\n\nWhat we verified\n…",
              "您的诉求\n……\n\n调查核实的事实\n……")),
    Variable("contact", gettext_lazy("Contact person"),
             gettext_lazy("Name, department and telephone"), _contact,
             ("Your contact: Song Lu, Complaint team.", "联系人：宋璐，投诉管理团队。")),
    Variable("bank", pgettext_lazy("name of the bank", "Bank"),
             gettext_lazy("Name of the bank"), lambda g: g.bank.of("name", g.language),
             ("Huiyin Bank", "汇银银行")),
    Variable("hotline", gettext_lazy("Hotline"),
             gettext_lazy("Telephone number of the bank"), lambda g: g.bank.hotline,
             ("400 000 0000", "400 000 0000")),
    Variable("hours", gettext_lazy("Office hours"),
             gettext_lazy("When the office can be reached"),
             lambda g: g.bank.of("hours", g.language),
             ("Monday to Friday, 9:00 to 18:00", "周一至周五 9:00–18:00")),
    Variable("office_address", gettext_lazy("Address of the complaint office"),
             gettext_lazy("Where customers may come or write"),
             lambda g: g.bank.of("address", g.language),
             ("1 Example Road, Shanghai", "上海市示例路1号")),
)  # fmt: skip

CATALOGUE: Final[Mapping[str, Variable]] = {each.name: each for each in _LIST}
# What a result letter on paper or by e-mail must name: all blocks, the contact person, the date.
LETTER: Final = ("blocks", "contact", "today")


def label_of(name: str) -> str:
    """Return the label of a name in the active language; the name itself for an unknown one."""
    known = CATALOGUE.get(name)
    return str(known.label) if known else name


def fill_from(text: str, ground: Ground) -> Filled:
    """Fill a text from a case in the language of the ground; unknown names count as missing."""
    reader = translation.get_language()

    def value(name: str) -> str:
        known = CATALOGUE.get(name)
        if known is None:
            return ""
        with translation.override(ground.language):
            return known.read(ground).strip()

    def label(name: str) -> str:
        with translation.override(reader):
            return label_of(name)

    return fill(text, value, label)


def fill_sample(text: str, language: str) -> Filled:
    """Fill a text with the examples of the catalogue."""
    side = 1 if language.startswith("zh") else 0

    def value(name: str) -> str:
        known = CATALOGUE.get(name)
        return known.sample[side] if known else ""

    return fill(text, value, label_of)


__all__ = ["CATALOGUE", "LETTER", "Ground", "Variable", "fill_from", "fill_sample"]
