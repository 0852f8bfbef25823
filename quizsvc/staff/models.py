"""Tables of the staff: accounts, role grants over the tree, invitations, recovery codes, ended sign-ins."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.core.retention import ACCOUNTS, ACTOR, INVITATIONS, RECOVERY, SIGN_INS, label, stays
from quizsvc.db import Base

_ACCOUNT = stays("the number of an account; login and name are replaced after the account's end")


class Staff(Base):
    """Somebody who signs in. Raising `epoch` ends all their sign-ins."""

    __tablename__ = "staff_staff"
    plain = ("epoch", "created_at", "ended_at", "signed_in_at", "totp_step")

    id: Mapped[int] = mapped_column(primary_key=True, info=label("pseudonym", _ACCOUNT))
    login: Mapped[str] = mapped_column(unique=True, info=label("personal", ACCOUNTS))
    name: Mapped[str] = mapped_column(info=label("personal", ACCOUNTS))
    password_hash: Mapped[str | None] = mapped_column(info=label("secret", ACCOUNTS))
    epoch: Mapped[int]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    signed_in_at: Mapped[datetime | None]
    totp_secret: Mapped[str | None] = mapped_column(info={"sealed": True, **label("secret", ACCOUNTS)})
    totp_step: Mapped[int | None]  # of the last code that was taken; a code counts once


class RoleGrant(Base):
    """A role over a unit's subtree; unit_id None is the whole installation (sysadmin only)."""

    __tablename__ = "staff_role_grant"
    __table_args__ = (
        Index(
            "uq_staff_role_grant_held", "staff_id", "role", "unit_id",
            unique=True, sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL"),
        ),
    )  # fmt: skip
    plain = ("id", "role", "unit_id", "granted_at", "ended_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_staff.id"), info=label("pseudonym", _ACCOUNT))
    role: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("roster_unit.id"))
    granted_by: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))
    granted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Invitation(Base):
    """A one-time link to set a password; only the hash of its token is kept."""

    __tablename__ = "staff_invitation"
    plain = ("id", "expires_at", "used_at", "created_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(
        ForeignKey("staff_staff.id"), index=True, info=label("pseudonym", INVITATIONS)
    )
    token_hash: Mapped[str] = mapped_column(unique=True, info=label("secret", INVITATIONS))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class EndedSignIn(Base):
    """A sign-in ended on its device, so that copies of its cookie are worth nothing; kept while it could last."""

    __tablename__ = "staff_ended_sign_in"
    plain = ("ends_at",)

    key_hash: Mapped[str] = mapped_column(primary_key=True, info=label("secret", SIGN_INS))
    ends_at: Mapped[datetime] = mapped_column(index=True)


class RecoveryCode(Base):
    """A printed one-time code for somebody whose phone is lost; only a slow hash of it is kept."""

    __tablename__ = "staff_recovery_code"
    plain = ("id", "created_at", "used_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(
        ForeignKey("staff_staff.id"), index=True, info=label("pseudonym", RECOVERY)
    )
    code_hash: Mapped[str] = mapped_column(info=label("secret", RECOVERY))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
