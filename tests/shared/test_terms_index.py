"""The search tokeniser: what is found is what stands in the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.shared.terms_index import index_terms, matches, query_terms

HAN = st.text("银行卡信用贷款投诉理财的一", min_size=1, max_size=12)


def test_terms_in_order():
    assert index_terms("ＡＰＰ登录失败 3次", "卡") == "app 登录 录失 失败 败 3 次 卡"


def test_queries():
    assert query_terms("信用卡 Fee") == [["信用", "用卡"], ["fee"]]
    assert query_terms("卡") == [["卡*"]]
    assert query_terms("app登录C-12") == [["app"], ["登录"], ["c", "12"]]
    assert query_terms("late fe", prefix_last=True) == [["late"], ["fe*"]]
    assert query_terms("fe 卡片", prefix_last=True) == [["fe"], ["卡片"]]
    assert query_terms(" -*\"' ") == []


@given(HAN, HAN)
def test_a_chinese_query_matches_exactly_the_texts_that_hold_it(text, query):
    assert matches(index_terms(text), query) == (query in text)


@given(HAN, HAN, HAN)
def test_phrases_do_not_run_over_gaps(left, right, query):
    text = f"{left}，{right}"
    assert matches(index_terms(text), query) == (query in left or query in right)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("refused", True),
        ("REFUSED card", True),
        ("refuse", False),
        ("c-2026-0000123", True),
        ("2026 c", True),
        ("2026-c", False),
        ("0000123", True),
        ("信用卡 refused", True),
        ("信用卡 accepted", False),
        ("", False),
        ("!!", False),
    ],
)
def test_words_are_whole_and_all_must_be_there(query, found):
    index = index_terms("My card was refused: 信用卡", tokens=["C-2026-0000123"])
    assert matches(index, query) is found


def test_the_last_word_may_be_half_typed():
    index = index_terms("card refused")
    assert matches(index, "card ref", prefix_last=True)
    assert not matches(index, "ca refused", prefix_last=True)


@pytest.mark.parametrize(
    "secret",
    [
        "13812342107",
        "138 1234 2107",
        "010-87654321",
        "11010119900307123X",
        "4111 1111 1111 1111",
        "li@bank.example",
        "acct12345678x",
        "1234567",
        "１３８１２３４２１０７",
    ],
)
def test_personal_numbers_never_enter_the_index(secret):
    assert index_terms(f"客户电话 {secret} ok") == "客户 户电 电话 话 ok"


def test_short_numbers_and_dates_stay_searchable():
    assert matches(index_terms("on 2026-03-05 ¥2,000"), "2026-03-05 2000".replace("2000", "000"))


@given(st.text(max_size=40))
def test_terms_are_letters_and_digits_only(text):
    for term in index_terms(text).split():
        assert all(sign.isalnum() or sign in "々〆〇" or sign > "\u3000" for sign in term)
    for phrase in query_terms(text):
        assert phrase
        assert not any(set(term[:-1]) & set("\"'*:&|!() ") for term in phrase)
