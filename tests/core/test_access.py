"""Who may do what: the whole table once more, written the other way round, and subtrees by their paths."""

import pytest

from quizsvc.core.access import (
    HANDS_ON,
    ROLE_NAMES,
    TABLE,
    Grant,
    Identity,
    Permission,
    Role,
    permits,
    reaches,
    roles_to_hand_on,
    scopes,
)

TEACHING = (
    "signed_in see_counts see_seats see_names see_items export_scores show_links manage_links manage_attempts"
    " keep_declarations see_signatures keep_totals see_bulletins"
)
LEADING = (
    "signed_in see_counts see_items export_counts show_links manage_links manage_staff keep_totals see_bulletins"
    " issue_bulletins"
)
MAY = {
    Role.SYSADMIN: "signed_in manage_staff keep_service",
    Role.ORGANIZER: f"{LEADING} manage_campaigns manage_banks run_contests review_contests see_reviews "
    "see_contests witness_draws",
    Role.SCHOOL_ADMIN: f"{LEADING} manage_roster exempt keep_declarations see_signatures",
    Role.COUNSELOR: TEACHING,
    Role.CLASS_TEACHER: TEACHING,
    Role.MONITOR: "signed_in see_counts show_links",
    Role.AUDITOR: "signed_in see_counts see_items export_counts see_reviews see_contests see_bulletins",
    Role.WITNESS: "signed_in see_contests witness_draws",
    Role.CLERK: "signed_in see_contests hand_out_prizes",
}


def who(*grants: tuple[Role, str]) -> Identity:
    return Identity(1, "甲", tuple(Grant(role, path) for role, path in grants))


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("permission", list(Permission))
def test_table_says_the_same_from_both_sides(role: Role, permission: Permission) -> None:
    expected = permission.value in MAY[role].split()

    assert (role in TABLE[permission]) is expected
    assert permits(who((role, "yg/sy/")), permission, "yg/sy/703/") is expected
    assert scopes(who((role, "yg/sy/")), permission) == (("yg/sy/",) if expected else ())


def test_every_permission_and_role_is_in_the_tables() -> None:
    assert set(TABLE) == set(Permission)
    assert set(ROLE_NAMES) == set(MAY) == set(Role)


@pytest.mark.parametrize("permission", [Permission.SEE_NAMES, Permission.SEE_SEATS, Permission.EXPORT_SCORES])
def test_pupils_end_at_their_own_teachers(permission: Permission) -> None:
    assert TABLE[permission] == {Role.CLASS_TEACHER, Role.COUNSELOR}


@pytest.mark.parametrize(
    ("held", "asked", "expected"),
    [
        ("yg/sy/703/", "yg/sy/703/", True),
        ("yg/sy/", "yg/sy/703/", True),
        ("", "yg/sy/703/", True),
        ("yg/sy/703/", "yg/sy/", False),
        ("yg/sy/703/", "yg/sy/704/", False),
        ("yg/sy/3/", "yg/sy/30/", False),
        ("yg/sy/", "yg/sy2/703/", False),
        ("yg/sy/703/", "", False),
    ],
)
def test_grant_covers_its_unit_and_what_is_under_it(held: str, asked: str, expected: bool) -> None:
    assert permits(who((Role.CLASS_TEACHER, held)), Permission.SEE_NAMES, asked) is expected


def test_role_and_place_must_meet_in_one_grant() -> None:
    mixed = who((Role.CLASS_TEACHER, "yg/sy/703/"), (Role.AUDITOR, "yg/ez/"))

    assert permits(mixed, Permission.SEE_NAMES, "yg/sy/703/")
    assert not permits(mixed, Permission.SEE_NAMES, "yg/ez/801/")
    assert not permits(mixed, Permission.EXPORT_COUNTS, "yg/sy/703/")


def test_scopes_leave_out_what_lies_inside_another() -> None:
    many = who(
        (Role.COUNSELOR, "yg/sy/3/"),
        (Role.COUNSELOR, "yg/sy/30/"),
        (Role.CLASS_TEACHER, "yg/sy/3/1/"),
        (Role.CLASS_TEACHER, "yg/sy/3/"),
        (Role.AUDITOR, "yg/"),
    )

    assert scopes(many, Permission.SEE_SEATS) == ("yg/sy/3/", "yg/sy/30/")
    assert scopes(many, Permission.SEE_COUNTS) == ("yg/",)


@pytest.mark.parametrize(
    ("path", "reached"),
    [
        ("yg/", True),
        ("yg/sy/", True),
        ("yg/sy/3/", True),
        ("yg/sy/30/", False),
        ("yg/ez/", False),
        ("xx/", False),
    ],
)
def test_what_a_unit_issues_reaches_those_above_in_and_under_it(path: str, reached: bool) -> None:
    teacher = who((Role.CLASS_TEACHER, "yg/sy/3/"))

    assert reaches(teacher, Permission.SEE_BULLETINS, path) is reached
    assert reaches(who((Role.AUDITOR, "")), Permission.SEE_BULLETINS, path)
    assert not reaches(teacher, Permission.ISSUE_BULLETINS, path)
    assert not reaches(None, Permission.SEE_BULLETINS, path)


def test_nobody_may_do_anything() -> None:
    assert not any(permits(None, permission, "yg/") for permission in Permission)
    assert not any(scopes(None, permission) for permission in Permission)
    assert not any(permits(who(), permission, "yg/") for permission in Permission)
    assert roles_to_hand_on(None, "yg/") == frozenset()


def test_only_who_manages_staff_hands_roles_on() -> None:
    assert set(HANDS_ON) == TABLE[Permission.MANAGE_STAFF]


@pytest.mark.parametrize(
    ("role", "withheld"),
    [
        (Role.SYSADMIN, set()),
        (Role.ORGANIZER, {Role.SYSADMIN}),
        (Role.SCHOOL_ADMIN, {Role.SYSADMIN, Role.ORGANIZER}),
        (Role.COUNSELOR, set(Role)),
        (Role.CLASS_TEACHER, set(Role)),
        (Role.MONITOR, set(Role)),
        (Role.AUDITOR, set(Role)),
    ],
)
def test_no_role_above_the_own_is_handed_on(role: Role, withheld: set[Role]) -> None:
    assert roles_to_hand_on(who((role, "yg/")), "yg/sy/") == set(Role) - withheld
    assert roles_to_hand_on(who((role, "yg/sy/")), "yg/") == frozenset()


def test_roles_to_hand_on_add_up_where_grants_overlap() -> None:
    both = who((Role.SCHOOL_ADMIN, "yg/sy/"), (Role.ORGANIZER, "yg/"))

    assert Role.ORGANIZER in roles_to_hand_on(both, "yg/sy/")
