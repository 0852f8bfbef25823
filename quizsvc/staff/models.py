"""Tables of the staff: accounts, role grants over the tree, invitations."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.db import Base


class Staff(Base):
    """Somebody who signs in. Raising `epoch` ends all their sign-ins."""

    __tablename__ = "staff_staff"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(unique=True, info={"personal": True})
    name: Mapped[str] = mapped_column(info={"personal": True})
    password_hash: Mapped[str | None]
    epoch: Mapped[int]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class RoleGrant(Base):
    """A role over a unit's subtree; unit_id None is the whole installation (sysadmin only)."""

    __tablename__ = "staff_role_grant"
    __table_args__ = (
        Index(
            "uq_staff_role_grant_held", "staff_id", "role", "unit_id",
            unique=True, sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_staff.id"))
    role: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("roster_unit.id"))
    granted_by: Mapped[str]  # audit actor
    granted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Invitation(Base):
    """A one-time link to set a password; only the hash of its token is kept."""

    __tablename__ = "staff_invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_staff.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
