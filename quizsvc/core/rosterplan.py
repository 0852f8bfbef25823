"""What a roster file would change: its rows and what is known go in, a plan comes out."""

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar, get_args

from quizsvc.core import unitname
from quizsvc.core.refusal import Refusal

LARGEST_SEAT = 99
LONGEST_NAME = 40
LONGEST_UNIT_NAME = 60

KEYLESS = "#"
"""First character of the stand-in for a student number that the school has not given."""

Form = Literal["seats", "counts", "company", "village", "department"]
Listed = Literal["company", "village", "department"]
"""Kinds of units that a file may list by name and head-count, right under the unit it is imported into."""

LISTED: tuple[Listed, ...] = get_args(Listed)
Found = TypeVar("Found")

_SEAT = re.compile(r"0*([0-9]{1,3})号?")
_IDENTITY_CARD = re.compile(
    r"[A-Za-z]?[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]"
)
_COUNT = re.compile(r"0*([0-9]{1,3})人?")
_NUMBER = re.compile(r"[0-9A-Za-z_-]{1,32}")
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+[0-9]+")
_PADDING = re.compile(r"(?<=[\u2e80-\U0003ffff])\s+(?=[\u2e80-\U0003ffff])")
_IN_NAMES = frozenset(" ·•・．.'’-—()（）")


class TooFewPlaces(Refusal):
    """A head-count below the number of places that have a person.

    named: places with a person, >= 1
    """

    def __init__(self, named: int) -> None:
        """Say how many there are."""
        super().__init__(f"这个班已有 {named} 个实名座位，人数不能比它少。")


class NotListedHere(Refusal):
    """A list of units that do not stand under the unit it is imported into.

    kind: of the list
    name: of that unit
    """

    def __init__(self, kind: Listed, name: str) -> None:
        """Say where they do."""
        where = "县区、乡镇等地区" + ("、学校或高校" if kind == "department" else "")
        super().__init__(f"“{name}”下面不能导入{unitname.KIND_NAMES[kind]}名单：请到{where}的页面导入。")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a roster file as it stands there.

    line: counted from 1, as the spreadsheet program shows it
    school, college, grade, class_name, seat, number, name, count: text of the cells, "" when empty
    unit_name: of a company, village or department
    """

    line: int
    school: str = ""
    college: str = ""
    grade: str = ""
    class_name: str = ""
    seat: str = ""
    number: str = ""
    name: str = ""
    count: str = ""
    unit_name: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A roster file.

    form: "seats" has one line a pupil, "counts" one line a class, each of LISTED one line a unit of that kind
    rows: without the empty ones, in the file's order
    """

    form: Form
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class KnownUnit:
    """A unit there is.

    path: ends with "/"
    code, name, kind, position: as stored
    """

    path: str
    code: str
    name: str
    kind: str
    position: int


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person there is.

    id: of the person
    school_path: path of the school the number belongs to
    number: student number, or a stand-in that begins with KEYLESS
    name: "" when the school keeps none
    """

    id: int
    school_path: str
    number: str
    name: str


@dataclass(frozen=True, slots=True)
class KnownPlace:
    """A place of the term, taken or left.

    id: of the enrolment
    path: of its class
    seat: >= 1
    person_id: None for a nameless place
    live: False when it was left
    """

    id: int
    path: str
    seat: int
    person_id: int | None
    live: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before the import.

    lineage: from the root to the unit the file is imported into, this one last; at least one
    units: everything beneath it
    places: of the term, in the whole school of that unit, older ones first
    persons: of the schools concerned
    """

    lineage: tuple[KnownUnit, ...]
    units: tuple[KnownUnit, ...]
    places: tuple[KnownPlace, ...]
    persons: tuple[KnownPerson, ...]


@dataclass(frozen=True, slots=True)
class NewUnit:
    """A unit to be made.

    path, parent_path: end with "/"
    code, name, kind, position: to be stored
    """

    path: str
    parent_path: str
    code: str
    name: str
    kind: str
    position: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A place after the import.

    line: of the file; 0 for a place the file does not have
    path, unit_name: its class, the name as the page shows it
    seat: 1 to LARGEST_SEAT
    number, name: "" when not given
    was: what changes, in words; "" when nothing does
    enrolment_id: the place that is kept; None makes a new one
    person_id: the person that is kept; None makes a new one when there is a number or a name
    school_path: the school the number belongs to
    from_path: the class somebody moves out of; "" otherwise
    """

    line: int
    path: str
    unit_name: str
    seat: int
    number: str = ""
    name: str = ""
    was: str = ""
    enrolment_id: int | None = None
    person_id: int | None = None
    school_path: str = ""
    from_path: str = ""


@dataclass(frozen=True, slots=True)
class Fill:
    """Places to open and to close so that a class has as many as its head-count.

    opened: (seat, the place left earlier that is opened again or None)
    closed: enrolments, nameless all of them
    """

    opened: tuple[tuple[int, int | None], ...]
    closed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CountEntry:
    """A class, company, village or department after the import of head-counts.

    line: of the file
    path, unit_name: of it
    before: places it has; None when it is new
    after: places it gets
    fill: how
    """

    line: int
    path: str
    unit_name: str
    before: int | None
    after: int
    fill: Fill


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that cannot be imported.

    line: of the file
    column: the heading concerned
    reason: what is wrong and what to do, a zh-CN sentence
    """

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do; nothing of it when a line is rejected.

    new_units: parents first
    new, changed, moved, returned, same: places of the file, by line
    missing: places of the classes concerned that the file does not have, by class and seat
    counts: classes, or units of the form's kind, of a file of head-counts, by line
    rejected: lines in the way of everything
    held: lines that go through only when the missing leave: their seats are still taken
    replaced: nameless enrolments whose seat somebody from elsewhere takes
    shifted: (nameless enrolment, seat): its seat is taken from inside the class, it gets the seat set free
    """

    form: Form
    new_units: tuple[NewUnit, ...] = ()
    new: tuple[Entry, ...] = ()
    changed: tuple[Entry, ...] = ()
    moved: tuple[Entry, ...] = ()
    returned: tuple[Entry, ...] = ()
    missing: tuple[Entry, ...] = ()
    same: tuple[Entry, ...] = ()
    counts: tuple[CountEntry, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    held: tuple[Rejected, ...] = ()
    replaced: tuple[int, ...] = ()
    shifted: tuple[tuple[int, int], ...] = ()

    @property
    def digest(self) -> str:
        """Name the plan, so that what is applied can be held against what was shown.

        return: SHA-256 of all of it, hex
        """
        return hashlib.sha256(repr(self).encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def unchanged_counts(self) -> tuple[CountEntry, ...]:
        """List the classes whose number of places stays.

        return: by line
        """
        return tuple(entry for entry in self.counts if entry.before == entry.after)

    @property
    def changed_counts(self) -> tuple[CountEntry, ...]:
        """List the classes whose number of places changes.

        return: by line
        """
        return tuple(entry for entry in self.counts if entry.before != entry.after)


class Rejection(Exception):
    """A cell that cannot be taken; `plan` notes it with its line.

    column: the heading concerned
    reason: as for Rejected
    """

    def __init__(self, column: str, reason: str) -> None:
        """Keep both."""
        super().__init__(reason)
        self.column = column
        self.reason = reason


def plan(sheet: Sheet, known: Known) -> Plan:
    """Compare a file with what is known.

    sheet: the file
    known: units, places and persons there are
    return: the plan; lines that cannot be imported are in its rejected list, each with its reason
    raise NotListedHere: companies, villages or departments for a unit that has none beneath it
    Source: features.md F-011 (natural keys: units by name under their parent, persons by school and number,
        seats by class)
    """
    return _Seats(sheet, known).plan() if sheet.form == "seats" else _Counts(sheet, known).plan()


def listed_under(kind: str) -> tuple[Listed, ...]:
    """Tell which kinds of units a file may list for a unit.

    kind: of the unit the file is imported into
    return: all of LISTED for a region, departments for a school or university, nothing for others

    >>> listed_under("school"), listed_under("class")
    (('department',), ())
    """
    if kind in unitname.REGIONS:
        return LISTED
    return ("department",) if kind in ("school", "university") else ()


def scope(lineage: Sequence[KnownUnit]) -> str:
    """Find the subtree in which the places and persons of an import are to be looked up.

    lineage: from the root to the unit the file is imported into
    return: path of the school that holds it; of the unit itself when it is a region; else of the root
    """
    schools = [unit.path for unit in lineage if _level(unit.kind) == "school"]
    if schools:
        return schools[0]
    return lineage[-1].path if _level(lineage[-1].kind) == "region" else lineage[0].path


def fill(places: Iterable[KnownPlace], count: int) -> Fill:
    """Find the places to open and to close so that a class has a given number.

    places: of one class and term, taken and left, older ones first
    count: 0 to LARGEST_SEAT
    return: the lowest free seats are opened, the highest nameless ones closed
    raise TooFewPlaces: more places than that have a person

    >>> fill([KnownPlace(7, "c/", 1, None, True), KnownPlace(8, "c/", 2, None, False)], 3)
    Fill(opened=((2, 8), (3, None)), closed=())
    """
    places = list(places)
    live = {place.seat: place for place in places if place.live}
    left = {place.seat: place.id for place in places if not place.live and place.person_id is None}
    nameless = sorted(seat for seat, place in live.items() if place.person_id is None)
    named = len(live) - len(nameless)
    if count < named:
        raise TooFewPlaces(named)
    free = (seat for seat in range(1, LARGEST_SEAT + 1) if seat not in live)
    opened = tuple((seat, left.get(seat)) for seat, _ in zip(free, range(count - len(live)), strict=False))
    closed = tuple(live[seat].id for seat in nameless[max(count - named, 0) :])
    return Fill(opened, closed)


def seat_of(text: str) -> int:
    """Read a seat number.

    text: the cell, "3", "03", "3号"
    return: 1 to LARGEST_SEAT
    raise Rejection: empty, no number, or out of range
    """
    return _whole_number(text, _SEAT, column="座号", low=1)


def count_of(text: str) -> int:
    """Read a head-count.

    text: the cell, "45", "45人"
    return: 0 to LARGEST_SEAT
    raise Rejection: empty, no number, or out of range
    """
    return _whole_number(text, _COUNT, column="人数", low=0)


def number_of(text: str) -> str:
    """Read a student number.

    text: the cell
    return: letters, digits, "_" and "-", at most 32; "" when the cell is empty
    raise Rejection: anything else; a number the spreadsheet program has already spoilt; a citizen's number
    Source: design.md section 6 (no ID number)
    """
    bare = unitname.tidy(text)
    if _SCIENTIFIC.fullmatch(bare):
        raise Rejection(
            "学号", "学号被表格软件改成了科学计数法，后几位已经丢失。请把这一列设成“文本”，重新填写。"
        )
    if _IDENTITY_CARD.fullmatch(bare):
        raise Rejection("学号", "这像是身份证号。这里不收身份证号，请改用学校自己编的学号。")
    if bare and not _NUMBER.fullmatch(bare):
        raise Rejection("学号", "学号只能有字母、数字、“-”和“_”，最多 32 个。")
    return bare


def name_of(text: str) -> str:
    """Read a pupil's name.

    text: the cell, perhaps padded with spaces between two characters
    return: the name, at most LONGEST_NAME characters; "" when the cell is empty
    raise Rejection: too long, or characters that no name has

    >>> name_of(" 李　明 "), name_of("Anna  Li")
    ('李明', 'Anna Li')
    """
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf")
    name = " ".join(_PADDING.sub("", visible).split())
    if len(name) > LONGEST_NAME:
        raise Rejection("姓名", f"姓名太长，最多 {LONGEST_NAME} 个字。")
    kinds = {unicodedata.category(character) for character in name if character not in _IN_NAMES}
    letters = {kind for kind in kinds if kind[0] == "L" or kind == "Co"}  # Co: rare characters of GB 18030
    if any(kind[0] not in "MN" for kind in kinds - letters):
        raise Rejection("姓名", "姓名里有不能用的字符。")
    if name and not letters:
        raise Rejection("姓名", "姓名里只有数字或符号，请看看是不是填错了列。")
    return name


def shown_number(number: str) -> str:
    """Write a student number for a page.

    number: as stored
    return: "" for a stand-in
    """
    return "" if number.startswith(KEYLESS) else number


def _whole_number(text: str, pattern: re.Pattern[str], *, column: str, low: int) -> int:
    """Read a number between low and LARGEST_SEAT."""
    bare = unitname.tidy(text)
    if not bare:
        raise Rejection(column, f"缺少{column}。")
    found = pattern.fullmatch(bare)
    if not found or not low <= int(found[1]) <= LARGEST_SEAT:
        raise Rejection(column, f"{column}要写 {low} 到 {LARGEST_SEAT} 的整数，这里写的是“{bare[:20]}”。")
    return int(found[1])


class _Node:
    """A unit of the tree while rows are placed in it, known or about to be made."""

    def __init__(self, unit: KnownUnit, parent: "_Node | None", *, known: bool) -> None:
        self.path = unit.path
        self.code = unit.code
        self.name = unit.name
        self.kind = unit.kind
        self.position = unit.position
        self.parent = parent
        self.known = known
        self.children: list[_Node] = []
        self.codes: set[str] = (
            set()
        )  # of the children, as `last` is their largest position: a list may name thousands
        self.last = 0
        self.key = unitname.key(self._canonical())
        if parent:
            parent.children.append(self)
            parent.codes.add(self.code)
            parent.last = max(parent.last, self.position)

    def _canonical(self) -> str:
        if self.kind == "class":
            over = self.parent.name if self.parent and self.parent.kind == "grade" else ""
            return unitname.class_name(self.name, unitname.grade_name(over))
        return unitname.grade_name(self.name) if self.kind == "grade" else self.name

    def beneath(self) -> Iterator["_Node"]:
        """Everything under it."""
        for child in self.children:
            yield child
            yield from child.beneath()


def _called(name: str, text: str, nodes: Iterable[_Node], column: str) -> _Node | None:
    """Find the one unit of a canonical name, else of a code."""
    nodes = list(nodes)
    named, coded = unitname.key(name), unitname.key(text)
    found = [node for node in nodes if node.key == named] or [node for node in nodes if node.code == coded]
    if len(found) > 1:
        raise Rejection(
            column, f"有 {len(found)} 个同名的单位，分不清是哪一个：请补全上一级，或到那个单位的页面导入。"
        )
    return found[0] if found else None


_LEVELS = (("school", "学校"), ("college", "学院"), ("grade", "年级"))
_RANK = {"region": -1, "school": 0, "college": 1, "grade": 2, "class": 3}


def _level(kind: str) -> str:
    """Tell which column of a file names a unit of this kind."""
    if kind in unitname.REGIONS:
        return "region"
    return kind if kind in ("college", "grade", "class") else "school"


class _Tree:
    """The units beneath one, and where the rows of a file belong among them."""

    def __init__(self, known: Known) -> None:
        self.lineage: dict[str, _Node] = {}
        self.nodes: dict[str, _Node] = {}
        self.made: dict[str, NewUnit] = {}
        self._placed: dict[tuple[str, str, str, str], tuple[_Node, str]] = {}
        for unit in known.lineage:
            self.target = self._add(unit)
            self.lineage.setdefault(_level(unit.kind), self.target)
        for unit in sorted(known.units, key=lambda unit: unit.path):
            self._add(unit)
        self._named = {node.key: node for node in self.target.children}

    def _add(self, unit: KnownUnit) -> _Node:
        parent = self.nodes.get(unit.path[: -len(unit.code) - 1])
        node = self.nodes[unit.path] = _Node(unit, parent, known=True)
        return node

    def place(self, row: Row) -> tuple[_Node, str]:
        """Find or make the class of a row; return it with the path of its school."""
        texts = (row.school, row.college, row.grade, row.class_name)
        if texts not in self._placed:
            self._placed[texts] = self._place(*texts)
        return self._placed[texts]

    def list_unit(self, kind: Listed, text: str) -> _Node:
        """Find or make a company, village or department, right under the target."""
        column = unitname.KIND_NAMES[kind]
        name = unitname.tidy(text)
        if not name:
            raise Rejection(column, f"缺少{column}的名称。")
        node = self._named.get(unitname.key(name)) or self._new(self.target, kind, name)
        if node.kind != kind:
            raise Rejection(
                column, f"“{node.name}”在系统里是{unitname.KIND_NAMES[node.kind]}，不是{column}。"
            )
        if node.children:
            raise Rejection(column, f"“{node.name}”下面还有单位，人数由它们相加：请去掉这一行。")
        self._named[node.key] = node
        self._make(node)
        return node

    def label(self, node: _Node) -> str:
        """Write a class as the preview shows it: with its school or college when the file covers several."""
        words = [node.name]
        at = node.parent
        while at and len(at.path) > len(self.target.path):
            if at.kind != "grade" or not node.name.startswith(at.name):
                words.append(at.name)
            at = at.parent
        return " ".join(reversed(words))

    def _place(self, school: str, college: str, grade: str, class_name: str) -> tuple[_Node, str]:
        at = self.target
        for (level, column), text in zip(_LEVELS, (school, college, grade), strict=True):
            at = self._step(at, level, column, text)
        node = self._class(at, class_name, grade)
        self._make(node)
        return node, self._school_path(node)

    def _step(self, at: _Node, level: str, column: str, text: str) -> _Node:
        name = unitname.grade_name(text) if level == "grade" else unitname.tidy(text)
        fixed = self.lineage.get(level)
        if fixed:
            if text and not _called(name, text, [fixed], column):
                raise Rejection(column, f"这次导入的是“{fixed.name}”，这一行写的是“{text[:20]}”。")
            return at
        if _RANK[_level(self.target.kind)] >= _RANK[level]:
            return at
        if not text:
            if level == "school":
                raise Rejection(column, "缺少学校。")
            return at
        among = at.beneath() if level == "school" else at.children
        alike = [node for node in among if _level(node.kind) in (level, "school")]
        return _called(name, text, alike, column) or self._new(at, level, name)

    def _class(self, at: _Node, text: str, grade_text: str) -> _Node:
        over = at if at.kind == "grade" else self.lineage.get("grade")
        grade = unitname.grade_name(over.name if over else grade_text)
        if self.target.kind == "class":
            if text and not _called(unitname.class_name(text, grade), text, [self.target], "班级"):
                raise Rejection("班级", f"这次导入的是“{self.target.name}”，这一行写的是“{text[:20]}”。")
            return self.target
        if not text:
            raise Rejection("班级", "缺少班级。合并的单元格请先拆开，每一行都填上。")
        name = unitname.class_name(text, grade)
        told = unitname.grade_told(name)
        if grade and told and unitname.ordinal("grade", told) != unitname.ordinal("grade", grade):
            raise Rejection("班级", f"年级是“{grade}”，班级写的却是“{name}”。")
        for among in self._where_classes_are(at, name, grade):
            found = _called(name, text, among, "班级")
            if found:
                return found
        return self._new(at, "class", name)

    def _where_classes_are(self, at: _Node, name: str, grade: str) -> Iterable[Iterable[_Node]]:
        """A class stands under its grade; a system or a file without grades has it elsewhere."""
        yield at.children
        if at.kind == "grade" and at is not self.target and at.parent and name.startswith(grade):
            yield [node for node in at.parent.children if node.kind == "class"]
        if at.kind != "grade":
            yield [node for node in at.beneath() if node.kind == "class"]

    def _new(self, at: _Node, kind: str, name: str) -> _Node:
        if len(name) > LONGEST_UNIT_NAME or not name.isprintable():
            raise Rejection(unitname.KIND_NAMES[kind], f"名称太长，最多 {LONGEST_UNIT_NAME} 个字。")
        code = unitname.code(kind, name, at.codes)
        position = unitname.position(kind, name, at.last)
        return _Node(KnownUnit(f"{at.path}{code}/", code, name, kind, position), at, known=False)

    def _make(self, node: _Node) -> None:
        """Note the new units a row needs, parents first; a grade that no class needs is never made."""
        if node.known or node.path in self.made or node.parent is None:
            return
        self._make(node.parent)
        self.made[node.path] = NewUnit(
            node.path, node.parent.path, node.code, node.name, node.kind, node.position
        )

    def _school_path(self, node: _Node) -> str:
        if "school" in self.lineage:
            return self.lineage["school"].path
        at: _Node | None = node
        while at and _level(at.kind) != "school":
            at = at.parent
        return at.path if at else next(iter(self.nodes))


class _Reading:
    """Rows that are checked one by one; what cannot be taken is noted."""

    def __init__(self, sheet: Sheet, known: Known) -> None:
        self.sheet = sheet
        self.known = known
        self.tree = _Tree(known)
        self.rejected: list[Rejected] = []

    def check(self, line: int, read: Callable[[], Found]) -> Found | None:
        """Read a cell, or note why not."""
        try:
            return read()
        except Rejection as rejection:
            self.reject(line, rejection.column, rejection.reason)
            return None

    def reject(self, line: int, column: str, reason: str) -> None:
        """Note a line that cannot be taken."""
        self.rejected.append(Rejected(line, column, reason))

    def in_order(self) -> tuple[Rejected, ...]:
        """List the rejected lines by line."""
        return tuple(sorted(self.rejected, key=lambda rejected: rejected.line))


class _Counts(_Reading):
    """A file of head-counts against the classes, companies, villages or departments there are."""

    def plan(self) -> Plan:
        """Go through the units of the file."""
        form, target = self.sheet.form, self.tree.target
        if form in LISTED and form not in listed_under(target.kind):
            raise NotListedHere(form, target.name)
        places: dict[str, list[KnownPlace]] = defaultdict(list)
        for place in self.known.places:
            places[place.path].append(place)
        entries: dict[str, CountEntry] = {}
        for row in self.sheet.rows:
            entry = self.check(row.line, partial(self._entry, row, places, entries))
            if entry:
                entries[entry.path] = entry
        return Plan(
            form,
            new_units=tuple(self.tree.made.values()),
            counts=tuple(entries.values()),
            rejected=self.in_order(),
        )

    def _entry(
        self, row: Row, places: Mapping[str, list[KnownPlace]], entries: Mapping[str, CountEntry]
    ) -> CountEntry:
        form = self.sheet.form
        node = self.tree.list_unit(form, row.unit_name) if form in LISTED else self.tree.place(row)[0]
        count = count_of(row.count)
        if node.path in entries:
            column = unitname.KIND_NAMES.get(form, "班级")
            raise Rejection(column, f"这个{column}在第 {entries[node.path].line} 行已经写过人数。")
        there = places.get(node.path, [])
        try:
            filled = fill(there, count)
        except TooFewPlaces as refusal:
            raise Rejection("人数", refusal.text) from None
        before = sum(place.live for place in there) if node.known else None
        return CountEntry(row.line, node.path, self.tree.label(node), before, count, filled)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A checked row: who shall sit where."""

    line: int
    node: _Node
    school_path: str
    seat: int
    number: str
    name: str


class _Seats(_Reading):
    """A file of pupils against the places there are."""

    def __init__(self, sheet: Sheet, known: Known) -> None:
        super().__init__(sheet, known)
        live = [place for place in known.places if place.live]
        self.person = {person.id: person for person in known.persons}
        self.by_number = {(person.school_path, person.number): person for person in known.persons}
        self.live_at = {(place.path, place.seat): place for place in live}
        self.live_of = {place.person_id: place for place in live if place.person_id}
        left = [place for place in known.places if not place.live]
        self.left_of = {place.person_id: place for place in left if place.person_id}
        self.left_nameless: dict[tuple[str, int], KnownPlace] = {}
        self.left_named: dict[tuple[str, int, str], KnownPlace] = {}
        for place in left:
            if place.person_id is None:
                self.left_nameless[place.path, place.seat] = place
            elif place.person_id in self.person:
                self.left_named[place.path, place.seat, self.person[place.person_id].name] = place
        self.claimed: dict[int, _Wanted] = {}
        self.seated: set[int] = set()
        self.wanted_seats: set[tuple[str, int]] = set()
        self.lists: dict[str, list[Entry]] = defaultdict(list)

    def plan(self) -> Plan:
        """Go through the pupils of the file: by number first, then by name, then bare seats."""
        wanted = self._wanted()
        for match, rows in (
            (self._by_number, [row for row in wanted if row.number]),
            (self._by_name, [row for row in wanted if row.name and not row.number]),
            (self._by_seat, [row for row in wanted if not row.name and not row.number]),
        ):
            for row in rows:
                self.check(row.line, partial(match, row))
        held, replaced, shifted = self._in_the_way(wanted)
        return Plan(
            "seats",
            new_units=tuple(self.tree.made.values()),
            new=self._by_line("new"),
            changed=self._by_line("changed"),
            moved=self._by_line("moved"),
            returned=self._by_line("returned"),
            missing=self._missing({row.node.path for row in wanted}, replaced),
            same=self._by_line("same"),
            rejected=self.in_order(),
            held=held,
            replaced=replaced,
            shifted=shifted,
        )

    def _by_line(self, list_name: str) -> tuple[Entry, ...]:
        return tuple(sorted(self.lists[list_name], key=lambda entry: entry.line))

    def _wanted(self) -> list[_Wanted]:
        """Check every row by itself and against the rows before it."""
        wanted = []
        seats: dict[tuple[str, int], int] = {}
        numbers: dict[tuple[str, str], int] = {}
        for row in self.sheet.rows:
            placed = self.check(row.line, partial(self.tree.place, row))
            seat = self.check(row.line, partial(seat_of, row.seat))
            number = self.check(row.line, partial(number_of, row.number))
            name = self.check(row.line, partial(name_of, row.name))
            if placed is None or seat is None or number is None or name is None:
                continue
            node, school_path = placed
            first = seats.setdefault((node.path, seat), row.line)
            if first != row.line:
                self.reject(row.line, "座号", f"座号 {seat} 在这个班里重复：第 {first} 行也是 {seat} 号。")
                continue
            first = numbers.setdefault((school_path, number), row.line) if number else row.line
            if first != row.line:
                self.reject(row.line, "学号", f"学号 {number} 重复：第 {first} 行也是这个学号。")
                continue
            wanted.append(_Wanted(row.line, node, school_path, seat, number, name))
            self.wanted_seats.add((node.path, seat))
        return wanted

    def _note(
        self,
        list_name: str,
        row: _Wanted,
        place: KnownPlace | None,
        person: KnownPerson | None,
        was: str = "",
    ) -> None:
        """Put a row into a list of the plan; the place it keeps is taken from now on."""
        if place:
            self.claimed[place.id] = row
        if person:
            self.seated.add(person.id)
        self.lists[list_name].append(
            Entry(
                row.line,
                row.node.path,
                self.tree.label(row.node),
                row.seat,
                row.number or (shown_number(person.number) if person else ""),
                row.name or (person.name if person else ""),
                was,
                place.id if place else None,
                person.id if person else None,
                row.school_path,
                place.path if place and list_name == "moved" else "",
            )
        )

    def _occupant(self, row: _Wanted) -> KnownPlace | None:
        """Who sits there and is not accounted for by a stronger row."""
        place = self.live_at.get((row.node.path, row.seat))
        return None if place is None or place.id in self.claimed else place

    def _by_number(self, row: _Wanted) -> None:
        person = self.by_number.get((row.school_path, row.number))
        if person is None:
            self._unknown_number(row)
            return
        place = self.live_of.get(person.id)
        if place is None:
            left = self.left_of.get(person.id)
            if left:
                self._note("returned", row, left, person, _renamed(row, person))
            else:
                self._arrive(row, person)
        elif not place.path.startswith(self.tree.target.path):
            raise Rejection("学号", "这位同学现在在别的班，不在这次导入的单位里：请在学校一级导入。")
        elif place.path != row.node.path:
            was = f"原在 {self.tree.label(self.tree.nodes[place.path])} {place.seat} 号"
            self._note("moved", row, place, person, _and(was, _renamed(row, person)))
        else:
            was = _and(f"原座号 {place.seat}" if place.seat != row.seat else "", _renamed(row, person))
            self._note("changed" if was else "same", row, place, person, was)

    def _unknown_number(self, row: _Wanted) -> None:
        occupant = self._occupant(row)
        person = self.person.get(occupant.person_id) if occupant and occupant.person_id else None
        if occupant and person and person.number.startswith(KEYLESS) and row.name in ("", person.name):
            self._note("changed", row, occupant, person, "补上学号")
        else:
            self._arrive(row, None)

    def _arrive(self, row: _Wanted, person: KnownPerson | None) -> None:
        """Seat somebody who has no place this term: on the nameless place of that seat, or on a new one."""
        occupant = self._occupant(row)
        if occupant and occupant.person_id is None:
            self._note("changed", row, occupant, person, "补上姓名" if row.name else "补上学号")
        else:
            self._note("new", row, None, person)

    def _by_name(self, row: _Wanted) -> None:
        occupant = self._occupant(row)
        person = self.person.get(occupant.person_id) if occupant and occupant.person_id else None
        if occupant and person:
            if person.name == row.name:
                self._note("same", row, occupant, person)
            elif person.number.startswith(KEYLESS) or not person.name:
                self._note("changed", row, occupant, person, _renamed(row, person) or "补上姓名")
            else:
                raise Rejection("姓名", f"{row.seat} 号在系统里是另一位有学号的同学：请补上这一行的学号。")
            return
        left = self.left_named.get((row.node.path, row.seat, row.name))
        gone = left is not None and left.person_id not in self.live_of and left.person_id not in self.seated
        if left and left.person_id and gone and not occupant:
            self._note("returned", row, left, self.person[left.person_id])
        else:
            self._arrive(row, None)

    def _by_seat(self, row: _Wanted) -> None:
        occupant = self._occupant(row)
        left = self.left_nameless.get((row.node.path, row.seat))
        if occupant:
            self._note("same", row, occupant, self.person.get(occupant.person_id or 0))
        elif left:
            self._note("returned", row, left, None)
        else:
            self._note("new", row, None, None)

    def _in_the_way(
        self, wanted: Sequence[_Wanted]
    ) -> tuple[tuple[Rejected, ...], tuple[int, ...], tuple[tuple[int, int], ...]]:
        """Find seats that are wanted and still taken by somebody the file does not have."""
        held: list[Rejected] = []
        replaced: list[int] = []
        shifted: list[tuple[int, int]] = []
        bad = {rejected.line for rejected in self.rejected}
        vacated = {
            (row.node.path, row.seat): place.seat
            for place in self.known.places
            if place.live
            and (row := self.claimed.get(place.id))
            and row.node.path == place.path
            and row.seat != place.seat
        }
        for row in wanted:
            occupant = self._occupant(row)
            if occupant is None or row.line in bad:
                continue
            if occupant.person_id is not None:
                text = f"{row.seat} 号现在是名单里没有的另一位同学：要先把他移出，或者改座号。"
                held.append(Rejected(row.line, "座号", text))
                continue
            seat = row.seat
            while (row.node.path, seat) in vacated:
                seat = vacated[row.node.path, seat]
            if seat == row.seat or (row.node.path, seat) in self.wanted_seats:
                replaced.append(occupant.id)
            else:
                shifted.append((occupant.id, seat))
        return tuple(held), tuple(replaced), tuple(shifted)

    def _missing(self, paths: set[str], replaced: Sequence[int]) -> tuple[Entry, ...]:
        """List the places of the file's classes that no row keeps."""
        entries = []
        for place in self.known.places:
            if not place.live or place.path not in paths or place.id in self.claimed or place.id in replaced:
                continue
            person = self.person.get(place.person_id or 0)
            node = self.tree.nodes[place.path]
            entries.append(
                Entry(
                    0,
                    place.path,
                    self.tree.label(node),
                    place.seat,
                    shown_number(person.number) if person else "",
                    person.name if person else "",
                    enrolment_id=place.id,
                    person_id=place.person_id,
                )
            )
        return tuple(sorted(entries, key=lambda entry: (entry.path, entry.seat)))


def _renamed(row: _Wanted, person: KnownPerson) -> str:
    """Say that the name differs."""
    if not row.name or row.name == person.name:
        return ""
    return f"原姓名 {person.name}" if person.name else "补上姓名"


def _and(*texts: str) -> str:
    """Join what is not empty."""
    return "，".join(text for text in texts if text)
