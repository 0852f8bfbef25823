"""Players and goes as rows, for tests of the standing; they are committed when somebody counts or looks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from quizsvc.attempt.models import Attempt, Participant, Player
from quizsvc.attempt.queries import device_hash
from quizsvc.core import linkcode
from quizsvc.db import db
from quizsvc.roster.models import Unit
from tests import make

_number = count(1)


def a_contest(unit: Unit, doors: Sequence[Unit] = (), **changes: Any) -> make.Contest:
    """A contest on a small paper: its items take longer to write than all the rest."""
    small = changes.pop("paper", None) or make.a_paper(items=11, drawn=10)
    return make.a_contest(unit, doors, paper=small, **changes)


def _added(row: Any) -> Any:
    db.session.add(row)
    db.session.flush()
    return row


def a_player(contest: make.Contest, nickname: str = "青禾同学", **changes: Any) -> Player:
    """Somebody who has joined by the first link of the contest and has not played yet."""
    number = next(_number)
    link = changes.pop("link", contest.links[0])
    joined_at = changes.pop("joined_at", make.OPENS)
    phone = changes.pop("phone", None)
    hashed = device_hash(phone) if phone else f"{number:064}"
    participant = _added(
        Participant(round_id=contest.round.id, unit_id=link.unit_id, extension_s=0, created_at=joined_at)
    )
    values: dict[str, Any] = {
        "participant_id": participant.id, "round_id": contest.round.id, "device_hash": hashed,
        "nickname": nickname, "place_id": None, "trade_id": None, "role": "",
        "entry_id": linkcode.body_from(number, 16), "joined_at": joined_at,
    }  # fmt: skip
    return _added(Player(**{**values, **changes}))


def a_go(
    contest: make.Contest,
    player: Player,
    score: int = 100,
    *,
    after_s: int = 0,
    used_s: int = 120,
    day: str = "2026-12-01",
    **changes: Any,
) -> Attempt:
    """A go handed in `after_s` seconds after the second hour of the contest, out of 100, with ten items."""
    submitted_at: datetime = changes.pop("submitted_at", make.OPENS + timedelta(hours=2, seconds=after_s))
    link = changes.pop("link", contest.links[0])
    same_day = db.session.query(Attempt).filter_by(participant_id=player.participant_id, period=day).count()
    values: dict[str, Any] = {
        "id": f"go{next(_number):022}", "participant_id": player.participant_id, "round_id": contest.round.id,
        "unit_id": link.unit_id, "link_id": link.id, "source": "poster", "period": day, "ordinal": same_day + 1,
        "allowed": 3, "paper_id": None, "seed": "seed", "form": [[index, 10] for index in range(10)], "answers": {},
        "device_hash": player.device_hash, "resume": None, "receipt": None,
        "started_at": submitted_at - timedelta(seconds=used_s), "limit_ends_at": None, "saved_at": None,
        "submitted_at": submitted_at, "overdue": False, "score": score, "out_of": 100, "correct": [True] * 10,
    }  # fmt: skip
    return _added(Attempt(**{**values, **changes}))
