"""R24: three programs come to the same draw, whatever is changed in its files is found, a million ids are quick."""

import io
import json
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from types import ModuleType
from typing import Any

from quizsvc.core import draw, linkcode, rehearsal, rulebook
from quizsvc.core.rulebook import Rules, Tier
from quizsvc.web.assets import ASSETS
from tests import prerequisites
from tests.browser.conftest import launched
from tests.drills import Drill, Outcome

Files = dict[str, bytes]
Verdict = Callable[[Files], bool]
Change = Callable[[Random, Files], Files]

OPENS = datetime(2026, 12, 1, tzinfo=UTC)
DRAWS, DRAWS_IN_FULL = 1_000, 10_000
CHANGES, CHANGES_IN_FULL = 2_000, 10_000
IDS, IDS_IN_FULL = 100_000, 1_000_000
LONGEST_S = 10.0
AT_ONCE = 250


def a_bundle(chance: Random) -> Files:
    """A draw among 12 to 40 entries, every other one in waves; of fewer, another value might give the same order."""
    entries = sorted(linkcode.body_from(chance.getrandbits(80), 16) for _ in range(chance.randint(12, 40)))
    tiers = tuple(
        Tier(name=name, item="书", number=chance.randint(1, 6), value_yuan=30, by=by)
        for name, by in (("一等奖", "draw"), ("冠军", "standing"), ("二等奖", "draw"))
    )
    announced = rehearsal.rules(40, OPENS)
    rules = Rules(round=announced.round, tiers=tiers, qualifies=rehearsal.STEPS, sources=announced.sources)
    content = rulebook.written(rules)
    files = {draw.ENTRIES: draw.listed_text(entries), draw.RULES: rulebook.text(content).encode()}
    draw_id = linkcode.body_from(chance.getrandbits(50), 10)
    if chance.random() < 0.5:
        of = [chance.randint(1, 3) for _ in entries]
        files[draw.WAVES] = "".join(f"{one} {wave}\n" for one, wave in zip(entries, of, strict=True)).encode()
        draw_id = draw.named_with_waves(draw_id, files[draw.WAVES])
    return files | draw.result_files(
        draw_id=draw_id, rules_hash=rulebook.content_hash(content), rules=rules, entries=entries,
        waves=draw.waves_read(files.get(draw.WAVES, b"")), value=rehearsal.public_value(str(chance.random())),
    )  # fmt: skip


def flip(chance: Random, files: Files) -> Files:
    """Turn one bit."""
    name = chance.choice(sorted(files))
    body = bytearray(files[name])
    body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    return files | {name: bytes(body)}


def cut(chance: Random, files: Files) -> Files:
    """Take a byte out."""
    name = chance.choice(sorted(files))
    body, at = files[name], chance.randrange(len(files[name]))
    return files | {name: body[:at] + body[at + 1 :]}


def put(chance: Random, files: Files) -> Files:
    """Put a byte in."""
    name = chance.choice(sorted(files))
    body, at = files[name], chance.randrange(len(files[name]) + 1)
    return files | {name: body[:at] + chance.choice(b'0A \n1,"\r').to_bytes(1, "big") + body[at:]}


def lines(chance: Random, files: Files) -> Files:
    """Exchange, repeat or take out lines."""
    name = chance.choice(sorted(files))
    rows = files[name].splitlines(keepends=True)
    one, other = chance.randrange(len(rows)), chance.randrange(len(rows))
    way = chance.choice(("swap", "copy", "drop"))
    if way == "swap":
        rows[one], rows[other] = rows[other], rows[one]
    elif way == "copy":
        rows.insert(one, rows[other])
    else:
        del rows[one]
    return files | {name: b"".join(rows)}


def lose(chance: Random, files: Files) -> Files:
    """Lose a file; without rules.json the names of the prizes are not checked, and that is said."""
    name = chance.choice([name for name in sorted(files) if name != draw.RULES])
    return {other: body for other, body in files.items() if other != name}


def stranger(chance: Random, files: Files) -> Files:
    """Put a file of another draw in the place of one."""
    other = a_bundle(chance)
    name = chance.choice(sorted(files.keys() & other.keys()))
    return files | {name: other[name]}


def winner(chance: Random, files: Files) -> Files:
    """Let somebody else win, or in another place."""
    won = json.loads(files[draw.WINNERS])
    one = chance.choice(won)
    name = chance.choice(("entry_id", "place", "number", "tier"))
    one[name] = {"entry_id": files[draw.ENTRIES].decode().split()[0], "place": one["place"] + 1,
                 "number": one["number"] + 1, "tier": "特等奖"}[name]  # fmt: skip
    return files | {draw.WINNERS: draw._json(won)}


def value(chance: Random, files: Files) -> Files:
    """Take another value and make the seed fit, but not the order."""
    said = json.loads(files[draw.DRAW])
    said["public_value"] = rehearsal.public_value(str(chance.random()))
    said["seed"] = draw.seed(
        draw_id=said["draw_id"], rules_hash=said["rules_hash"], listed=said["list_hash"],
        public_value=said["public_value"],
    )  # fmt: skip
    return files | {draw.DRAW: draw._json(said)}


def order(chance: Random, files: Files) -> Files:
    """Exchange two ids in the order, and let the winners follow."""
    rows = files[draw.ORDER].decode().split()
    one, other = chance.randrange(len(rows)), chance.randrange(len(rows))
    rows[one], rows[other] = rows[other], rows[one]
    return files | {draw.ORDER: draw.listed_text(rows)}


BYTES: dict[str, Change] = {one.__name__: one for one in (flip, cut, put, lines, lose, stranger)}
MEANING: dict[str, Change] = {one.__name__: one for one in (winner, value, order)}
KINDS = BYTES | MEANING


def changed(chance: Random, files: Files, kinds: Mapping[str, Change]) -> Files:
    """Change a bundle in one of these ways; a change that comes out the same is tried again."""
    while (other := kinds[chance.choice(sorted(kinds))](chance, files)) == files:
        pass
    return other


def missed(number: int, verdict: Verdict) -> int:
    """Change so many bundles and count those that are still called sound."""
    chance = Random(24)
    bundles = [a_bundle(chance) for _ in range(40)]
    assert all(map(verdict, bundles))
    return sum(verdict(changed(chance, chance.choice(bundles), KINDS)) for _ in range(number))


def ours(files: Files) -> bool:
    """Ask the program behind `quizsvc contest verify`."""
    return not draw.problems(files)


def heedless(files: Files) -> bool:
    """Plant the fault: the list is taken as it is, its hash is not looked at."""
    wrong = draw.problems(files)
    return all("list_hash" in sentence or "seed" in sentence for sentence in wrong)


def standalone() -> ModuleType:
    """Load verify.py as it is sent."""
    module = ModuleType("verify")
    exec(ASSETS["verify.py"].body, vars(module))  # an import would leave a folder among the static files
    return module


def standalone_says(program: ModuleType, folder: Path, files: Files) -> bool:
    """Ask verify.py; what it cannot read it does not call sound."""
    for file in folder.iterdir():
        file.unlink()
    for name, body in files.items():
        (folder / name).write_bytes(body)
    with redirect_stdout(io.StringIO()):
        return bool(program.verify(folder))


def draws(number: int) -> list[Files]:
    """So many draws; every third one has been changed so that it means something else."""
    chance = Random(7)
    made = [a_bundle(chance) for _ in range(number)]
    return [changed(chance, files, MEANING) if index % 3 == 2 else files for index, files in enumerate(made)]


ASK = """async bundles => {
  const verdicts = [];
  for (const files of bundles) verdicts.push(await new Promise(done => quizsvcDraw.check(files, () => 0, done)));
  return verdicts;
}"""


def browser_says(page: Any, bundles: list[Files]) -> list[bool]:
    """Ask draw.js in a browser."""
    told: list[bool] = []
    for start in range(0, len(bundles), AT_ONCE):
        some = [
            {name: body.decode() for name, body in files.items()}
            for files in bundles[start : start + AT_ONCE]
        ]
        told += page.evaluate(ASK, some)
    return told


def disagreements(number: int, page: Any) -> tuple[int, int]:
    """Let all three programs judge the same draws; count where they differ, and how many are sound."""
    bundles = draws(number)
    first, third = [ours(files) for files in bundles], browser_says(page, bundles)
    program = standalone()
    with TemporaryDirectory() as name:
        second = [standalone_says(program, Path(name), files) for files in bundles]
    return sum(len(set(told)) > 1 for told in zip(first, second, third, strict=True)), sum(first)


def script() -> str:
    """Return draw.js as it is sent."""
    return ASSETS["draw.js"].body.decode()


def in_browser(number: int, source: str) -> tuple[int, int] | None:
    """Let the browser have its say with this script; None without a browser."""
    program = prerequisites.chromium()
    if program is None:
        return None
    with launched(program) as browser:
        page = browser.new_page()
        page.add_script_tag(content=source)
        return disagreements(number, page)


def sorted_in_s(number: int) -> float:
    """Time the order of so many ids."""
    ids = [linkcode.body_from(index * 0x9E3779B97F4A7C15, 16) for index in range(number)]
    begun = perf_counter()
    draw.order(draw.list_hash(ids), ids)
    return perf_counter() - begun


def agreement(full: bool, source: str) -> Outcome:
    """Compare the programs."""
    number = DRAWS_IN_FULL if full else DRAWS
    told = in_browser(number, source)
    if told is None:
        return Outcome(True, "SKIPPED: no Chromium")
    return Outcome(
        told[0] == 0 and told[1] == number - number // 3, f"{number} draws, {told[0]} judged differently"
    )


def run(full: bool) -> Outcome:
    """All of it."""
    number, ids = (CHANGES_IN_FULL, IDS_IN_FULL) if full else (CHANGES, IDS)
    unseen, took_s, same = missed(number, ours), sorted_in_s(ids), agreement(full, script())
    held = same.held and not unseen and took_s < LONGEST_S
    return Outcome(held, f"{number} changes, {unseen} missed; {ids} ids in {took_s:.1f} s; {same.said}")


def _blind(_full: bool) -> Outcome:
    unseen = missed(CHANGES, heedless)
    return Outcome(unseen == 0, f"{unseen} changes missed")


DRILL = Drill(
    figure="R24",
    promise="whatever is changed in the files of a draw is found; three programs agree",
    run=run,
    canaries={
        "the hash of the list is not looked at": _blind,
        "draw.js does not look whether the lots rise": lambda _full: agreement(
            False, script().replace("!before || less(before, lot)", "true")
        ),
    },
)
