"""Nothing of the recordings is left out in silence, and server_stub/README.md tells every difference.

What is compared is in ``test_stub_transcripts.py`` and ``test_stub_oidc_transcripts.py``.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import server_stub
from tests.stub.test_stub_oidc_transcripts import WAYS
from tests.support.recordings import ALONE, DIFFERENT, EXPIRING, IN_DATABASE, IN_FLOWS, NOT_REPLAYED, RECORDED, matching

README = (Path(server_stub.__file__).parent / "README.md").read_text(encoding="utf-8")

# How many exchanges each server was recorded in: a file that loses some is noticed.
RECORDED_EXCHANGES = {
    **{"v3": 167, "v3-next12-typeorm-sqlite": 167, "v4": 168, "v4-next16-approuter": 168},
    **{"v5": 169, "v5-next16": 169, "v5-express-basepath-auth": 169},
    **{f"{dialect}-{more}": number for dialect in ("v3", "v4", "v5") for more, number in (("https", 6), ("expiry", 6))},
    **{f"{dialect}-db": 8 for dialect in ("v3", "v4", "v5")},
}

# The rows of the table that the comparison itself makes room for, with every exchange that has them.
COMPARED = {
    "A request that is refused",
    "`POST /signin/company?scope=…`",
    "`POST /signin/company` in v3",
    "The cookies of a sign-in under way",
    "Content-Type of short texts, and of empty answers",
    "HTML pages",
    "A provider that is asked without PKCE or without a nonce",
}

# The rows that no recording shows, and the tests that do.
NOT_RECORDED = {
    "`POST /callback/company`": "test_a_provider_cannot_post_its_answer",
    "An e-mail address that a provider gives": "test_an_address_of_a_provider_is_in_lower_case",
    "The token of a v3 session": "test_a_token_of_a_v3_session_ends_with_its_cookie",
    "Signing in by a link while the same user is signed in": "test_a_link_of_ones_own_goes_on_with_the_session",
    "Too many mails or wrong passwords": "test_passwords_cannot_be_tried_without_end",
    "A host name that is not this machine's": "test_any_other_host_is_refused_without_a_cookie",
    "A POST that a page of another origin sends": "test_a_page_of_another_origin_signs_nobody_in",
    "An address that a provider named": "test_who_proves_an_address_is_rid_of_who_only_claimed_it",
    "A body over 1 MB": "test_what_cannot_be_understood_is_refused_without_a_cookie",
}


def test_every_recorded_exchange_is_here() -> None:
    assert Counter(name for name, _ in RECORDED.values()) == RECORDED_EXCHANGES


def test_every_recorded_exchange_is_replayed_once_or_listed() -> None:
    in_ways = [id for way in WAYS.values() for id in way]
    assert Counter([*ALONE, *EXPIRING, *IN_DATABASE, *in_ways]) == Counter(list(RECORDED))
    assert {matching(NOT_REPLAYED, id) for id in RECORDED if id not in IN_FLOWS} == {None}


def test_only_what_the_identity_provider_answered_is_not_replayed() -> None:
    its_own = re.compile(r"/auth|/auth/[\w-]{43}|/interaction/[\w-]{43}(/abort)?")
    skipped = {id for id in RECORDED if matching(NOT_REPLAYED, id)}
    assert skipped == {id for id, (_, exchange) in IN_FLOWS.items() if its_own.fullmatch(exchange["request"]["path"])}
    assert f"{len(skipped)} of the {len(RECORDED):,} exchanges" in " ".join(README.split())


def test_every_listed_exchange_is_a_recorded_one() -> None:
    assert {matching(DIFFERENT, id) for id in RECORDED} == {None, *DIFFERENT}
    assert {matching(NOT_REPLAYED, id) for id in RECORDED} == {None, *NOT_REPLAYED}


def test_the_documentation_gives_the_reasons() -> None:
    assert [reason for reason in NOT_REPLAYED.values() if reason not in " ".join(README.split())] == []


def test_the_table_of_the_documentation_has_the_differences_and_no_others() -> None:
    table = README.partition("| Request | Real backends | The stub |")[2].partition("\n\n")[0]
    rows = [row.split(" | ")[0].removeprefix("| ") for row in table.splitlines()[2:]]
    known = {row for row, _, _ in DIFFERENT.values()} | COMPARED | NOT_RECORDED.keys()
    assert len(rows) == len(known)
    assert [row for row in rows if not row.startswith(tuple(known))] == []
    assert [name for name in known if not any(row.startswith(name) for row in rows)] == []


def test_what_no_recording_shows_has_a_test_of_its_own() -> None:
    tests = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in NOT_RECORDED.values() if f"\ndef {name}(" not in tests] == []
