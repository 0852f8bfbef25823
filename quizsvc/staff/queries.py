"""Reads of the staff: who is signed in, credentials, people with their grants, invitations."""

import base64
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true

from quizsvc import clock, vault
from quizsvc.core import onetime, retention
from quizsvc.core.access import ROLE_NAMES, Grant, Identity, Role
from quizsvc.core.password import normalised
from quizsvc.core.refusal import Refusal, Unknown
from quizsvc.db import db, within
from quizsvc.roster import queries as roster
from quizsvc.roster.models import Unit
from quizsvc.staff.models import EndedSignIn, Invitation, RecoveryCode, RoleGrant, Staff

HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_PARAMETERS = f"m={HASHER.memory_cost},t={HASHER.time_cost},p={HASHER.parallelism}"
DECOY = f"$argon2id$v=19${_PARAMETERS}${'A' * 22}${'A' * 43}"
"""A hash no password has: checking it costs what checking a real one costs."""

EVERYWHERE = "全部单位"
FORMER = "已停用的账号"
LONGEST_NAME = 40
OF_ONE_CLASS = frozenset({Role.CLASS_TEACHER, Role.MONITOR})
ANSWERING_FOR_MUCH = frozenset({Role.ORGANIZER, Role.SYSADMIN, Role.CLERK})
"""Roles of whom an installation may require the second step."""

_LOGIN = re.compile(r"[\w.@-]{2,64}")


class UnknownStaff(Unknown):
    """Nobody with this login or number, or nobody whom the asker may see."""

    def __init__(self) -> None:
        super().__init__("没有找到这个账号，请核对登录名。")


class UnusableInvitation(Refusal):
    """A link that is unknown, used up or expired."""


class UnusableLogin(Refusal):
    """A login that nobody can have."""


class LoginTaken(Refusal):
    """Somebody has or had this login."""

    def __init__(self) -> None:
        super().__init__("这个登录名已经有人用了，请换一个。同一个人兼管几个单位，给已有的账号加授权就行。")


class Misplaced(Refusal):
    """A role that does not belong to this kind of unit."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sign-in is checked against; an unknown login has no staff_id and costs the same to check."""

    staff_id: int | None
    login: str
    epoch: int
    password_hash: str

    def match(self, password: str) -> bool:
        """Say whether this is the password."""
        return _is_hash_of(self.password_hash, normalised(password))

    @property
    def outdated(self) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return HASHER.check_needs_rehash(self.password_hash)


@dataclass(frozen=True, slots=True)
class Known:
    """Who is signed in, and whether that account has a second step."""

    identity: Identity
    two_step: bool

    @property
    def answers_for_much(self) -> bool:
        """Whether the second step may be required of this person."""
        return any(grant.role in ANSWERING_FOR_MUCH for grant in self.identity.grants)


@dataclass(frozen=True, slots=True)
class Proof:
    """A one-time code that fits: the step of the app's code, or the number of a printed one."""

    step: int | None = None
    recovery_id: int | None = None


@dataclass(frozen=True, slots=True)
class SecondStep:
    """What a one-time code is checked against."""

    staff_id: int
    epoch: int
    sealed: str
    used: int | None

    def fitting(self, typed: str, *, key_file: Path, at: datetime) -> Proof | None:
        """Return the proof in a typed code; it still has to be used up."""
        code = onetime.as_typed(typed)
        if onetime.is_recovery_code(code):
            number = _fitting_recovery_code(self.staff_id, code)
            return None if number is None else Proof(recovery_id=number)
        # the ring is read after the value, so that it knows a key that was added meanwhile
        ring = vault.kept_ring(key_file)
        secret = base64.b32decode(ring.open(self.sealed, place=secret_place(self.staff_id)))
        step = onetime.fitting_step(secret, code, at, self.used)
        return None if step is None else Proof(step=step)


@dataclass(frozen=True, slots=True)
class Held:
    """A grant in force, with its unit in words."""

    grant_id: int
    role: Role
    unit_id: int | None
    path: str
    unit_name: str


@dataclass(frozen=True, slots=True)
class Person:
    """A staff member with the grants in force that were asked for."""

    staff_id: int
    login: str
    name: str
    state: str  # invited | active | ended
    created_at: datetime
    signed_in_at: datetime | None
    two_step: bool
    grants: tuple[Held, ...]

    @property
    def signed_in_on(self) -> date | None:
        """The day of the last sign-in, in China."""
        return clock.local_day(self.signed_in_at) if self.signed_in_at else None


@dataclass(frozen=True, slots=True)
class Invited:
    """Whom an open invitation is for."""

    staff_id: int
    login: str
    name: str


def folded(text: str) -> str:
    """Bring what was typed as a login to ordinary characters and small letters."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def canonical_login(text: str) -> str:
    """Return a login as it is stored, or refuse what cannot be one."""
    login = folded(text)
    if not _LOGIN.fullmatch(login):
        raise UnusableLogin("登录名用 2 到 64 个字：字母、数字、汉字，以及 . _ - @，中间不要空格。")
    return login


def token_hash(token: str) -> str:
    """Hash a link's token; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def secret_place(staff_id: int) -> str:
    """Name the place for which somebody's secret is sealed."""
    return vault.place(Staff.__table__.c.totp_secret, staff_id)


def identity_of(staff_id: int, epoch: int, sign_in: str = "") -> Identity | None:
    """Return who signed in under this epoch, with all grants in force; None without any."""
    known = signed_in(staff_id, epoch, sign_in)
    return known.identity if known else None


def signed_in(staff_id: int, epoch: int, sign_in: str = "") -> Known | None:
    """Return who signed in under this epoch and whether by two steps; None without any grant. One statement.

    `sign_in` is the key of one sign-in; when that one was ended on its device, nobody is signed in.
    """
    ended = exists().where(EndedSignIn.key_hash == token_hash(sign_in))
    found = db.session.execute(
        select(Staff.name, Staff.totp_secret, RoleGrant.role, RoleGrant.unit_id, Unit.path)
        .join(RoleGrant, and_(RoleGrant.staff_id == Staff.id, RoleGrant.ended_at.is_(None)))
        .outerjoin(Unit, Unit.id == RoleGrant.unit_id)
        .where(Staff.id == staff_id, Staff.epoch == epoch, Staff.ended_at.is_(None), ~ended)
    ).all()
    grants = tuple(
        Grant(Role(row.role), row.path or "")
        for row in found
        if row.unit_id is not None or row.role == Role.SYSADMIN.value
    )
    if not grants:
        return None
    return Known(Identity(staff_id, found[0].name, grants), found[0].totp_secret is not None)


def second_step(staff_id: int, epoch: int) -> SecondStep | None:
    """Return what the second step of a sign-in is checked against; None for an account without one."""
    found = db.session.execute(
        select(Staff.totp_secret, Staff.totp_step).where(
            Staff.id == staff_id,
            Staff.epoch == epoch,
            Staff.ended_at.is_(None),
            Staff.totp_secret.is_not(None),
        )
    ).one_or_none()
    return SecondStep(staff_id, epoch, found.totp_secret, found.totp_step) if found else None


def recovery_codes_left(staff_id: int) -> int:
    """Count the printed codes that somebody has not used."""
    unused = select(func.count(RecoveryCode.id)).where(*_unused(staff_id))
    return int(db.session.execute(unused).scalar_one())


def credentials(login: str) -> Credentials:
    """Return what a sign-in is checked against, whether the login exists or not."""
    return _credentials(Staff.login == folded(login))


def credentials_of(staff_id: int) -> Credentials:
    """Return what the signed-in person's present password is checked against."""
    return _credentials(Staff.id == staff_id)


def person(staff_id: int) -> Person:
    """Return a staff member with all grants in force."""
    return _one(_people(Staff.id == staff_id))


def person_by_login(login: str) -> Person:
    """Return a staff member by login."""
    return _one(_people(Staff.login == canonical_login(login)))


def everybody() -> list[Person]:
    """List all accounts, ended ones too, by login."""
    return sorted(_people(true()), key=lambda row: row.login)


def stale(before: datetime) -> list[Person]:
    """List open accounts that nobody signed in to since a moment, longest unused first."""
    last = func.coalesce(Staff.signed_in_at, Staff.created_at)
    found = _people(and_(Staff.ended_at.is_(None), last < before))
    return sorted(found, key=lambda row: (row.signed_in_at or row.created_at, row.login))


def people_under(paths: Sequence[str], words: str = "", most: int = 200) -> list[Person]:
    """List who holds a grant in these subtrees, with those grants, by unit and login, at most so many."""
    inside = and_(RoleGrant.ended_at.is_(None), within(Unit.path, paths))
    meant = [column.contains(words, autoescape=True) for column in (Staff.name, Staff.login, Unit.name)]
    chosen = (
        select(Staff.id)
        .join(RoleGrant, RoleGrant.staff_id == Staff.id)
        .outerjoin(Unit, Unit.id == RoleGrant.unit_id)
        .where(Staff.ended_at.is_(None), inside, or_(*meant) if words else true())
        .group_by(Staff.id, Staff.login)
        .order_by(func.coalesce(func.min(Unit.path), ""), Staff.login)
        .limit(most)
    )
    return _people(Staff.id.in_(chosen), inside)


def held_by(person: Person, role: Role, unit: roster.UnitRow | None) -> Held:
    """Return one of somebody's grants."""
    unit_id = unit.id if unit else None
    for held in person.grants:
        if held.role == role and held.unit_id == unit_id:
            return held
    raise Unknown(f"{person.name}没有这个授权，可以先用 quizsvc staff list 看一看。")


def check_invitation(*, login: str, name: str, role: Role, unit: roster.UnitRow | None) -> None:
    """Refuse an invitation that could not be written."""
    if not 1 <= len(name.strip()) <= LONGEST_NAME:
        raise Refusal(f"姓名要写 1 到 {LONGEST_NAME} 个字。")
    if db.session.scalar(select(Staff.id).where(Staff.login == canonical_login(login))) is not None:
        raise LoginTaken
    check_place(role, unit)


def check_place(role: Role, unit: roster.UnitRow | None) -> None:
    """Refuse a role where it does not belong."""
    if (role == Role.SYSADMIN) != (unit is None):
        raise Misplaced("系统管理员不挂在某个单位下，其他身份都要写明单位。")
    if unit is not None and role in OF_ONE_CLASS and roster.children(unit.id):
        raise Misplaced(f"{ROLE_NAMES[role]}只能授权到班，“{unit.name}”下面还有单位。")


def invitation(token: str, at: datetime) -> Invited:
    """Return whom an open invitation is for; looking does not use it up."""
    found = db.session.execute(
        select(Staff.id, Staff.login, Staff.name, Staff.ended_at, Invitation.used_at, Invitation.expires_at)
        .join(Staff, Staff.id == Invitation.staff_id)
        .where(Invitation.token_hash == token_hash(token))
    ).one_or_none()
    if found is None:
        raise UnusableInvitation("这个链接不完整或者不存在。请从消息里重新完整复制一次。", status=404)
    if found.used_at is not None:
        raise UnusableInvitation(
            "这个链接已经用过了，请直接登录。如果不是你本人用的，请马上告诉管理员，换一个新链接。", status=410
        )
    if found.expires_at <= at or found.ended_at is not None:
        raise UnusableInvitation("这个链接已经失效。请向给你链接的管理员要一个新的。", status=410)
    return Invited(found.id, found.login, found.name)


def _credentials(whose: ColumnElement[bool]) -> Credentials:
    found = db.session.execute(
        select(Staff.id, Staff.login, Staff.epoch, Staff.password_hash).where(whose, Staff.ended_at.is_(None))
    ).one_or_none()
    if found is None or found.password_hash is None:
        return Credentials(None, "", 0, DECOY)
    return Credentials(found.id, found.login, found.epoch, found.password_hash)


def _people(whose: ColumnElement[bool], grants: ColumnElement[bool] | None = None) -> list[Person]:
    """Read people with their grants in one statement, by unit and login."""
    reading = (
        select(Staff, RoleGrant, Unit)
        .outerjoin(RoleGrant, and_(RoleGrant.staff_id == Staff.id, RoleGrant.ended_at.is_(None)))
        .outerjoin(Unit, Unit.id == RoleGrant.unit_id)
        .where(whose, true() if grants is None else grants)
        .order_by(func.coalesce(Unit.path, ""), Staff.login, RoleGrant.id)
    )
    people: dict[int, tuple[Staff, list[Held]]] = {}
    for row, grant, unit in db.session.execute(reading):
        held = people.setdefault(row.id, (row, []))[1]
        if grant is not None:
            held.append(_held(grant, unit))
    return [_person(row, held) for row, held in people.values()]


def _held(grant: RoleGrant, unit: Unit | None) -> Held:
    path, name = (unit.path, unit.name) if unit else ("", EVERYWHERE)
    return Held(grant.id, Role(grant.role), grant.unit_id, path, name)


def _person(row: Staff, grants: Iterable[Held]) -> Person:
    state = "ended" if row.ended_at else "active" if row.password_hash else "invited"
    return Person(
        row.id, row.login, row.name, state, row.created_at, row.signed_in_at, row.totp_secret is not None,
        tuple(grants),
    )  # fmt: skip


def _unused(staff_id: int) -> tuple[ColumnElement[bool], ...]:
    return RecoveryCode.staff_id == staff_id, RecoveryCode.used_at.is_(None)


def _fitting_recovery_code(staff_id: int, code: str) -> int | None:
    kept = db.session.execute(select(RecoveryCode.id, RecoveryCode.code_hash).where(*_unused(staff_id))).all()
    return next((row.id for row in kept if _is_hash_of(row.code_hash, code)), None)


def _is_hash_of(hashed: str, code: str) -> bool:
    try:
        return HASHER.verify(hashed, code)
    except VerifyMismatchError:
        return False


def _one(found: Sequence[Person]) -> Person:
    if not found:
        raise UnknownStaff
    return found[0]


# What of the staff is to be erased; both conditions are also the operations', and are false afterwards.


def old_invitations(at: datetime) -> ColumnElement[bool]:
    """Tell which links were used or expired long enough ago."""
    return func.coalesce(Invitation.used_at, Invitation.expires_at) <= retention.invitations_go(at)


def old_accounts(at: datetime) -> ColumnElement[bool]:
    """Tell which accounts were ended long enough ago and still have a name."""
    return and_(Staff.ended_at <= retention.accounts_go(at), Staff.name != FORMER)


def erasable(at: datetime) -> dict[str, int]:
    """Count what is to be erased: "invitations", "accounts" (2 statements)."""
    counts = {
        "invitations": select(func.count()).where(old_invitations(at)),
        "accounts": select(func.count()).where(old_accounts(at)),
    }
    return {name: db.session.execute(count).scalar_one() for name, count in counts.items()}
