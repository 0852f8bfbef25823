"""Questions as teachers paste them: exam papers in Chinese, exports of survey sites, Aiken.

Read line by line, each line by its beginning. What a line without any mark belongs to is decided by what stands
before it and by the next line that has one. Every pattern is bounded, so that no line can make it slow.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from quizsvc.core.bankfile import CHANNEL_NAMES, KINDS
from quizsvc.core.exchange import LETTERS, Choice, Draft, Reading, Rejected, truth
from quizsvc.uploads import Unreadable

MOST_CHARACTERS = 1_000_000
MOST_LINES = 50_000
LONGEST_LINE = 10_000
MOST_QUESTIONS = 5_000

NOTHING = "没有找到题。每道题请写题干、选项和答案：“1. 题干”“A. 选项”“答案：A”，各占一行。"

OTHER = "other"
"""A kind of question we have no form for."""

# one character for one, so that places in the folded line are places in the line
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | dict.fromkeys((0x3000, 0xA0, 0x09), " ")
_INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x2060, 0xFEFF))
_SOFT_BREAKS = re.compile("[\v\f\u2028\u2029]")

_KIND = (
    r"(?:(?P<single_choice>单项选择题?|单选题?)|(?P<multiple_choice>多项选择题?|多选题?)"
    r"|(?P<true_false>判断对错题?|判断题?|是非题?)|(?P<any>不定项选择题?|不定项题?|选择题)"
    r"|(?P<other>(?:多项)?填空题?|简答题?|问答题?|论述题|名词解释题?|案例分析题?|材料分析题?|排序题?|匹配题?|连线题?"
    r"|矩阵.{0,4}题|评分题|量表题|简述题|计算题))"
)
_HEADING = re.compile(
    r"(?:(?P<part>第[一二三四五六七八九十\d]{1,3}(?:部分|大题|章|节|卷)|[一二三四五六七八九十]{1,3}\s{0,3}[、.:]"
    rf"|\([一二三四五六七八九十]{{1,3}}\))|\d{{1,2}}\s{{0,3}}[、.])?[\s:、.]{{0,3}}{_KIND}"
    r"(?(part).{0,120}|\s{0,3}(?:\([^)]{0,60}\)|\[[^\]]{0,60}\]|[共每本].{0,60})?\s{0,3}:?)"
)
_KIND_MARK = re.compile(rf"[\[【(]\s{{0,3}}{_KIND}(?:[,、;:\s][^\]】)]{{0,20}})?\s{{0,3}}[\]】)]")
_KIND_PREFIX = re.compile(rf"\A{_KIND}\s{{0,3}}:\s{{0,9}}")
_KIND_ALONE = re.compile(_KIND)
_POINTS = re.compile(r"[\[【(]\s{0,3}(?:分值)?:?\s{0,3}\d{1,3}(?:\.\d)?\s{0,3}分\s{0,3}[\]】)]")
_LIMITS = re.compile(r"\[(?:最[多少]|请)选择?[^\]]{0,20}\]")

_NUMBER = re.compile(
    r"第\s{0,3}(?P<ordinal>\d{1,4}|[一二三四五六七八九十百]{1,6})\s{0,3}题[.、:,)]?"
    r"|[Qq](?:uestion)?\s{0,3}(?P<q>\d{1,4})[.、:)\s]"
    r"|(?:试题|题目|题)\s{0,3}(?P<word>\d{1,4})[.、:)\s]"
    r"|\(\s{0,3}(?P<round>\d{1,4})\s{0,3}\)[.、:]?"
    r"|[\[【]\s{0,3}(?P<square>\d{1,4})\s{0,3}[\]】]"
    r"|(?P<paren>\d{1,4})\s{0,3}\)"
    r"|(?P<plain>\d{1,4})\s{0,3}(?:、|[.:](?!\d))"
    r"|(?P<tight>\d{1,4})\.(?=\d)"
    r"|(?P<loose>\d{1,4})\s(?=\s{0,9}[^\s\d])"
    r"|(?P<han>[一二三四五六七八九十]{1,3})\s{0,3}、"
    r"|(?P<label>题目|题干|试题)\s{0,3}:"
)
_LABEL = re.compile(r"^(?:题目|题干|试题)\s{0,3}:\s{0,9}", re.MULTILINE)
_OPTIONS_LABEL = re.compile(r"选项:?|备选(?:项|答案):?")
_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")}

_MARK = r"(?P<mark>[○◯〇●◉□☐■☑])"
_BULLET = re.compile(rf"{_MARK}\s{{0,9}}")
_CHOSEN = frozenset("●◉■☑")
_OPTION = re.compile(
    r"(?P<right>[*√✓]\s{0,3})?(?:\((?P<round>[A-Ja-j])\)|(?P<dotted>[A-Ja-j])\s{0,3}[.、:)])\s{0,9}"
)
_WEAK_OPTION = re.compile(r"(?P<letter>[A-J])(?:,|\s)\s{0,9}(?=[^\sA-Za-z,])")
_DOTTED = {
    one: re.compile(rf"(?<![A-Za-z0-9(])(?:[○●□■]\s?)?{one}\s{{0,3}}[.、:)]\s{{0,9}}") for one in LETTERS
}
_ROUND = {one: re.compile(rf"\({one}\)[.、:]?\s{{0,9}}") for one in LETTERS}
_RIGHT_SUFFIX = re.compile(r"\s{0,9}(?:[\[【(]\s{0,3}(?:正确答案|正确选项|正确|答案)\s{0,3}[\]】)]|[√✓✔])$")

_ANSWER_WORD = r"(?:(?:本题|试题|此题)?(?:正确|参考|标准)?答案|正确选项|正解|ANSWER|Answer|answer)"
_ANSWER = re.compile(
    rf"\(?[\[【]\s{{0,3}}{_ANSWER_WORD}\s{{0,3}}[\]】]\s{{0,3}}:?|\(?(?:{_ANSWER_WORD}|答)[是为]?\s{{0,3}}:"
    rf"|{_ANSWER_WORD}\s{{1,9}}(?=[A-J√×对错正\d])"
)
_INLINE_ANSWER = re.compile(
    rf"\(?[\[【]\s{{0,3}}{_ANSWER_WORD}\s{{0,3}}[\]】]"
    r"|\(?(?:本题|试题|此题)?(?:正确|参考|标准)?答案\s{0,3}:\s{0,9}(?=[A-Ja-j√×✓✗对错正TF]|不对)|(?<=\s)ANSWER:"
)
_ANSWERS_HEADING = re.compile(
    r"(?:附:?)?(?:参考|标准|正确)?答案(?:(?:及|与|和)?解析)?(?:如下)?:?|答案(?:部分|页)"
)
_EXPLANATION_WORD = r"(?:(?:答案|试题|参考|题目)?(?:解析|详解|分析|点评|解释|说明))"
_EXPLANATION = re.compile(
    rf"[\[【]\s{{0,3}}{_EXPLANATION_WORD}\s{{0,3}}[\]】]\s{{0,3}}:?|(?:{_EXPLANATION_WORD}|Explanation)\s{{0,3}}:"
)
_INLINE_EXPLANATION = re.compile(
    rf"[\[【]\s{{0,3}}{_EXPLANATION_WORD}\s{{0,3}}[\]】]|(?<=[\s。.;,)】A-J√×对错确误])(?:答案)?解析\s{{0,3}}:"
)
_LINE_OF_THREE = re.compile(r"[\[【](骗术|破绽|应对)[\]】]\s{0,3}:?\s{0,9}|(骗术|破绽|应对)\s{0,3}:\s{0,9}")
_REMARK_WORD = (
    r"(?P<difficulty>难度|难易程度|难易度)|(?P<source>来源|出处)|(?P<topic>主题|分类)|(?P<audience>适用人群|人群|适用对象)"
    r"|(?P<kind>题型)|(?P<left>知识点|考点|分值|分数|章节|标签)"
)
_REMARK = re.compile(rf"(?P<open>[\[【])?(?:{_REMARK_WORD})(?(open)[\]】]\s{{0,3}}:?|\s{{0,3}}:)\s{{0,9}}")
_DIFFICULTIES = dict(zip(("易", "简单", "中", "一般", "难", "困难"), (1, 1, 2, 2, 3, 3), strict=True))
_PAGE = re.compile(r"第\s{0,3}\d{1,4}\s{0,3}页.{0,20}|-\s{0,3}\d{1,4}\s{0,3}-")

_ATOM = r"(?:正确|错误|不对|[A-Ja-j√×✓✔✗✘对错TFVX])"
_ATOMS = re.compile(_ATOM)
_ENTRY = re.compile(
    r" ?[,;、。]? ?第?\(?(?P<first>\d{1,4})\)?(?: ?(?:[-~—–－至到]{1,3}) ?(?P<last>\d{1,4}))? ?题? ?[.、:)]? ?"
    rf"(?P<run>{_ATOM}(?:[ 、,/]*{_ATOM})*)(?![A-Za-z])"
)
_NUMBERS_ROW = re.compile(r"题[号目]\s{0,3}[:|]?\s{0,9}(?=\d)")
_LETTERS_ANSWER = re.compile(
    r"(?:应选|故选|选)?[(\[]?(?P<letters>[A-Ja-j](?:[ 、,;/和]*[A-Ja-j])*)[)\]]?项?(?![A-Za-z0-9])[.、:,;。 ]*"
)
_TRUTH_ANSWER = re.compile(
    r"[(\[]?(?P<word>正确|错误|不正确|不对|对|错|是|否|[√×✓✔✗✘TFVXYN]|[Tt]rue|[Ff]alse|TRUE|FALSE)[)\]]?"
    r"(?:$|[\s。.,;、:(【]+)"
)
_BRACKET = re.compile(
    r"[(\[]\s{0,9}(?P<answer>[A-J](?:[\s、,]{0,3}[A-J]){0,9}|正确|错误|对|错|[√×✓✔✗✘TF])\s{0,9}[)\]]"
)
_EMPTY_BRACKET = re.compile(r"\A[(\[]\s{0,30}[)\]]\s{0,9}|[(\[]\s{0,30}[)\]][。.]?\Z")
_SCENE = re.compile(rf"【(?:{'|'.join(CHANNEL_NAMES.values())})】")
_BLANK = "（　）"


@dataclass(slots=True)
class _Piece:
    """A line, or the part of it up to an answer or an explanation that stands in the same line.

    sort: what its beginning says it is
    text: the words of it, without that beginning
    whole: all of it, for when the beginning turns out to mean nothing
    options: letter, text and whether it is marked right
    weak: the letter it begins with if that may be an option, or just a letter
    following: the letter the next line begins with
    leads: nothing but this paragraph stands before options or an answer
    """

    line: int
    sort: str
    text: str = ""
    whole: str = ""
    number: int = 0
    style: str = ""
    options: tuple[tuple[str, str, bool], ...] = ()
    weak: str = ""
    name: str = ""
    after_blank: bool = False
    leads: bool = False
    following: str = ""

    @property
    def letter(self) -> str:
        return self.options[0][0] if self.sort == "options" else self.weak

    @property
    def judged(self) -> bool:
        """It has its answer in brackets."""
        return bool(_BRACKET.search(self.whole.translate(_NARROW)))


@dataclass(slots=True)
class _Block:
    """A question while it is being read."""

    line: int
    number: int = 0
    style: str = ""
    section: str = ""
    kind: str = ""
    scene: str = ""
    stem: list[str] = field(default_factory=list)
    options: list[tuple[str, list[str], bool]] = field(default_factory=list)
    answer: str | None = None
    waiting: bool = False
    explanation: list[str] | None = None
    point: int = 0
    tags: list[str] = field(default_factory=list)
    fault: str = ""

    @property
    def asks(self) -> bool:
        return bool(self.scene or self.options or any(self.stem))

    @property
    def place(self) -> str:
        return f"第 {self.line} 行"

    @property
    def beginning(self) -> str:
        option = self.options[0][1][0] if self.options else ""
        first = self.scene or "\n".join(self.stem) or option or self.answer or ""
        return " ".join(first[:200].split())[:40]


class _Unfit(Exception):
    """A block that is no question we can take; its text says why."""


def read(text: str) -> Reading:
    """Read questions, options, answers and explanations out of a text."""
    pieces = _context(_classified(_lines(text)))
    blocks = _Blocks()
    for piece in pieces:
        blocks.take(piece)
    questions, rejected = _answered(blocks.found)
    notes = []
    while questions and _is_preamble(questions[0]):
        notes.append(f"开头的“{questions.pop(0).beginning}”不是题目，没有导入。")
    drafts = []
    for block in questions:
        try:
            drafts.append(_draft(block))
        except _Unfit as unfit:
            rejected.append((block.line, Rejected(block.place, block.beginning, str(unfit))))
    if not drafts and not rejected:
        raise Unreadable(NOTHING)
    aiken = bool(questions) and all(piece.name == "ANSWER" for piece in pieces if piece.sort == "answer")
    return Reading(
        form="Aiken" if aiken and any(piece.sort == "answer" for piece in pieces) else "纯文本",
        drafts=tuple(drafts),
        rejected=tuple(one for _, one in sorted(rejected)),
        notes=tuple(notes[:3]),
    )


# --- lines into pieces


def _lines(text: str) -> list[tuple[int, str]]:
    """Lines with their numbers as an editor shows them; soft breaks of Word share one."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_INVISIBLE)
    if len(text) > MOST_CHARACTERS:
        raise Unreadable(f"一次最多导入 {MOST_CHARACTERS // 10_000} 万字，请分成几份。")
    if text.count("\n") >= MOST_LINES or len(_SOFT_BREAKS.findall(text)) >= MOST_LINES:
        raise Unreadable(f"一次最多导入 {MOST_LINES} 行，请分成几份。")
    return [
        (number, part.strip())
        for number, line in enumerate(text.split("\n"), start=1)
        for part in _SOFT_BREAKS.split(line)
    ]


def _classified(lines: Sequence[tuple[int, str]]) -> list[_Piece]:
    """Pieces of all lines; a simulated message is one piece, whatever it says."""
    ends = _ends_of_scenes(lines)
    pieces: list[_Piece] = []
    place = 0
    while place < len(lines):
        number, line = lines[place]
        if place in ends:
            start = _scene_start(line)
            if start:
                pieces.extend(_pieces(number, line[:start]))
            body = "\n".join([line[start:], *(text for _, text in lines[place + 1 : ends[place]])])
            asked = lines[ends[place]][1].removeprefix("【问题】")
            pieces.append(_Piece(number, "scene", text=f"{body}\n【问题】"))
            pieces.extend(_pieces(lines[ends[place]][0], asked, asked=True))
            place = ends[place] + 1
        else:
            row = _numbers_row(line, lines[place + 1][1] if place + 1 < len(lines) else "")
            pieces.extend(_pieces(number, row or line))
            place += 2 if row else 1
    return pieces


def _scene_start(line: str) -> int:
    """Where a message begins in the line, after a number and a kind; -1 when none does."""
    plain = line.translate(_NARROW)
    place = 0
    for pattern in (_NUMBER, _KIND_MARK):
        found = pattern.match(plain, place)
        place = found.end() if found else place
        place += len(plain[place : place + 9]) - len(plain[place : place + 9].lstrip())
    return place if _SCENE.match(line, place) else -1


def _ends_of_scenes(lines: Sequence[tuple[int, str]]) -> dict[int, int]:
    """Lines that begin a message to the lines that ask about it."""
    ends: dict[int, int] = {}
    begun: int | None = None
    for place, (_, line) in enumerate(lines):
        if begun is not None and line.startswith("【问题】"):
            ends[begun], begun = place, None
        elif _scene_start(line) >= 0:
            begun = place
    return ends


def _numbers_row(line: str, following: str) -> str:
    """Two rows of a table, "题号 1 2 3" over "答案 A B C", as one list; "" for anything else."""
    plain = line.translate(_NARROW)
    row = _NUMBERS_ROW.match(plain)
    answer = _ANSWER.match(following.translate(_NARROW)) if row else None
    if row is None or answer is None:
        return ""
    numbers = plain[row.end() :].replace("|", " ").split()
    answers = following[answer.end() :].replace("|", " ").split()
    if len(numbers) != len(answers) or not all(number.isdecimal() for number in numbers):
        return ""
    return " ".join(f"{number}.{text}" for number, text in zip(numbers, answers, strict=True))


def _pieces(line: int, text: str, *, asked: bool = False) -> Iterator[_Piece]:
    """Cut a line before an answer and an explanation that stand inside it."""
    if len(text) > LONGEST_LINE:
        yield _Piece(line, "long", text=text[:100])
        return
    plain = text.translate(_NARROW)
    cuts = [0]
    answer = _ANSWER.match(plain)
    told = None if answer else _EXPLANATION.match(plain)
    inside = None if answer or told else _INLINE_ANSWER.search(plain, 1)
    if inside:
        cuts.append(inside.start())
    after = _INLINE_EXPLANATION.search(plain, max(cuts[-1], answer.end() if answer else 0) + 1)
    if after and not told:
        cuts.append(after.start())
    for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True):
        part = text[start:end]
        kept = part.strip()
        if asked and start == 0:
            yield _Piece(line, "asked", text=kept, whole=kept)
        else:
            yield _piece(line, kept)


def _piece(line: int, text: str) -> _Piece:
    plain = text.translate(_NARROW)
    for look in (_outer, _answering, _telling, _numbered, _optional):
        found = look(line, text, plain)
        if found is not None:
            return found
    weak = _WEAK_OPTION.match(plain)
    return _Piece(line, "text", text=text, whole=text, weak=weak["letter"] if weak else "")


def _outer(line: int, text: str, plain: str) -> _Piece | None:
    """What says nothing of a question: blank lines, page numbers, headings."""
    if not plain or _PAGE.fullmatch(plain) or _OPTIONS_LABEL.fullmatch(plain):
        return _Piece(line, "blank")
    heading = _HEADING.fullmatch(plain) if len(plain) < 160 else None
    if heading is not None:
        return _Piece(line, "heading", name=_kind_of(heading), whole=text)
    if _ANSWERS_HEADING.fullmatch(plain) and not plain.endswith(":"):
        return _Piece(line, "answers-heading")
    return None


def _answering(line: int, text: str, plain: str) -> _Piece | None:
    """An answer, or a list of them."""
    answer = _ANSWER.match(plain)
    body = text[answer.end() :].strip() if answer else text
    if answer and answer[0].startswith("(") and body.endswith((")", "）")):
        body = body[:-1]
    if _entries(body):
        return _Piece(line, "answers", text=body)
    if answer is None:
        return None
    name = "ANSWER" if answer[0] == "ANSWER:" else ""
    return _Piece(line, "answer", text=body, whole=text, name=name)


def _telling(line: int, text: str, plain: str) -> _Piece | None:
    """An explanation or a remark."""
    told = _EXPLANATION.match(plain)
    if told:
        return _Piece(line, "explanation", text=text[told.end() :].strip(), whole=text)
    if _LINE_OF_THREE.match(plain):
        return _Piece(line, "explanation", text=text, whole=text)
    remark = _REMARK.match(plain)
    if remark:
        name = next(name for name, value in remark.groupdict().items() if value and name != "open")
        return _Piece(line, "remark", text=text[remark.end() :].strip(), whole=text, name=name)
    return None


def _numbered(line: int, text: str, plain: str) -> _Piece | None:
    number = _NUMBER.match(plain)
    if number is None or number.lastgroup is None:
        return None
    value = _value(number[number.lastgroup])
    rest = text[number.end() :].strip()
    return _Piece(line, "number", text=rest, whole=text, number=value, style=number.lastgroup)


def _optional(line: int, text: str, plain: str) -> _Piece | None:
    """Options by their letters or their circles; several in one line are cut later, by what follows."""
    bullet = _BULLET.match(plain)
    option = _OPTION.match(plain, bullet.end() if bullet else 0)
    if option:
        letter = (option["round"] or option["dotted"]).upper()
        marked = bool(option["right"]) or bool(bullet and bullet["mark"] in _CHOSEN)
        return _Piece(line, "options", whole=text, options=((letter, text[option.end() :], marked),))
    if bullet:
        choice = ("", text[bullet.end() :], bullet["mark"] in _CHOSEN)
        return _Piece(line, "options", whole=text, options=(choice,))
    return None


# --- what stands around a piece


def _context(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Tell each piece what stands before and after it, from the last to the first."""
    told: list[_Piece] = []
    leads, following = False, ""
    for place in range(len(pieces) - 1, -1, -1):
        piece = pieces[place]
        if piece.sort == "blank":
            continue
        piece.after_blank = place > 0 and pieces[place - 1].sort == "blank"
        piece.leads, piece.following = leads, following
        _cut(piece)
        told.append(piece)
        following = piece.letter
        if piece.sort != "text":
            leads = piece.sort == "answer" or (piece.sort == "options" and piece.letter in ("A", ""))
        elif piece.options or piece.after_blank:
            leads = False
    told.reverse()
    return told


def _cut(piece: _Piece) -> None:
    """Cut the options that stand in one line; a letter that begins the next line is not one of them."""
    if piece.sort == "options":
        letter, text, marked = piece.options[0]
        if letter:
            _, first, others = _parts(text, LETTERS[LETTERS.index(letter) + 1 :], piece.following)
        else:
            first, *parts = _BULLET.split(text)  # then a circle and a text by turns
            others = tuple(
                ("", part.strip(), mark in _CHOSEN)
                for mark, part in zip(parts[::2], parts[1::2], strict=True)
            )
        piece.options = ((letter, first.strip(), marked), *others)
    elif piece.sort in ("text", "number", "asked") and piece.following != "A":
        marks, stem, options = _parts(piece.text, LETTERS, piece.following)
        if marks > 1 or (marks == 1 and piece.following == "B"):
            piece.text, piece.options = stem, options


def _parts(text: str, letters: str, following: str) -> tuple[int, str, tuple[tuple[str, str, bool], ...]]:
    """How many options there are in a text, what stands before them, and they."""
    plain = text.translate(_NARROW)
    found: list[tuple[str, int, int]] = []
    for patterns in (_DOTTED, _ROUND):
        found = max(found, _marks(plain, letters, following, patterns), key=len)
    if not found:
        return 0, text, ()
    ends = [*(start for _, start, _ in found[1:]), len(text)]
    options = tuple(
        (letter, text[start:end].strip(), False) for (letter, _, start), end in zip(found, ends, strict=True)
    )
    first = text[: found[0][1]].strip()
    if not all(said for _, said, _ in options) or (not first and letters != LETTERS):
        return 0, text, ()
    return len(options), first, options


def _marks(
    plain: str, letters: str, following: str, patterns: Mapping[str, re.Pattern[str]]
) -> list[tuple[str, int, int]]:
    found: list[tuple[str, int, int]] = []
    place = 0
    for letter in letters:
        mark = patterns[letter].search(plain, place) if letter != following else None
        if mark is None:
            break
        found.append((letter, mark.start(), mark.end()))
        place = mark.end()
    return found


# --- pieces into blocks


class _Blocks:
    """What has been read, and the block that goes on."""

    def __init__(self) -> None:
        self.found: list[_Block] = []
        self._block: _Block | None = None
        self._section = ""
        self._last = 0
        self._takers: Mapping[str, Callable[[_Piece], None]] = {
            "heading": self._take_heading,
            "answers-heading": self._take_heading,
            "answers": self._take_list,
            "scene": self._take_scene,
            "asked": self._take_asked,
            "number": self._take_number,
            "options": self._take_options,
            "answer": self._take_answer,
            "explanation": self._take_explanation,
            "remark": self._take_remark,
            "text": self._take_text,
            "long": self._take_long,
        }

    def take(self, piece: _Piece) -> None:
        """Put a piece where it belongs."""
        self._takers[piece.sort](piece)

    def _open(self, piece: _Piece, *, number: int = 0) -> _Block:
        if len(self.found) >= MOST_QUESTIONS:
            raise Unreadable(f"一次最多导入 {MOST_QUESTIONS} 道题，请分成几份。")
        self._block = _Block(piece.line, number, _family(piece.style), self._section)
        self.found.append(self._block)
        self._last = number or self._last
        return self._block

    def _take_heading(self, piece: _Piece) -> None:
        self._block, self._section = None, piece.name

    def _take_list(self, piece: _Piece) -> None:
        for number, answer, fault in _entries(piece.text):
            block = self._open(piece, number=number)
            block.answer, block.fault = answer, fault

    def _take_scene(self, piece: _Piece) -> None:
        block = self._block
        if block is None or not block.number or block.scene or block.options or block.answer is not None:
            block = self._open(piece)
        block.scene = piece.text

    def _take_asked(self, piece: _Piece) -> None:
        self._add_stem(self._block or self._open(piece), piece)

    def _take_number(self, piece: _Piece) -> None:
        if piece.style == "han" and not (piece.leads or piece.options or piece.judged):
            self._take_heading(piece)
        elif self._starts(piece):
            self._add_stem(self._open(piece, number=piece.number), piece)
        else:
            self._take_text(replace(piece, sort="text", text=piece.whole, options=(), leads=False))

    def _starts(self, piece: _Piece) -> bool:
        """Whether a number begins a question, and not a statement or a point of an explanation."""
        block = self._block
        if (
            piece.style in ("tight", "loose")
            and piece.number != self._last + 1
            and (block or piece.number != 1)
        ):
            return False
        if block is None or not block.asks:
            return block is None or piece.style != "label" or block.answer is not None
        if block.explanation is None:
            below = block.number and _family(piece.style) != block.style
            return bool(block.options or block.answer is not None or not below)
        if piece.leads or piece.options or piece.judged or _KIND_MARK.search(piece.text.translate(_NARROW)):
            return True
        if piece.number == block.point + 1:
            block.point += 1
            return False
        return piece.number > block.number

    def _take_text(self, piece: _Piece) -> None:
        block = self._block
        if block is None or self._begins(block, piece):
            self._add_stem(self._open(piece), piece)
        elif block.waiting:
            block.answer, block.waiting = piece.whole, False
        elif _is_next(block, piece):
            said = piece.whole[1:].lstrip(" ,，\u3000\t")
            block.options.append((piece.weak, [said], False))
        elif block.explanation is not None:
            block.explanation.append(piece.whole)
        elif block.answer is not None:
            block.explanation = [piece.whole]
        elif block.options:
            block.options[-1][1].append(piece.whole)
        else:
            self._add_stem(block, piece)

    def _take_long(self, piece: _Piece) -> None:
        block = self._open(piece)
        block.stem.append(piece.text)
        block.fault = f"这一行超过 {LONGEST_LINE} 字，请分成几行：题干一行，选项一行一个。"

    def _begins(self, block: _Block, piece: _Piece) -> bool:
        """Whether a line without a number begins a question."""
        if block.waiting or _is_next(block, piece):
            return False
        if block.explanation is not None:
            judged = not block.number and piece.after_blank and piece.judged
            apart = piece.after_blank or (not block.number and piece.following == "A")
            return judged or (apart and (piece.leads or bool(piece.options)))
        if block.answer is not None:
            return piece.after_blank or piece.leads or bool(piece.options)
        if block.options:
            return piece.after_blank or piece.following == "A" or bool(piece.options)
        if block.number or not block.stem:
            return False
        settled = bool(_BRACKET.search(block.stem[-1].translate(_NARROW)))
        return piece.after_blank or (settled and (piece.judged or piece.leads))

    def _add_stem(self, block: _Block, piece: _Piece) -> None:
        if piece.text:
            block.stem.append(piece.text)
        self._add_options(block, piece)

    def _take_options(self, piece: _Piece) -> None:
        block = self._block
        if block is not None and block.explanation is not None:
            block.explanation.append(piece.whole)
            return
        if block is None or (piece.letter == "A" and block.options and block.answer is not None):
            block = self._open(piece)
        self._add_options(block, piece)

    def _add_options(self, block: _Block, piece: _Piece) -> None:
        for letter, text, marked in piece.options:
            wanted = LETTERS[len(block.options)] if len(block.options) < len(LETTERS) else ""
            if letter and letter != wanted:
                block.fault = block.fault or f"选项的字母要从 A 起一个接一个，这里的 {letter} 接不上。"
            block.options.append((letter, [text], marked))

    def _take_answer(self, piece: _Piece) -> None:
        block = self._block or self._open(piece)
        if not piece.text:
            block.waiting = block.answer is None
        elif block.answer is None:
            block.answer, block.waiting = piece.text, False
        elif _folded(block.answer) != _folded(piece.text):
            block.fault = f"写了两个答案：“{block.answer[:20]}”和“{piece.text[:20]}”，请留下一个。"

    def _take_explanation(self, piece: _Piece) -> None:
        block = self._block or self._open(piece)
        block.explanation = [*(block.explanation or ()), piece.text]

    def _take_remark(self, piece: _Piece) -> None:
        block = self._block
        if block is None:
            return
        if piece.name == "kind":
            kind = _KIND_ALONE.match(piece.text)
            block.kind = _kind_of(kind) if kind else block.kind
        elif piece.name == "difficulty":
            block.tags.append(f"difficulty:{_DIFFICULTIES.get(piece.text, piece.text)}")
        elif piece.name == "audience":
            block.tags.extend(f"audience:{word}" for word in re.split(r"[、,，;；/\s]+", piece.text) if word)
        elif piece.name != "left" and piece.text:
            block.tags.append(f"{piece.name}:{piece.text}")


def _family(style: str) -> str:
    return "plain" if style in ("tight", "loose") else style


def _is_next(block: _Block, piece: _Piece) -> bool:
    """Whether a letter without a point is the next option: A when B follows, later ones after the one before."""
    if not piece.weak or block.explanation is not None or len(block.options) >= len(LETTERS):
        return False
    if not block.options:
        return piece.weak == "A" and piece.following == "B" and bool(block.stem)
    return piece.weak == LETTERS[len(block.options)]


# --- answers at the end


def _entries(text: str) -> list[tuple[int, str, str]]:
    """A list of answers, "1.A 2.BD 3-5 CDB": number, answer and what is wrong; empty when it is no such list."""
    plain = " ".join(text.translate(_NARROW).split()).rstrip("。.;, ")
    entries: list[tuple[int, str, str]] = []
    place = 0
    while place < len(plain):
        found = _ENTRY.match(plain, place)
        if found is None or len(entries) > MOST_QUESTIONS:
            return []
        entries.extend(_span(int(found["first"]), int(found["last"] or found["first"]), found["run"]))
        place = found.end()
    return entries


def _span(first: int, last: int, run: str) -> list[tuple[int, str, str]]:
    """The answers of one entry, one each for a span of numbers."""
    if first >= last:
        return [(first, run, "")]
    count = last - first + 1
    for answers in (_ATOMS.findall(run), re.split(r"[ 、,/]+", run)):
        if len(answers) == count:
            return [(first + place, answer, "") for place, answer in enumerate(answers)]
    return [(first, run, f"第 {first} 到 {last} 题有 {count} 道，答案的个数对不上。")]


def _answered(blocks: Sequence[_Block]) -> tuple[list[_Block], list[tuple[int, Rejected]]]:
    """The questions, with the answers that stand in a list of their own."""
    questions = [block for block in blocks if block.asks]
    entries = [block for block in blocks if not block.asks and block.number and block.answer is not None]
    rejected = [
        (block.line, Rejected(block.place, block.beginning, "没有题干。"))
        for block in blocks
        if not block.asks and not (block.number and block.answer is not None)
    ]
    numbered = any(block.number for block in questions)
    numbers = {id(block): block.number if numbered else n for n, block in enumerate(questions, start=1)}
    numbers |= {id(block): block.number for block in entries}
    named = Counter((one.section, one.number) for one in entries) == Counter(
        (one.section, numbers[id(one)]) for one in questions if one.section
    )
    groups: defaultdict[tuple[str, int], tuple[list[_Block], list[_Block]]] = defaultdict(lambda: ([], []))
    for side, some in enumerate((questions, entries)):
        for block in some:
            groups[block.section if named else "", numbers[id(block)]][side].append(block)
    for (_, number), (asking, answering) in groups.items():
        if len(asking) == len(answering) and not any(entry.fault for entry in answering):
            for question, entry in zip(asking, answering, strict=True):
                _answer(question, entry)
            continue
        for entry in answering:
            reason = (
                f"答案里的第 {number} 题对不上：这个题号的题有 {len(asking)} 道，答案有 {len(answering)} 个。"
            )
            rejected.append((entry.line, Rejected(entry.place, entry.beginning, entry.fault or reason)))
    return questions, rejected


def _answer(question: _Block, entry: _Block) -> None:
    if question.answer is None:
        question.answer = entry.answer
    elif _folded(question.answer) != _folded(entry.answer or ""):
        question.fault = "题后的答案和答案表里的不一样，请改成一样。"
    question.explanation = question.explanation or entry.explanation


def _is_preamble(block: _Block) -> bool:
    """A title or an instruction before the first question."""
    judged = any(_BRACKET.search(part.translate(_NARROW)) for part in block.stem)
    return not (block.number or block.scene or block.options or block.answer is not None or judged)


# --- blocks into drafts


def _draft(block: _Block) -> Draft:
    if block.fault:
        raise _Unfit(block.fault)
    stem, kind = _stem(block)
    if kind == OTHER:
        raise _Unfit("只能导入单选题、多选题和判断题。")
    if not stem:
        raise _Unfit("没有题干。")
    texts, marked = _options(block)
    answer = block.answer
    bracket = _bracket(stem, texts)
    if bracket is not None and not marked:
        inside = bracket["answer"]
        if answer is None:
            answer = inside
        elif _keys(inside, texts, kind)[0] != _keys(answer, texts, kind)[0]:
            raise _Unfit("题干括号里的答案和后面的答案不一样，请改成一样。")
        stem = stem[: bracket.start()] + _BLANK + stem[bracket.end() :]
    keys, rest = (frozenset(marked), "") if answer is None else _keys(answer, texts, kind)
    _check(answer, texts, keys, kind)
    if not texts:
        texts, kind = ["对", "不对"], "true_false"
    if kind == "true_false":
        stem = _without(_EMPTY_BRACKET, stem).rstrip()
    return Draft(
        place=block.place,
        stem=block.scene + stem,
        choices=tuple(Choice(text, place in keys) for place, text in enumerate(texts)),
        kind=kind,
        explanation=_explanation([rest, *(block.explanation or ())]),
        tags=tuple(block.tags),
    )


def _check(answer: str | None, texts: Sequence[str], keys: frozenset[int], kind: str) -> None:
    if keys:
        return
    if answer is None:
        if not texts and kind != "true_false":
            raise _Unfit("没有选项，也没有答案。选项请写成“A. 文字”，一行一个，再加一行“答案：A”。")
        raise _Unfit(f"没有标出正确答案。请加一行“答案：{'A' if texts else '对'}”。")
    if not texts:
        raise _Unfit("没有选项。选项请写成“A. 文字”，一行一个；判断题的答案请写“对”或“错”。")
    raise _Unfit(f"答案“{answer[:20]}”和选项对不上。请写成“答案：A”，几个答案写成“答案：AB”。")


def _stem(block: _Block) -> tuple[str, str]:
    """The question without marks of kind and points, and its kind."""
    text = "\n".join(block.stem)
    plain = text.translate(_NARROW)
    mark = _KIND_MARK.search(plain) or _KIND_PREFIX.match(plain)
    kind = (_kind_of(mark) if mark else "") or block.kind or block.section
    for pattern in (_LABEL, _KIND_MARK, _KIND_PREFIX, _POINTS, _LIMITS):
        text = _without(pattern, text)
    text = text.strip()
    return (text.rstrip("*").rstrip() if mark else text), "" if kind == "any" else kind


def _options(block: _Block) -> tuple[list[str], list[int]]:
    """The texts of the options, and the places of those that are marked right where they stand."""
    texts, marks = [], []
    for _, lines, marked in block.options:
        text = _joined(lines)
        right = _RIGHT_SUFFIX.search(text.translate(_NARROW))
        texts.append(text[: right.start()] if right else text)
        marks.append(marked or bool(right))
    return texts, [] if all(marks) else [place for place, marked in enumerate(marks) if marked]


def _bracket(stem: str, texts: Sequence[str]) -> re.Match[str] | None:
    """The last brackets that hold an answer which is one here."""
    for found in reversed(list(_BRACKET.finditer(stem.translate(_NARROW)))):
        if _keys(found["answer"], texts, "")[0]:
            return found
    return None


def _keys(answer: str, texts: Sequence[str], kind: str) -> tuple[frozenset[int], str]:
    """The places an answer means, and the words after it; without options 0 is right and 1 is wrong."""
    answer = " ".join(answer.split())
    plain = answer.translate(_NARROW)
    same = [place for place, text in enumerate(texts) if _folded(text) == _folded(answer)]
    if len(same) == 1:
        return frozenset(same), ""
    letters = _LETTERS_ANSWER.match(plain)
    places = (
        [LETTERS.index(one) for one in re.findall("[A-J]", letters["letters"].upper())] if letters else []
    )
    count = len(texts) or (2 if kind == "true_false" else 0)
    if letters and len(set(places)) == len(places) and max(places) < count:
        rest = answer[letters.end() :].strip()
        said = texts[places[0]] if texts else ""
        return frozenset(places), "" if _folded(rest) == _folded(said) else rest
    word = _TRUTH_ANSWER.match(plain)
    meant = truth(word["word"]) if word else None
    if word is None or meant is None:
        return frozenset(), ""
    truths = [truth(text) for text in texts] or [True, False]
    found = frozenset([truths.index(meant)] if truths.count(meant) == 1 else ())
    return found, answer[word.end() :].strip(" 。.)）")


def _explanation(lines: Iterable[str]) -> str:
    """One text, with the three headings as exchange writes them."""
    said = []
    for line in filter(None, lines):
        heading = _LINE_OF_THREE.match(line.translate(_NARROW))
        said.append(f"{heading[1] or heading[2]}：{line[heading.end() :]}" if heading else line)
    return "\n".join(said)


def _joined(lines: Sequence[str]) -> str:
    """Lines of one option as one: no space between Chinese characters."""
    text = lines[0]
    for line in lines[1:]:
        text += (" " if text[-1:].isascii() and line[:1].isascii() else "") + line
    return text


def _without(pattern: re.Pattern[str], text: str) -> str:
    """The text without what the pattern finds in its folded form."""
    kept, place = [], 0
    for found in pattern.finditer(text.translate(_NARROW)):
        kept.append(text[place : found.start()])
        place = found.end()
    return "".join([*kept, text[place:]])


def _kind_of(found: re.Match[str]) -> str:
    return next(name for name in (*KINDS, "any", OTHER) if found[name])


def _value(word: str) -> int:
    """A number in digits or, up to 99, in Chinese."""
    if word.isdecimal():
        return int(word)
    tens, ten, ones = word.rpartition("十")
    return (_DIGITS.get(tens, 1) * 10 if ten else 0) + _DIGITS.get(ones, 0)


def _folded(text: str) -> str:
    return "".join(text.translate(_NARROW).casefold().split())
