"""A fictional county to try everything with: three schools, twelve classes, one running round."""

import csv
import hashlib
import io
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import flask_migrate
from flask import Flask

from quizsvc import clock
from quizsvc.app import create_app
from quizsvc.attempt import operations as attempt
from quizsvc.attempt import queries as attempts
from quizsvc.audit import CLI, Actor
from quizsvc.bank import files as bank_files
from quizsvc.bank import operations as bank
from quizsvc.bulletin import operations as bulletin
from quizsvc.bulletin import queries as bulletins
from quizsvc.campaign import operations as campaign
from quizsvc.campaign import queries as campaigns
from quizsvc.contest import cli as contests
from quizsvc.core import publicvalue, rulebook, sheettext, term
from quizsvc.core.access import Role
from quizsvc.core.marking import Saved
from quizsvc.core.rulebook import Source, Tier
from quizsvc.db import db
from quizsvc.declaration import operations as declaration
from quizsvc.declaration.queries import Given, Picked
from quizsvc.draw import operations as draw
from quizsvc.draw import queries as draws
from quizsvc.link import operations as link
from quizsvc.link import queries as links
from quizsvc.link.queries import Door
from quizsvc.paper import files as paper_files
from quizsvc.paper import operations as paper
from quizsvc.paper import queries as papers
from quizsvc.prize import operations as prize
from quizsvc.prize import queries as prizes
from quizsvc.roster import files as roster_files
from quizsvc.roster import operations as roster
from quizsvc.roster import queries as units
from quizsvc.rulebook import operations as rules
from quizsvc.rulebook import queries as announced
from quizsvc.settings import PROJECT, Settings
from quizsvc.staff import operations as staff
from quizsvc.staff import queries as people
from quizsvc.survey import operations as survey
from quizsvc.web import qr
from quizsvc.web.health import WrongRevision, require_current_revision

COUNTY, ROUND, CAMPAIGN = "yg/", "demo-autumn", "demo"
BLUEPRINT = PROJECT / "question_banks" / "blueprints" / "semester_junior.toml"
OPENED_DAYS_AGO, CLOSES_IN_DAYS = 9, 8
OPENS_AT_HOUR, CLOSES_AT_HOUR = 8, 18
GOES_TO_SCHOOL_S = 10 * 3600  # from the opening hour on
STARTED_ONLY = 6  # of a hundred pupils of the home class, those who are in the middle
SURNAMES = "陈林黄周吴徐孙马朱胡郭何高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田袁余叶杜钟汪任范方石姚"
GIVEN = (
    "一诺",
    "子墨",
    "雨桐",
    "浩然",
    "思远",
    "欣怡",
    "宇轩",
    "若溪",
    "梓涵",
    "佳宁",
    "博文",
    "语嫣",
    "睿",
    "可馨",
)
HOME_CLASS = "七年级（3）班"
HOME_GRADE, STAFF_ROOM, VILLAGE = "七年级", "教职工", "杨柳村"
SLIPS = (9, 3, 17)
"""How easily a pupil errs, in percent: at the first go, at the second, and before anything was taught."""

BEFORE = 2

CONTEST, DRAWN_CONTEST = "demo-contest", "demo-drawn"
BASELINE = "demo-before"
RECEIPT, PLEDGE, TOOLS, VILLAGE_TOOLS, OPINION = (
    f"demo-{name}" for name in ("receipt", "pledge", "tools", "village", "opinion")
)
FILLED_IN = {
    "【请填：学校全称】": "阳光县实验中学",
    "【请填：当地反诈中心的名称】": "阳光县反诈中心",
    "【请填：学校公众号的名称】": "公众号“阳光教育”",
}
STROKES = "M40 60L60 30L80 70M100 35L150 35L120 80M170 40L200 70L240 30"
PLAYERS = 24
NICKNAMES = ("青禾", "晨光", "松果", "山泉", "白鹭", "荷塘", "星河", "竹叶")
DICE = 26
TIERS = (
    Tier(name="一等奖", item="电话手表", number=1, value_yuan=400, by="draw"),
    Tier(name="二等奖", item="保温杯", number=3, value_yuan=60, by="draw"),
    Tier(name="勤学奖", item="词典", number=1, value_yuan=50, by="standing"),
)


@dataclass(frozen=True, slots=True)
class School:
    """A school of the county and how far each of its classes is, in percent of its pupils."""

    name: str
    classes: tuple[tuple[str, str, int, int], ...]  # grade, class, pupils, done %


SCHOOLS = (
    School(
        "阳光县实验中学",
        (
            ("七年级", "七年级（1）班", 44, 100),
            ("七年级", "七年级（2）班", 43, 100),
            ("七年级", HOME_CLASS, 45, 82),
            ("八年级", "八年级（1）班", 42, 100),
            ("八年级", "八年级（2）班", 41, 76),
        ),
    ),
    School(
        "青石镇初级中学",
        (
            ("七年级", "七年级（1）班", 40, 100),
            ("七年级", "七年级（2）班", 39, 64),
            ("八年级", "八年级（1）班", 41, 90),
            ("九年级", "九年级（1）班", 38, 100),
        ),
    ),
    School(
        "河湾乡中心学校",
        (
            ("七年级", "七年级（1）班", 42, 48),
            ("八年级", "八年级（1）班", 40, 70),
            ("九年级", "九年级（1）班", 43, 0),
        ),
    ),
)


def own_address() -> str:
    """Return this machine's address in its own network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # a documentation address: choosing a route sends no packet
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def prepare(settings: Settings) -> None:
    """Build the county, or take up the one of an earlier run, and print its doors."""
    app = create_app(settings)
    with app.app_context():
        if not _usable(clock.now()):
            db.session.remove()
            db.engine.dispose()
            _rebuild(app, settings)
        _print_doors(settings)
        db.session.remove()
        db.engine.dispose()


def _usable(at: datetime) -> bool:
    try:
        require_current_revision(db.engine)
        return campaigns.round_by_code(ROUND).closes_at > at
    except (WrongRevision, campaigns.UnknownRound):
        return False


def _rebuild(app: Flask, settings: Settings) -> None:
    for file in settings.instance.glob("quizsvc.sqlite*"):
        file.unlink()
    flask_migrate.upgrade()
    at = clock.now()
    steps = (_banks, _roster, _round, _people)
    with click.progressbar(steps, label="准备虚构的阳光县") as bar:
        for step in bar:
            step(at)
    _sittings(at)
    _baseline(at)
    _contests(at, settings)
    _sheets(at, settings)
    _bulletin(at)


def _bulletin(at: datetime) -> None:
    """Issue one weekly bulletin of the county."""
    drive, bureau = campaigns.campaign_by_code(CAMPAIGN), _actor("organizer")
    draft_id = bulletin.begin(campaign_id=drive.id, unit_id=drive.unit_id, period="week", at=at, actor=bureau)
    bulletin.issue(draft_id=draft_id, seen=bulletins.draft(draft_id).saved_at, at=at, actor=bureau)


def _banks(at: datetime) -> None:
    for path in bank_files.folders():
        folder = bank_files.read_folder(path, today=clock.local_day(at))
        bank.import_bank(code=folder.code, name=folder.name, items=folder.items, at=at, actor=CLI)
    plan = paper_files.read_plan(BLUEPRINT)
    pool = papers.pool(plan)
    paper.freeze_paper(
        code=plan.code, title=plan.title, kind=plan.kind, blueprint=pool.blueprint, versions=pool.versions,
        topics=plan.topics, at=at, actor=CLI,
    )  # fmt: skip


def _roster(at: datetime) -> None:
    before = at - timedelta(days=OPENED_DAYS_AGO + 7)
    county = roster.add_unit(parent_id=None, name="阳光县", kind="county", code="yg", at=before, actor=CLI)
    sheet = roster_files.read_roster(roster_csv().encode("gb18030"))
    roster.import_units_and_places(unit_id=county, term=_term(at), sheet=sheet, at=before, actor=CLI)


def roster_csv() -> str:
    """Write the county's roster as a school would send it."""
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(["学校", "年级", "班级", "座号", "学号", "姓名"])
    number = 0
    for school in SCHOOLS:
        for grade, name, pupils, _ in school.classes:
            for seat in range(1, pupils + 1):
                number += 1
                person = SURNAMES[number * 7 % len(SURNAMES)] + GIVEN[number * 3 % len(GIVEN)]
                writer.writerow([school.name, grade, name, seat, f"2026{number:04}", person])
    return lines.getvalue()


def _term(at: datetime) -> str:
    return term.term_of(clock.local_day(at))


def _round(at: datetime) -> None:
    county = units.unit_at(COUNTY)
    opens_at = _local(at - timedelta(days=OPENED_DAYS_AGO), OPENS_AT_HOUR)
    closes_at = _local(at + timedelta(days=CLOSES_IN_DAYS), CLOSES_AT_HOUR)
    campaign_id = campaign.open_campaign(
        plan=campaign.CampaignPlan(
            code=CAMPAIGN,
            name=f"{term.term_label(_term(at))}反诈测试（演示）",
            unit_id=county.id,
            term=_term(at),
            target_on=clock.local_day(closes_at),
            organisers=("阳光县教育局", "阳光县公安局"),
            erase_on=clock.local_day(closes_at + timedelta(days=60)),
        ),
        at=opens_at,
        actor=CLI,
    )
    for position, name in enumerate(("阳光反诈", "阳光教育"), start=1):
        campaign.set_account(
            campaign_id=campaign_id,
            position=position,
            name=name,
            image=qr.png(f"演示用，虚构的公众号：{name}"),
            at=at,
            actor=CLI,
        )
    round_id = campaign.open_round(
        campaign_id=campaign_id,
        plan=campaign.RoundPlan(
            code=ROUND,
            title="六分钟，练一次识骗",
            paper_id=_quiz(),
            unit_ids=_pupils(),
            opens_at=opens_at,
            closes_at=closes_at,
            identity="roster",
        ),
        at=opens_at - timedelta(days=1),
        actor=CLI,
    )
    classes = [unit.id for unit in units.under(COUNTY) if unit.kind == "class"]
    link.issue_links(round_id=round_id, unit_ids=classes, at=opens_at, actor=CLI)


def _quiz() -> int:
    return next(row.id for row in papers.papers() if row.kind == "quiz")


def _pupils() -> tuple[int, ...]:
    """The schools, and of the home school its grades alone: its staff have rounds of their own."""
    home, *others = units.children(units.unit_at(COUNTY).id)
    return (*(grade.id for grade in units.children(home.id)), *(school.id for school in others))


def _people(at: datetime) -> None:
    school = next(unit for unit in units.under(COUNTY) if unit.name == SCHOOLS[0].name)
    home = next(unit for unit in units.under(school.path) if unit.name == HOME_CLASS)
    for login, name, role, unit_id in (
        ("teacher", "王敏", Role.CLASS_TEACHER, home.id),
        ("organizer", "李科", Role.ORGANIZER, units.unit_at(COUNTY).id),
        ("school_admin", "何静", Role.SCHOOL_ADMIN, school.id),
        ("witness", "周见", Role.WITNESS, units.unit_at(COUNTY).id),
        ("clerk", "吴发", Role.CLERK, units.unit_at(COUNTY).id),
    ):
        staff.invite(login=login, name=name, role=role, unit_id=unit_id, at=at, actor=CLI)


def _local(at: datetime, hour: int) -> datetime:
    return at.astimezone(clock.SHANGHAI).replace(hour=hour, minute=0, second=0, microsecond=0).astimezone(UTC)


def _sittings(at: datetime) -> None:
    round_ = campaigns.round_by_code(ROUND)
    doors = links.doors_of(round_.id, COUNTY)
    share = {(school.name, name): done for school in SCHOOLS for _, name, _, done in school.classes}
    plan = []
    for door in doors:
        places = sorted(
            units.places(door.unit_id, round_.term), key=lambda place: _luck(door, place.seat, "turn")
        )
        plan += [
            (door, place.seat, index * 100 // len(places))
            for index, place in enumerate(places)
            if index * 100 < share[door.school_name, door.unit_name] * len(places)
        ]
    with click.progressbar(plan, label="同学们正在答题") as bar:
        for door, seat, turn in bar:
            day = timedelta(
                days=turn * OPENED_DAYS_AGO // 100, seconds=_luck(door, seat, "time") % GOES_TO_SCHOOL_S
            )
            begun_at = min(round_.opens_at + day, at - timedelta(minutes=20))
            last = share[door.school_name, door.unit_name] - STARTED_ONLY
            _sitting(door, seat, begun_at, finished=not (door.unit_name == HOME_CLASS and turn >= last))


def _baseline(at: datetime) -> None:
    """The home class was asked once before it was taught, so that there is something to compare."""
    home = _home_class()
    opens_at = _local(at - timedelta(days=14), OPENS_AT_HOUR)
    round_id = campaign.open_round(
        campaign_id=campaigns.round_by_code(ROUND).campaign_id,
        plan=campaign.RoundPlan(
            code=BASELINE,
            title="学之前，先摸个底",
            paper_id=_quiz(),
            unit_ids=(home.id,),
            opens_at=opens_at,
            closes_at=opens_at + timedelta(days=2),
            attempts=1,
            review_after_submit=("score",),
            review_after_close=("score",),
        ),
        at=opens_at - timedelta(days=1),
        actor=CLI,
    )
    link.issue_links(round_id=round_id, unit_ids=[home.id], at=opens_at, actor=CLI)
    (door,) = links.doors_of(round_id, home.path)
    for place in units.places(home.id, _term(at))[:-4]:
        device, begun_at = f"demo-before-{place.seat:010}", opens_at + timedelta(minutes=place.seat)
        begun = attempt.start(code=door.code, seat=place.seat, source="screen", device=device, at=begun_at)
        attempt.submit(
            attempt_id=begun.attempt_id,
            device=device,
            incoming=dict(_answers(begun.attempt_id, door, place.seat, BEFORE)),
            at=begun_at + timedelta(minutes=5),
        )


def _home_class() -> units.UnitRow:
    home_school = units.children(units.unit_at(COUNTY).id)[0]
    return next(unit for unit in units.under(home_school.path) if unit.name == HOME_CLASS)


def _luck(door: Door, seat: int, of: str) -> int:
    """Return a number that looks like chance and is the same for the same link."""
    return int.from_bytes(hashlib.sha256(f"{door.code}|{seat}|{of}".encode()).digest()[:4])


def _sitting(door: Door, seat: int, at: datetime, *, finished: bool) -> None:
    device = f"demo-phone-{door.link_id:05}-{seat:05}"
    for go in range(2):
        begun = attempt.start(code=door.code, seat=seat, source="poster", device=device, at=at)
        incoming = dict(_answers(begun.attempt_id, door, seat, go))
        if not finished:
            started = {position: saved for position, saved in incoming.items() if position <= 3 + seat % 5}
            attempt.save(attempt_id=begun.attempt_id, device=device, incoming=started, at=at)
            return
        at += timedelta(minutes=4, seconds=seat)
        attempt.submit(attempt_id=begun.attempt_id, device=device, incoming=incoming, at=at)
        state = attempts.sheet(begun.attempt_id)
        if (state.score or 0) * 10000 >= state.threshold_permyriad * state.out_of or seat % 3 == 0:
            return


def _answers(attempt_id: str, door: Door, seat: int, go: int) -> Iterator[tuple[int, Saved]]:
    """Answer as a class would: mostly right, some items harder than others, better the second time."""
    state = attempts.sheet(attempt_id)
    frozen = papers.frozen(state.paper_id)
    view = papers.view(frozen, state.form, state.seed)
    for item, (index, _) in zip(view.items, state.form, strict=True):
        source = frozen.items[index].item
        keys = {option.text for option in source.options if option.key}
        luck = _luck(door, seat, f"{index}-{go}") % 100
        if luck >= SLIPS[go] + 6 * source.difficulty:
            tokens = tuple(option.token for option in item.options if option.text in keys)
        else:
            wrong = [option.token for option in item.options if option.text not in keys]
            tokens = (wrong[luck % len(wrong)],)
        yield item.position, Saved(1, tokens)


def _contests(at: datetime, settings: Settings) -> None:
    """One contest that is running, and one whose prizes are being handed out."""
    county = units.unit_at(COUNTY)
    campaign_id = campaign.open_campaign(
        plan=campaign.CampaignPlan(
            code="demo-contests",
            name="全民反诈知识竞赛（演示）",
            unit_id=county.id,
            term=_term(at),
            target_on=clock.local_day(at + timedelta(days=CLOSES_IN_DAYS)),
            organisers=("阳光县教育局", "阳光县公安局"),
            erase_on=clock.local_day(at + timedelta(days=120)),
        ),
        at=at - timedelta(days=15),
        actor=CLI,
    )
    _contest(campaign_id, CONTEST, "全民反诈知识竞赛", at - timedelta(days=1), days=CLOSES_IN_DAYS)
    drawn = _contest(campaign_id, DRAWN_CONTEST, "家庭反诈知识赛", at - timedelta(days=12), days=6)
    _played(drawn, at - timedelta(days=11))
    _drawn(drawn, at, settings)


def _contest(campaign_id: int, code: str, title: str, begins: datetime, *, days: int) -> int:
    opens_at = _local(begins, OPENS_AT_HOUR)
    closes_at = _local(begins + timedelta(days=days), CLOSES_AT_HOUR)
    county, before = units.unit_at(COUNTY), opens_at - timedelta(days=2)
    round_id = campaign.open_round(
        campaign_id=campaign_id,
        plan=campaign.RoundPlan(
            code=code,
            title=title,
            paper_id=_quiz(),
            unit_ids=(county.id,),
            opens_at=opens_at,
            closes_at=closes_at,
            kind="contest",
            identity="nickname",
            per="day",
            review_after_submit=("score",),
            place_root_id=county.id,
        ),
        at=before,
        actor=CLI,
    )
    link.issue_links(round_id=round_id, unit_ids=[county.id], at=before, actor=CLI)
    said = rulebook.tidied(_rules(announced.facts(round_id)))
    rules.publish(
        round_id=round_id, rules=said, looked_at=rulebook.content_hash(rulebook.written(said)), after=0,
        confirmation=code, reason="", at=before, actor=_actor("organizer"),
    )  # fmt: skip
    return round_id


def _rules(facts: rulebook.Round) -> rulebook.Rules:
    """Write rules as an organizer would; the dice are thrown a day after the end."""
    draw_at = _local(facts.closes_at + timedelta(days=1), 10)
    return rulebook.Rules(
        round=facts,
        who="阳光县居民，自愿参加。主办单位的工作人员不参加评奖。",
        scoring="答对得分，答错、没答不得分，也不扣分。多选题全部选对才得分。",
        qualifies=(8000, 6000),
        tiers=TIERS,
        selection="勤学奖按名次，其余在达到成绩的人里抽取，机会均等。",
        draw_at=draw_at,
        sources=(Source(kind="dice", name=f"现场掷 {DICE} 次骰子", at=draw_at, bits=67),),
        fallback="当天掷不成的，改到第二天同一时间，先在这一页公告。",
        published_where="竞赛页的中奖名单",
        published_days=1,
        claim="凭手机上的领奖码，到县公安局一楼大厅领取，工作日 9:00 到 17:00。",
        documents="本人身份证件，看过就还。",
        forfeiture="逾期没有领取，视为放弃，由名单上的下一位候补。",
        tax="税费由主办单位承担，得奖的人不用付任何钱。",
        fairness="用程序答题、一人用多个身份的，由人核实后取消资格，本人可以申诉。",
        privacy="答题只收昵称；得奖的人领奖时再留手机号，加密保存，发完 30 天删除。",
        contact="阳光县教育局 0555-1234567",
        board_least=5,
    )


def _played(round_id: int, at: datetime) -> None:
    door = links.doors_of(round_id, COUNTY)[0]
    places = [unit.id for unit in units.children(units.unit_at(COUNTY).id)]
    for number in range(PLAYERS):
        device = _phone_of(number)
        nickname = f"{NICKNAMES[number % len(NICKNAMES)]}{number // len(NICKNAMES) + 1}号"
        joining = attempt.Joining(nickname, places[number % len(places)], None, "")
        begun_at = at + timedelta(hours=number)
        begun = attempt.play(code=door.code, joining=joining, source="poster", device=device, at=begun_at)
        attempt.submit(
            attempt_id=begun.attempt_id,
            device=device,
            incoming=dict(_answers(begun.attempt_id, door, number, 1)),
            at=begun_at + timedelta(minutes=3, seconds=_luck(door, number, "time") % 120),
        )


def _drawn(round_id: int, at: datetime, settings: Settings) -> None:
    """Freeze, draw, announce, let two winners claim, and begin handing out: each on its day, by its person."""
    round_ = campaigns.round_of(round_id)
    organizer, witness = _actor("organizer"), _actor("witness")
    frozen_at = round_.closes_at + timedelta(hours=1)
    contests.count_round(round_id, frozen_at)
    draw.freeze(
        plan=draws.plan(round_id, frozen_at), confirmation=round_.code, waiver="演示，不再复核", at=frozen_at,
        actor=organizer,
    )  # fmt: skip
    frozen = draws.draw_of(round_id)
    if frozen is None:
        raise RuntimeError("a list that was frozen is not there")
    dice = "".join(str(_thrown(number)) for number in range(publicvalue.dice_for(67)))
    draw.run_draw(
        drawn=draws.drawn(frozen, [dice]), proof="县公安局大厅，公证员掷骰子，12 人在场", confirmation=round_.code,
        code=round_.code, at=frozen.known_at + timedelta(minutes=20), actor=witness,
    )  # fmt: skip
    announced_at = at - timedelta(days=3)
    prize.announce(round_id=round_id, key_file=settings.key_file, at=announced_at, actor=organizer)
    for number, row in enumerate(prizes.awards(round_id)[:2]):
        prize.claim(
            round_id=round_id, award_id=row.id, phone=f"1380000000{number}", name=f"{SURNAMES[number]}小明",
            guardian=None, key_file=settings.key_file, at=announced_at + timedelta(hours=2),
        )  # fmt: skip
    prize.open_handing_out(round_id=round_id, at=at, actor=organizer)


def _sheets(at: datetime, settings: Settings) -> None:
    """A receipt of parents, a pledge and two adoption surveys of staff, an opinion survey; some have answered."""
    school = units.children(units.unit_at(COUNTY).id)[0]
    grade = next(unit for unit in units.children(school.id) if unit.name == HOME_GRADE)
    staff_room = _room(school.id, STAFF_ROOM, "department", 18, at)
    village = _room(units.unit_at(COUNTY).id, VILLAGE, "village", 8, at)
    classes = [unit.id for unit in units.children(grade.id)]
    opened = [
        _sheet_round(RECEIPT, "receipt", "risk_notice", "和孩子读一遍提示单", [grade.id], classes, at),
        _sheet_round(PLEDGE, "pledge", "staff_pledge", "教职工反诈责任书", [staff_room], [staff_room], at),
        _sheet_round(TOOLS, "adoption", "tools_in_use", "三样工具，装了吗", [staff_room], [staff_room], at),
        _sheet_round(VILLAGE_TOOLS, "adoption", "village_app_coverage", "村里装了多少", [village], [village], at),
        _sheet_round(OPINION, "survey", "parents_opinion", "听听家长怎么说", [grade.id], classes, at),
    ]  # fmt: skip
    receipts, pledges, tools, in_village, opinions = opened
    key_file = settings.key_file
    for number, door in enumerate(receipts):
        home = door.unit_name == HOME_CLASS
        for seat in range(1, 29 if home else 13 - 4 * number):
            told = Given(yes=seat != 9, name=f"{SURNAMES[seat % len(SURNAMES)]}家长", helped=seat == 5)
            _declare(door, seat, told, at - timedelta(hours=2 + seat % 40), key_file)
        if home:
            declaration.enter_papers(
                round_=campaigns.round_of(door.round.id), unit_id=door.unit_id,
                answers={seat: True for seat in range(31, 36)}, on=clock.local_day(at), at=at,
                actor=_actor("teacher"),
            )  # fmt: skip
    for seat in range(1, 14):
        signed = Given(yes=True, name=f"{SURNAMES[seat]}{GIVEN[seat]}", strokes=STROKES if seat % 3 else "")
        _declare(pledges[0], seat, signed, at - timedelta(hours=seat), key_file)
    for seat in range(1, 13):
        picks = {item: ("no" if (seat + item) % 5 == 0 else "yes", item) for item in range(3)}
        if seat == 7:
            picks[2] = ("na", 2)
        _declare(tools[0], seat, _picked(picks), at - timedelta(hours=seat), key_file)
    declaration.verify(
        round_=campaigns.round_by_code(TOOLS), unit_id=staff_room, picks=[(1, 0), (2, 0)], at=at,
        actor=_actor("school_admin"),
    )  # fmt: skip
    for seat in range(1, 6):
        _declare(in_village[0], seat, _picked({0: ("yes", 0)}), at - timedelta(hours=seat), key_file)
    counted = campaigns.round_by_code(VILLAGE_TOOLS)
    declaration.set_population(
        round_=counted, unit_id=village, people=1240, source="村里的户籍册", at=at, actor=_actor("organizer")
    )
    declaration.set_total(
        round_=counted, unit_id=village, item=0, adopted=731, counted_on=clock.local_day(at),
        source="网格员上门统计", at=at, actor=_actor("organizer"),
    )  # fmt: skip
    for door in opinions:
        for seat in range(1, 13 if door.unit_name == HOME_CLASS else 7):
            survey.answer(
                code=door.code, seat=seat, device=f"demo-parent-{door.link_id:05}-{seat:04}",
                fields=opinion(_luck(door, seat, "opinion")), key_file=key_file, at=at - timedelta(hours=seat),
            )  # fmt: skip
    paper.create_sheet_draft(
        code="demo-letter",
        source=sheettext.write(filled_in("letter_to_parents")),
        at=at,
        actor=_actor("organizer"),
    )


def _room(parent_id: int, name: str, kind: str, people: int, at: datetime) -> int:
    before = at - timedelta(days=6)
    unit_id = roster.add_unit(parent_id=parent_id, name=name, kind=kind, at=before, actor=CLI)
    roster.set_headcount(unit_id=unit_id, term=_term(at), expected=people, at=before, actor=CLI)
    return unit_id


def _template(name: str) -> str:
    return (paper_files.SHELF / paper_files.SHEETS / f"{name}.txt").read_text(encoding="utf-8")


def filled_in(template: str) -> sheettext.Body:
    """Read a template of ours with the names of the county in its blanks."""
    text = _template(template)
    for blank, filling in FILLED_IN.items():
        text = text.replace(blank, filling)
    return sheettext.read(text)


def _sheet_round(
    code: str,
    kind: str,
    template: str,
    title: str,
    unit_ids: Sequence[int],
    with_links: Sequence[int],
    at: datetime,
) -> list[Door]:
    opens_at = _local(at - timedelta(days=5), OPENS_AT_HOUR)
    before = opens_at - timedelta(hours=1)
    paper_id = paper.freeze_sheet(code=code, body=filled_in(template), at=before, actor=CLI)
    plan = campaign.RoundPlan(
        code=code, title=title, paper_id=paper_id, unit_ids=tuple(unit_ids), opens_at=opens_at,
        closes_at=_local(at + timedelta(days=CLOSES_IN_DAYS), CLOSES_AT_HOUR), kind=kind,
        referrals=code == TOOLS,
    )  # fmt: skip
    campaign_id = campaigns.round_by_code(ROUND).campaign_id
    round_id = campaign.open_round(campaign_id=campaign_id, plan=plan.settled(), at=before, actor=CLI)
    link.issue_links(round_id=round_id, unit_ids=with_links, at=opens_at, actor=CLI)
    return links.doors_of(round_id, COUNTY)


def _declare(door: Door, seat: int, given: Given, at: datetime, key_file: Path) -> None:
    device = f"demo-hand-{door.link_id:06}-{seat:05}"
    declaration.declare(
        code=door.code, seat=seat, given=given, device=device, by="", key_file=key_file, at=at
    )


def _picked(picks: Mapping[int, tuple[str, int]]) -> Given:
    return Given(items={item: Picked((choice,), check) for item, (choice, check) in picks.items()})


def opinion(luck: int) -> dict[str, list[str]]:
    """Answer every question of parents' opinion; what is not met is passed over."""
    fields = {
        "q0": [str(int(luck % 7 == 0))],
        "q1": [str(source) for source in sorted({luck % 4, luck % 5})],
        "q2": [str(max(1, 5 - luck % 4))],
        "q3": ["字太多，老人看不完"],
        "q5": [str(luck % 6)],
        "q6": [str(luck % 3)],
        "q7": [str(luck % 2)],
        "q8": ["多讲讲游戏账号的骗局"] if luck % 4 == 0 else [],
    }
    return {**fields, **{f"q4r{row}": [str((luck >> row) % 3)] for row in range(4)}}


def _thrown(number: int) -> int:
    return hashlib.sha256(f"demo|{number}".encode()).digest()[0] % 6 + 1


def _phone_of(number: int) -> str:
    return f"demo-player-{number:010}"


def _actor(login: str) -> Actor:
    return Actor.staff(people.person_by_login(login).staff_id)


def _print_doors(settings: Settings) -> None:
    round_ = campaigns.round_by_code(ROUND)
    doors = links.doors_of(round_.id, COUNTY)
    home = next(door for door in doors if door.unit_name == HOME_CLASS)
    click.echo(qr.terminal(home.address(settings.public_url)))
    click.echo(
        f"手机连同一个网络，扫上面的码就能答题（{home.school_name}{home.unit_name}，核对码 {home.phrase}）\n"
    )
    for door in doors:
        click.echo(f"class {door.school_name}{door.unit_name} {door.address(settings.public_url)}")
    running, drawn = (campaigns.round_by_code(code) for code in (CONTEST, DRAWN_CONTEST))
    click.echo(
        f"contest {running.title} {links.doors_of(running.id, COUNTY)[0].address(settings.public_url)}"
    )
    for name, page in (("rules", ""), ("board", "/board"), ("winners", "/winners")):
        click.echo(f"{name} {settings.public_url}/k/{drawn.code}{page}")
    held = draws.draw_of(drawn.id)
    click.echo(f"draw {settings.public_url}/d/{held.id if held else ''}")
    for code in (RECEIPT, PLEDGE, TOOLS, VILLAGE_TOOLS, OPINION):
        round_ = campaigns.round_by_code(code)
        opened = links.doors_of(round_.id, COUNTY)
        door = next((one for one in opened if one.unit_name == HOME_CLASS), opened[0])
        click.echo(f"{round_.kind} {door.unit_name} {door.address(settings.public_url)}")
    claim = next((row.claim_code for row in prizes.awards(drawn.id) if row.state == "claimed"), None)
    if claim:
        click.echo(f"counter {settings.public_url}/staff/contests/{drawn.id}/counter?code={claim}")
    for login in ("teacher", "organizer", "school_admin", "witness", "clerk"):
        person = people.person_by_login(login)
        issued = staff.issue_link(staff_id=person.staff_id, at=clock.now(), actor=CLI)
        click.echo(f"{login} {settings.public_url}{issued.path}")
    click.echo("\n员工链接只能用一次：打开后自己设密码，就登录了。按 Ctrl+C 停止。", nl=True)
