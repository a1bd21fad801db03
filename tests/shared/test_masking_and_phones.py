"""Masked personal data, clean log lines, and telephone numbers in one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.shared.masking import (
    mask_account,
    mask_email,
    mask_id_number,
    mask_name,
    mask_phone,
    passes_luhn,
    scrub,
)
from config.shared.phones import normalise_phone, phone_tail


@pytest.mark.parametrize(
    ("text", "canonical", "tail"),
    [
        ("138 1234 2107", "13812342107", "2107"),
        ("+86 138-1234-2107", "13812342107", "2107"),
        ("0086 13812342107", "13812342107", "2107"),
        ("8613812342107", "13812342107", "2107"),
        ("013812342107", "13812342107", "2107"),
        ("１３８１２３４２１０７", "13812342107", "2107"),
        ("(010) 8765 4321", "01087654321", "4321"),
        ("010—8765—4321 转 8001", "01087654321-8001", "4321"),
        ("010-87654321-8001", "01087654321-8001", "4321"),
        ("0755-2345678 ext. 12", "07552345678-12", "5678"),
        ("021-5888 8888分机9", "02158888888-9", "8888"),
        ("+86 10 87654321", "01087654321", "4321"),
        ("95588", "95588", "5588"),
        ("400-888-1234", "4008881234", "1234"),
        ("+852 9123 4567", "+85291234567", "4567"),
        ("0085291234567", "+85291234567", "4567"),
        ("87654321", None, "4321"),
        ("110101199003071234", None, "1234"),
        ("12812342107", None, "2107"),
        ("call me", None, ""),
        ("123", None, ""),
        ("", None, ""),
    ],
)
def test_phones(text, canonical, tail):
    assert normalise_phone(text) == canonical
    assert phone_tail(text) == tail


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["", " ", "-", "."]))
def test_every_spelling_of_a_mobile_is_one_number(number, gap):
    spelt = gap.join((number[:3], number[3:7], number[7:]))
    for text in (spelt, f"+86{gap}{spelt}", f"（{spelt}）"):
        assert normalise_phone(text) == number
    assert normalise_phone(f"{spelt}转12") == f"{number}-12"


@given(st.text(max_size=20))
def test_normalising_twice_changes_nothing(text):
    once = normalise_phone(text)
    assert once is None or normalise_phone(once) == once


@pytest.mark.parametrize(
    ("mask", "text", "shown"),
    [
        (mask_phone, "+86 13812342107", "138 •••• 2107"),
        (mask_phone, "010-87654321-8001", "010 •••• 4321"),
        (mask_phone, "07552345678", "0755 •••• 5678"),
        (mask_phone, "87654321", "•••• 4321"),
        (mask_phone, "95588", "••••"),
        (mask_phone, " ", ""),
        (mask_id_number, "110101 19900307 123x", "110 •••••••• 123X"),
        (mask_id_number, "E12345678", "E •••• 78"),
        (mask_id_number, "12", "••••"),
        (mask_id_number, "", ""),
        (mask_account, "6222 0210 0111 1234", "•••• 1234"),
        (mask_account, "1234567", "••••"),
        (mask_account, "", ""),
        (mask_email, "li.wei@bank.example", "l••••@bank.example"),
        (mask_email, "nobody", "••••"),
        (mask_email, "", ""),
        (mask_name, "王小明", "王••"),
        (mask_name, "Li Wei", "L• W••"),
    ],
)
def test_masks(mask, text, shown):
    assert mask(text) == shown


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_the_middle_of_a_mobile_never_shows(number):
    assert "".join(filter(str.isdigit, mask_phone(number))) == number[:3] + number[-4:]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("电话13812342107。", "电话[phone]。"),
        ("tel=+86 138-1234-2107;", "tel=[phone];"),
        ("１３８１２３４２１０７", "[phone]"),
        ("回电 (010) 8765 4321", "回电 [phone]"),
        ("身份证11010119900307123X号", "身份证[id]号"),
        ("old 110101900307123", "old [id]"),
        ("card 4111-1111-1111-1111.", "card [card]."),
        ("卡4111111111111111", "卡[card]"),
        ("from li.wei@bank.example to", "from [email] to"),
    ],
)
def test_scrub_removes_personal_numbers(text, clean):
    assert scrub(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "C-2026-0000123 due 2026-11-21 22:10:56,123456",
        "request 4111111111111112 rows=200000",
        "K00001234 ¥2,000.00",
        "POST /cases/C-2026-0000123/ 200 in 0.123456",
    ],
)
def test_scrub_leaves_the_rest(text):
    assert scrub(text) == text


@given(
    st.text(max_size=10),
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Nd"]), max_size=5),
)
def test_no_mobile_survives(before, number, after):
    text = before.rstrip("0123456789") + " x" + number + "x" + after
    assert number not in scrub(text)


def test_luhn():
    assert passes_luhn("4111111111111111")
    assert not passes_luhn("4111111111111112")
