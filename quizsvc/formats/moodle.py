"""Moodle XML: single and multiple choice and true or false, from any Moodle and for any Moodle."""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from quizsvc import uploads
from quizsvc.core import exchange
from quizsvc.core.bankfile import Item, Vocabulary
from quizsvc.core.exchange import Choice, Draft, Reading, Rejected
from quizsvc.formats import markup

FORM = "Moodle XML"
TRUTHS = {"true": "对", "false": "不对"}
FULL = 99.9
PARTS = "有的选项在原来的题里只给一部分分，导入后按选错算。"

_BROKEN = "这个文件不是完整的 Moodle XML，请从 Moodle 重新导出。"
_NO_QUESTIONS = frozenset({"category", "description"})
_TYPES = {
    "calculated": "计算",
    "calculatedmulti": "计算",
    "calculatedsimple": "计算",
    "cloze": "完形填空",
    "ddwtos": "拖放填空",
    "essay": "问答",
    "gapselect": "选词填空",
    "matching": "配对",
    "numerical": "数值",
    "ordering": "排序",
    "shortanswer": "填空",
}


def read(body: bytes) -> Reading:
    """Read the questions of a file exported by Moodle."""
    root = markup.tree(body, broken=_BROKEN)
    if root.tag != "quiz":
        raise uploads.Unreadable(_BROKEN)
    questions = [one for one in root.iter("question") if one.get("type") not in _NO_QUESTIONS]
    drafts: list[Draft] = []
    rejected: list[Rejected] = []
    notes: list[str] = []
    for number, question in enumerate(questions, start=1):
        name = " ".join(_inner(question.find("name")).split())[:30]
        place = f"第 {number} 题（{name}）" if name else f"第 {number} 题"
        try:
            drafts.append(_draft(question, place))
        except _Unfit as unfit:
            begins = markup.plain(_inner(question.find("questiontext")))
            rejected.append(Rejected(place, " ".join(begins.split())[:40], str(unfit)))
        notes += _notes(question)
    return Reading(FORM, tuple(drafts), tuple(rejected), tuple(dict.fromkeys(notes)))


def write(items: Sequence[Item], vocabulary: Vocabulary, *, title: str) -> bytes:
    """Write items as a category of that title; scene, key, beliefs, explanation and tags go with them."""
    category = f"$course$/top/{' '.join(title.split()).replace('/', '//')}"
    questions = "".join(_question(item, vocabulary) for item in items)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<quiz>\n'
        f'  <question type="category">\n    <category>{_text(category)}</category>\n  </question>\n'
        f"{questions}</quiz>\n"
    ).encode()


def losses(item: Item) -> tuple[str, ...]:
    """Say what is lost of an item on its way through write() and read()."""
    return markup.losses(item)


class _Unfit(Exception):
    """A question that is not taken; its text says why."""


def _draft(question: Element, place: str) -> Draft:
    tags = tuple(_inner(tag) for tag in question.iterfind("tags/tag"))
    exact = any(tag.startswith("topic:") for tag in tags)
    choices = _choices(question, exact=exact)
    stem = _words(question.find("questiontext"), exact=exact)
    if not stem.strip():
        raise _Unfit("题干里没有文字，请补上文字后再导入。")
    explanation = _words(question.find("generalfeedback"), exact=exact)
    if not explanation and not exact:
        explanation = "\n".join(
            dict.fromkeys(choice.note for choice in choices if choice.key and choice.note)
        )
    return Draft(
        place=place,
        stem=stem,
        choices=choices,
        code=_inner(question.find("idnumber")).strip() if exact else "",
        kind="true_false" if question.get("type") == "truefalse" else "",
        explanation=explanation,
        tags=tags,
    )


def _choices(question: Element, *, exact: bool) -> tuple[Choice, ...]:
    kind = question.get("type", "")
    if kind == "truefalse":
        return _truths(question, exact=exact)
    if kind not in ("multichoice", "multichoiceset"):
        name = f"{_TYPES[kind]}题" if kind in _TYPES else f"“{kind[:20]}”类型的题"
        raise _Unfit(f"这是{name}，这里只收单选、多选和判断题。请在原来的系统里改成选择题，或者不导入它。")
    single = kind == "multichoice" and _inner(question.find("single")).strip() not in ("false", "0")
    found = tuple(
        Choice(
            _words(answer, exact=exact),
            _percent(answer) >= FULL if single else _percent(answer) > 0,
            _words(answer.find("feedback"), exact=exact),
        )
        for answer in question.iterfind("answer")
    )
    if not found:
        raise _Unfit("没有选项。请在原来的系统里补上选项再导入。")
    if not all(choice.text.strip() for choice in found):
        raise _Unfit("有的选项里没有文字，请补上文字后再导入。")
    keys = sum(choice.key for choice in found)
    if keys == 0:
        raise _Unfit("没有一个选项能得满分。请把正确答案的成绩设为 100% 再导入。")
    if single and keys > 1:
        raise _Unfit("单选题有几个满分的答案。请改成多选题，或者只留一个满分。")
    return found


def _truths(question: Element, *, exact: bool) -> tuple[Choice, ...]:
    said = {_inner(answer).strip().lower(): answer for answer in question.iterfind("answer")}
    right = [word for word, answer in said.items() if _percent(answer) >= FULL]
    if said.keys() != TRUTHS.keys() or len(right) != 1:
        raise _Unfit("判断题的答案应该是 true 和 false 两个，其中一个得满分。请在 Moodle 里重新保存这道题。")
    return tuple(
        Choice(shown, word in right, _words(said[word].find("feedback"), exact=exact))
        for word, shown in TRUTHS.items()
    )


def _percent(answer: Element) -> float:
    try:
        return float(answer.get("fraction", "0"))
    except ValueError:
        return 0.0


def _notes(question: Element) -> Iterator[str]:
    if question.find(".//file") is not None or any(
        markup.pictured(one.text or "") for one in question.iter("text")
    ):
        yield markup.NO_PICTURES
    single = question.get("type") == "multichoice" and _inner(question.find("single")).strip() not in (
        "false",
        "0",
    )
    if single and any(0 < _percent(answer) < FULL for answer in question.iterfind("answer")):
        yield PARTS


def _inner(element: Element | None) -> str:
    """What stands in an element, or in the <text> inside it."""
    if element is None:
        return ""
    text = element.find("text")
    return (element.text or "") if text is None else "".join(text.itertext())


def _words(element: Element | None, *, exact: bool) -> str:
    """The words of an element, by the format it says they have."""
    if element is None:
        return ""
    text, form = _inner(element), element.get("format", "moodle_auto_format")
    if form in ("plain_text", "markdown"):
        return text if exact else text.strip()
    return markup.plain(text.strip().replace("\n", "<br>") if form == "moodle_auto_format" else text)


def _question(item: Item, vocabulary: Vocabulary) -> str:
    draft = exchange.draft_of(item, vocabulary)
    keys = sum(choice.key for choice in draft.choices)
    judged = keys == 1 and tuple(choice.text for choice in draft.choices) == tuple(TRUTHS.values())
    several = item.kind == "multiple_choice"
    settings = (
        f"    <single>{str(not several).lower()}</single>\n"
        f"    <shuffleanswers>{str(not any(option.pinned for option in item.options)).lower()}</shuffleanswers>\n"
        "    <answernumbering>ABCD</answernumbering>\n"
    )
    # as near as Moodle comes to all or nothing: one wrong choice takes what all the right ones give
    shares = (100 / max(keys, 1), -100 if several else 0)
    words = tuple(TRUTHS) if judged else tuple(choice.text for choice in draft.choices)
    answers = "".join(
        f'    <answer fraction="{shares[0] if choice.key else shares[1]:.7g}" format="plain_text">{_text(word)}'
        f'<feedback format="plain_text">{_text(choice.note)}</feedback></answer>\n'
        for choice, word in zip(draft.choices, words, strict=True)
    )
    tags = "".join(f"      <tag>{_text(tag)}</tag>\n" for tag in draft.tags)
    name = f"{item.code} {' '.join(item.stem.split())[:40]}"
    return (
        f'  <question type="{"truefalse" if judged else "multichoice"}">\n'
        f"    <name>{_text(name)}</name>\n"
        f'    <questiontext format="plain_text">{_text(draft.stem)}</questiontext>\n'
        f'    <generalfeedback format="plain_text">{_text(draft.explanation)}</generalfeedback>\n'
        "    <defaultgrade>1</defaultgrade>\n    <penalty>0</penalty>\n    <hidden>0</hidden>\n"
        f"    <idnumber>{markup.escaped(item.code)}</idnumber>\n"
        f"{'' if judged else settings}{answers}    <tags>\n{tags}    </tags>\n  </question>\n"
    )


def _text(text: str) -> str:
    return f"<text>{markup.escaped(text)}</text>"
