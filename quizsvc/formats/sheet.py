"""Questions in tables: our template and the sheets of survey and exam sites (XLSX, XLS, ODS, CSV) in, XLSX out."""

import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import xlsxwriter

from quizsvc import uploads
from quizsvc.core import exchange, unitname
from quizsvc.core.bankfile import (
    AUDIENCE_NAMES,
    CHANNEL_NAMES,
    DIFFICULTY_NAMES,
    KIND_NAMES,
    Explanation,
    Item,
    Option,
    Scene,
    Vocabulary,
)
from quizsvc.core.exchange import LETTERS, Choice, Draft, Reading, Rejected
from quizsvc.uploads import Unreadable

FORM = "表格"
MOST_ROWS = 20_000
MOST_COLUMNS = 60
HEADER_WITHIN = 10
LARGEST_CELL = 32_767
TEXT_FORMAT = 49  # the spreadsheet programs' own number for "text"

TOO_LARGE = "文件太大，最大 5 MB。请只留下题目一张表，去掉图片。"
BROKEN = "打不开这个表格：文件损坏、设了密码，或者不是表格。请用表格软件另存为 XLSX 或 CSV 再上传。"
TOO_MUCH = "这个表格文件展开后太大，没有打开。请把题目复制到一个新表格里再上传。"
NO_HEADING = "没有找到表头。表格要有“题干”和“正确答案”两列，选项写在“选项A”“选项B”这样的列里。"

SYNONYMS: dict[str, tuple[str, ...]] = {
    "kind": ("题型", "试题类型", "题目类型", "试题题型", "类型"),
    "stem": ("题干", "题目", "试题内容", "题目内容", "题目标题", "题目名称", "试题", "问题", "考题"),
    "options": ("选项", "备选答案", "备选项", "选项内容", "答案选项", "可选项"),
    "answer": ("正确答案", "标准答案", "参考答案", "答案", "正确选项"),
    "trick": ("骗术",),
    "tell": ("破绽",),
    "action": ("应对",),
    "explanation": ("解析", "答案解析", "试题解析", "题目解析", "答案说明"),
    "source": ("来源", "出处", "题目来源", "试题来源"),
    "topic": ("章节", "主题", "分类", "知识点", "题目分类", "试题分类", "所属章节", "类别"),
    "difficulty": ("难度", "难易度", "难易程度", "难度等级", "试题难度"),
    "audiences": ("人群", "适用人群", "适用对象"),
    "channel": ("情景渠道",),
    "sender": ("情景发送者",),
    "scene": ("情景内容",),
    "tells": ("破绽原文",),
    "genuine": ("真实", "真实消息"),
    "reviewed_on": ("核对日期",),
    "valid_until": ("有效期",),
    "region": ("地区", "适用地区"),
    "twin": ("同组",),
    "beliefs": ("危险想法",),
    "pinned": ("固定在最后",),
    "code": ("代号", "题目代号"),
}
"""What a column says -> headings it is known by, the preferred first."""

_FIELD_OF = {heading: name for name, headings in SYNONYMS.items() for heading in headings}
_NUMBERING = frozenset({"题号", "序号", "编号"})
_WRITTEN = tuple(name for name in SYNONYMS if name not in ("options", "explanation"))
_BEFORE_OPTIONS = 2  # of _WRITTEN, 题型 and 题干
_USUAL_OPTIONS = 8

_KINDS = {
    **{slug: slug for slug in KIND_NAMES},
    **dict.fromkeys(("单选", "单选题", "单项选择", "单项选择题"), "single_choice"),
    **dict.fromkeys(("多选", "多选题", "多项选择", "多项选择题"), "multiple_choice"),
    **dict.fromkeys(("判断", "判断题", "是非题", "对错题"), "true_false"),
    **dict.fromkeys(("", "选择", "选择题", "不定项", "不定项选择", "不定项选择题"), ""),
}
_LEVELS = {
    **{name: level for level, name in DIFFICULTY_NAMES.items()},
    **{str(level): level for level in DIFFICULTY_NAMES},
    **dict.fromkeys(("易", "简单", "较易"), 1),
    **dict.fromkeys(("中", "一般", "适中", "普通"), 2),
    **dict.fromkeys(("难", "困难", "很难"), 3),
}
_LEVELS_OF_FIVE = _LEVELS | {"1": 1, "2": 1, "3": 2, "4": 3, "5": 3}
_CHANNELS = CHANNEL_NAMES | {name: name for name in CHANNEL_NAMES.values()}
_AUDIENCES = {
    **{slug: (slug,) for slug in AUDIENCE_NAMES},
    **{name: (slug,) for slug, name in AUDIENCE_NAMES.items()},
    "小学": ("primary_lower", "primary_upper"),
}

_LONGEST_HEADING = 40
_MOST_TELLS = 50
_MOST_OF_AUDIENCES = 500  # characters; all their names together are fewer
_REMARK = re.compile(r"\([^()]*\)")
_OPTION_HEADING = re.compile("(?:选项|备选项|备选答案)([A-J]|[1-9]|10)|([A-J])(?:选项|项)?")
_STRONG = re.compile(r"\$;\$|[|┋;\n]")
_WEAK = re.compile(r"\$;\$|[|┋;\n,、/+&和与\s]")
_LETTERED = re.compile(r"([A-J])[.．、:：)）](.*)", re.DOTALL)
_WORDS = re.compile(r"[;；,，、|/\s]+")
_DAY = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:[ T][0-9:.]{0,20})?")
_UNSAFE = re.compile("[\0-\x08\x0b-\x1f\ufffe\uffff]|_x[0-9A-Fa-f]{4}_x[0-9A-Fa-f]{4}_")

_KEY_HINT = "请写选项的字母，例如 A，多选写 AC；判断题写“对”或“错”。"


class _Unfit(Exception):
    """A row that is no question; its text says why, and how to mend it."""


@dataclass(frozen=True, slots=True)
class _Header:
    """The heading row.

    columns: what a column says -> its index
    options: place of an option, 0 for A -> index of its column
    names: what a column says -> the heading as somebody wrote it
    unused: headings that say nothing here
    """

    columns: Mapping[str, int]
    options: Mapping[int, int]
    names: Mapping[str, str]
    unused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """One row below it, what is blank left out."""

    number: int
    cells: Mapping[str, str]
    options: Mapping[int, str]
    names: Mapping[str, str]

    def text(self, name: str) -> str:
        return self.cells.get(name, "")

    def misfit(self, name: str, hint: str, *, fault: str = "看不懂") -> _Unfit:
        said = self.text(name)
        wrong = f"写的“{_short(said)}”{fault}" if said else "空着"
        return _Unfit(f"“{self.names.get(name, SYNONYMS[name][0])}”一列{wrong}。{hint}")


def read(body: bytes) -> Reading:
    """Read a table of questions; whether it is a spreadsheet or a CSV is seen from its content."""
    uploads.checked(body, too_large=TOO_LARGE)
    if not body.startswith((uploads.ZIP, uploads.OLE)):
        text = uploads.text(body, broken=BROKEN)
        return reading_of(_delimited(text, most_rows=MOST_ROWS + HEADER_WITHIN))
    most_rows = MOST_ROWS + HEADER_WITHIN
    rows = uploads.spreadsheet(
        body, most_rows=most_rows, most_columns=MOST_COLUMNS, broken=BROKEN, too_much=TOO_MUCH
    )
    return reading_of([[uploads.cell_text(cell) for cell in row] for row in rows])


def is_table(text: str) -> bool:
    """Tell a CSV of questions from other texts by its heading row."""
    rows = _delimited(text, most_rows=HEADER_WITHIN)
    return any(_is_heading(_headings(row)) for row in rows[:HEADER_WITHIN])


def reading_of(rows: Sequence[Sequence[str]]) -> Reading:
    """Understand the rows of a table, as they are shown."""
    if any(len(row) > MOST_COLUMNS for row in rows):
        raise Unreadable(f"列太多，最多 {MOST_COLUMNS} 列。请只留下题目需要的几列。")
    at, header = _header(rows)
    if len(rows) - at - 1 > MOST_ROWS:
        raise Unreadable(f"表格太长，一次最多 {MOST_ROWS:,} 行。请分成几个文件。")
    found = tuple(_rows(rows[at + 1 :], at + 2, header))
    if not found:
        raise Unreadable("表头下面没有题目。")
    levels = _LEVELS_OF_FIVE if {"4", "5"} & {row.text("difficulty") for row in found} else _LEVELS
    drafts, rejected = [], []
    for row in found:
        try:
            drafts.append(_draft(row, levels))
        except _Unfit as unfit:
            rejected.append(Rejected(_place(row), _short(row.text("stem"), 40), str(unfit)))
    return Reading(FORM, tuple(drafts), tuple(rejected), tuple(_notes(found, header)))


def rows_of(items: Sequence[Item], vocabulary: Vocabulary) -> list[list[str]]:
    """Lay items out below their headings; reading_of() undoes it."""
    most = max((len(item.options) for item in items), default=0)
    letters = LETTERS[: max(most, _USUAL_OPTIONS)]
    headings = [SYNONYMS[name][0] for name in _WRITTEN]
    headings[_BEFORE_OPTIONS:_BEFORE_OPTIONS] = [f"选项{letter}" for letter in letters]
    rows = [headings]
    for item in items:
        cells = _cells(item, vocabulary)
        row = [cells[name] for name in _WRITTEN]
        options = [option.text for option in item.options[: len(letters)]]
        row[_BEFORE_OPTIONS:_BEFORE_OPTIONS] = options + [""] * (len(letters) - len(options))
        rows.append(row)
    return rows


def write(items: Sequence[Item], vocabulary: Vocabulary, *, title: str) -> bytes:
    """Write items as a spreadsheet that read() takes back."""
    return _workbook(rows_of(items, vocabulary), title=title)


def template() -> bytes:
    """Make the file people fill in: the headings, three examples, and how to fill it in."""
    return _workbook(rows_of(_EXAMPLES, _NO_WORDS), title="题目模板", notes=_NOTES)


def losses(item: Item) -> tuple[str, ...]:
    """Say what a table cannot carry of an item: it is laid out, read back and compared."""
    rows = rows_of((item,), _NO_WORDS)
    found = list(exchange.losses(item))
    if any(len(cell) > LARGEST_CELL for cell in rows[1]):
        found.append(f"有一格超过 {LARGEST_CELL:,} 个字，表格里放不下，后面的会截掉。")
    if any(_UNSAFE.search(cell) for cell in rows[1]):
        found.append("文字里有看不见的控制字符，表格里会变样。")
    drafts = reading_of(rows).drafts
    if not drafts:
        return (*found, "这道题写进表格以后读不回来，请先改好题型、选项、答案和情景。")
    wanted = exchange.draft_of(item, _NO_WORDS, drafts[0].place)
    found += [text for name, text in _CHANGED.items() if getattr(drafts[0], name) != getattr(wanted, name)]
    return tuple(found)


_NO_WORDS = Vocabulary({}, {})

_CHANGED = {
    "stem": "情景和题干前后的空格会去掉。",
    "choices": "选项前后的空格会去掉，空的选项和第 10 个以后的选项会丢掉。",
    "code": "代号前后的空格会去掉。",
    "kind": "题型不是单选、多选、判断，会变成空的。",
    "explanation": "解析前后的空格会去掉。",
    "tags": "来源、地区、同组前后的空格会去掉，有换行的破绽原文会分成几处。",
}
"""Field of a draft that came back different -> what happened to it."""


# --- rows into drafts


def _delimited(text: str, *, most_rows: int) -> list[list[str]]:
    return uploads.delimited(
        text, most_rows=most_rows, most_columns=MOST_COLUMNS, header_within=HEADER_WITHIN, known=_known
    )


def _known(row: Sequence[str]) -> int:
    header = _headings(row)
    return len(header.columns) + len(header.options)


def _header(rows: Sequence[Sequence[str]]) -> tuple[int, _Header]:
    for at, row in enumerate(rows[:HEADER_WITHIN]):
        header = _headings(row)
        if not _is_heading(header):
            continue
        if "answer" not in header.columns:
            raise Unreadable("缺少“正确答案”一列。")
        return at, header
    raise Unreadable(NO_HEADING)


def _is_heading(header: _Header) -> bool:
    return "stem" in header.columns and len(header.columns) + len(header.options) > 1


def _headings(row: Sequence[str]) -> _Header:
    """Find what each column says; of two columns that say the same, the preferred or else the first counts."""
    columns: dict[str, int] = {}
    options: dict[int, int] = {}
    names: dict[str, str] = {}
    unused: list[str] = []
    for index, cell in enumerate(row[:MOST_COLUMNS]):
        heading = unitname.tidy(cell).strip("*:").upper() if len(cell) <= _LONGEST_HEADING else ""
        bare = _REMARK.sub("", heading)
        option = _OPTION_HEADING.fullmatch(re.sub("[()]", "", heading)) or _OPTION_HEADING.fullmatch(bare)
        name = _FIELD_OF.get(heading) or _FIELD_OF.get(bare)
        if option:
            options.setdefault(_option_place(option[1] or option[2]), index)
        elif name is None:
            unused += [_short(cell)] if cell.strip() and bare not in _NUMBERING else []
        elif name not in columns or _rank(name, bare) < _rank(name, names[name]):
            columns[name], names[name] = index, bare
    return _Header(columns, options, names, tuple(unused))


def _option_place(name: str) -> int:
    return int(name) - 1 if name.isdecimal() else LETTERS.index(name)


def _rank(name: str, heading: str) -> int:
    return SYNONYMS[name].index(heading)


def _rows(rows: Iterable[Sequence[str]], start: int, header: _Header) -> Iterator[_Row]:
    """The rows that say something; a chapter holds for the rows below it, as a merged cell does."""
    topic = ""
    for number, row in enumerate(rows, start=start):
        cells = {name: _cell(row, column) for name, column in header.columns.items()}
        options = {place: _cell(row, column) for place, column in header.options.items()}
        options = {place: text for place, text in options.items() if text}
        if not options and not any(cells.values()):
            continue
        topic = cells.get("topic") or topic
        if topic:
            cells["topic"] = topic
        yield _Row(number, cells, options, header.names)


def _cell(row: Sequence[str], column: int) -> str:
    text = row[column] if column < len(row) else ""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _notes(rows: Iterable[_Row], header: _Header) -> Iterator[str]:
    """What was left out of all of them."""
    if header.unused:
        yield f"没有用到的列：{_listed(header.unused)}。"
    words = dict.fromkeys(word for row in rows for word in _audience_words(row))
    strangers = [_short(word) for word in words if word and word not in _AUDIENCES]
    if strangers:
        yield f"不认识的人群没有导入：{_listed(strangers)}。可以写{'、'.join(AUDIENCE_NAMES.values())}。"


def _listed(words: Sequence[str], most: int = 10) -> str:
    return "、".join(words[:most]) + ("等" if len(words) > most else "")


def _draft(row: _Row, levels: Mapping[str, int]) -> Draft:
    if not row.text("stem"):
        raise row.misfit("stem", "请写上要问什么。")
    kind = _kind(row)
    options = _options(row, kind)
    keys, notes = _keys(row, options), _beliefs(row, options)
    lines = exchange.explanation_text(Explanation(row.text("trick"), row.text("tell"), row.text("action")))
    return Draft(
        place=_place(row),
        stem=_stem(row),
        choices=tuple(Choice(text, place in keys, notes.get(place, "")) for place, text in options.items()),
        code=row.text("code"),
        kind=kind,
        explanation="\n".join(filter(None, (row.text("explanation"), lines))),
        tags=tuple(_tags(row, kind, levels, tuple(options))),
    )


def _place(row: _Row) -> str:
    return f"第 {row.number} 行"


def _kind(row: _Row) -> str:
    word = _REMARK.sub("", _folded(row.text("kind")))
    if word not in _KINDS:
        raise row.misfit("kind", "这里只收单选题、多选题和判断题。", fault="这里不收")
    return _KINDS[word]


def _options(row: _Row, kind: str) -> dict[int, str]:
    """Place -> text, in order; a judgement needs none written."""
    found = dict(sorted(row.options.items())) or dict(enumerate(_divided(row.text("options"))))
    if not found and (kind == "true_false" or exchange.truth(row.text("answer")) is not None):
        return {0: "正确", 1: "错误"}
    if len(found) < 2:
        raise _Unfit("选项少于两个。请写在“选项A”“选项B”这样的列里，一格一个。")
    if len(found) > len(LETTERS):
        raise _Unfit(f"选项超过 {len(LETTERS)} 个，请减少。")
    return found


def _divided(cell: str) -> list[str]:
    """The options of one cell, without letters before them."""
    text = cell.replace("$;$", "\n")
    mark = next((mark for mark in ("\n", "┋", "|", "；", ";") if mark in text), None)
    pieces = [piece.strip() for piece in text.split(mark)] if mark else _cut_at_letters(text)
    pieces = [piece for piece in pieces if piece]
    if len(pieces) > len(LETTERS):
        return pieces
    lettered = [_LETTERED.fullmatch(piece) for piece in pieces]
    if all(found and found[1] == letter for found, letter in zip(lettered, LETTERS, strict=False)):
        return [found[2].strip() if found else piece for found, piece in zip(lettered, pieces, strict=True)]
    return pieces


def _cut_at_letters(text: str) -> list[str]:
    """Divide “A. 报警 B. 转账” before each letter, as long as they follow each other."""
    cuts: list[int] = []
    for letter in LETTERS:
        found = re.compile(rf"(?<![A-Za-z0-9]){letter}[.．、:：)）]").search(text, cuts[-1] if cuts else 0)
        if found is None or (not cuts and found.start()):
            break
        cuts.append(found.start())
    ends = (*cuts[1:], len(text))
    return [text[start:end] for start, end in zip(cuts or (0,), ends, strict=True)]


def _keys(row: _Row, options: Mapping[int, str]) -> frozenset[int]:
    """The places of the right options: by letter, by right and wrong, by number, or in their own words."""
    answer = row.text("answer")
    letters = _WEAK.sub("", _folded(answer)).upper().rstrip(".。")
    places = [LETTERS.find(letter) for letter in letters[: len(LETTERS) + 1]]
    if places and len(set(places)) == len(places) and options.keys() >= set(places):
        return frozenset(places)
    verdict = exchange.truth(answer)
    agreeing = [place for place, text in options.items() if exchange.truth(text) is verdict]
    if verdict is not None and len(agreeing) == 1:
        return frozenset(agreeing)
    by_text = {_folded(text): place for place, text in options.items()}
    for pieces in _ways_to_divide(answer):
        if len(pieces) > len(options):
            continue
        found = [_meant(row, piece, options, by_text) for piece in pieces]
        if found and None not in found:
            return frozenset(place for place in found if place is not None)
    raise row.misfit("answer", _KEY_HINT, fault="对不上选项")


def _ways_to_divide(answer: str) -> Iterator[list[str]]:
    plain = unicodedata.normalize("NFKC", answer)
    yield [answer]
    for separator in (_STRONG, _WEAK):
        yield [piece for piece in separator.split(plain) if piece.strip()]
    if plain.isdecimal():
        yield list(plain)


def _meant(row: _Row, piece: str, options: Mapping[int, str], by_text: Mapping[str, int]) -> int | None:
    """The option one piece of an answer means."""
    word = _folded(piece)
    own = by_text.get(word)
    number = int(word) - 1 if re.fullmatch("[0-9]{1,2}", word) else None
    if own is not None and number in options and own != number:
        hint = "请改写成选项的字母，例如 A。"
        raise row.misfit("answer", hint, fault="可能是第几个选项，也可能是选项自己的文字")
    if own is not None:
        return own
    if number in options:
        return number
    lettered = _LETTERED.fullmatch(word.upper())
    place = LETTERS.index(lettered[1]) if lettered else None
    return place if lettered and by_text.get(lettered[2].casefold()) == place else None


def _beliefs(row: _Row, options: Mapping[int, str]) -> dict[int, str]:
    """Place -> what choosing it shows, from lines like “B：先付一点没事”."""
    notes: dict[int, str] = {}
    for line in filter(str.strip, row.text("beliefs").split("\n")):
        found = _LETTERED.fullmatch(line.strip())
        if found is None or LETTERS.index(found[1]) not in options.keys() - notes.keys():
            raise row.misfit("beliefs", "请写成“B：想法”，一行一个选项。")
        notes[LETTERS.index(found[1])] = found[2].strip()
    return notes


def _stem(row: _Row) -> str:
    """The stem, with the scene before it as exchange.scene_and_stem() writes it."""
    stem, sender, text = row.text("stem"), row.text("sender"), row.text("scene")
    if not (row.text("channel") or sender or text):
        return stem
    channel = _CHANNELS.get(row.text("channel").casefold())
    if channel is None:
        raise row.misfit("channel", f"有情景时要写{'、'.join(CHANNEL_NAMES.values())}中的一种。")
    return f"【{channel}】{sender.replace(chr(10), ' ')}\n{text}\n【问题】{stem}"


def _tags(row: _Row, kind: str, levels: Mapping[str, int], places: tuple[int, ...]) -> Iterator[str]:
    """What is left, as exchange.tags_of() writes it."""
    found: tuple[tuple[str, Iterable[str]], ...] = (
        ("topic", [row.text("topic")]),
        ("kind", [kind]),
        ("audience", _audiences(row)),
        ("difficulty", [_difficulty(row, levels)]),
        ("source", [row.text("source")]),
        ("reviewed", [_day(row, "reviewed_on")]),
        ("valid-until", [_day(row, "valid_until")]),
        ("twin", [row.text("twin")]),
        ("region", [row.text("region")]),
    )
    yield from (f"{name}:{value}" for name, values in found for value in values if value)
    if _is_genuine(row):
        yield "genuine"
    yield from (f"tell:{tell}" for tell in _tells(row))
    yield from (f"pinned:{place}" for place in _pinned(row, places))


def _audience_words(row: _Row) -> list[str]:
    return _WORDS.split(row.text("audiences")[:_MOST_OF_AUDIENCES])


def _audiences(row: _Row) -> list[str]:
    return [slug for word in _audience_words(row) for slug in _AUDIENCES.get(word, ())]


def _difficulty(row: _Row, levels: Mapping[str, int]) -> str:
    word = _folded(row.text("difficulty"))
    if word and word not in levels:
        raise row.misfit("difficulty", f"可以写{'、'.join(DIFFICULTY_NAMES.values())}，也可以空着。")
    return str(levels[word]) if word else ""


def _day(row: _Row, name: str) -> str:
    said = unicodedata.normalize("NFKC", row.text(name))
    if not said:
        return ""
    found = _DAY.fullmatch(said)
    try:
        year, month, day = map(int, found.groups()) if found else (0, 0, 0)
        return date(year, month, day).isoformat()
    except ValueError:
        raise row.misfit(name, "请写成 2026-11-15 这样的日期。") from None


def _is_genuine(row: _Row) -> bool:
    said = row.text("genuine")
    verdict = said in ("真", "真实") or exchange.truth(said)
    if said and verdict is None:
        raise row.misfit("genuine", "真实的消息写“是”，别的空着。")
    return bool(said and verdict)


def _tells(row: _Row) -> list[str]:
    """One a line; a line that is not in the message is divided if its pieces are."""
    message = row.text("scene")
    found: list[str] = []
    lines = [line.strip() for line in row.text("tells").split("\n") if line.strip()]
    for line in lines[: _MOST_TELLS + 1]:
        pieces = [piece.strip() for piece in re.split("[;；|]", line) if piece.strip()]
        whole = line in message or len(pieces) > _MOST_TELLS or not all(piece in message for piece in pieces)
        found += [line] if whole else pieces
    if len(found) > _MOST_TELLS:
        raise _Unfit(f"破绽原文最多 {_MOST_TELLS} 处，请减少。")
    return found


def _pinned(row: _Row, places: tuple[int, ...]) -> list[int]:
    """The option that stays last, counted from 1 among those that are not blank."""
    said = _folded(row.text("pinned")).upper()
    if not said:
        return []
    if len(said) > 1 or LETTERS.find(said) not in places:
        raise row.misfit("pinned", "请写那个选项的字母，例如 D，或者空着。")
    return [places.index(LETTERS.index(said)) + 1]


def _short(text: str, most: int = 20) -> str:
    return " ".join(text[:200].split())[:most]


def _folded(text: str) -> str:
    """Text without differences of width, case and white space."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


# --- items into rows


def _cells(item: Item, vocabulary: Vocabulary) -> dict[str, str]:
    """What stands in each column but those of the options."""
    scene = item.scene or Scene("", "", "")
    choices = tuple(zip(LETTERS, exchange.choices_of(item, vocabulary), strict=False))
    options = tuple(zip(LETTERS, item.options, strict=False))
    return {
        "kind": f"{KIND_NAMES[item.kind]}题" if item.kind in KIND_NAMES else item.kind,
        "stem": item.stem,
        "answer": "".join(letter for letter, option in options if option.key),
        "trick": item.explanation.trick,
        "tell": item.explanation.tell,
        "action": item.explanation.action,
        "source": item.source,
        "topic": vocabulary.topics.get(item.topic, item.topic),
        "difficulty": DIFFICULTY_NAMES.get(item.difficulty, str(item.difficulty)),
        "audiences": "、".join(AUDIENCE_NAMES.get(audience, audience) for audience in item.audiences),
        "channel": CHANNEL_NAMES.get(scene.channel, scene.channel),
        "sender": scene.sender,
        "scene": scene.text,
        "tells": "\n".join(scene.tells),
        "genuine": "是" if item.genuine else "",
        "reviewed_on": item.reviewed_on.isoformat(),
        "valid_until": item.valid_until.isoformat() if item.valid_until else "",
        "region": item.region or "",
        "twin": item.twin or "",
        "beliefs": "\n".join(f"{letter}：{choice.note}" for letter, choice in choices if choice.note),
        "pinned": "".join(letter for letter, option in options if option.pinned),
        "code": item.code,
    }


_CREATED = datetime(2000, 1, 1, tzinfo=UTC)  # the same questions make the same file
_WIDTHS = {
    "stem": 40,
    "scene": 40,
    "trick": 30,
    "tell": 30,
    "action": 30,
    "source": 30,
    "kind": 10,
    "answer": 10,
}
_LISTS: dict[str, tuple[str, ...]] = {
    "kind": tuple(f"{name}题" for name in KIND_NAMES.values()),
    "difficulty": tuple(DIFFICULTY_NAMES.values()),
    "channel": tuple(CHANNEL_NAMES.values()),
    "genuine": ("是",),
}


def _workbook(rows: Sequence[Sequence[str]], *, title: str, notes: Sequence[str] = ()) -> bytes:
    body = io.BytesIO()
    with xlsxwriter.Workbook(body, {"in_memory": True}) as book:
        book.set_properties({"title": title, "created": _CREATED})
        bold = book.add_format({"bold": True, "bottom": 1})
        as_text = book.add_format({"num_format": TEXT_FORMAT, "text_wrap": True, "valign": "top"})
        sheet = book.add_worksheet("题目")
        for column, heading in enumerate(rows[0]):
            name = _FIELD_OF.get(heading, "")
            sheet.set_column(column, column, _WIDTHS.get(name, 16), as_text)
            if name in _LISTS:
                sheet.data_validation(1, column, MOST_ROWS, column, _choice(_LISTS[name]))
        # A string cell is never a formula in XLSX, whatever it begins with; an apostrophe before it would stay
        # in the question when the file comes back. So nothing is guarded here, unlike in a CSV.
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                if text:
                    sheet.write_string(number, column, text[:LARGEST_CELL], None if number else bold)
        sheet.freeze_panes(1, 0)
        if notes:
            page = book.add_worksheet("填写说明")
            page.set_column(0, 0, 100)
            for number, note in enumerate(notes):
                page.write_string(number, 0, note)
    return body.getvalue()


def _choice(words: Sequence[str]) -> dict[str, object]:
    """A list to choose from in each cell of a column; it may stay empty."""
    message = f"请写{'、'.join(words)}中的一种，或者空着。"
    return {"validate": "list", "source": list(words), "error_title": "看不懂", "error_message": message}


# --- the template

_EXAMPLES = (
    Item(
        code="",
        kind="single_choice",
        topic="刷单返利",
        audiences=("junior", "senior"),
        difficulty=1,
        stem="收到这条短信，最稳妥的做法是？",
        options=(
            Option("不理会，不点链接，告诉家长或老师", key=True),
            Option("先做一单小的，试试能不能返钱"),
            Option("把短信转给同学，大家一起做"),
            Option("回短信问清楚再决定"),
        ),
        explanation=Explanation(
            "先返小钱让人放心，再让人垫付大钱。",
            "点赞就能赚钱，还要先垫付，正规的兼职不会这样。",
            "不垫付，不点链接；拿不准时拨打 96110 咨询。",
        ),
        source="例子，请换成您的来源",
        reviewed_on=date(2026, 11, 15),
        scene=Scene(
            "sms", "陌生号码", "在家点赞就能赚钱，先垫付 100 元，做完立返 130 元。", ("先垫付 100 元",)
        ),
    ),
    Item(
        code="",
        kind="multiple_choice",
        topic="号码、工具与应急",
        audiences=("junior", "senior"),
        difficulty=2,
        stem="发现自己被骗转了账，应当马上做哪些事？",
        options=(
            Option("拨打 110 报警", key=True),
            Option("保存聊天和转账记录", key=True),
            Option("再转一笔，把前面的钱换回来"),
            Option("删掉聊天记录，不让别人知道"),
        ),
        explanation=Explanation(
            "骗子会说再交一笔就能退款，让人越陷越深。",
            "要先交钱才退钱的，都是骗局的一部分。",
            "马上拨打 110，保存好记录，告诉家里人。",
        ),
        source="例子，请换成您的来源",
        reviewed_on=date(2026, 11, 15),
    ),
    Item(
        code="",
        kind="true_false",
        topic="冒充公检法及政府机关",
        audiences=("junior", "senior", "parent"),
        difficulty=1,
        stem="公安机关不会让人把钱转到“安全账户”。",
        options=(Option("正确", key=True), Option("错误")),
        explanation=Explanation(
            "冒充警察，说卷进了案子，要把钱转走“保护”起来。",
            "“安全账户”并不存在。",
            "挂断电话，自己拨打 110 核实。",
        ),
        source="例子，请换成您的来源",
        reviewed_on=date(2026, 11, 15),
    ),
)

_NOTES = (
    "一行一道题。表里的三行是例子，写自己的题之前请删去。表头不要改名，列的顺序可以换，用不着的列可以删。",
    "一定要写：题干、选项、正确答案。判断题可以不写选项，正确答案写“对”或“错”。",
    "题型：单选题、多选题、判断题。空着时按正确答案的个数来定。",
    "正确答案：写选项的字母，多选连着写，例如 ABD。",
    "骗术、破绽、应对：每样一句话，答完题给大家看。只有一段解析时，可以改用一列，表头写“解析”。",
    "来源：这道题的事实出自哪里，给读的人看。没有来源和解析的题只能存为草稿。",
    "章节：题目讲的是哪一类骗局。空着时和上面一行相同。",
    f"难度：{'、'.join(DIFFICULTY_NAMES.values())}。",
    f"人群：{'、'.join(AUDIENCE_NAMES.values())}。可以写几种，用顿号隔开。",
    f"情景：先给大家看一条模拟的消息时才写。渠道写{'、'.join(CHANNEL_NAMES.values())}中的一种。",
    "破绽原文：消息里露出破绽的文字，要一字不差，一行一处。真实的消息不写破绽原文，“真实”一列写“是”。",
    "核对日期、有效期：写成 2026-11-15。地区：只适用于某地时才写。",
    "同组：同一个骗术换了说法的几道题，写同一个名字，抽题时只抽一道。",
    "危险想法：选错了说明他怎么想，写成“B：先付一点没事”，一行一个选项。固定在最后：不跟着打乱的选项，写字母。",
    "代号：本系统导出时写的，用来认出是哪道题。自己写的新题空着就好。",
    "图片、公式、批注不会导入。一次最多 20,000 行。",
)
