"""Who is signed in, what a sign-in is checked against, who is listed for whom."""

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from flask import Flask

from quizsvc.core.access import Grant, Identity, Role
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.staff import queries
from quizsvc.staff.models import Invitation, RoleGrant, Staff
from tests import make
from tests.conftest import NOON
from tests.support import Watch


def with_password(staff: Staff, password: str = "青山绿水小船晚霞四个词") -> Staff:
    staff.password_hash = queries.HASHER.hash(password)
    return make.saved(staff)


def test_identity_has_every_grant_in_force_in_one_statement(app: Flask, watch: Watch) -> None:
    school = make.a_school(make.a_county())
    one, two = make.a_class(school, code="701"), make.a_class(school, code="702")
    lin = make.a_staff("lin", "林老师", ("class_teacher", one), ("class_teacher", two))
    ended = db.session.query(RoleGrant).filter_by(unit_id=two.id).one()
    ended.ended_at = NOON
    make.saved(ended)
    db.session.expire_all()
    lin_id = lin.id

    with watch.counting() as seen:
        identity = queries.identity_of(lin_id, 1)

    assert identity == Identity(lin_id, "林老师", (Grant(Role.CLASS_TEACHER, "yg/sy/701/"),))
    assert len(seen) == 1, seen


def test_identity_of_sysadmin_covers_everything(app: Flask) -> None:
    root = make.a_staff("root", "管理员", ("sysadmin", None))

    identity = queries.identity_of(root.id, 1)

    assert identity == Identity(root.id, "管理员", (Grant(Role.SYSADMIN, ""),))


@pytest.mark.parametrize(
    "flaw", ["another epoch", "ended account", "no grant", "everywhere without being sysadmin"]
)
def test_identity_is_nobody_when(app: Flask, flaw: str) -> None:
    county = make.a_county()
    grants = {"no grant": [], "everywhere without being sysadmin": [("organizer", None)]}.get(
        flaw, [("organizer", county)]
    )
    staff = make.a_staff("bureau", "教育局", *grants)
    staff.ended_at = NOON if flaw == "ended account" else None
    make.saved(staff)

    assert queries.identity_of(staff.id, 2 if flaw == "another epoch" else 1) is None


def test_password_matches_however_the_keyboard_wrote_it(app: Flask) -> None:
    with_password(make.a_staff("lin", "林老师"), "abc 123 晚霞小船")

    found = queries.credentials(" ＬＩＮ ")

    assert found.match("ａｂｃ　１２３　晚霞小船")
    assert not found.match("abc 123 晚霞小舟")
    assert not found.outdated


@pytest.mark.real_passwords
def test_unknown_login_is_checked_against_a_hash_of_the_same_cost(app: Flask) -> None:
    with_password(make.a_staff("lin", "林老师"))
    make.a_staff("new", "还没设密码的老师")
    gone = with_password(make.a_staff("gone", "离开的老师"), "青山绿水小船晚霞四个词")
    gone.ended_at = NOON
    make.saved(gone)

    known = queries.credentials("lin")
    for login in ("nobody", "new", "gone", "", "两 个 词"):
        unknown = queries.credentials(login)
        assert unknown.staff_id is None
        assert not unknown.match("青山绿水小船晚霞四个词")
        assert unknown.password_hash.split("$")[:4] == known.password_hash.split("$")[:4]
        assert not unknown.outdated


@pytest.mark.real_passwords
def test_hash_is_argon2id_with_the_parameters_of_the_design(app: Flask) -> None:
    assert queries.HASHER.hash("x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_hash_with_other_parameters_is_outdated(app: Flask) -> None:
    lin = make.a_staff("lin", "林老师")
    lin.password_hash = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(
        "青山绿水小船晚霞四个词"
    )
    make.saved(lin)

    found = queries.credentials("lin")

    assert found.match("青山绿水小船晚霞四个词")
    assert found.outdated


@pytest.mark.parametrize("login", ["a", "has space", "x" * 65, "a/b", "<b>", ""])
def test_login_of_odd_shape_is_refused(login: str) -> None:
    with pytest.raises(queries.UnusableLogin):
        queries.canonical_login(login)


@pytest.mark.parametrize(
    ("typed", "kept"), [("Lin", "lin"), (" ＬＩＮ７０３ ", "lin703"), ("林晓", "林晓"), ("a.b@c", "a.b@c")]
)
def test_login_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert queries.canonical_login(typed) == kept


def test_people_are_listed_with_the_grants_inside_the_subtree_only(app: Flask, watch: Watch) -> None:
    county = make.a_county()
    here, there = make.a_school(county), make.a_school(county, "ez", "第二中学")
    mine, other = make.a_class(here, code="703"), make.a_class(there, code="703")
    make.a_staff("lin", "林老师", ("class_teacher", mine), ("class_teacher", other))
    make.a_staff("he", "何主任", ("school_admin", here))
    make.a_staff("wang", "王老师", ("class_teacher", other))
    make.a_staff("root", "管理员", ("sysadmin", None))

    with watch.counting() as seen:
        found = queries.people_under([here.path])

    assert [(person.login, [held.unit_name for held in person.grants]) for person in found] == [
        ("he", ["阳光县实验中学"]),
        ("lin", ["七年级（3）班"]),
    ]
    assert len(seen) == 1, seen
    assert [person.login for person in queries.people_under([""])] == ["root", "lin", "wang", "he"]


def test_subtree_ends_at_the_slash(app: Flask) -> None:
    school = make.a_school(make.a_county())
    three, thirty = make.a_class(school, code="3"), make.a_class(school, code="30")
    make.a_staff("thirty", "三十班", ("class_teacher", thirty))

    assert queries.people_under([three.path]) == []


@pytest.mark.parametrize(
    ("words", "logins"), [("林", ["lin"]), ("he", ["he"]), ("实验", ["he"]), ("%", []), ("_", [])]
)
def test_people_are_found_by_name_login_or_unit(app: Flask, words: str, logins: list[str]) -> None:
    school = make.a_school(make.a_county())
    make.a_staff("lin", "林老师", ("class_teacher", make.a_class(school)))
    make.a_staff("he", "何主任", ("school_admin", school))

    assert [person.login for person in queries.people_under(["yg/"], words)] == logins


def test_people_are_cut_off_at_the_most(app: Flask) -> None:
    school = make.a_school(make.a_county())
    for login in ("c1", "c2", "c3"):
        make.a_staff(login, login, ("school_admin", school))

    assert [person.login for person in queries.people_under(["yg/"], most=2)] == ["c1", "c2"]


def test_everybody_lists_ended_accounts_too(app: Flask) -> None:
    gone = make.a_staff("gone", "离开的老师")
    gone.ended_at = NOON
    make.saved(gone)
    with_password(make.a_staff("lin", "林老师"))
    make.a_staff("new", "新老师")

    states = [(person.login, person.state) for person in queries.everybody()]

    assert states == [("gone", "ended"), ("lin", "active"), ("new", "invited")]


def test_unknown_person_is_refused(app: Flask) -> None:
    with pytest.raises(queries.UnknownStaff) as refused:
        queries.person_by_login("nobody")

    assert refused.value.status == 404


@pytest.mark.parametrize(
    ("flaw", "status"),
    [("unknown", 404), ("used", 410), ("expired", 410), ("just expired", 410), ("ended", 410)],
)
def test_invitation_that_cannot_be_used_says_why(app: Flask, flaw: str, status: int) -> None:
    lin = make.a_staff("lin", "林老师")
    lin.ended_at = NOON if flaw == "ended" else None
    expires_at = {"expired": NOON - timedelta(days=1), "just expired": NOON}.get(
        flaw, NOON + timedelta(days=1)
    )
    used_at = NOON if flaw == "used" else None
    hashed = queries.token_hash("token")
    make.saved(
        Invitation(
            staff_id=lin.id, token_hash=hashed, created_at=NOON, expires_at=expires_at, used_at=used_at
        )
    )

    with pytest.raises(Refusal) as refused:
        queries.invitation("other" if flaw == "unknown" else "token", NOON)

    assert refused.value.status == status
