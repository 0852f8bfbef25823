"""What it costs to count a contest and to put its board together: python -m benchmarks.standing."""

import argparse
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from sqlalchemy import insert

from quizsvc.app import create_app
from quizsvc.attempt.models import Attempt, Participant, Player
from quizsvc.campaign import queries as campaign
from quizsvc.contest import cli, queries
from quizsvc.db import db
from tests import make, postgres
from tests.conftest import settings_for

BATCH = 10_000
ITEMS = 10


def measured(what: str, work: Callable[[], Any]) -> Any:
    """Do a piece of work and print how long it took."""
    begun = perf_counter()
    result = work()
    print(f"{what:34} {perf_counter() - begun:8.2f} s", flush=True)
    return result


def a_field(places: int, trades: int) -> tuple[make.Contest, list[int], list[int]]:
    """A contest over a county with places and trades to pick from."""
    county = make.a_county()
    root = make.a_unit("trades", "行业", "bureau", county)
    towns = [make.a_unit(f"p{one}", f"第{one}街道", "town", county).id for one in range(places)]
    bureaus = [make.a_unit(f"t{one}", f"第{one}系统", "bureau", root).id for one in range(trades)]
    contest = make.a_contest(
        county, paper=make.a_paper(ITEMS), place_root_id=county.id, trade_root_id=root.id
    )
    return contest, towns, bureaus


def rows(
    contest: make.Contest, towns: list[int], bureaus: list[int], players: int
) -> Iterator[tuple[Any, ...]]:
    """One player a second, one go each."""
    chance, link = Random(1), contest.links[0]
    for number in range(1, players + 1):
        at: datetime = make.OPENS + timedelta(seconds=number)
        started_at = at - timedelta(seconds=chance.randint(40, 600))
        yield (
            {"id": number, "round_id": contest.round.id, "unit_id": link.unit_id, "extension_s": 0,
             "created_at": started_at},
            {"participant_id": number, "round_id": contest.round.id, "device_hash": f"{number:064}",
             "nickname": "路人", "place_id": chance.choice(towns), "trade_id": chance.choice(bureaus), "role": "",
             "entry_id": f"{number:016}", "joined_at": started_at},
            {"id": f"{number:024}", "participant_id": number, "round_id": contest.round.id,
             "unit_id": link.unit_id, "link_id": link.id, "source": "poster", "period": "2026-12-01", "ordinal": 1,
             "allowed": 3, "seed": "", "form": [[index, 10] for index in range(ITEMS)], "answers": {},
             "device_hash": f"{number:064}", "started_at": started_at, "submitted_at": at, "overdue": False,
             "score": 10 * chance.randint(4, ITEMS), "out_of": 10 * ITEMS, "correct": [True] * ITEMS},
        )  # fmt: skip


def furnish(contest: make.Contest, towns: list[int], bureaus: list[int], players: int) -> None:
    """Write the rows."""
    coming = rows(contest, towns, bureaus, players)
    while batch := list(islice(coming, BATCH)):
        for table, values in zip((Participant, Player, Attempt), zip(*batch, strict=True), strict=True):
            db.session.execute(insert(table), list(values))
        db.session.commit()


def run(url: str, folder: Path, players: int) -> None:
    """Measure on one database."""
    with create_app(settings_for(url, folder)).app_context():
        db.create_all()
        contest, towns, bureaus = a_field(places=12, trades=8)
        measured(f"write {players:,} players", lambda: furnish(contest, towns, bureaus, players))
        at = make.OPENS + timedelta(seconds=players + 3600)
        measured(f"count {players:,} goes, look, board", lambda: cli.count_round(contest.round.id, at))
        found = queries.contest_of(campaign.round_of(contest.round.id))
        if found is None:
            raise SystemExit("there are no rules")
        last = at - timedelta(seconds=3600 + 60)
        measured("put the board together", lambda: queries.body_of(found))
        measured("the 50 leaders", lambda: queries.standing(contest.round.id, queries.TOP))
        measured("one player's own rank", lambda: queries.own_rank(found, players // 2))
        measured("counts", lambda: queries.counts(contest.round.id))
        measured("who has played in a minute", lambda: queries.touched(contest.round.id, last))
        measured("entries of the draw", lambda: len(queries.entries(contest.round.id, 9000)))
        db.session.remove()
        db.engine.dispose()


def main() -> None:
    """Read the options and run."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.standing", description=__doc__)
    options.add_argument("--players", type=int, default=50_000)
    options.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    given = options.parse_args()
    with TemporaryDirectory(prefix="quizsvc-standing-") as folder:
        path = Path(folder)
        postgres_url = postgres.fresh_database if given.database == "postgres" else None
        url = postgres_url("standing") if postgres_url else f"sqlite:///{path / 'standing.sqlite'}"
        run(url, path, given.players)


if __name__ == "__main__":
    main()
