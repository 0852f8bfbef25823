"""Invitations, passwords, grants and ends, and what of them the audit log keeps."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select

from quizsvc.audit import CLI, Actor, AuditEntry
from quizsvc.core.access import Role
from quizsvc.core.password import TooEasy
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.roster.queries import UnknownUnit
from quizsvc.staff import operations, queries
from quizsvc.staff.models import Invitation, RoleGrant, Staff
from tests import make
from tests.conftest import NOON
from tests.staff import second_step

GOOD = "青山绿水小船晚霞四个词"
BETTER = "another good phrase 7"


def invited(login: str = "lin", name: str = "林老师") -> operations.Issued:
    unit = make.a_class(make.a_school(make.a_county()))
    return operations.invite(
        login=login, name=name, role=Role.CLASS_TEACHER, unit_id=unit.id, at=NOON, actor=CLI
    )


def trail() -> list[tuple[str, str, str, dict[str, object]]]:
    rows = db.session.scalars(select(AuditEntry).order_by(AuditEntry.seq))
    return [(row.actor, row.action, row.object, json.loads(row.detail)) for row in rows]


def test_invitation_opens_an_account_without_a_password(app: Flask) -> None:
    issued = invited(" ＬＩＮ ")

    staff = db.session.scalars(select(Staff)).one()
    invitation = db.session.scalars(select(Invitation)).one()
    assert (staff.login, staff.name, staff.password_hash, staff.epoch) == ("lin", "林老师", None, 1)
    assert queries.identity_of(staff.id, 1).grants[0].path == "yg/sy/703/"
    assert invitation.token_hash == queries.token_hash(issued.token)
    assert issued.token not in invitation.token_hash
    assert issued.expires_at == NOON + timedelta(days=7)
    assert issued.path == f"/staff/accept/{issued.token}"
    assert not queries.credentials("lin").match("")


def test_tokens_carry_256_bits_and_differ(app: Flask) -> None:
    issued = invited()
    tokens = {operations.issue_link(staff_id=issued.staff_id, at=NOON, actor=CLI).token for _ in range(50)}

    assert len(tokens) == 50
    assert {len(token) for token in tokens} == {43}  # 32 bytes in base64


def test_accepting_sets_the_password_and_uses_the_link_up(app: Flask) -> None:
    issued = invited()

    entered = operations.accept(token=issued.token, password=GOOD, at=NOON)

    assert entered == operations.Entered(issued.staff_id, 2)
    assert queries.credentials("lin").match(GOOD)
    with pytest.raises(queries.UnusableInvitation, match="已经用过"):
        operations.accept(token=issued.token, password=BETTER, at=NOON)
    assert queries.credentials("lin").match(GOOD)


@pytest.mark.parametrize(
    "password", ["short", "1234567890", "woaini1314", "lin2026lin", "林老师林老师林老师"]
)
def test_refused_password_leaves_the_link_as_it_was(app: Flask, password: str) -> None:
    issued = invited()

    with pytest.raises(TooEasy):
        operations.accept(token=issued.token, password=password, at=NOON)

    assert queries.invitation(issued.token, NOON).login == "lin"
    assert operations.accept(token=issued.token, password=GOOD, at=NOON).epoch == 2


def test_link_expires_after_seven_days(app: Flask) -> None:
    issued = invited()
    last = NOON + timedelta(days=7) - timedelta(seconds=1)

    assert queries.invitation(issued.token, last).staff_id == issued.staff_id
    with pytest.raises(queries.UnusableInvitation, match="失效"):
        operations.accept(token=issued.token, password=GOOD, at=NOON + timedelta(days=7))


def test_link_used_by_four_at_once_counts_once(app: Flask) -> None:
    issued = invited()
    start = Barrier(4)

    def use(number: int) -> str:
        with app.app_context():
            start.wait()
            try:
                operations.accept(token=issued.token, password=f"{GOOD}{number}", at=NOON)
            except queries.UnusableInvitation:
                return "refused"
            return f"{GOOD}{number}"

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(use, range(4)))

    (won,) = (result for result in results if result != "refused")
    db.session.rollback()
    assert queries.credentials("lin").match(won)
    assert queries.credentials("lin").epoch == 2


def test_same_grant_given_by_four_at_once_is_one(app: Flask) -> None:
    issued = invited()
    unit_id = db.session.scalars(select(RoleGrant.unit_id)).one()
    db.session.rollback()
    start = Barrier(4)

    def give(_number: int) -> bool:
        with app.app_context():
            start.wait()
            try:
                operations.grant(
                    staff_id=issued.staff_id, role=Role.AUDITOR, unit_id=unit_id, at=NOON, actor=CLI
                )
            except operations.NothingToChange:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(give, range(4)))

    assert sorted(given) == [False, False, False, True]
    assert len(queries.person(issued.staff_id).grants) == 2


def test_fresh_link_ends_the_older_one_but_not_the_password(app: Flask) -> None:
    first = invited()
    operations.accept(token=first.token, password=GOOD, at=NOON)
    second = operations.issue_link(staff_id=first.staff_id, at=NOON, actor=CLI)
    third = operations.issue_link(staff_id=first.staff_id, at=NOON, actor=CLI)

    with pytest.raises(queries.UnusableInvitation, match="失效"):
        operations.accept(token=second.token, password=BETTER, at=NOON)
    assert queries.credentials("lin").match(GOOD)
    assert operations.accept(token=third.token, password=BETTER, at=NOON).epoch == 3
    assert queries.credentials("lin").match(BETTER)


def test_changing_the_password_raises_the_epoch_and_ends_open_links(app: Flask) -> None:
    issued = invited()
    operations.accept(token=issued.token, password=GOOD, at=NOON)
    link = operations.issue_link(staff_id=issued.staff_id, at=NOON, actor=CLI)

    entered = operations.change_password(staff_id=issued.staff_id, password=BETTER, at=NOON)

    assert entered.epoch == 3
    assert queries.identity_of(issued.staff_id, 2) is None
    assert queries.credentials("lin").match(BETTER)
    with pytest.raises(queries.UnusableInvitation):
        queries.invitation(link.token, NOON)


def test_sign_in_hashes_anew_only_when_the_parameters_changed(app: Flask) -> None:
    issued = invited()
    staff = db.session.get(Staff, issued.staff_id)
    staff.password_hash = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(GOOD)
    make.saved(staff)

    operations.sign_in(found=queries.credentials("lin"), password=GOOD, address="abc", at=NOON)
    renewed = queries.credentials("lin")
    operations.sign_in(found=renewed, password=GOOD, address="abc", at=NOON)

    assert not renewed.outdated
    assert renewed.match(GOOD)
    assert queries.credentials("lin") == renewed


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"login": "a b"}, "登录名用"),
        ({"name": " "}, "姓名要写"),
        ({"name": "长" * 41}, "姓名要写"),
        ({"role": Role.SYSADMIN}, "系统管理员不挂在"),
        ({"unit_id": None}, "系统管理员不挂在"),
        ({"login": "HE"}, "已经有人用了"),
    ],
)
def test_odd_invitation_is_refused_and_writes_nothing(
    app: Flask, changes: dict[str, object], sentence: str
) -> None:
    school = make.a_school(make.a_county())
    make.a_staff("he", "何主任", ("school_admin", school))
    values = {"login": "lin", "name": "林老师", "role": Role.SCHOOL_ADMIN, "unit_id": school.id, **changes}

    with pytest.raises(Refusal, match=sentence):
        operations.invite(**values, at=NOON, actor=CLI)

    assert db.session.scalars(select(Staff.login)).all() == ["he"]
    assert db.session.scalars(select(Invitation)).all() == []
    assert trail() == []


@pytest.mark.parametrize("role", [Role.CLASS_TEACHER, Role.MONITOR])
def test_roles_of_one_class_are_refused_over_a_school(app: Flask, role: Role) -> None:
    school = make.a_school(make.a_county())
    make.a_class(school)

    with pytest.raises(queries.Misplaced, match="只能授权到班"):
        operations.invite(login="lin", name="林老师", role=role, unit_id=school.id, at=NOON, actor=CLI)


def test_unknown_unit_is_refused(app: Flask) -> None:
    with pytest.raises(UnknownUnit):
        operations.invite(login="lin", name="林老师", role=Role.AUDITOR, unit_id=404, at=NOON, actor=CLI)


def test_every_way_of_signing_in_leaves_its_moment(app: Flask) -> None:
    issued = invited()
    operations.accept(token=issued.token, password=GOOD, at=NOON)
    by_link = queries.person(issued.staff_id).signed_in_at
    later = NOON + timedelta(days=1)
    operations.sign_in(found=queries.credentials("lin"), password=GOOD, address="abc", at=later)

    assert (by_link, queries.person(issued.staff_id).signed_in_at) == (NOON, later)


def test_ended_account_leaves_nothing_of_its_second_step(app: Flask) -> None:
    staff = second_step.turned_on(app, make.a_staff("lin", "林老师"))
    second_step.printed(staff, "7K3M9Q2X4V5W", NOON)

    operations.end(staff_id=staff.id, at=NOON, actor=CLI)

    row = db.session.get(Staff, staff.id, populate_existing=True)
    assert (row.totp_secret, queries.recovery_codes_left(staff.id)) == (None, 0)


def test_recovery_codes_carry_60_bits_and_differ(app: Flask) -> None:
    codes = {code for _ in range(10) for code in operations.RecoveryCodes.fresh().codes}

    assert len(codes) == 80
    assert {len(code) for code in codes} == {12}


def test_second_step_is_turned_on_once(app: Flask) -> None:
    staff = make.a_staff("lin", "林老师")
    recovery = operations.RecoveryCodes(("7K3M9Q2X4V5W",), ("hash",))
    given = {"staff_id": staff.id, "secret": second_step.SECRET, "code": second_step.code(NOON), "at": NOON,
             "recovery": recovery, "key_file": app.config["SETTINGS"].key_file}  # fmt: skip

    entered = operations.turn_on_two_step(**given)

    assert entered == operations.Entered(staff.id, 2)
    with pytest.raises(operations.NothingToChange):
        operations.turn_on_two_step(**given)
    with pytest.raises(operations.WrongCode):
        operations.turn_on_two_step(**{**given, "code": second_step.code(NOON, steps=2)})
    assert queries.recovery_codes_left(staff.id) == 1


def test_recovery_codes_are_not_made_for_an_account_without_a_second_step(app: Flask) -> None:
    staff = make.a_staff("lin", "林老师")

    with pytest.raises(operations.NothingToChange):
        operations.renew_recovery_codes(
            staff_id=staff.id, recovery=operations.RecoveryCodes(("x",), ("hash",)), at=NOON
        )
    assert queries.recovery_codes_left(staff.id) == 0


def test_ended_account_can_do_nothing_more(app: Flask) -> None:
    issued = invited()
    operations.accept(token=issued.token, password=GOOD, at=NOON)
    link = operations.issue_link(staff_id=issued.staff_id, at=NOON, actor=CLI)
    unit_id = db.session.scalars(select(RoleGrant.unit_id)).one()

    operations.end(staff_id=issued.staff_id, at=NOON, actor=CLI)

    assert queries.identity_of(issued.staff_id, 2) is None
    assert queries.identity_of(issued.staff_id, 3) is None
    assert queries.credentials("lin").staff_id is None
    assert queries.person(issued.staff_id).grants == ()
    with pytest.raises(queries.UnusableInvitation):
        operations.accept(token=link.token, password=BETTER, at=NOON)
    with pytest.raises(operations.NothingToChange):
        operations.issue_link(staff_id=issued.staff_id, at=NOON, actor=CLI)
    with pytest.raises(operations.NothingToChange):
        operations.grant(staff_id=issued.staff_id, role=Role.AUDITOR, unit_id=unit_id, at=NOON, actor=CLI)
    with pytest.raises(operations.NothingToChange):
        operations.end(staff_id=issued.staff_id, at=NOON, actor=CLI)
    with pytest.raises(queries.LoginTaken):
        operations.invite(login="lin", name="别人", role=Role.AUDITOR, unit_id=unit_id, at=NOON, actor=CLI)


def test_grant_is_held_once_and_can_be_given_again_after_it_was_revoked(app: Flask) -> None:
    issued = invited()
    other = make.a_class(make.a_school(make.a_unit("xh", "新河县", "county")), code="801")

    grant_id = operations.grant(
        staff_id=issued.staff_id, role=Role.CLASS_TEACHER, unit_id=other.id, at=NOON, actor=CLI
    )
    with pytest.raises(operations.NothingToChange, match="已经是班主任"):
        operations.grant(
            staff_id=issued.staff_id, role=Role.CLASS_TEACHER, unit_id=other.id, at=NOON, actor=CLI
        )
    operations.revoke(grant_id=grant_id, at=NOON, actor=CLI)
    with pytest.raises(operations.NothingToChange, match="已经收回"):
        operations.revoke(grant_id=grant_id, at=NOON, actor=CLI)
    again = operations.grant(
        staff_id=issued.staff_id, role=Role.CLASS_TEACHER, unit_id=other.id, at=NOON, actor=CLI
    )

    assert again != grant_id
    assert [held.path for held in queries.person(issued.staff_id).grants] == ["xh/sy/801/", "yg/sy/703/"]


def test_ending_sign_ins_raises_the_epoch(app: Flask) -> None:
    issued = invited()

    operations.end_sign_ins(staff_id=issued.staff_id, at=NOON, actor=Actor.staff(issued.staff_id))

    assert queries.identity_of(issued.staff_id, 1) is None
    assert queries.identity_of(issued.staff_id, 2) is not None


def test_audit_tells_what_happened_without_names_logins_passwords_or_tokens(app: Flask) -> None:
    issued = invited("lin.703")
    me = f"staff:{issued.staff_id}"
    unit_id = db.session.scalars(select(RoleGrant.unit_id)).one()
    operations.accept(token=issued.token, password=GOOD, at=NOON)
    operations.sign_in(found=queries.credentials("lin.703"), password=GOOD, address="abc", at=NOON)
    link = operations.issue_link(staff_id=issued.staff_id, at=NOON, actor=CLI)
    grant_id = operations.grant(
        staff_id=issued.staff_id, role=Role.AUDITOR, unit_id=unit_id, at=NOON, actor=CLI
    )
    operations.revoke(grant_id=grant_id, at=NOON, actor=CLI)
    operations.end(staff_id=issued.staff_id, at=NOON, actor=CLI)

    assert trail() == [
        ("cli", "staff.invited", me, {"role": "class_teacher", "unit": unit_id}),
        (me, "staff.password_set", me, {"way": "link"}),
        (me, "staff.signed_in", me, {"address": "abc"}),
        ("cli", "staff.link_issued", me, {}),
        ("cli", "staff.granted", me, {"role": "auditor", "unit": unit_id}),
        ("cli", "staff.revoked", me, {"role": "auditor", "unit": unit_id}),
        ("cli", "staff.ended", me, {}),
    ]
    written = json.dumps(trail(), ensure_ascii=False)
    assert [text for text in ("lin.703", "林老师", GOOD, issued.token, link.token) if text in written] == []
