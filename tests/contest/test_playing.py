"""From the phone to the board: goes played over the pages, flags, exclusion, and what comes of it."""

from datetime import timedelta
from typing import Any

from flask import Flask

from quizsvc.contest import cli, operations, queries
from quizsvc.core.integrity import TILE
from quizsvc.db import db
from quizsvc.paper import queries as paper
from tests import make
from tests.attempt.players import PlayerPhone
from tests.conftest import NOON
from tests.contest.field import a_contest
from tests.contest.test_views import BOSS
from tests.desk import text_of


def the_same_mistake(player: PlayerPhone) -> dict[int, list[str]]:
    """The wrong option of the first item of the paper, wherever it stands on this sheet."""
    state = player.sheet
    view = paper.view(paper.frozen(state.paper_id), state.form, state.seed)
    return {
        item.position: [one.token for one in item.options if one.text == "先付一点试试"]
        for item, (index, _) in zip(view.items, state.form, strict=True)
        if index == 0
    }


def test_players_who_copy_are_flagged_and_the_honest_one_leads(app: Flask, at: Any) -> None:
    contest = a_contest(make.a_county(), paper=make.a_paper(items=10), rules={"board_least": 1})
    code = contest.links[0].code
    phones = [PlayerPhone(app.test_client(), code, nickname=f"{name}某某") for name in "青白黄红"]
    for number, player in enumerate(phones):
        at(NOON + timedelta(seconds=60 * number))
        player.play()
        at(NOON + timedelta(seconds=60 * number + 50))
        player.submit({**player.tokens(), **(the_same_mistake(player) if number else {})})
    db.session.rollback()
    cli.count_round(contest.round.id, at(NOON + 2 * TILE))

    assert [one.points for one in queries.standing(contest.round.id, 9)] == [100, 90, 90, 90]
    flagged = {one.nickname for one in queries.cases(contest.round.id, "open", "same_answers", 0)}
    assert flagged == {"白某某", "黄某某", "红某某"}
    board = text_of(phones[1].phone.get(f"/k/{contest.round.code}/board").get_data(as_text=True))
    assert ("青**" in board, "白某某，你现在是第" in board, "不计入" in board) == (True, True, False)

    case = next(one for one in queries.cases(contest.round.id, "open", "", 0) if one.nickname == "白某某")
    db.session.rollback()
    operations.rule(
        round_id=contest.round.id, participant_id=case.participant_id, verdict="excluded", cause="same_answers",
        reason="三人抄同一份答案", actor=BOSS, at=NOON + 2 * TILE,
    )  # fmt: skip
    assert len(queries.entries(contest.round.id, 9000)) == 3
    appeal = text_of(phones[1].phone.get(f"/k/{contest.round.code}/appeal").get_data(as_text=True))
    assert "原因类别：答案雷同" in appeal
