"""Who may do what: roles, permissions, the one table, and the question `permits`."""

from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """A role of a staff member over a unit and everything under it. Source: domain.md 2.3, design.md 8."""

    SYSADMIN = "sysadmin"
    ORGANIZER = "organizer"
    SCHOOL_ADMIN = "school_admin"
    COUNSELOR = "counselor"
    CLASS_TEACHER = "class_teacher"
    MONITOR = "monitor"
    AUDITOR = "auditor"
    WITNESS = "witness"
    CLERK = "clerk"


ROLE_NAMES = {
    Role.SYSADMIN: "系统管理员",
    Role.ORGANIZER: "主办方",
    Role.SCHOOL_ADMIN: "学校管理员",
    Role.COUNSELOR: "辅导员",
    Role.CLASS_TEACHER: "班主任",
    Role.MONITOR: "班长",
    Role.AUDITOR: "督查",
    Role.WITNESS: "抽奖见证人",
    Role.CLERK: "发奖员",
}


class Permission(Enum):
    """One thing a staff member may do within a unit."""

    SIGNED_IN = "signed_in"
    SEE_COUNTS = "see_counts"
    SEE_SEATS = "see_seats"
    SEE_NAMES = "see_names"
    SEE_ITEMS = "see_items"
    EXPORT_SCORES = "export_scores"
    EXPORT_COUNTS = "export_counts"
    SHOW_LINKS = "show_links"
    MANAGE_LINKS = "manage_links"
    MANAGE_ATTEMPTS = "manage_attempts"
    MANAGE_ROSTER = "manage_roster"
    EXEMPT = "exempt"
    MANAGE_CAMPAIGNS = "manage_campaigns"
    SEE_BULLETINS = "see_bulletins"
    ISSUE_BULLETINS = "issue_bulletins"
    RUN_CONTESTS = "run_contests"
    REVIEW_CONTESTS = "review_contests"
    SEE_REVIEWS = "see_reviews"
    SEE_CONTESTS = "see_contests"
    WITNESS_DRAWS = "witness_draws"
    HAND_OUT_PRIZES = "hand_out_prizes"
    KEEP_DECLARATIONS = "keep_declarations"
    SEE_SIGNATURES = "see_signatures"
    KEEP_TOTALS = "keep_totals"
    MANAGE_BANKS = "manage_banks"
    MANAGE_STAFF = "manage_staff"
    KEEP_SERVICE = "keep_service"


_TEACHING = frozenset({Role.CLASS_TEACHER, Role.COUNSELOR})
_LEADING = frozenset({Role.ORGANIZER, Role.SCHOOL_ADMIN})

TABLE: dict[Permission, frozenset[Role]] = {
    Permission.SIGNED_IN: frozenset(Role),
    Permission.SEE_COUNTS: _TEACHING | _LEADING | {Role.MONITOR, Role.AUDITOR},
    Permission.SEE_SEATS: _TEACHING,
    Permission.SEE_NAMES: _TEACHING,
    Permission.SEE_ITEMS: _TEACHING | _LEADING | {Role.AUDITOR},
    Permission.EXPORT_SCORES: _TEACHING,
    Permission.EXPORT_COUNTS: _LEADING | {Role.AUDITOR},
    Permission.SHOW_LINKS: _TEACHING | _LEADING | {Role.MONITOR},
    Permission.MANAGE_LINKS: _TEACHING | _LEADING,
    Permission.MANAGE_ATTEMPTS: _TEACHING,
    Permission.MANAGE_ROSTER: frozenset({Role.SCHOOL_ADMIN}),
    Permission.EXEMPT: frozenset({Role.SCHOOL_ADMIN}),
    Permission.MANAGE_CAMPAIGNS: frozenset({Role.ORGANIZER}),
    Permission.SEE_BULLETINS: _TEACHING | _LEADING | {Role.AUDITOR},
    Permission.ISSUE_BULLETINS: _LEADING,
    Permission.RUN_CONTESTS: frozenset({Role.ORGANIZER}),
    Permission.REVIEW_CONTESTS: frozenset({Role.ORGANIZER}),
    Permission.SEE_REVIEWS: frozenset({Role.ORGANIZER, Role.AUDITOR}),
    Permission.SEE_CONTESTS: frozenset({Role.ORGANIZER, Role.AUDITOR, Role.WITNESS, Role.CLERK}),
    Permission.WITNESS_DRAWS: frozenset({Role.ORGANIZER, Role.WITNESS}),
    Permission.HAND_OUT_PRIZES: frozenset({Role.CLERK}),
    Permission.KEEP_DECLARATIONS: _TEACHING | {Role.SCHOOL_ADMIN},
    Permission.SEE_SIGNATURES: _TEACHING | {Role.SCHOOL_ADMIN},
    Permission.KEEP_TOTALS: _TEACHING | _LEADING,
    Permission.MANAGE_BANKS: frozenset({Role.ORGANIZER}),
    Permission.MANAGE_STAFF: _LEADING | {Role.SYSADMIN},
    Permission.KEEP_SERVICE: frozenset({Role.SYSADMIN}),
}
"""Permission -> the roles that carry it. Names of pupils end at the class's own teachers (design.md 6)."""

_BELOW_ORGANIZER = frozenset(Role) - {Role.SYSADMIN}

HANDS_ON: dict[Role, frozenset[Role]] = {
    Role.SYSADMIN: frozenset(Role),
    Role.ORGANIZER: _BELOW_ORGANIZER,
    Role.SCHOOL_ADMIN: _BELOW_ORGANIZER - {Role.ORGANIZER},
}
"""Role -> the roles its holder may hand on and take back within the subtree: never one above their own."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role held over a subtree. path: the unit's path, ending with "/"; "" is the whole installation."""

    role: Role
    path: str


@dataclass(frozen=True, slots=True)
class Identity:
    """A signed-in staff member, cut off from the database. grants: all that are in force, any order."""

    staff_id: int
    name: str
    grants: tuple[Grant, ...]


def permits(identity: Identity | None, permission: Permission, path: str) -> bool:
    """Say whether somebody may do a thing in a unit.

    identity: None is nobody. permission: one of the table. path: the unit's path ending with "/".
    return: True when one grant carries the permission and its subtree holds the unit.
    """
    return identity is not None and any(
        path.startswith(grant.path) and grant.role in TABLE[permission] for grant in identity.grants
    )


def reaches(identity: Identity | None, permission: Permission, path: str) -> bool:
    """Say whether what a unit issues is meant for somebody: it goes to those above, in and under it.

    identity: None is nobody. permission: one of the table. path: the unit's path ending with "/".
    return: True when one grant carries the permission over the unit, or over a part of it.
    """
    return any(path.startswith(mine) or mine.startswith(path) for mine in scopes(identity, permission))


def scopes(identity: Identity | None, permission: Permission) -> tuple[str, ...]:
    """List the subtrees in which somebody may do a thing.

    identity: None is nobody. permission: one of the table.
    return: paths, sorted, without those that lie inside another of the list.
    """
    if identity is None:
        return ()
    paths = sorted({grant.path for grant in identity.grants if grant.role in TABLE[permission]})
    return tuple(path for path in paths if not any(path.startswith(top) for top in paths if top != path))


def roles_to_hand_on(identity: Identity | None, path: str) -> frozenset[Role]:
    """List the roles somebody may hand on to others, or take back from them, in a unit.

    identity: None is nobody. path: the unit's path ending with "/"; "" is the whole installation.
    return: the union over the grants whose subtree holds the unit; empty for everybody who manages no staff.
    """
    if identity is None:
        return frozenset()
    held = [HANDS_ON.get(grant.role, frozenset()) for grant in identity.grants if path.startswith(grant.path)]
    return frozenset().union(*held)
