"""A fictional county to try everything with: three schools, twelve classes, one running round."""

import csv
import hashlib
import io
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

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
from quizsvc.campaign import operations as campaign
from quizsvc.campaign import queries as campaigns
from quizsvc.contest import cli as contests
from quizsvc.core import publicvalue, rulebook, term
from quizsvc.core.access import Role
from quizsvc.core.marking import Saved
from quizsvc.core.rulebook import Source, Tier
from quizsvc.db import db
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

CONTEST, DRAWN_CONTEST = "demo-contest", "demo-drawn"
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
    _contests(at, settings)


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
            paper_id=papers.papers()[0].id,
            unit_ids=(county.id,),
            opens_at=opens_at,
            closes_at=closes_at,
            identity="roster",
        ),
        at=opens_at - timedelta(days=1),
        actor=CLI,
    )
    classes = [unit.id for unit in units.under(COUNTY) if unit.kind == "class"]
    link.issue_links(round_id=round_id, unit_ids=classes, at=opens_at, actor=CLI)


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
        if luck >= (9, 3)[go] + 6 * source.difficulty:
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
            paper_id=papers.papers()[0].id,
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
    code = next((row.claim_code for row in prizes.awards(drawn.id) if row.state == "claimed"), None)
    if code:
        click.echo(f"counter {settings.public_url}/staff/contests/{drawn.id}/counter?code={code}")
    for login in ("teacher", "organizer", "school_admin", "witness", "clerk"):
        person = people.person_by_login(login)
        issued = staff.issue_link(staff_id=person.staff_id, at=clock.now(), actor=CLI)
        click.echo(f"{login} {settings.public_url}{issued.path}")
    click.echo("\n员工链接只能用一次：打开后自己设密码，就登录了。按 Ctrl+C 停止。", nl=True)
