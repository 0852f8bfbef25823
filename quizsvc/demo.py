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
from quizsvc.audit import CLI
from quizsvc.bank import files as bank_files
from quizsvc.bank import operations as bank
from quizsvc.campaign import operations as campaign
from quizsvc.campaign import queries as campaigns
from quizsvc.core import term
from quizsvc.core.access import Role
from quizsvc.core.marking import Saved
from quizsvc.db import db
from quizsvc.link import operations as link
from quizsvc.link import queries as links
from quizsvc.link.queries import Door
from quizsvc.paper import files as paper_files
from quizsvc.paper import operations as paper
from quizsvc.paper import queries as papers
from quizsvc.roster import files as roster_files
from quizsvc.roster import operations as roster
from quizsvc.roster import queries as units
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
    for login in ("teacher", "organizer", "school_admin"):
        person = people.person_by_login(login)
        issued = staff.issue_link(staff_id=person.staff_id, at=clock.now(), actor=CLI)
        click.echo(f"{login} {settings.public_url}{issued.path}")
    click.echo("\n员工链接只能用一次：打开后自己设密码，就登录了。按 Ctrl+C 停止。", nl=True)
