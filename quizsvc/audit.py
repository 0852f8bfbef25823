"""Append-only audit log: who did, saw or exported what; entries are chained by hash, submissions sealed into them.

What is hashed, and what a changed chain looks like, is core.ledger; docs/algorithms/audit.md has it in words.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import DDL, ForeignKey, Index, bindparam, event, func, select, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc import clock
from quizsvc.core import ledger
from quizsvc.core.ledger import Anchor, Entry, Fault, Leaf, Link, Private
from quizsvc.core.retention import ACTOR, DETAILS, label, stays
from quizsvc.db import Base, db, insert, operation, run

PRIVATE_STAYS = timedelta(days=365)
SALT_BYTES = 16
BATCH = 200  # entries; at worst each of them has sealed ledger.MOST_LEAVES submissions
MOST_FAULTS = 100


class AuditHead(Base):
    """The last link of the chain; its one row is locked by whoever appends."""

    __tablename__ = "audit_head"
    about_people = False

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int]
    hash: Mapped[str]


_CHAIN = stays(
    "numbers of rows and hashes, no name and nothing typed; without it the chain could not be checked"
)


class AuditEntry(Base):
    """One fact; its hash covers its content and the hash before it. Triggers refuse to change or delete it."""

    __tablename__ = "audit_entry"
    plain = ("seq", "at", "action", "prev", "hash")

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(index=True, info=label("pseudonym", ACTOR))
    action: Mapped[str] = mapped_column(index=True)
    object: Mapped[str] = mapped_column(info=label("pseudonym", _CHAIN))
    detail: Mapped[str] = mapped_column(info=label("pseudonym", _CHAIN))
    prev: Mapped[str]
    hash: Mapped[str]


class AuditLeaf(Base):
    """One submission, written in its own transaction; leaves are many, so they do not queue for the chain.

    `block` is the entry that sealed it, None until then; triggers allow that one change and no other.
    """

    __tablename__ = "audit_leaf"
    __table_args__ = (Index(None, "block", "at"),)  # both finds what is unsealed and the leaves of an entry
    plain = ("block",)

    attempt_id: Mapped[str] = mapped_column(primary_key=True, info=label("pseudonym", _CHAIN))
    at: Mapped[datetime] = mapped_column(info=label("pseudonym", _CHAIN))
    answers_hash: Mapped[str] = mapped_column(info=label("proof", _CHAIN))
    block: Mapped[int | None]


class AuditDetail(Base):
    """A personal value the chain only holds a hash of; erasing empties it and leaves the chain whole."""

    __tablename__ = "audit_detail"
    plain = ("seq", "name", "erase_on")

    seq: Mapped[int] = mapped_column(ForeignKey("audit_entry.seq"), primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(primary_key=True)
    salt: Mapped[str | None] = mapped_column(info=label("words", DETAILS))
    value: Mapped[str | None] = mapped_column(info=label("words", DETAILS))
    erase_on: Mapped[date]


_ONLY_SEALED = (
    "OLD.block IS NULL AND NEW.block IS NOT NULL AND NEW.attempt_id = OLD.attempt_id AND NEW.at = OLD.at"
    " AND NEW.answers_hash = OLD.answers_hash"
)
_THERE = "EXISTS (SELECT 1 FROM audit_entry WHERE seq = NEW.seq)"  # INSERT OR REPLACE fires no other trigger
_ONCE_SQLITE = "BEGIN SELECT RAISE(ABORT, 'audit rows are written once'); END"
_ONCE_POSTGRESQL = "EXECUTE FUNCTION audit_written_once()"
_ONCE = (
    "CREATE OR REPLACE FUNCTION audit_written_once() RETURNS trigger LANGUAGE plpgsql AS"
    " $$BEGIN RAISE EXCEPTION USING MESSAGE = 'audit rows are written once', ERRCODE = 'restrict_violation'; END$$"
)
TRIGGERS: dict[str, dict[str, tuple[str, ...]]] = {
    "sqlite": {
        "audit_entry": (
            f"CREATE TRIGGER audit_entry_changed BEFORE UPDATE ON audit_entry {_ONCE_SQLITE}",
            f"CREATE TRIGGER audit_entry_deleted BEFORE DELETE ON audit_entry {_ONCE_SQLITE}",
            f"CREATE TRIGGER audit_entry_replaced BEFORE INSERT ON audit_entry WHEN {_THERE} {_ONCE_SQLITE}",
        ),
        "audit_leaf": (
            f"CREATE TRIGGER audit_leaf_changed BEFORE UPDATE ON audit_leaf WHEN NOT ({_ONLY_SEALED}) {_ONCE_SQLITE}",
            f"CREATE TRIGGER audit_leaf_deleted BEFORE DELETE ON audit_leaf {_ONCE_SQLITE}",
        ),
    },
    "postgresql": {
        "audit_entry": (
            _ONCE,
            "CREATE TRIGGER audit_entry_changed BEFORE UPDATE OR DELETE ON audit_entry FOR EACH ROW"
            f" {_ONCE_POSTGRESQL}",
            "CREATE TRIGGER audit_entry_emptied BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT"
            f" {_ONCE_POSTGRESQL}",
        ),
        "audit_leaf": (
            _ONCE,
            "CREATE TRIGGER audit_leaf_changed BEFORE UPDATE ON audit_leaf FOR EACH ROW"
            f" WHEN (NOT ({_ONLY_SEALED})) {_ONCE_POSTGRESQL}",
            f"CREATE TRIGGER audit_leaf_deleted BEFORE DELETE ON audit_leaf FOR EACH ROW {_ONCE_POSTGRESQL}",
            "CREATE TRIGGER audit_leaf_emptied BEFORE TRUNCATE ON audit_leaf FOR EACH STATEMENT"
            f" {_ONCE_POSTGRESQL}",
        ),
    },
}
"""Dialect -> table -> what keeps its rows as they were written. A migration that copies the table makes them anew."""

for _dialect, _of_tables in TRIGGERS.items():
    for _table, _statements in _of_tables.items():
        for _statement in _statements:
            _ddl = DDL(_statement)  # type: ignore[no-untyped-call]  # the library has no types here
            event.listen(Base.metadata.tables[_table], "after_create", _ddl.execute_if(dialect=_dialect))

ACTION_NAMES = {
    "access.denied": "想打开不归自己管的页面",
    "attempt.erased": "按请求删除一份作答的内容",
    "attempt.extend": "给一个序号加时间",
    "attempt.late_accepted": "收下迟到的答案",
    "attempt.transfer": "让一个序号换手机",
    "attempt.void": "作废一个序号的作答",
    "backup.create": "备份整个数据库",
    "backup.failed": "自动备份没有做成",
    "bank.add": "新建题库",
    "bank.bring-back": "恢复题目",
    "bank.edit": "改题",
    "bank.export": "导出题库",
    "bank.import": "导入题库",
    "bank.publish": "发布题目",
    "bank.retire": "停用题目",
    "bank.review": "审题",
    "bulletin.begun": "开始拟通报",
    "bulletin.discarded": "删掉拟稿",
    "bulletin.issued": "发出通报",
    "campaign.account": "换公众号二维码",
    "campaign.answers_erased": "到期清除活动的答案",
    "campaign.erased": "到期清除活动里到人的记录",
    "campaign.open": "新建活动",
    "clock.accept": "确认本机时间",
    "declaration.archived": "导出签收档案",
    "declaration.papers_entered": "录入纸质回执或责任书",
    "declaration.pile_void": "作废一批纸质录入",
    "declaration.population": "填写常住人口",
    "declaration.printed": "打印签收的文本",
    "declaration.signers_seen": "查看签收名单",
    "declaration.signature_deleted": "本人删除签名",
    "declaration.total": "填写人工统计",
    "declaration.unverified": "撤回当面核对",
    "declaration.verified": "当面核对",
    "declaration.void": "作废一份签收",
    "dossier.exported": "导出班级档案",
    "draw.drawn": "记下公开数值，抽奖",
    "draw.frozen": "封存抽奖名单",
    "draw.notice": "发抽奖公告",
    "contest.appeal_answered": "答复参赛人的申诉",
    "contest.cleared": "看过一个有标记的参赛人",
    "contest.excluded": "一个参赛人的成绩不计入",
    "contest.restored": "恢复一个参赛人的成绩",
    "keys.added": "加一个加密用的新密钥",
    "keys.retired": "让旧密钥退役",
    "keys.signing_rotated": "换登录签名的密钥",
    "link.extend": "给一个班延长",
    "link.issue": "发放班级链接",
    "link.repoint": "链接换指向",
    "link.revoke": "停用链接",
    "paper.discard_draft": "丢弃试卷草稿",
    "paper.draft": "新建试卷草稿",
    "paper.discard_sheet": "丢弃文本或问卷草稿",
    "paper.freeze": "定稿试卷",
    "paper.freeze_sheet": "定稿文本或问卷",
    "paper.sheet_draft": "新建文本或问卷草稿",
    "prize.announced": "公示中奖名单",
    "prize.claim_corrected": "中奖人改登记",
    "prize.claimed": "中奖人登记",
    "prize.closed": "结束竞赛",
    "prize.contact_seen": "查看中奖人的联系方式",
    "prize.declined": "中奖人放弃一份奖",
    "prize.disqualified": "取消一份奖的资格",
    "prize.forfeited": "一份奖逾期没有领",
    "prize.handed_over": "发出一份奖",
    "prize.handing_out": "开始发奖",
    "prize.winners_exported": "导出中奖名单",
    "report.counts_exported": "导出人数和比率",
    "report.names_seen": "查看带姓名的名单",
    "report.scores_exported": "导出成绩",
    "rights.granted": "同意更正或删除的请求",
    "rights.refused": "没有同意更正或删除的请求",
    "roster.exempt": "办理免测",
    "roster.exemption_end": "结束免测",
    "roster.headcount": "填报应测人数",
    "roster.import": "导入名册",
    "roster.preview": "预览名册",
    "roster.unit": "新建单位",
    "round.close": "提前结束场次",
    "round.open": "新建场次",
    "round.prolong": "延长场次",
    "rules.published": "公布竞赛规则",
    "rules.saved": "保存竞赛规则的草稿",
    "staff.code_refused": "验证码不对",
    "staff.ended": "停用账号",
    "staff.first_step_passed": "密码对了，还要验证码",
    "staff.granted": "授权",
    "staff.invited": "邀请新账号",
    "staff.link_issued": "发一次性链接",
    "staff.password_set": "设置密码",
    "staff.recovery_codes_made": "重做恢复码",
    "staff.revoked": "收回授权",
    "staff.sign_in_refused": "登录没有成功",
    "staff.sign_in_stopped": "登录次数太多，暂停",
    "staff.sign_ins_ended": "退出所有设备",
    "staff.signed_in": "登录",
    "staff.two_step_off": "关闭两步登录",
    "staff.two_step_on": "打开两步登录",
    "survey.counts_exported": "导出问卷的汇总",
    "survey.words_seen": "查看问卷里写的话",
    ledger.SEALING: "封存一批交卷",
}
"""What a reader is told for each action; tests/audit holds it to the actions that the code records."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `staff:7`, `cli`, `job`."""

    text: str

    @classmethod
    def staff(cls, staff_id: int) -> "Actor":
        """Name a signed-in staff member."""
        return cls(f"staff:{staff_id}")


CLI = Actor("cli")
JOB = Actor("job")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at the whole chain found; at most MOST_FAULTS faults are told, all are counted."""

    head: Anchor
    entries: int
    sealed: int
    unsealed: int
    faults: tuple[Fault, ...]
    fault_count: int

    @property
    def sound(self) -> bool:
        """Say whether nothing is wrong."""
        return not self.fault_count


_LEAF, _ADD, _KEEP = plain_insert(AuditLeaf), plain_insert(AuditEntry), plain_insert(AuditDetail)
_heads = Base.metadata.tables[AuditHead.__tablename__]
_MOVE = update(_heads).where(_heads.c.id == 1).values(hash=bindparam("new_hash"))
_ENTRY = select(
    AuditEntry.seq, AuditEntry.at, AuditEntry.actor, AuditEntry.action, AuditEntry.object, AuditEntry.detail,
    AuditEntry.prev, AuditEntry.hash,
)  # fmt: skip


def record(
    *,
    actor: Actor,
    action: str,
    on: str,
    at: datetime,
    private: Mapping[str, str] | None = None,
    erase_on: date | None = None,
    **detail: Any,
) -> Anchor:
    """Append a fact to the chain and return its place; call it inside the operation whose fact it is.

    What somebody typed about a person goes into `private`: it is kept beside the chain until `erase_on` (a year
    unless told otherwise), and the chain holds a salted hash of it.
    """
    salts = {name: secrets.token_hex(SALT_BYTES) for name in private or ()}
    if private:
        detail[ledger.PRIVATE] = {name: ledger.digest(salts[name], value) for name, value in private.items()}
    text = json.dumps(detail, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    seq, prev = _next()
    hashed = ledger.entry_hash(seq=seq, at=at, actor=actor.text, action=action, on=on, detail=text, prev=prev)
    run(
        _ADD, seq=seq, at=at, actor=actor.text, action=action, object=on, detail=text, prev=prev, hash=hashed
    )  # fmt: skip
    kept_until = erase_on or clock.local_day(at) + PRIVATE_STAYS
    for name, value in (private or {}).items():
        run(_KEEP, seq=seq, name=name, salt=salts[name], value=value, erase_on=kept_until)
    run(_MOVE, new_hash=hashed)
    return Anchor(seq, hashed)


@operation
def record_alone(*, actor: Actor, action: str, on: str, at: datetime, **detail: Any) -> Anchor:
    """Append a fact that changes nothing else: names were seen, a file was exported. Return its place."""
    return record(actor=actor, action=action, on=on, at=at, **detail)


def record_submission(*, attempt_id: str, answers_hash: str, at: datetime) -> None:
    """Append the leaf of a submission; call it inside the submission's transaction."""
    run(_LEAF, attempt_id=attempt_id, at=at, answers_hash=answers_hash)


def answers_hash(stored: Mapping[str, Any]) -> str:
    """Hash the answers of an attempt as they are stored."""
    canonical = json.dumps(stored, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def seal_leaves(at: datetime) -> int:
    """Seal all submissions that are not sealed yet, block by block; return how many. Two at once take turns."""
    sealed = 0
    unsealed = select(AuditLeaf.attempt_id).where(AuditLeaf.block.is_(None)).limit(1)
    while db.session.execute(unsealed).first():
        sealed += seal_block(at=at)
    return sealed


@operation
def seal_block(*, at: datetime) -> int:
    """Seal the oldest unsealed submissions into one entry; return how many, 0 when another process was first."""
    _lock()  # before the look at the leaves: else two processes would seal the same ones
    found = db.session.execute(
        select(AuditLeaf.attempt_id, AuditLeaf.at, AuditLeaf.answers_hash)
        .where(AuditLeaf.block.is_(None))
        .order_by(AuditLeaf.block, AuditLeaf.at)
        .limit(ledger.MOST_LEAVES)
    ).all()
    if found:
        block = ledger.seal([Leaf(*row) for row in found])
        place = record(actor=JOB, action=ledger.SEALING, on="submissions", at=at, **block)
        db.session.execute(
            update(AuditLeaf)
            .where(AuditLeaf.attempt_id.in_([row.attempt_id for row in found]), AuditLeaf.block.is_(None))
            .values(block=place.seq)
            .execution_options(synchronize_session=False)
        )
    return len(found)


@operation
def erase_private(on: date) -> int:
    """Empty the personal values whose day has come, and the salts with them; return how many."""
    erased = db.session.execute(
        update(AuditDetail)
        .where(AuditDetail.erase_on <= on, AuditDetail.salt.is_not(None))
        .values(salt=None, value=None)
        .returning(AuditDetail.seq)
    )
    return len(erased.all())


def anchor() -> Anchor:
    """Return the place of the newest entry (1 statement)."""
    row = db.session.execute(select(AuditHead.seq, AuditHead.hash).where(AuditHead.id == 1)).one_or_none()
    return Anchor(row.seq, row.hash) if row else ledger.ORIGIN


def waiting() -> tuple[int, datetime | None]:
    """Return how many submissions are not sealed yet and when the earliest of them was made (1 statement)."""
    number, oldest = db.session.execute(
        select(func.count(), func.min(AuditLeaf.at)).where(AuditLeaf.block.is_(None))
    ).one()
    return number, oldest


def newest(
    *, limit: int, before: int | None = None, since: datetime | None = None, actor: str = "", action: str = ""
) -> list[Entry]:
    """Return entries, the newest first (1 statement)."""
    asked = _ENTRY.order_by(AuditEntry.seq.desc()).limit(limit)
    if before is not None:
        asked = asked.where(AuditEntry.seq < before)
    if since is not None:
        asked = asked.where(AuditEntry.at >= since)
    if actor:
        asked = asked.where(AuditEntry.actor == actor)
    if action:
        asked = asked.where(AuditEntry.action == action)
    return [Entry(*row) for row in db.session.execute(asked)]


def private_of(seqs: Collection[int]) -> dict[int, list[Private]]:
    """Return the personal values kept beside some entries (1 statement)."""
    found: dict[int, list[Private]] = {}
    for row in db.session.execute(
        select(AuditDetail.seq, AuditDetail.name, AuditDetail.salt, AuditDetail.value)
        .where(AuditDetail.seq.in_(seqs))
        .order_by(AuditDetail.seq, AuditDetail.name)
    ):
        found.setdefault(row.seq, []).append(Private(row.name, row.salt, row.value))
    return found


def verify(
    *,
    at: datetime,
    anchors: Sequence[Anchor] = (),
    progress: Callable[[int], None] = lambda _entries: None,
) -> Verdict:
    """Check the whole chain, its sealed submissions and what was written down of it; memory does not grow with it.

    `progress` is told the number of entries after each batch. The database may go on being written meanwhile.
    """
    with _one_moment():
        head, (unsealed, oldest) = anchor(), waiting()
        sealed = db.session.execute(
            select(func.count()).select_from(AuditLeaf).where(AuditLeaf.block.is_not(None))
        ).scalar_one()
        looked = _Looked(progress)
        found = _all_faults(looked, head, anchors, sealed)
        told = list(islice(found, MOST_FAULTS))
        count = len(told) + sum(1 for _ in found)
    late = ledger.left_open(unsealed, oldest, at)
    if late is not None:
        told, count = [*told, late], count + 1
    return Verdict(head, looked.entries, sealed, unsealed, tuple(told), count)


class _Looked:
    """The chain as it is read, batch by batch, counted on the way."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self.entries = 0
        self._progress = progress

    def links(self) -> Iterator[Link]:
        last = 0
        while batch := db.session.execute(
            _ENTRY.where(AuditEntry.seq > last).order_by(AuditEntry.seq).limit(BATCH)
        ).all():
            seqs = [row.seq for row in batch]
            leaves, private = _leaves_of(seqs), private_of(seqs)
            for row in batch:
                yield Link(Entry(*row), tuple(leaves.get(row.seq, ())), tuple(private.get(row.seq, ())))
            last = seqs[-1]
            self.entries += len(batch)
            self._progress(self.entries)


def _leaves_of(seqs: Collection[int]) -> dict[int, list[Leaf]]:
    found: dict[int, list[Leaf]] = {}
    for row in db.session.execute(
        select(AuditLeaf.block, AuditLeaf.attempt_id, AuditLeaf.at, AuditLeaf.answers_hash).where(
            AuditLeaf.block.in_(seqs)
        )
    ):
        found.setdefault(row.block, []).append(Leaf(row.attempt_id, row.at, row.answers_hash))
    return found


def _all_faults(looked: _Looked, head: Anchor, anchors: Sequence[Anchor], sealed: int) -> Iterator[Fault]:
    try:
        yield from ledger.verify(looked.links(), head=head, anchors=anchors, sealed=sealed)
    except (ValueError, OperationalError) as unreadable:
        if isinstance(unreadable, OperationalError) and "decode" not in str(unreadable.orig):
            raise
        after = looked.entries
        yield Fault("entry", after, f"第 {after} 条往后 {BATCH} 条里有读不出来的内容，后面没有再核对。")


@contextmanager
def _one_moment() -> Iterator[None]:
    """Let several statements see the database as it is now, whatever others write."""
    db.session.rollback()
    if db.engine.dialect.name == "postgresql":  # on SQLite a transaction that reads is a snapshot by itself
        db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    try:
        yield
    finally:
        db.session.rollback()


def _next() -> tuple[int, str]:
    """Take the next number, and with it the lock on the chain; return it with the hash before it."""
    first = insert(_heads).values(id=1, seq=1, hash=ledger.GENESIS)
    later = first.on_conflict_do_update(index_elements=[_heads.c.id], set_={"seq": _heads.c.seq + 1})
    taken = run(later.returning(_heads.c.seq, _heads.c.hash)).one()
    return taken.seq, taken.hash


def _lock() -> None:
    """Wait until nobody else appends, and keep everybody else waiting until this transaction ends."""
    origin = insert(_heads).values(id=1, seq=0, hash=ledger.GENESIS)
    run(origin.on_conflict_do_nothing())
    run(select(_heads.c.id).where(_heads.c.id == 1).with_for_update())
