"""What is to be installed, followed or switched on by everybody: items, their targets, and what counts as adopted."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from quizsvc.core import bounds
from quizsvc.core.bounds import Misfit, Place
from quizsvc.core.indicators import Rate
from quizsvc.core.refusal import Refusal

BASES: Final = {"roster": "在册的人", "population": "常住人口"}
STATES: Final = ("adopted", "partial", "not", "na")
PROOFS: Final = {"declared": "自己填报", "checked": "答对核对题", "verified": "老师当面核对"}
MOST_ITEMS = 12
MOST_TARGETS = 6
FEWEST_STEPS, MOST_STEPS = 2, 8
FEWEST_OPTIONS, MOST_OPTIONS = 2, 4
LONGEST_ITEM = 120
LONGEST_STEP = 40
LONGEST_LABEL = 20
YEARS: Final = range(2020, 2100)


@dataclass(frozen=True, slots=True)
class Target:
    """What share of whom an item must reach.

    basis: a key of BASES: heads of the roster, or a population that somebody has typed in for the unit
    label: whom the line speaks of, as 教职工 or 居民, 1..20 characters
    permyriad: 1..10000
    """

    basis: str
    label: str
    permyriad: int


@dataclass(frozen=True, slots=True)
class Check:
    """A question only somebody who has used the thing answers easily; right, it lifts an answer to "checked".

    text: 1..120 characters
    options: two to four, each 1..60 characters
    right: index of the right one
    """

    text: str
    options: tuple[str, ...]
    right: int


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to adopt.

    text: the question, 1..120 characters
    steps: in their order, none (yes or no) or two to eight of 1..40 characters; adopted only when all are done
    may_not_apply: whether 不适用 is offered; who chooses it leaves the denominator of this item
    targets: one to six, each label once
    due_on: by when, None when the round's end is the date
    check: None when there is none
    """

    text: str
    steps: tuple[str, ...]
    may_not_apply: bool
    targets: tuple[Target, ...]
    due_on: date | None
    check: Check | None


@dataclass(frozen=True, slots=True)
class Adoption:
    """An adoption survey as it is frozen in a paper.

    title: 1..60 characters
    opening: "" or paragraphs by LF
    items: one to twelve
    """

    title: str
    opening: str
    items: tuple[Item, ...]


def written(adoption: Adoption) -> dict[str, Any]:
    """Write an adoption survey as plain values that JSON can hold.

    adoption: any
    return: names as in the classes; lists where they have tuples, dates as ISO 8601
    """
    return {
        **asdict(adoption),
        "items": [
            {
                **asdict(item),
                "steps": list(item.steps),
                "targets": [asdict(target) for target in item.targets],
                "due_on": item.due_on.isoformat() if item.due_on else None,
                "check": {**asdict(item.check), "options": list(item.check.options)} if item.check else None,
            }
            for item in adoption.items
        ],
    }


def read(values: Mapping[str, Any]) -> Adoption:
    """Read an adoption survey back from `written`.

    values: what `written` returned, directly or through JSON
    return: an equal survey
    raise Misfit: it breaks a bound of the classes, or something is missing
    """
    try:
        return checked(Adoption(**{**values, "items": tuple(_item(item) for item in values["items"])}))
    except (KeyError, TypeError, ValueError) as error:
        raise Misfit(Place((), "使用情况"), "内容不完整，读不出来") from error


def checked(adoption: Adoption) -> Adoption:
    """Refuse an adoption survey that breaks a bound.

    adoption: any
    return: the same
    raise Misfit: what the classes say of their fields does not hold
    """
    bounds.line(adoption.title, Place(("title",), "标题"), bounds.LONGEST_TITLE)
    bounds.paragraphs(adoption.opening, Place(("opening",), "开头的说明"))
    items = [item.text for item in adoption.items]
    bounds.several(items, Place(("items",), "项目"), "项目", 1, MOST_ITEMS)
    for index, item in enumerate(adoption.items):
        _check_item(item, Place(("items", index), f"第 {index + 1} 项"))
    return adoption


def _item(values: Mapping[str, Any]) -> Item:
    check = values["check"]
    return Item(
        **{
            **values,
            "steps": tuple(values["steps"]),
            "targets": tuple(Target(**target) for target in values["targets"]),
            "due_on": date.fromisoformat(values["due_on"]) if values["due_on"] is not None else None,
            "check": Check(**{**check, "options": tuple(check["options"])}) if check is not None else None,
        }
    )


def _check_item(item: Item, place: Place) -> None:
    bounds.line(item.text, place, LONGEST_ITEM)
    if type(item.may_not_apply) is not bool:
        raise Misfit(place, "内容不完整，读不出来")
    steps = place.inside("steps", label="的步骤")
    if item.steps:
        bounds.several(item.steps, steps, "步骤", FEWEST_STEPS, MOST_STEPS)
    for step in item.steps:
        bounds.line(step, steps, LONGEST_STEP)
    targets = place.inside("targets", label="的目标")
    bounds.several([target.label for target in item.targets], targets, "目标", 1, MOST_TARGETS)
    for index, target in enumerate(item.targets):
        here = place.inside("targets", index, label="的目标")
        bounds.known(target.basis, here, BASES)
        bounds.line(target.label, here, LONGEST_LABEL)
        if type(target.permyriad) is not int or not 1 <= target.permyriad <= 10000:
            raise Misfit(here, "要大于 0%，不超过 100%，最多两位小数")
    if item.due_on is not None and item.due_on.year not in YEARS:
        raise Misfit(place.inside("due_on", label="的截止"), f"年份要在 {YEARS[0]} 到 {YEARS[-1]} 之间")
    if item.check is not None:
        _check_check(item.check, place.inside("check", label="的核对题"))


def _check_check(check: Check, place: Place) -> None:
    bounds.line(check.text, place, LONGEST_ITEM)
    bounds.several(check.options, place, "选项", FEWEST_OPTIONS, MOST_OPTIONS)
    for option in check.options:
        bounds.line(option, place, bounds.LONGEST_OPTION)
    if type(check.right) is not int or not 0 <= check.right < len(check.options):
        raise Misfit(place, "答案要是其中一个选项")


# Rules.

YES: Final = "yes"
NO: Final = "no"
NA: Final = "na"


def state(item: Item, chosen: Collection[str]) -> tuple[str, int]:
    """Tell how far somebody has come with an item.

    item: one of the survey
    chosen: what was picked: "yes", "no" or, where it is offered, "na"; of an item with steps the indices of those
        that are done in decimal ("0" is the first), or "no" when none is
    return: a key of STATES, and the steps that are done, bit n for step n; 0 where there are no steps
    raise Refusal: nothing picked, something the item does not offer, or two picks that cannot both be
    Source: domain.md D-A3: three of four steps are not adopted
    """
    picked = frozenset(chosen)
    done = picked & {str(number) for number in range(len(item.steps))}
    single = {NO, *([] if item.steps else [YES]), *([NA] if item.may_not_apply else [])}
    if done and done == picked:
        return ("adopted" if len(done) == len(item.steps) else "partial"), sum(1 << int(one) for one in done)
    if len(picked) != 1 or not picked <= single:
        raise Refusal(f"“{item.text}”还没有选好，请再看一下这一项。")
    return {YES: "adopted", NO: "not", NA: "na"}[next(iter(picked))], 0


def proof(item: Item, state: str, picked: int | None) -> str:
    """Tell how we know what somebody says about an item.

    item: one of the survey
    state: a key of STATES, as `state` gave it
    picked: index of the option picked at the item's check; None when none was
    return: "checked" when it is adopted and the check was answered rightly, else "declared"
    """
    right = item.check is not None and picked == item.check.right
    return "checked" if state == "adopted" and right else "declared"


def met(states: Iterable[str]) -> bool:
    """Tell whether somebody has adopted everything that applies to them.

    states: one key of STATES for each item
    return: True when none is partial or not; also when nothing applies
    """
    return all(one in ("adopted", "na") for one in states)


@dataclass(frozen=True, slots=True)
class Known:
    """How we know of those who have adopted an item; the four share nobody.

    declared, checked, verified: heads (or answers, in a round without seats), >= 0, by the keys of PROOFS
    counted: heads of which somebody typed the total (人工统计), >= 0
    """

    declared: int = 0
    checked: int = 0
    verified: int = 0
    counted: int = 0

    @property
    def adopted(self) -> int:
        """Sum the four.

        return: heads, >= 0
        """
        return self.declared + self.checked + self.verified + self.counted

    def __add__(self, other: "Known") -> "Known":
        """Add heads to heads, count by count."""
        return Known(
            self.declared + other.declared,
            self.checked + other.checked,
            self.verified + other.verified,
            self.counted + other.counted,
        )


@dataclass(frozen=True, slots=True)
class Count:
    """How many have come how far with one item; the only thing that is summed.

    adopted, partial, not_, na: heads by state, >= 0
    checked, verified: those of `adopted` of whom we know it so; the rest have declared it
    """

    adopted: int = 0
    partial: int = 0
    not_: int = 0
    na: int = 0
    checked: int = 0
    verified: int = 0

    @property
    def known(self) -> Known:
        """Split those who have adopted by how we know.

        return: heads, together `adopted`
        """
        return Known(self.adopted - self.checked - self.verified, self.checked, self.verified)

    def __add__(self, other: "Count") -> "Count":
        """Add heads to heads, count by count."""
        return Count(
            self.adopted + other.adopted,
            self.partial + other.partial,
            self.not_ + other.not_,
            self.na + other.na,
            self.checked + other.checked,
            self.verified + other.verified,
        )


@dataclass(frozen=True, slots=True)
class Reach:
    """What is known of one item in a unit and everything under it.

    count: the standing declarations
    asked: heads of the roster to whom the item applies, >= 0
    known: those who have adopted it, a typed total standing for everything declared where it was typed and below
    people: those who live in units with a typed population, >= 0
    covered: those of `known` who live in such a unit
    """

    count: Count = Count()
    asked: int = 0
    known: Known = Known()
    people: int = 0
    covered: Known = Known()


def reach(
    own: Count, expected: int, population: int | None, total: int | None, parts: Iterable[Reach]
) -> Reach:
    """Add what is known of a unit itself to what is known of its parts, counting nobody twice.

    own: declarations of the unit itself, without its parts
    expected: heads of the unit's own roster, >= 0
    population: how many live in the unit, parts included; None when nobody has typed it
    total: how many of the unit, parts included, have adopted the item; None when nobody has counted
    parts: one for each unit right under this one
    return: of the unit with its parts
    Source: docs/algorithms/adoption.md
    """
    below = tuple(parts)
    known = (
        sum((part.known for part in below), own.known)
        if total is None
        else Known(counted=total)
    )  # fmt: skip
    return Reach(
        count=sum((part.count for part in below), own),
        # unit by unit: one with more answers than heads must not eat up the heads of another
        asked=max(expected - own.na, 0) + sum(part.asked for part in below),
        known=known,
        people=sum(part.people for part in below) if population is None else population,
        covered=sum((part.covered for part in below), Known()) if population is None else known,
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One item against one of its targets.

    target: what it is held against
    rate: heads who have adopted it of those it is asked of
    met: whether the rate reaches the target; never when there is nobody to speak of
    known: how we know of the rate's heads
    """

    target: Target
    rate: Rate
    met: bool
    known: Known


def rates(item: Item, reach: Reach, *, nameless: bool) -> tuple[Line, ...]:
    """Hold an item against each of its targets.

    item: one of the survey
    reach: what is known of it in a unit
    nameless: whether the round asks no seats: its answers are no heads of the roster, so that a target over the
        roster has nobody to speak of
    return: one line for each target, in their order
    Source: domain.md D-A1, D-A2
    """
    lines = []
    for target in item.targets:
        if target.basis == "population":
            known, whole = reach.covered, reach.people
        elif nameless:
            known, whole = Known(), 0
        else:
            known, whole = reach.count.known, reach.asked
        rate = Rate(known.adopted, whole)
        lines.append(Line(target, rate, (rate.permyriad or 0) >= target.permyriad, known))
    return tuple(lines)
