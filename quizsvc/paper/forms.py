"""Posted fields of the paper desk, and the search over the bank beside it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

from werkzeug.datastructures import MultiDict

from quizsvc.bank.queries import VersionRow
from quizsvc.core import assembly, bankfile
from quizsvc.core.refusal import Refusal
from quizsvc.paper.operations import MOST_ITEMS

PAGE = 50
MOST_POINTS = 100
LONGEST_WORDS = 40
LONGEST_NUMBER = 9

Fields = MultiDict[str, str]


STARTS = {
    "receipt": "回执：家长告知书\n发布单位：\n说明：家长您好，请和孩子一起读一遍。\n1. \n2. \n"
    "确认：上面的内容，您都知道了吗？\n谁来签：家长\n",
    "pledge": "责任书：反诈责任书\n发布单位：\n1. \n2. \n承诺：我保证做到以上各条。\n谁来签：教职工\n",
    "adoption": "使用情况：反诈工具使用情况\n说明：请照实填。\n1. \n目标：教职工 100%（在册）\n",
    "survey": "问卷：反诈宣传意见\n说明：不记名。\n1. [单选] （必答）\nA. \nB. \n最后：谢谢您。\n",
}
"""Kind of paper -> the text an empty draft of it begins with."""


@dataclass(frozen=True, slots=True)
class Search:
    """What of the banks a desk shows; "" is anything."""

    bank: str = ""
    audience: str = ""
    topic: str = ""
    kind: str = ""
    difficulty: str = ""
    words: str = ""
    page: int = 1

    def takes(self, version: VersionRow) -> bool:
        """Say whether an item is shown."""
        item = version.item
        return (
            self.bank in ("", version.bank_code)
            and self.topic in ("", item.topic)
            and self.kind in ("", item.kind)
            and self.difficulty in ("", str(item.difficulty))
            and (not self.audience or self.audience in item.audiences)
            and all(word in _text(item) for word in self.words.casefold().split())
        )

    def address(self) -> dict[str, str]:
        """Return the part of an address that asks for this again; an audience of "" is said, not left out."""
        said = {name: str(value) for name, value in asdict(self).items() if value not in ("", 1)}
        return {"audience": self.audience, **said}


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what a search finds."""

    versions: tuple[VersionRow, ...]
    count: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class Look:
    """How the phone beside a paper shows it."""

    seed: str = "1"
    large: bool = False
    dark: bool = False
    script: bool = True

    def address(self, **changes: object) -> dict[str, str]:
        """Return the part of an address that asks for this look, or one changed in these points."""
        now = {**asdict(self), **changes}
        return {
            "seed": str(now["seed"]),
            "size": "lg" if now["large"] else "md",
            "scheme": "dark" if now["dark"] else "light",
            "script": "on" if now["script"] else "off",
        }


@dataclass(frozen=True, slots=True)
class Settings:
    """What a draft is called, for whom it is, and where its rules draw from."""

    code: str
    title: str
    audience: str | None
    banks: tuple[str, ...]


def search_from(fields: Fields, *, audience: str | None) -> Search:
    """Read a search; a desk that was asked nothing shows what is for the draft's audience."""
    page = fields.get("page", "")
    return Search(
        bank=fields.get("bank", ""),
        audience=fields.get("audience", audience or ""),
        topic=fields.get("topic", ""),
        kind=fields.get("kind", ""),
        difficulty=fields.get("difficulty", ""),
        words=fields.get("words", "").strip()[:LONGEST_WORDS].rstrip(),
        page=int(page) if page.isdecimal() and len(page) < LONGEST_NUMBER else 1,
    )


def found(search: Search, latest: Sequence[VersionRow]) -> Found:
    """Search; a page past the last one is the last one."""
    versions = [version for version in latest if search.takes(version)]
    pages = max(1, -(-len(versions) // PAGE))
    page = min(max(search.page, 1), pages)
    return Found(tuple(versions[(page - 1) * PAGE : page * PAGE]), len(versions), page, pages)


def look_from(fields: Fields) -> Look:
    """Read how a phone is to show a paper."""
    return Look(
        seed=seed_from(fields),
        large=fields.get("size") == "lg",
        dark=fields.get("scheme") == "dark",
        script=fields.get("script") != "off",
    )


def seed_from(fields: Fields) -> str:
    """Read which form is meant; "1" when nobody says."""
    return fields.get("seed", "")[:32] or "1"


def number_from(fields: Fields, name: str, label: str, *, least: int, most: int) -> int:
    """Read a whole number."""
    text = fields.get(name, "").strip()
    if not text.isdecimal() or len(text) > LONGEST_NUMBER or not least <= int(text) <= most:
        raise Refusal(f"{label}要写 {least} 到 {most} 的整数。")
    return int(text)


def source_from(form: Fields) -> str:
    """Read a text as it was typed; lines end with LF."""
    return "\n".join(form.get("text", "").splitlines())


def revision_from(fields: Fields) -> int:
    """Read which state of the draft the page showed."""
    return number_from(fields, "revision", "草稿的版本", least=1, most=10**LONGEST_NUMBER - 1)


def points_from(fields: Fields) -> int:
    """Read what an item is worth."""
    return number_from(fields, "points", "分数", least=0, most=MOST_POINTS)


def place_from(fields: Fields) -> int:
    """Read which rule is meant; the first has place 0."""
    return number_from(fields, "place", "第几条规则", least=0, most=MOST_ITEMS)


def version_from(fields: Fields, latest: Sequence[VersionRow]) -> VersionRow:
    """Read which item is meant; only what is published may enter a paper."""
    bank_code, _, code = fields.get("item", "").partition("/")
    for version in latest:
        if (version.bank_code, version.item.code) == (bank_code, code):
            return version
    raise Refusal("题库里没有这道题，或者它还没有发布。", status=409)


def rule_from(fields: Fields, *, topics: Collection[str], banks: Collection[str]) -> assembly.Rule:
    """Read a rule."""
    difficulty = _chosen(fields, "difficulty", "难度", [str(level) for level in bankfile.DIFFICULTY_NAMES])
    return assembly.Rule(
        count=number_from(fields, "count", "题数", least=1, most=MOST_ITEMS),
        points=points_from(fields),
        topic=_chosen(fields, "topic", "骗术", topics),
        kind=_chosen(fields, "kind", "题型", bankfile.KIND_NAMES),
        difficulty=int(difficulty) if difficulty else None,
        audience=_chosen(fields, "audience", "人群", bankfile.AUDIENCE_NAMES),
        bank=_chosen(fields, "bank", "题库", banks),
    )


def settings_from(fields: Fields, *, banks: Collection[str]) -> Settings:
    """Read the settings of a draft."""
    return Settings(
        code=fields.get("code", "").strip(),
        title=fields.get("title", "").strip(),
        audience=_chosen(fields, "audience", "人群", bankfile.AUDIENCE_NAMES),
        banks=tuple(bank for bank in fields.getlist("draws_from") if bank in banks),
    )


def _chosen(fields: Mapping[str, str], name: str, label: str, known: Collection[str]) -> str | None:
    word = fields.get(name, "")
    if word and word not in known:
        raise Refusal(f"没有这样的{label}，请从列表里选。")
    return word or None


def _text(item: bankfile.Item) -> str:
    scene = item.scene.text if item.scene else ""
    return "\n".join([item.code, item.stem, scene, *(option.text for option in item.options)]).casefold()
