"""Changes to the staff: invitations, passwords, sign-ins, second steps, grants, ends."""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, func, select, update

from quizsvc import vault
from quizsvc.audit import Actor, record
from quizsvc.core import onetime
from quizsvc.core.access import ROLE_NAMES, Role
from quizsvc.core.password import check_password, normalised
from quizsvc.core.refusal import Refusal
from quizsvc.db import db, insert, operation
from quizsvc.roster import queries as roster
from quizsvc.staff import queries
from quizsvc.staff.models import EndedSignIn, Invitation, RecoveryCode, RoleGrant, Staff

VALID_FOR = timedelta(days=7)
LONGEST_SIGN_IN = timedelta(hours=12)
TOKEN_BYTES = 32
MOST_ERASED = 500


class NothingToChange(Refusal):
    """It is so already."""


class WrongCode(Refusal):
    """A one-time code that does not fit, is over, or was used: they all look the same."""

    def __init__(self) -> None:
        super().__init__("验证码不对，或者已经用过。请等 App 里出现下一个，再填一次。")


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


@dataclass(frozen=True, slots=True)
class RecoveryCodes:
    """Codes to come back without the phone. They exist here only; the database keeps slow hashes."""

    codes: tuple[str, ...]
    hashes: tuple[str, ...]

    @classmethod
    def fresh(cls) -> "RecoveryCodes":
        """Make codes nobody has seen; hashing them takes a while, so do it before the transaction."""
        codes = [
            onetime.recovery_code(secrets.randbits(onetime.RECOVERY_BITS))
            for _ in range(onetime.RECOVERY_CODES)
        ]
        return cls(tuple(codes), tuple(queries.HASHER.hash(code) for code in codes))


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
    db.session.execute(update(Staff).where(Staff.id == invited.staff_id).values(signed_in_at=at))
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
    """Write down a sign-in by password alone; hash the password anew when the parameters have changed."""
    _renew_hash(found, password)
    whom = f"staff:{found.staff_id}"
    db.session.execute(update(Staff).where(Staff.id == found.staff_id).values(signed_in_at=at))
    record(actor=Actor(whom), action="staff.signed_in", on=whom, at=at, address=address)


@operation
def pass_first_step(*, found: queries.Credentials, password: str, address: str, at: datetime) -> None:
    """Write down a right password of somebody who still has to give a code."""
    _renew_hash(found, password)
    whom = f"staff:{found.staff_id}"
    record(actor=Actor(whom), action="staff.first_step_passed", on=whom, at=at, address=address)


@operation
def pass_second_step(*, half: queries.SecondStep, proof: queries.Proof, address: str, at: datetime) -> None:
    """Use a fitting code up and write the sign-in down; of two that bring the same code one is refused."""
    signed_in = (
        update(Staff)
        .where(Staff.id == half.staff_id, Staff.epoch == half.epoch, Staff.ended_at.is_(None))
        .values(signed_in_at=at)
    )
    if proof.step is not None:
        later = func.coalesce(Staff.totp_step, -1) < proof.step
        signed_in = signed_in.where(later).values(totp_step=proof.step)
    else:
        _use_up_recovery_code(half.staff_id, proof.recovery_id, at)
    if db.session.execute(signed_in.returning(Staff.id)).one_or_none() is None:
        raise WrongCode
    way = "recovery code" if proof.step is None else "app"
    whom = f"staff:{half.staff_id}"
    record(actor=Actor(whom), action="staff.signed_in", on=whom, at=at, address=address, second_step=way)


@operation
def turn_on_two_step(
    *, staff_id: int, secret: bytes, code: str, recovery: RecoveryCodes, key_file: Path, at: datetime
) -> Entered:
    """Ask for codes of this secret from now on, once one of them has been shown; all sign-ins end."""
    step = onetime.fitting_step(secret, onetime.as_typed(code), at, None)
    if step is None:
        raise WrongCode
    epoch = db.session.execute(
        update(Staff)
        .where(Staff.id == staff_id, Staff.totp_secret.is_(None), Staff.ended_at.is_(None))
        .values(totp_step=step, epoch=Staff.epoch + 1)
        .returning(Staff.epoch)
    ).scalar_one_or_none()
    if epoch is None:
        raise NothingToChange("两步登录刚刚已经打开了。", status=409)
    # the row is locked by now, so that no key can be retired between reading the ring and the end of this
    ring = vault.kept_ring(key_file)
    sealed = ring.seal(base64.b32encode(secret).decode(), place=queries.secret_place(staff_id))
    db.session.execute(update(Staff).where(Staff.id == staff_id).values(totp_secret=sealed))
    _keep_recovery_codes(staff_id, recovery, at)
    record(actor=Actor.staff(staff_id), action="staff.two_step_on", on=f"staff:{staff_id}", at=at)
    return Entered(staff_id, epoch)


@operation
def renew_recovery_codes(*, staff_id: int, recovery: RecoveryCodes, at: datetime) -> None:
    """Put other recovery codes in the place of somebody's old ones, used or not."""
    locked = update(Staff).where(Staff.id == staff_id, Staff.totp_secret.is_not(None))
    if db.session.execute(locked.values(epoch=Staff.epoch).returning(Staff.id)).one_or_none() is None:
        raise NothingToChange("两步登录没有打开，不需要恢复码。", status=409)
    _keep_recovery_codes(staff_id, recovery, at)
    record(actor=Actor.staff(staff_id), action="staff.recovery_codes_made", on=f"staff:{staff_id}", at=at)


@operation
def turn_off_two_step(*, staff_id: int, at: datetime, actor: Actor) -> Entered:
    """Ask somebody for no code any more; secret and recovery codes are deleted, all sign-ins end."""
    epoch = db.session.execute(
        update(Staff)
        .where(Staff.id == staff_id, Staff.totp_secret.is_not(None), Staff.ended_at.is_(None))
        .values(totp_secret=None, totp_step=None, epoch=Staff.epoch + 1)
        .returning(Staff.epoch)
    ).scalar_one_or_none()
    if epoch is None:
        raise NothingToChange("这个账号没有打开两步登录。", status=409)
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id))
    record(actor=actor, action="staff.two_step_off", on=f"staff:{staff_id}", at=at)
    return Entered(staff_id, epoch)


@operation
def end_sign_in(*, sign_in: str, at: datetime) -> None:
    """End one sign-in, whoever holds a copy of its cookie; what has ended by itself meanwhile is forgotten."""
    db.session.execute(delete(EndedSignIn).where(EndedSignIn.ends_at < at))
    db.session.execute(
        insert(EndedSignIn)
        .values(key_hash=queries.token_hash(sign_in), ends_at=at + LONGEST_SIGN_IN)
        .on_conflict_do_nothing()
    )


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
        .values(ended_at=at, epoch=Staff.epoch + 1, totp_secret=None, totp_step=None)
        .returning(Staff.id)
    ).scalar_one_or_none()
    if ended is None:
        raise NothingToChange("这个账号已经停用了。", status=409)
    db.session.execute(
        update(RoleGrant)
        .where(RoleGrant.staff_id == staff_id, RoleGrant.ended_at.is_(None))
        .values(ended_at=at)
    )
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id))
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


def _renew_hash(found: queries.Credentials, password: str) -> None:
    if found.outdated:
        db.session.execute(
            update(Staff)
            .where(Staff.id == found.staff_id, Staff.password_hash == found.password_hash)
            .values(password_hash=queries.HASHER.hash(normalised(password)))
        )


def _keep_recovery_codes(staff_id: int, recovery: RecoveryCodes, at: datetime) -> None:
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id))
    db.session.add_all(
        RecoveryCode(staff_id=staff_id, code_hash=hashed, created_at=at) for hashed in recovery.hashes
    )


def _use_up_recovery_code(staff_id: int, recovery_id: int | None, at: datetime) -> None:
    used = db.session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.id == recovery_id, RecoveryCode.staff_id == staff_id, RecoveryCode.used_at.is_(None)
        )
        .values(used_at=at)
        .returning(RecoveryCode.id)
    ).one_or_none()
    if used is None:
        raise WrongCode


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


# Erasing: batches of one transaction each, to be called until they return 0; docs/PRIVACY.md says when and what.


@operation
def erase_invitations(*, at: datetime) -> int:
    """Delete up to 500 links that were used or expired long enough ago."""
    ids = db.session.scalars(
        select(Invitation.id).where(queries.old_invitations(at)).limit(MOST_ERASED)
    ).all()
    db.session.execute(delete(Invitation).where(Invitation.id.in_(ids)))
    return len(ids)


@operation
def erase_accounts(*, at: datetime) -> int:
    """Take login, name and secrets from up to 500 accounts that were ended long enough ago; their numbers stay."""
    ids = db.session.scalars(select(Staff.id).where(queries.old_accounts(at)).limit(MOST_ERASED)).all()
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id.in_(ids)))
    for staff_id in ids:
        db.session.execute(
            update(Staff)
            .where(Staff.id == staff_id)
            .values(login=f"#{staff_id}", name=queries.FORMER, password_hash=None, totp_secret=None)
        )
    return len(ids)
