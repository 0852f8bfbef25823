"""Freezing the list, saying what has to be said, drawing. Each is done once, is audited and is never taken back."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy import insert as plain_insert

from quizsvc import audit
from quizsvc.core import draw as lots
from quizsvc.core import linkcode, rulebook
from quizsvc.core.draw import Winner
from quizsvc.core.refusal import Refusal
from quizsvc.db import db, insert, operation, run
from quizsvc.draw import queries
from quizsvc.draw.models import Draw, Notice, Piece, Result
from quizsvc.draw.models import Winner as WinnerOf

NAME_LENGTH: Final = 10
LONGEST_NOTICE: Final = 500
SHORTEST_PROOF: Final = 4
LONGEST_PROOF: Final = 300
_ADD_PIECE, _ADD_WINNER = plain_insert(Piece), plain_insert(WinnerOf)


class NotYet(Refusal):
    """Something that freezing or drawing waits for has not happened."""

    def __init__(self, text: str) -> None:
        super().__init__(text, status=409)


class FrozenAlready(Refusal):
    """The list of this contest is frozen."""

    def __init__(self) -> None:
        super().__init__("这场竞赛的名单已经封存，不能再封存一次。", status=409)


class DrawnAlready(Refusal):
    """This contest has been drawn."""

    def __init__(self) -> None:
        super().__init__("这场竞赛已经抽过奖，不能再抽。结果在公示页上。", status=409)


class SamePerson(Refusal):
    """Whoever froze the list wants to record the value."""

    def __init__(self) -> None:
        super().__init__(
            "名单是您封存的，公开数值要由另一个人来记。请现场的见证人用自己的账号登录。", status=403
        )


@operation
def freeze(*, plan: queries.Plan, confirmation: str, waiver: str, at: datetime, actor: audit.Actor) -> str:
    """Freeze the list of a contest and announce its hash; return the public name of the draw.

    `confirmation` is the code of the round as it was typed. `waiver` says why the list is frozen although reviews or
    appeals are open; it is needed only then.
    """
    round_id, entries = plan.round.id, plan.entries
    if db.session.get(Draw, round_id) is not None:
        raise FrozenAlready
    open_reviews = _check_conditions(round_id, waiver, at)
    _check_typed(confirmation, plan.round.code)
    if queries.mark_of(round_id) != plan.mark:
        raise NotYet("复核或成绩刚才有变动，请把页面刷新，再看一遍。")
    if not entries and lots.prizes_by(plan.version.rules.tiers, "draw"):
        raise NotYet("没有人达到抽奖的条件，不能封存。请先按规则另出一版，写明改为多少分可以抽奖。")
    files = _frozen_files(plan, entries)
    draw_id = linkcode.body_from(secrets.randbits(5 * NAME_LENGTH), NAME_LENGTH)
    if lots.WAVES in files:
        draw_id = lots.named_with_waves(draw_id, files[lots.WAVES])
    listed = lots.list_hash(entries)
    content = rulebook.written(plan.version.rules)
    added = db.session.execute(
        insert(Draw)
        .values(
            round_id=round_id, id=draw_id, rules_version=plan.version.number, rules_hash=plan.version.hash,
            list_hash=listed, entries=len(entries),
            waves=[{"at_least": wave.at_least, "entries": len(wave.entries)} for wave in plan.waves],
            sources=content["sources"] if entries else [], frozen_at=at, frozen_by=actor.text,
        )
        .on_conflict_do_nothing()
        .returning(Draw.round_id)
    ).scalar_one_or_none()  # fmt: skip
    if added is None:
        raise FrozenAlready
    _keep(draw_id, files)
    _give(draw_id, plan.placed)
    audit.record(
        actor=actor, action="draw.frozen", on=f"round:{round_id}", at=at, draw=draw_id, list_hash=listed,
        entries=len(entries), rules_hash=plan.version.hash, standing=[one.entry_id for one in plan.placed],
        open_reviews=open_reviews, private={"waiver": waiver.strip()} if open_reviews else None,
    )  # fmt: skip
    return draw_id


@operation
def announce_notice(*, round_id: int, text: str, at: datetime, actor: audit.Actor) -> int:
    """Say on the public page what has to be said before the draw: a source failed, another time. Return its number."""
    draw = _frozen(round_id)
    if draw.result is not None:
        raise DrawnAlready
    text = " ".join(text.split())
    if not text or len(text) > LONGEST_NOTICE or not text.isprintable():
        raise Refusal(f"公告写 1 到 {LONGEST_NOTICE} 个字。")
    number: int = (
        db.session.execute(
            select(func.coalesce(func.max(Notice.number), 0)).where(Notice.draw_id == draw.id)
        ).scalar_one()
        + 1
    )
    added = db.session.execute(
        insert(Notice)
        .values(draw_id=draw.id, number=number, text=text, at=at, by=actor.text)
        .on_conflict_do_nothing()
        .returning(Notice.number)
    ).scalar_one_or_none()
    if added is None:
        raise Refusal("刚才有别人也在发公告，请再发一次。", status=409)
    audit.record(
        actor=actor,
        action="draw.notice",
        on=f"round:{round_id}",
        at=at,
        draw=draw.id,
        number=number,
        text_hash=hashlib.sha256(text.encode()).hexdigest(),
    )
    return number


@operation
def run_draw(
    *, drawn: queries.Drawn, proof: str, confirmation: str, code: str, at: datetime, actor: audit.Actor
) -> None:
    """Record the public value and everything that follows from it; whoever froze the list may not.

    `proof` says where the value can be looked up, or who threw the dice before whom. `confirmation` is the code of the
    round as it was typed, `code` as it is.
    """
    draw = _frozen(drawn.draw.round_id)
    if draw.result is not None:
        raise DrawnAlready
    if actor.text == draw.frozen_by:
        raise SamePerson
    if at < draw.known_at:
        raise NotYet("还没有到随机来源公布的时间。")
    if drawn.replaced and not queries.notices(draw.id):
        raise NotYet("原定的来源要换成掷骰子，请主办方先发一则公告，写明原因。")
    proof = " ".join(proof.split())
    if not SHORTEST_PROOF <= len(proof) <= LONGEST_PROOF or not proof.isprintable():
        raise Refusal(
            f"请写明号码在哪里能查到，或者谁掷的骰子、谁在场，{SHORTEST_PROOF} 到 {LONGEST_PROOF} 个字。"
        )
    _check_typed(confirmation, code)
    fields = lots.loaded(drawn.files[lots.DRAW])
    order_hash = hashlib.sha256(drawn.files[lots.ORDER]).hexdigest()
    added = db.session.execute(
        insert(Result)
        .values(
            draw_id=draw.id, public_value=drawn.public_value, proof=proof, seed=fields["seed"], order_hash=order_hash,
            drawn_at=at, frozen_by=draw.frozen_by, drawn_by=actor.text,
        )
        .on_conflict_do_nothing()
        .returning(Result.draw_id)
    ).scalar_one_or_none()  # fmt: skip
    if added is None:
        raise DrawnAlready
    _keep(draw.id, drawn.files)
    _give(draw.id, drawn.winners)
    audit.record(
        actor=actor, action="draw.drawn", on=f"round:{draw.round_id}", at=at, draw=draw.id,
        public_value=drawn.public_value, proof=proof, seed=fields["seed"], order_hash=order_hash,
        replaced=list(drawn.replaced), prizes=len(drawn.winners),
    )  # fmt: skip


def _frozen(round_id: int) -> queries.DrawRow:
    draw = queries.draw_of(round_id)
    if draw is None:
        raise NotYet("名单还没有封存。")
    return draw


def _check_conditions(round_id: int, waiver: str, at: datetime) -> int:
    """Refuse to freeze too early; return how many conditions are passed over in writing."""
    unmet = [one for one in queries.conditions(round_id, at) if not one.met]
    blocking = [one.words for one in unmet if one.blocks]
    if blocking:
        raise NotYet("还不能封存名单，要等：" + "；".join(blocking) + "。")
    text = waiver.strip()
    if unmet and not (text and len(text) <= LONGEST_NOTICE and text.isprintable()):
        left = "；".join(one.words for one in unmet)
        raise NotYet(f"还有没处理完的：{left}。要现在封存，请写明为什么不等，最多 {LONGEST_NOTICE} 个字。")
    return len(unmet)


def _check_typed(confirmation: str, code: str) -> None:
    if confirmation.strip() != code:
        raise Refusal(f"请把场次的代号 {code} 原样写一遍，表示已经看清楚了。")


def _frozen_files(plan: queries.Plan, entries: list[str]) -> dict[str, bytes]:
    files = {
        lots.ENTRIES: lots.listed_text(entries),
        lots.RULES: rulebook.text(plan.version.content).encode(),
    }
    if len(plan.waves) > 1:
        files[lots.WAVES] = lots.waves_text(plan.waves)
    return files


def _keep(draw_id: str, files: Mapping[str, bytes]) -> None:
    """Write files in pieces of so many lines each."""
    for name, body in files.items():
        for number, part in enumerate(_parts(body)):
            run(_ADD_PIECE, draw_id=draw_id, file=name, number=number, body=part)


def _parts(body: bytes) -> Iterable[bytes]:
    lines = body.splitlines(keepends=True)
    for start in range(0, max(len(lines), 1), queries.LINES_A_PIECE):
        yield b"".join(lines[start : start + queries.LINES_A_PIECE])


def _give(draw_id: str, winners: Iterable[Winner]) -> None:
    rows: list[dict[str, Any]] = [
        {"draw_id": draw_id, "tier": one.tier, "number": one.number, "by": one.by, "place": one.place,
         "entry_id": one.entry_id}
        for one in winners
    ]  # fmt: skip
    if rows:
        db.session.execute(_ADD_WINNER, rows)
