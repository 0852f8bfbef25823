"""GIFT, the text format of Moodle: choice questions and true/false, with weights, feedback, id and tags."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from quizsvc.core import exchange
from quizsvc.core.bankfile import OPTION_COUNTS, Item, Vocabulary
from quizsvc.core.exchange import Choice, Draft, Reading, Rejected
from quizsvc.formats import markup
from quizsvc.uploads import Unreadable

FORM = "GIFT"
MOST_BLOCKS = 5000
MOST_CHOICES = 26
GAP = "____"

# An escaped character is hidden behind a control character, which no question has, until the text is cut up.
_HIDDEN = (
    *((r"\\", "\x01", "\\"), (r"\~", "\x02", "~"), (r"\=", "\x03", "="), (r"\#", "\x04", "#")),
    *((r"\{", "\x05", "{"), (r"\}", "\x06", "}"), (r"\:", "\x07", ":"), (r"\n", "\x08", "\n")),
)
_CONTROLS = re.compile("[\x00-\x08]")
_ESCAPES = str.maketrans({character: escape for escape, _, character in _HIDDEN})

_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*+\n)++")
_COMMENT = re.compile(r"^[^\S\n]*+//([^\n]*)", re.MULTILINE)
_CATEGORY = re.compile(r"^[^\S\n]*+\$CATEGORY:[^\n]*", re.MULTILINE)
_LABEL = re.compile(r"\[(id|tag):")
_LABEL_TEXT = re.compile(r"([^\]\\\n]*+(?:\\.[^\]\\\n]*+)*+)\]")
_LABEL_ESCAPE = re.compile(r"\\(.)")
_UNSAFE = re.compile(r"[%\[\]\\<>,\x00-\x1f\x7f]|[^\S ]|^ | $")
_MARK = re.compile(r"\[(html|plain|markdown|moodle)\]")
_WEIGHT = re.compile(r"%(-?[0-9]{1,3}(?:\.[0-9]{0,9})?)%")

_TRUE_FALSE = ("对", "不对")
_JUDGED = {"t": True, "true": True, "f": False, "false": False}
_LOST = "题干、选项或解析的开头、结尾有空白，或者有回车、控制字符，GIFT 文件里留不住。"
_UNFIT_KIND = "请改成选择题，在大括号里写出选项，例如 {=对的 ~错的}。"


class _Unfit(Exception):
    """A question that cannot be taken; its text says why."""


@dataclass(frozen=True, slots=True)
class _Block:
    """The lines of one question, without comments.

    line: where it begins, counted from 1
    comments: the lines above and between, without their slashes
    """

    text: str
    line: int
    comments: str


@dataclass(slots=True)
class _Seen:
    """What was met on the way and is left out."""

    pictures: bool = False
    categories: bool = False


def read(text: str) -> Reading:
    """Read a GIFT file; what is not a choice question is rejected with a reason."""
    seen = _Seen()
    drafts: list[Draft] = []
    rejected: list[Rejected] = []
    for block in _blocks(text, seen):
        place = f"第 {block.line} 行"
        try:
            drafts.append(_draft(block, place, seen))
        except _Unfit as unfit:
            rejected.append(Rejected(place, _beginning(block.text), str(unfit)))
    if not drafts and not rejected:
        raise Unreadable("没有找到题。GIFT 文件里每道题写成“题干 {=对的 ~错的}”，题与题之间空一行。")
    notes = (
        *(["图片没有导入，请看看题目离了图片还能不能答。"] if seen.pictures else []),
        *(["题目分类（$CATEGORY）没有导入，主题请在题库里选。"] if seen.categories else []),
    )
    return Reading(FORM, tuple(drafts), tuple(rejected), notes)


def write(items: Sequence[Item], vocabulary: Vocabulary, *, title: str) -> bytes:
    """Write items one block each; id and tags in a comment that Moodle reads too."""
    heading = f"// {' '.join(title.split())}".rstrip() + "\n"
    return "\n".join([heading, *(_written(item, vocabulary) for item in items)]).encode()


def losses(item: Item) -> tuple[str, ...]:
    """Say what a GIFT file cannot carry of an item."""
    texts = [exchange.scene_and_stem(item), exchange.explanation_text(item.explanation)]
    texts += [option.text for option in item.options]
    lost = any(text != _CONTROLS.sub("", text).replace("\r", "").strip() for text in texts)
    return (*exchange.losses(item), *([_LOST] if lost else []))


def _blocks(text: str, seen: _Seen) -> Iterator[_Block]:
    """The questions: a blank line ends one, as in Moodle, wherever it stands."""
    text = _CONTROLS.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    line = 1
    for number, (start, end, following) in enumerate(_spans(text)):
        if number == MOST_BLOCKS:
            raise Unreadable(f"文件里的题太多，一次最多 {MOST_BLOCKS} 道，请分成几个文件。")
        if block := _block(text[start:end], line, seen):
            yield block
        line += text.count("\n", start, following)


def _spans(text: str) -> Iterator[tuple[int, int, int]]:
    """Where each run of lines starts and ends, and where the next one starts."""
    start = 0
    for blank in _BLANK_LINES.finditer(text):
        yield start, blank.start(), blank.end()
        start = blank.end()
    yield start, len(text), len(text)


def _block(text: str, line: int, seen: _Seen) -> _Block | None:
    comments = "\n".join(_COMMENT.findall(text))
    bare = _COMMENT.sub("", text)
    asked = _CATEGORY.sub("", bare)
    seen.categories |= asked != bare
    if not (body := asked.strip()):
        return None
    begins = len(asked) - len(asked.lstrip())
    return _Block(body, line + asked.count("\n", 0, begins), comments)


def _draft(block: _Block, place: str, seen: _Seen) -> Draft:
    text = block.text
    for escape, hidden, _ in _HIDDEN:
        text = text.replace(escape, hidden)
    if text.startswith("::"):
        _, ends, rest = text[2:].partition("::")
        text = rest.strip() if ends else text
    before, answers, after = _cut(text)
    mark, stem = _marked(before + (GAP + after if after else ""), "plain", seen)
    answers, _, general = _last_cut(answers, "####")
    truth = _truth(answers)
    code, tags = _labels(block.comments)
    return Draft(
        place=place,
        stem=stem,
        choices=_choices(answers, mark, seen) if truth is None else _judged(answers, truth, mark, seen),
        code=code,
        kind="" if truth is None else "true_false",
        explanation=_marked(general, mark, seen)[1],
        tags=tags,
    )


def _cut(text: str) -> tuple[str, str, str]:
    """What stands before, inside and after the braces."""
    before, opened, rest = text.partition("{")
    answers, closed, after = rest.partition("}")
    if not opened and "}" not in before:
        raise _Unfit("没有选项，像是一段说明。" + _UNFIT_KIND)
    if not closed or "}" in before or any(brace in answers + after for brace in "{}"):
        raise _Unfit(
            "大括号没有成对，或者不止一对。一道题用一对大括号，中间不要空行；文字里的大括号前面加反斜杠。"
        )
    return before, answers.strip(), after


def _last_cut(text: str, mark: str) -> tuple[str, str, str]:
    """The text before the last mark, the mark, and what follows it; all before when there is none."""
    before, found, after = text.rpartition(mark)
    return (before.strip(), found, after) if found else (text, "", "")


def _marked(text: str, mark: str, seen: _Seen) -> tuple[str, str]:
    """The mark that holds for a text, its own or the one around it, and what a reader sees of the text."""
    text = text.strip()
    if found := _MARK.match(text):
        mark, text = found[1], text[found.end() :].strip()
    for _, hidden, character in _HIDDEN:
        text = text.replace(hidden, character)
    text = text.strip()
    if mark != "html":
        return mark, text
    seen.pictures |= markup.pictured(text)
    return mark, markup.plain(text)


def _truth(answers: str) -> bool | None:
    return _JUDGED.get(answers.partition("#")[0].strip().lower())


def _judged(answers: str, truth: bool, mark: str, seen: _Seen) -> tuple[Choice, ...]:
    """The two answers; the first feedback is for the wrong one, the second for the right one."""
    _, wrong, right = (*answers.split("#", 2), "", "")[:3]
    notes = {False: _marked(wrong, mark, seen)[1], True: _marked(right, mark, seen)[1]}
    return tuple(
        Choice(word, key=truth is value, note=notes[truth is value])
        for word, value in zip(_TRUE_FALSE, (True, False), strict=True)
    )


def _choices(answers: str, mark: str, seen: _Seen) -> tuple[Choice, ...]:
    if not answers:
        raise _Unfit("这是问答题，没有选项。" + _UNFIT_KIND)
    if answers.startswith("#"):
        raise _Unfit("这是数值题。" + _UNFIT_KIND)
    if "~" not in answers:
        matching = "=" in answers and "->" in answers
        raise _Unfit(("这是配对题。" if matching else "这是简答题或填空题。") + _UNFIT_KIND)
    count = answers.count("~") + answers.count("=")
    if count > MOST_CHOICES:
        raise _Unfit(f"选项有 {count} 个，太多了，最多 {_most_choices()} 个。")
    parts = answers.replace("=", "~=").split("~")
    if parts[0].strip():
        raise _Unfit("第一个选项前面还有文字。每个选项前面要写 =（对的）或 ~（错的）。")
    weighed = [_weighed(part.strip(), mark, seen) for part in parts[1:]]
    right = _right([weight for weight, _ in weighed])
    return tuple(replace(choice, key=key) for (_, choice), key in zip(weighed, right, strict=True))


def _most_choices() -> int:
    return max(most for _, most in OPTION_COUNTS.values())


def _weighed(answer: str, mark: str, seen: _Seen) -> tuple[float | None, Choice]:
    """An answer and its weight in per cent; None is the whole mark of an equals sign."""
    weight: float | None = 0
    if answer.startswith("="):
        weight, answer = None, answer[1:]
    elif found := _WEIGHT.match(answer):
        weight, answer = float(found[1]), answer[found.end() :]
    text, _, note = answer.partition("#")
    _, said = _marked(text, mark, seen)
    if not said:
        raise _Unfit("有一个选项没有文字，请补上或者删去。")
    return weight, Choice(said, note=_marked(note, mark, seen)[1])


def _right(weights: Sequence[float | None]) -> tuple[bool, ...]:
    """Which answers are right, when the weights leave no doubt."""
    shares = [weight for weight in weights if weight is not None and weight > 0]
    whole = weights.count(None)
    if whole == 1 and not shares:
        return tuple(weight is None for weight in weights)
    if whole and shares:
        raise _Unfit("有的选项给全分，有的给一部分分，看不出哪些算对。请只留一个“=”，去掉其他选项的分数。")
    if whole:
        raise _Unfit(
            "有几个“=”，看不出要全选还是选一个。单选请只留一个“=”；多选请写成分数，例如两个都写 ~%50%。"
        )
    if not shares:
        raise _Unfit("没有标出正确答案。请在正确的选项前面写“=”；多选请写成分数，例如两个都写 ~%50%。")
    if abs(sum(shares) - 100) > 1:
        raise _Unfit("正确选项的分数加起来不是 100，看不出哪些算对。请改成 100，例如两个都写 ~%50%。")
    return tuple(weight is not None and weight > 0 for weight in weights)


def _labels(comments: str) -> tuple[str, tuple[str, ...]]:
    """The id and the tags in comments."""
    code, tags, at = "", [], 0
    while label := _LABEL.search(comments, at):
        if found := _LABEL_TEXT.match(comments, label.end()):
            text = unquote(_LABEL_ESCAPE.sub(r"\1", found[1]).strip())
            code = text if label[1] == "id" else code
            tags += [text] if label[1] == "tag" else []
            at = found.end()
        else:
            # nothing closes it, nor any later one of this line
            line_end = comments.find("\n", label.end())
            at = line_end if line_end >= 0 else len(comments)
    return code, tuple(tags)


def _written(item: Item, vocabulary: Vocabulary) -> str:
    labels = [f"[id:{_label(item.code)}]", *(f"[tag:{_label(tag)}]" for tag in exchange.tags_of(item))]
    stem = f"[plain]{exchange.scene_and_stem(item).translate(_ESCAPES)}"
    choices = exchange.choices_of(item, vocabulary)
    if item.kind == "true_false" and tuple(choice.text for choice in choices) == _TRUE_FALSE:
        answers = [_written_truth(choices)]
    else:
        answers = _written_choices(choices)
    if explanation := exchange.explanation_text(item.explanation):
        answers.append(f"\t####{_own(explanation)}")
    lines = [f"// {' '.join(labels)}", f"::{item.code.translate(_ESCAPES)}::{stem} {{", *answers, "}"]
    return "\n".join(lines) + "\n"


def _written_truth(choices: Sequence[Choice]) -> str:
    notes = {choice.key: _own(choice.note) for choice in choices}
    feedback = f"#{notes[False]}#{notes[True]}" if any(notes.values()) else ""
    return f"\t{'T' if choices[0].key else 'F'}{feedback}"


def _written_choices(choices: Sequence[Choice]) -> list[str]:
    """One line each. Several right answers share the mark; then the wrong ones together take it all away."""
    right = sum(choice.key for choice in choices)
    signs = {True: "=", False: "~"}
    if right > 1:
        wrong = len(choices) - right
        signs = {True: f"~%{100 / right:.7g}%", False: f"~%-{100 / max(wrong, 1):.7g}%"}
    return [
        # a text that begins like a weight needs one before it
        f"\t{sign}{'%0%' if sign == '~' and choice.text.startswith('%') else ''}{_own(choice.text)}"
        + (f"#{_own(choice.note)}" if choice.note else "")
        for choice in choices
        for sign in [signs[choice.key]]
    ]


def _own(text: str) -> str:
    """An escaped text; one that begins like a mark needs one before it."""
    return ("[plain]" if text.startswith("[") else "") + text.translate(_ESCAPES)


def _label(text: str) -> str:
    """An id or a tag without what would end it, be split, or be cleaned away by Moodle."""
    return _UNSAFE.sub(lambda found: quote(found[0], safe=""), text)


def _beginning(text: str) -> str:
    return " ".join(text[:200].split())[:40]
