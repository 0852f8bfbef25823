"""Changes to the staff: invitations, passwords, sign-ins, grants, ends. Nobody starts with a password."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update

from quizsvc.audit import Actor, record
from quizsvc.core.access import ROLE_NAMES, Role
from quizsvc.core.password import check_password, normalised
from quizsvc.core.refusal import Refusal
from quizsvc.db import db, insert, operation
from quizsvc.roster import queries as roster
from quizsvc.staff import queries
from quizsvc.staff.models import Invitation, RoleGrant, Staff

VALID_FOR = timedelta(days=7)
TOKEN_BYTES = 32


class NothingToChange(Refusal):
    """It is so already."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A one-time link. The token exists here only; the database keeps its hash."""

    staff_id: int
    login: str
    name: str
    token: str
    expires_at: datetime

    @property
    def path(self) -> str:
        """The address of the link on our host."""
        return f"/staff/accept/{self.token}"


@dataclass(frozen=True, slots=True)
class Entered:
    """Who may be signed in now, under which epoch."""

    staff_id: int
    epoch: int


@operation
def invite(*, login: str, name: str, role: Role, unit_id: int | None, at: datetime, actor: Actor) -> Issued:
    """Open an account without a password, with one grant and a link to set the password."""
    unit = roster.unit(unit_id) if unit_id is not None else None
    queries.check_invitation(login=login, name=name, role=role, unit=unit)
    login, name = queries.canonical_login(login), name.strip()
    staff_id = db.session.execute(
        insert(Staff)
        .values(login=login, name=name, epoch=1, created_at=at)
        .on_conflict_do_nothing(index_elements=[Staff.login])
        .returning(Staff.id)
    ).scalar_one_or_none()
    if staff_id is None:
        raise queries.LoginTaken
    _grant(staff_id, role, unit_id, at, actor)
    record(actor=actor, action="staff.invited", on=f"staff:{staff_id}", at=at, role=role.value, unit=unit_id)
    return _link(staff_id, login, name, at)


@operation
def issue_link(*, staff_id: int, at: datetime, actor: Actor) -> Issued:
    """Make a fresh link to set a password; older links end, the present password goes on until it is used."""
    person = queries.person(staff_id)
    if person.state == "ended":
        raise NothingToChange("这个账号已经停用，不能再发链接。", status=409)
    record(actor=actor, action="staff.link_issued", on=f"staff:{staff_id}", at=at)
    return _link(staff_id, person.login, person.name, at)


@operation
def accept(*, token: str, password: str, at: datetime) -> Entered:
    """Use a link up: set the password and end all earlier sign-ins."""
    invited = queries.invitation(token, at)
    check_password(password, own=(invited.login, invited.name))
    used = db.session.execute(
        update(Invitation)
        .where(Invitation.token_hash == queries.token_hash(token), Invitation.used_at.is_(None))
        .values(used_at=at)
        .returning(Invitation.id)
    ).scalar_one_or_none()
    if used is None:
        raise queries.UnusableInvitation("这个链接刚刚已经用过了，请直接登录。", status=410)
    _end_links(invited.staff_id, at)
    return _set_password(invited.staff_id, password, at, "link")


@operation
def change_password(*, staff_id: int, password: str, at: datetime) -> Entered:
    """Set another password for somebody who has proved the present one; all other sign-ins end."""
    person = queries.person(staff_id)
    check_password(password, own=(person.login, person.name))
    _end_links(staff_id, at)
    return _set_password(staff_id, password, at, "account")


@operation
def sign_in(*, found: queries.Credentials, password: str, address: str, at: datetime) -> None:
    """Write down a sign-in; hash the password anew when the parameters have changed."""
    if found.outdated:
        db.session.execute(
            update(Staff)
            .where(Staff.id == found.staff_id, Staff.password_hash == found.password_hash)
            .values(password_hash=queries.HASHER.hash(normalised(password)))
        )
    whom = f"staff:{found.staff_id}"
    record(actor=Actor(whom), action="staff.signed_in", on=whom, at=at, address=address)


@operation
def end_sign_ins(*, staff_id: int, at: datetime, actor: Actor) -> None:
    """End all sign-ins of somebody, on every device."""
    db.session.execute(update(Staff).where(Staff.id == staff_id).values(epoch=Staff.epoch + 1))
    record(actor=actor, action="staff.sign_ins_ended", on=f"staff:{staff_id}", at=at)


@operation
def end(*, staff_id: int, at: datetime, actor: Actor) -> None:
    """End an account: its sign-ins, its grants and its links."""
    ended = db.session.execute(
        update(Staff)
        .where(Staff.id == staff_id, Staff.ended_at.is_(None))
        .values(ended_at=at, epoch=Staff.epoch + 1)
        .returning(Staff.id)
    ).scalar_one_or_none()
    if ended is None:
        raise NothingToChange("这个账号已经停用了。", status=409)
    db.session.execute(
        update(RoleGrant)
        .where(RoleGrant.staff_id == staff_id, RoleGrant.ended_at.is_(None))
        .values(ended_at=at)
    )
    _end_links(staff_id, at)
    record(actor=actor, action="staff.ended", on=f"staff:{staff_id}", at=at)


@operation
def grant(*, staff_id: int, role: Role, unit_id: int | None, at: datetime, actor: Actor) -> int:
    """Give somebody one more role over a unit; return the grant's number."""
    person = queries.person(staff_id)
    if person.state == "ended":
        raise NothingToChange("这个账号已经停用，不能再加授权。", status=409)
    queries.check_place(role, roster.unit(unit_id) if unit_id is not None else None)
    if any(held.role == role and held.unit_id == unit_id for held in person.grants):
        raise NothingToChange(f"{person.name}在这里已经是{ROLE_NAMES[role]}了。", status=409)
    grant_id = _grant(staff_id, role, unit_id, at, actor)
    record(actor=actor, action="staff.granted", on=f"staff:{staff_id}", at=at, role=role.value, unit=unit_id)
    return grant_id


@operation
def revoke(*, grant_id: int, at: datetime, actor: Actor) -> None:
    """Take a role back; it ends with the holder's next request."""
    ended = db.session.execute(
        update(RoleGrant)
        .where(RoleGrant.id == grant_id, RoleGrant.ended_at.is_(None))
        .values(ended_at=at)
        .returning(RoleGrant.staff_id, RoleGrant.role, RoleGrant.unit_id)
    ).one_or_none()
    if ended is None:
        raise NothingToChange("这个授权已经收回了。", status=409)
    whom = f"staff:{ended.staff_id}"
    record(actor=actor, action="staff.revoked", on=whom, at=at, role=ended.role, unit=ended.unit_id)


def _grant(staff_id: int, role: Role, unit_id: int | None, at: datetime, actor: Actor) -> int:
    grant_id = db.session.execute(
        insert(RoleGrant)
        .values(staff_id=staff_id, role=role.value, unit_id=unit_id, granted_by=actor.text, granted_at=at)
        .on_conflict_do_nothing()
        .returning(RoleGrant.id)
    ).scalar_one_or_none()
    if grant_id is None:
        raise NothingToChange("这个授权刚刚已经加上了。", status=409)
    return int(grant_id)


def _link(staff_id: int, login: str, name: str, at: datetime) -> Issued:
    _end_links(staff_id, at)
    issued = Issued(staff_id, login, name, secrets.token_urlsafe(TOKEN_BYTES), at + VALID_FOR)
    hashed = queries.token_hash(issued.token)
    db.session.add(
        Invitation(staff_id=staff_id, token_hash=hashed, expires_at=issued.expires_at, created_at=at)
    )
    return issued


def _end_links(staff_id: int, at: datetime) -> None:
    db.session.execute(
        update(Invitation)
        .where(Invitation.staff_id == staff_id, Invitation.used_at.is_(None), Invitation.expires_at > at)
        .values(expires_at=at)
    )


def _set_password(staff_id: int, password: str, at: datetime, way: str) -> Entered:
    epoch = db.session.execute(
        update(Staff)
        .where(Staff.id == staff_id, Staff.ended_at.is_(None))
        .values(password_hash=queries.HASHER.hash(normalised(password)), epoch=Staff.epoch + 1)
        .returning(Staff.epoch)
    ).scalar_one()
    record(actor=Actor.staff(staff_id), action="staff.password_set", on=f"staff:{staff_id}", at=at, way=way)
    return Entered(staff_id, epoch)
