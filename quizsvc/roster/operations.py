"""Writes of the roster: units, the import of a file, head-counts, exemptions."""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from quizsvc import audit
from quizsvc.core import rosterplan, unitname
from quizsvc.core.refusal import Refusal
from quizsvc.core.rosterplan import Plan, Sheet
from quizsvc.core.term import term_label
from quizsvc.db import db, operation
from quizsvc.roster import queries
from quizsvc.roster.models import Enrolment, Exemption, Headcount, Person, Unit

SHORTEST_REASON, LONGEST_REASON = 4, 100
MOST_ERASED = 500


class Blocked(Refusal):
    """A file with lines that cannot be imported; nothing was."""


class ChangedMeanwhile(Refusal):
    """The roster is no longer as the preview showed it."""

    def __init__(self) -> None:
        super().__init__("预览之后名册有了变动，没有导入。请重新上传，再看一遍。", status=409)


class NotAClass(Refusal):
    """A head-count for a unit that has units of its own."""

    def __init__(self) -> None:
        super().__init__("应测人数设在班级上：上级单位的人数由各班相加。")


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, in numbers: new units, then places, then head-counts written."""

    units: int
    new: int
    changed: int
    moved: int
    returned: int
    left: int
    same: int
    headcounts: int


@dataclass(frozen=True, slots=True)
class Counted:
    """The head-count of a class before (None: never set) and after."""

    before: int | None
    after: int


@operation
def add_unit(
    *,
    parent_id: int | None,
    name: str,
    kind: str,
    at: datetime,
    actor: audit.Actor,
    code: str | None = None,
    position: int | None = None,
) -> int:
    """Add a unit under another (None: at the top); without a code a short one is derived from its name."""
    parent = None if parent_id is None else queries.unit(parent_id)
    _lock(parent.path if parent else "")
    name, code = _spelt(name.strip(), kind, parent), code or None
    _check_unit(name, kind, code)
    siblings = queries.children(parent_id)
    if any(unitname.key(sibling.name) == unitname.key(name) for sibling in siblings):
        raise Refusal(f"这里已经有“{name}”。")
    taken = [sibling.code for sibling in siblings]
    if code in taken:
        raise Refusal(f"代号“{code}”已经用在别的单位上。")
    if position is None:
        last = max((sibling.position for sibling in siblings), default=0)
        position = unitname.position(kind, name, last)
    code = code or unitname.code(kind, name, taken)
    path = f"{parent.path if parent else ''}{code}/"
    unit = Unit(
        parent_id=parent_id, path=path, code=code, name=name, kind=kind, position=position, created_at=at
    )
    db.session.add(unit)
    db.session.flush()
    audit.record(actor=actor, action="roster.unit", on=f"unit:{unit.id}", at=at, path=path, kind=kind)
    return unit.id


@operation
def import_units_and_places(
    *,
    unit_id: int,
    term: str,
    sheet: Sheet,
    at: datetime,
    actor: audit.Actor,
    remove_missing: bool = False,
    previewed: str | None = None,
) -> Imported:
    """Bring a unit's classes and places to the state of a file, all of it or nothing.

    `previewed` is the digest of the plan somebody agreed to; after a change of the roster it fits no more.
    """
    term_label(term)
    unit = queries.unit(unit_id)
    _lock(unit.path)
    plan = queries.plan_import(unit_id, term, sheet)
    if previewed is not None and previewed != plan.digest:
        raise ChangedMeanwhile
    _refuse_blocked(plan, remove_missing)
    units = _add_units(unit.path, plan, at)
    persons = _save_persons(plan, units, at)
    leaving = [entry for entry in plan.missing if remove_missing and entry.enrolment_id]
    _save_places(plan, units, persons, term, at, leave=[entry.enrolment_id for entry in leaving])
    concerned = {
        units[path]
        for entry in (*plan.new, *plan.changed, *plan.moved, *plan.returned, *plan.same, *leaving)
        for path in (entry.path, entry.from_path)
        if path
    } | {units[count.path] for count in plan.counts}
    headcounts = _record_headcounts(unit.path, concerned, term, at, actor)
    opened = sum(len(count.fill.opened) for count in plan.counts)
    closed = sum(len(count.fill.closed) for count in plan.counts)
    imported = Imported(
        units=len(plan.new_units),
        new=len(plan.new) + opened,
        changed=len(plan.changed),
        moved=len(plan.moved),
        returned=len(plan.returned),
        left=len(leaving) + len(plan.replaced) + closed,
        same=len(plan.same),
        headcounts=headcounts,
    )
    audit.record(
        actor=actor, action="roster.import", on=f"unit:{unit_id}", at=at, term=term, units=imported.units,
        new=imported.new, changed=imported.changed, moved=imported.moved, returned=imported.returned,
        left=imported.left, same=imported.same, headcounts=headcounts,
    )  # fmt: skip
    return imported


@operation
def set_headcount(*, unit_id: int, term: str, expected: int, at: datetime, actor: audit.Actor) -> Counted:
    """Set how many are expected in a class; nameless places are opened and closed to match."""
    term_label(term)
    unit = queries.unit(unit_id)
    _lock(unit.path)
    if queries.children(unit_id):
        raise NotAClass
    if not 0 <= expected <= rosterplan.LARGEST_SEAT:
        raise Refusal(f"应测人数要写 0 到 {rosterplan.LARGEST_SEAT} 的整数。")
    filled = rosterplan.fill(queries.known_places(unit.path, term), expected)
    _leave(filled.closed, at)
    _open(term, [(unit_id, seat, enrolment_id) for seat, enrolment_id in filled.opened], at)
    before = queries.newest_headcounts(term, unit.path).get(unit_id)
    if before != expected:
        db.session.add(Headcount(unit_id=unit_id, term=term, expected=expected, set_by=actor.text, set_at=at))
        audit.record(
            actor=actor, action="roster.headcount", on=f"unit:{unit_id}", at=at, term=term, before=before,
            after=expected,
        )  # fmt: skip
    return Counted(before, expected)


@operation
def exempt(*, enrolment_id: int, reason: str, at: datetime, actor: audit.Actor) -> int:
    """Excuse somebody from this term's tests, with a reason; return the exemption's id."""
    reason = " ".join(reason.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise Refusal(f"请写明免测原因，{SHORTEST_REASON} 到 {LONGEST_REASON} 个字。")
    _lock_place(enrolment_id)
    if _live_exemption(enrolment_id):
        raise Refusal("这个座号已经免测，不用再办。")
    exemption = Exemption(
        enrolment_id=enrolment_id, reason=reason, approved_by=actor.text, approved_at=at, ended_at=None
    )
    db.session.add(exemption)
    db.session.flush()
    audit.record(actor=actor, action="roster.exempt", on=f"enrolment:{enrolment_id}", at=at)
    return exemption.id


@operation
def end_exemption(*, enrolment_id: int, at: datetime, actor: audit.Actor) -> None:
    """End the exemption of somebody: they are expected again."""
    _lock_place(enrolment_id)
    exemption_id = _live_exemption(enrolment_id)
    if exemption_id is None:
        raise Refusal("这个座号没有在免测中。")
    db.session.execute(update(Exemption).where(Exemption.id == exemption_id).values(ended_at=at))
    audit.record(actor=actor, action="roster.exemption_end", on=f"enrolment:{enrolment_id}", at=at)


def _lock(path: str) -> None:
    """Let writers of one tree queue on its root; attempts, which only point at units, do not wait."""
    root = path[: path.find("/") + 1]
    db.session.execute(select(Unit.id).where(Unit.path == root).with_for_update(key_share=True))


def _lock_place(enrolment_id: int) -> None:
    """Lock the tree of a live place; refuse what is not there."""
    path = db.session.execute(
        select(Unit.path)
        .join(Enrolment, Enrolment.unit_id == Unit.id)
        .where(Enrolment.id == enrolment_id, Enrolment.left_at.is_(None))
    ).scalar_one_or_none()
    if path is None:
        raise Refusal("没有这个座号，或者已经移出。", status=404)
    _lock(path)


def _live_exemption(enrolment_id: int) -> int | None:
    return db.session.execute(
        select(Exemption.id).where(Exemption.enrolment_id == enrolment_id, Exemption.ended_at.is_(None))
    ).scalar_one_or_none()


def _spelt(name: str, kind: str, parent: queries.UnitRow | None) -> str:
    """Spell a numbered grade or class the way the import would."""
    grade = unitname.grade_name(parent.name) if parent and parent.kind == "grade" else ""
    usual = unitname.class_name(name, grade) if kind == "class" else unitname.grade_name(name)
    return usual if unitname.ordinal(kind, usual) is not None else name


def _check_unit(name: str, kind: str, code: str | None) -> None:
    if not name or len(name) > rosterplan.LONGEST_UNIT_NAME or not name.isprintable():
        raise Refusal(f"单位名称要写 1 到 {rosterplan.LONGEST_UNIT_NAME} 个字。")
    if kind not in unitname.KIND_NAMES:
        known = "、".join(f"{kind}（{label}）" for kind, label in unitname.KIND_NAMES.items())
        raise Refusal(f"不认识的单位类别。可以用：{known}。")
    if code is not None and not unitname.sound_code(code):
        raise Refusal("代号只能用小写字母、数字和连字符，最多 24 个。")


def _refuse_blocked(plan: Plan, remove_missing: bool) -> None:
    blocking = plan.rejected or (() if remove_missing else plan.held)
    if not blocking:
        return
    first = blocking[0]
    advice = "" if plan.rejected else "也可以勾选“把名单里没有的人移出”。"
    where = f"第 {first.line} 行（{first.column}）：{first.reason}"
    raise Blocked(f"有 {len(blocking)} 行要先改好，一个人也没有导入。{where}{advice}")


def _add_units(path: str, plan: Plan, at: datetime) -> dict[str, int]:
    """Insert the new units, level by level; return the ids of all paths concerned."""
    units = {row.path: row.id for row in (*queries.ancestors(path), *queries.under(path))}
    levels = defaultdict(list)
    for new in plan.new_units:
        levels[new.path.count("/")].append(new)
    for _, level in sorted(levels.items()):
        made = db.session.execute(
            insert(Unit).returning(Unit.path, Unit.id),
            [
                {"parent_id": units[new.parent_path], "path": new.path, "code": new.code, "name": new.name,
                 "kind": new.kind, "position": new.position, "created_at": at}
                for new in level
            ],
        )  # fmt: skip
        units.update({path: unit_id for path, unit_id in made})
    return units


def _save_persons(plan: Plan, units: dict[str, int], at: datetime) -> dict[int, int]:
    """Insert new persons, bring names and numbers up to date; return line -> id of those inserted."""
    arriving = [
        (entry, entry.number or f"{rosterplan.KEYLESS}{secrets.token_hex(8)}")
        for entry in (*plan.new, *plan.changed)
        if entry.person_id is None and (entry.number or entry.name)
    ]
    kept = (*plan.new, *plan.changed, *plan.moved, *plan.returned)
    staying = [entry for entry in kept if entry.person_id is not None]
    _update(Person, [{"id": entry.person_id, "name": entry.name} for entry in staying])
    _update(Person, [{"id": e.person_id, "student_number": e.number} for e in staying if e.number])
    if not arriving:
        return {}
    made = db.session.execute(
        insert(Person).returning(Person.school_id, Person.student_number, Person.id),
        [
            {"school_id": units[entry.school_path], "student_number": number, "name": entry.name,
             "created_at": at}
            for entry, number in arriving
        ],
    )  # fmt: skip
    ids = {(school_id, number): person_id for school_id, number, person_id in made}
    return {entry.line: ids[units[entry.school_path], number] for entry, number in arriving}


def _save_places(
    plan: Plan,
    units: dict[str, int],
    persons: dict[int, int],
    term: str,
    at: datetime,
    *,
    leave: Sequence[int | None],
) -> None:
    """Let places go, then put everybody where the file wants them."""
    gone = set(leave)
    shifted = [(enrolment_id, seat) for enrolment_id, seat in plan.shifted if enrolment_id not in gone]
    _leave((*leave, *plan.replaced, *(gone for count in plan.counts for gone in count.fill.closed)), at)
    kept = [entry for entry in (*plan.changed, *plan.moved, *plan.returned) if entry.enrolment_id]
    _park([*(entry.enrolment_id for entry in kept), *(enrolment_id for enrolment_id, _ in shifted)])
    _update(
        Enrolment,
        [
            {"id": entry.enrolment_id, "unit_id": units[entry.path], "seat": entry.seat,
             "person_id": persons.get(entry.line, entry.person_id), "left_at": None}
            for entry in kept
        ],
    )  # fmt: skip
    _update(Enrolment, [{"id": enrolment_id, "seat": seat} for enrolment_id, seat in shifted])
    _insert_places(
        term,
        [(units[entry.path], entry.seat, persons.get(entry.line, entry.person_id)) for entry in plan.new],
        at,
    )
    _open(
        term,
        [
            (units[count.path], seat, enrolment_id)
            for count in plan.counts
            for seat, enrolment_id in count.fill.opened
        ],
        at,
    )


def _open(term: str, places: Iterable[tuple[int, int, int | None]], at: datetime) -> None:
    """Open nameless places (unit, seat, the place left earlier or None)."""
    places = list(places)
    _update(Enrolment, [{"id": id_, "left_at": None} for _, _, id_ in places if id_ is not None])
    _insert_places(term, [(unit_id, seat, None) for unit_id, seat, id_ in places if id_ is None], at)


def _insert_places(term: str, places: Sequence[tuple[int, int, int | None]], at: datetime) -> None:
    if places:
        db.session.execute(
            insert(Enrolment),
            [
                {"unit_id": unit_id, "term": term, "seat": seat, "person_id": person_id, "joined_at": at,
                 "left_at": None}
                for unit_id, seat, person_id in places
            ],
        )  # fmt: skip


def _leave(enrolment_ids: Iterable[int | None], at: datetime) -> None:
    _update(Enrolment, [{"id": enrolment_id, "left_at": at} for enrolment_id in enrolment_ids])


def _park(enrolment_ids: Sequence[int | None]) -> None:
    """Clear seats that change hands: two pupils may swap, and the constraint looks at every row by itself."""
    _update(Enrolment, [{"id": enrolment_id, "seat": -(enrolment_id or 0)} for enrolment_id in enrolment_ids])


def _update(table: type[Person] | type[Enrolment], rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        db.session.execute(update(table), rows)


def _record_headcounts(path: str, unit_ids: set[int], term: str, at: datetime, actor: audit.Actor) -> int:
    """Write a head-count for every class whose number of live places is no longer the one on record."""
    newest = queries.newest_headcounts(term, path)
    live = queries.live_places(term, path)
    counts = {unit_id: live.get(unit_id, 0) for unit_id in sorted(unit_ids)}
    changed = [(unit_id, count) for unit_id, count in counts.items() if newest.get(unit_id) != count]
    if changed:
        db.session.execute(
            insert(Headcount),
            [
                {"unit_id": unit_id, "term": term, "expected": count, "set_by": actor.text, "set_at": at}
                for unit_id, count in changed
            ],
        )
    return len(changed)


# Erasing: batches of one transaction each, to be called until they return 0; docs/PRIVACY.md says when and what.


@operation
def erase_names(*, term: str, path: str, spared: Sequence[str], at: datetime) -> int:
    """Cut the names of a term from up to 500 places that were joined by now; the places stay."""
    named = queries.named_places(term, path, spared).where(Enrolment.joined_at <= at)
    ids = db.session.scalars(named.limit(MOST_ERASED)).all()
    db.session.execute(update(Enrolment).where(Enrolment.id.in_(ids)).values(person_id=None))
    return len(ids)


@operation
def erase_reasons(*, term: str, path: str, spared: Sequence[str], at: datetime) -> int:
    """Blank the reasons of up to 500 exemptions of a term that were approved by now; who is excused stays so."""
    reasons = queries.reasons(term, path, spared).where(Exemption.approved_at <= at)
    ids = db.session.scalars(reasons.limit(MOST_ERASED)).all()
    db.session.execute(update(Exemption).where(Exemption.id.in_(ids)).values(reason=""))
    return len(ids)


@operation
def erase_persons(*, at: datetime) -> int:
    """Delete up to 500 persons, known by now, who stand behind no place any more."""
    nobodys = queries.persons_without_places().where(Person.created_at <= at)
    ids = db.session.scalars(nobodys.limit(MOST_ERASED)).all()
    db.session.execute(delete(Person).where(Person.id.in_(ids)))
    return len(ids)
