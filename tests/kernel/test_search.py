"""Search answers as the plain-Python meaning of a search says, on both engines."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.kernel import search
from config.kernel.models import SearchDoc
from config.shared.terms_index import index_terms, matches

pytestmark = pytest.mark.django_db

TEXTS = [
    "信用卡年费投诉,客户要求退还",
    "客户投诉手机银行转账失败 iPhone15",
    "Loan officer was rude; customer wants an apology",
    "loan rate 3e5 5e3a 007 LPR利率上浮",
    "卡",
    "用卡 信用",
    "ＡＴＭ吞卡，取款机故障",
    "ß straße STRASSE İstanbul ﬁx",
    "3e5loan 1e6x",
]
# Letters chosen to meet often: every query has a fair chance to be found.
PIECES = [*"信用卡投诉客户手机", " ", " ", "loan", "lo", "an", "rate", "3e5", "7", "A", "x-1", "ˇ"]
ODD = ['"', "'", "*", ":", "(", ")", "&", "|", "!", "<->", "\\", "\0", "%", "NEAR", "AND", "-"]
# Fractions and numerals of rare scripts, and what Unicode has not given a letter, are letters to
# Python but not to PostgreSQL.
LETTERS = st.text(st.characters(exclude_categories=["Cs", "Cn", "No", "Mn", "Pd", "Po"]))
WORDS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
QUERIES = st.lists(st.sampled_from([*PIECES, *ODD]), max_size=5).map("".join) | LETTERS


def put(texts: list[str], kind: str = "case") -> dict[int, str]:
    """Replace the documents of a kind; returns their terms by ref_id."""
    SearchDoc.objects.filter(kind=kind).delete()
    docs = {number: index_terms(text) for number, text in enumerate(texts, start=1)}
    search.put({(kind, number): terms for number, terms in docs.items()})
    return docs


def expected(docs: dict[int, str], query: str, *, prefix_last: bool = True) -> list[int]:
    found = [n for n, terms in docs.items() if matches(terms, query, prefix_last=prefix_last)]
    return sorted(found, reverse=True)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(WORDS | LETTERS, max_size=6), st.lists(QUERIES, max_size=8))
def test_the_database_finds_what_the_oracle_finds(texts: list[str], queries: list[str]) -> None:
    docs = put(texts)
    for query in [*queries, *texts]:
        for typing in (True, False):
            found = search.find("case", query, prefix_last=typing)
            assert found == expected(docs, query, prefix_last=typing), (query, typing)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("投诉", [2, 1]),
        ("信用卡", [1]),
        ("用卡", [6, 1]),
        ("卡", [7, 6, 5, 1]),
        ("诉客", []),
        ("loa", [4, 3]),
        ("LOAN rate", [4]),
        ("LOA rate", []),
        ("3e5", [9, 4]),
        ("5e3", [4]),
        ("loan", [4, 3]),
        ("3e5loan", [9]),
        ("1e6", [9]),
        ("007", [4]),
        ("lpr利率", [4]),
        ("atm 取款", [7]),
        ("strasse", [8]),
        ("不存在的词", []),
        ("", []),
        ("   ?!", []),
    ],
)
def test_known_questions(query: str, found: list[int]) -> None:
    docs = put(TEXTS)
    assert search.find("case", query) == found == expected(docs, query)


@pytest.mark.parametrize(
    "query",
    [
        "\0",
        "loan\0",
        '"',
        "'",
        "''",
        "loan' | 'rude",
        'loan" OR "rude',
        "terms:loan",
        "loan*",
        "^loan",
        "NOT",
        "loan NOT rude",
        "NEAR(loan rude)",
        "{terms}:x",
        "loan:*",
        "!loan",
        "a <-> b",
        "\\",
        "%s %d %",
        "'; DROP TABLE kernel_searchdoc; --",
        "\ud800",
        "\U0001f600",
        "x" * 5000,
        "信" * 3000,
    ],
)
def test_no_text_is_an_error_or_an_operator(query: str) -> None:
    docs = put([*TEXTS, "or not near terms"])
    assert search.find("case", query) == expected(docs, query)


def test_documents_are_replaced_removed_and_kept_apart_by_kind() -> None:
    search.put({("case", 1): "loan", ("customer", 1): "loan", ("case", 2): "loan"})
    search.put({("case", 1): "card"})
    assert search.find("case", "loan") == [2]
    assert search.find("case", "card") == [1]
    assert search.find("customer", "loan") == [1]
    assert search.remove("case", [1, 2, 3]) == 2
    assert search.find("case", "card") == []
    assert search.find("customer", "loan") == [1]


def test_a_full_hand_holds_the_newest() -> None:
    search.put({("case", n): "loan" for n in range(1, 31)})
    search.put({("customer", n): "loan" for n in range(100, 140)})
    assert search.find("case", "loan", limit=10) == list(range(30, 20, -1))
    assert search.find("case", "loan", limit=30) == list(range(30, 0, -1))
    assert search.find("case", "loan", limit=0) == []


def test_writing_costs_few_queries(django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(6):
        search.put({("case", n): f"loan {n}" for n in range(1000)})
    assert len(search.find("case", "loan")) == 1000
    with django_assert_max_num_queries(2):
        search.find("case", "loan", limit=20)


def test_very_long_texts_and_words_are_stored() -> None:
    search.put({("case", 1): index_terms("y" * 4000 + " " + "信用卡" * 9000, "end")})
    assert search.find("case", "信用卡信用卡") == [1]
    assert search.find("case", "y" * 4000) == [1]
    search.put({("case", 1): "bad\0term good (odd)"})
    assert search.find("case", "good") == [1]


def test_a_question_never_reads_the_whole_table() -> None:
    """The word index answers the question: the plan needs no look at every row.

    PostgreSQL weighs the index by what earlier tests left in its pending list and may prefer to
    read a small table whole: here the list is emptied and whole reads are forbidden.
    """
    put([f"{text} {n}" for n in range(400) for text in TEXTS])
    seen: list[tuple[str, object]] = []

    def look(execute, sql, params, many, context):
        seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        search.find("case", "nothing")
    [(sql, params)] = seen
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT gin_clean_pending_list('kernel_searchdoc_words')")
            cursor.execute("ANALYZE kernel_searchdoc")
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {sql}", params)
            plan = " ".join(row[0] for row in cursor.fetchall())
            assert "kernel_searchdoc_words" in plan
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
            steps = [row[3] for row in cursor.fetchall()]
            assert "VIRTUAL TABLE INDEX" in steps[0]
            assert "INTEGER PRIMARY KEY" in steps[1]
