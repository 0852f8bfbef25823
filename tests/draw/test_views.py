"""The desk, the public proof with its files, the stage, the protocol."""

import io
import re
import subprocess
import sys
import zipfile

import pytest

from quizsvc import audit
from quizsvc.core import draw as lots
from quizsvc.core.rulebook import Source, Tier
from quizsvc.draw import queries
from quizsvc.draw.models import Result
from quizsvc.web.assets import ASSETS
from tests import make
from tests.desk import text_of
from tests.draw.conftest import DRAW_AT, OVER, VALUE


@pytest.fixture
def frozen(stage):
    assert stage.freeze().status_code == 303
    return stage


@pytest.fixture
def drawn(frozen):
    frozen.later(DRAW_AT)
    assert frozen.record().status_code == 303
    return frozen


def draw_of(stage):
    return queries.draw_of(stage.round_id)


def text(answer) -> str:
    return text_of(answer.get_data(as_text=True))


def test_the_desk_says_what_it_waits_for_before_the_button(stage):
    stage.later(make.CLOSES)
    waiting = stage.organizer.page(stage.desk)
    assert "还不能封存" in waiting
    assert "/freeze" not in waiting
    stage.later(OVER)
    ready = stage.organizer.page(stage.desk)

    assert "/freeze" in ready
    assert "谁也不能再加进去" in ready
    assert "/freeze" not in stage.witness.page(stage.desk)
    assert stage.clerk.get(stage.desk).status_code == 404


def test_freezing_publishes_the_hash(stage, phone):
    answer = stage.freeze()
    page = text(phone.get(f"/d/{draw_of(stage).id}"))

    assert answer.status_code == 303
    assert draw_of(stage).list_hash in page
    assert "9 个参赛编号" in page
    assert "等公开号码" in page
    assert "中奖编号" not in page
    assert "不收费、不要密码验证码、不用转发" in page


def test_a_wrong_code_freezes_nothing(stage):
    assert stage.freeze(confirmation="x").status_code == 400
    assert stage.freeze().status_code == 303
    assert stage.freeze().status_code == 409
    assert stage.witness.post(f"{stage.desk}/freeze").status_code == 404


def test_the_value_is_recorded_by_another_person_and_twice_alike(frozen):
    early = frozen.record()
    frozen.later(DRAW_AT)
    mine = frozen.organizer.page(frozen.desk)
    alike = frozen.record(again0=VALUE[::-1])
    refused = frozen.record(frozen.organizer)
    bad = frozen.record(value="7" * 26)
    assert db_is_empty()
    done = frozen.record()

    assert early.status_code == 409
    assert "要由另一个人来记" in mine
    assert "value0" not in mine
    assert (alike.status_code, "两次写的号码不一样" in text(alike)) == (400, True)
    assert (refused.status_code, bad.status_code) == (403, 400)
    assert done.status_code == 303
    assert frozen.record().status_code == 409
    assert "已抽奖" in frozen.witness.page(frozen.desk)


def db_is_empty() -> bool:
    return queries.db.session.query(Result).count() == 0


def test_a_value_before_the_freeze_is_refused(stage):
    assert stage.record().status_code == 409


def test_a_notice_stands_on_the_public_page(frozen, phone):
    answer = frozen.organizer.post(f"{frozen.desk}/notice", text="开奖改在县剧院。")
    page = text(phone.get(f"/d/{draw_of(frozen).id}"))
    frozen.later(DRAW_AT)

    assert answer.status_code == 303
    assert "开奖改在县剧院。" in page
    assert "开奖改在县剧院。" in frozen.witness.page(frozen.desk)
    assert frozen.witness.post(f"{frozen.desk}/notice", text="不算").status_code == 404


def test_a_failed_lottery_is_replaced_by_dice_at_the_desk(ended):
    stage = ended(sources=tuple(Source(kind="lottery", name="双色球", at=DRAW_AT, bits=24) for _ in range(3)))
    stage.freeze()
    stage.organizer.post(f"{stage.desk}/notice", text="最后一期没有开奖，改用掷骰子。")
    stage.later(DRAW_AT)
    lottery, dice = "01 02 03 04 05 06+07", "1234561234"
    offered = stage.witness.page(stage.desk)
    fields = {f"{name}{place}": lottery for name in ("value", "again") for place in (0, 1)}
    answer = stage.record(**{**fields, "value2": dice, "again2": dice, "instead2": "dice"})

    assert "改用现场掷骰子" in offered
    assert answer.status_code == 303
    assert draw_of(stage).result.public_value.endswith(f"+07;{dice}")


def test_the_proof_shows_what_was_drawn(drawn, phone, watch):
    draw = draw_of(drawn)
    with watch.counting() as seen:
        answer = phone.get(f"/d/{draw.id}")
    page = text(answer)

    assert len(seen) == 6
    for shown in (draw.list_hash, draw.result.seed, VALUE, draw.rules_hash, "公证员在台上掷"):
        assert shown in page
    assert all(one.entry_id in page for one in queries.winners(draw.id))
    assert "青禾" not in page
    assert 'src="/static/draw.' in answer.get_data(as_text=True)


@pytest.mark.parametrize("spell", [str, str.lower, lambda one: f" {one[:4]}-{one[4:]} "])
def test_everybody_finds_their_own_entry(drawn, phone, spell):
    draw = draw_of(drawn)
    won = queries.winners(draw.id)

    def asked(entry: str) -> str:
        return text(phone.get(f"/d/{draw.id}", query_string={"entry": spell(entry)}))

    assert "得了 一等奖" in asked(won[0].entry_id)
    assert "得了 二等奖 。顺序里排第 1" in asked(won[2].entry_id)
    assert "不在抽奖名单里" in asked("0" * 16)


def test_reserves_and_those_who_wait_find_their_entry_too(ended, phone):
    stage = ended(tiers=(Tier(name="一等奖", item="书", number=1, value_yuan=30, by="draw"),))
    stage.freeze()
    draw_id = draw_of(stage).id
    waiting = text(phone.get(f"/d/{draw_id}?entry={stage.entries[3]}"))
    absent = text(phone.get(f"/d/{draw_id}?entry={stage.entries[-1]}"))
    stage.later(DRAW_AT)
    stage.record()
    order = queries.body(draw_id, lots.ORDER).decode().split()

    assert "在名单里，等着抽奖" in waiting
    assert "不在抽奖名单里" in absent
    assert "顺序里排第 8。这次没有得奖" in text(phone.get(f"/d/{draw_id}?entry={order[-1]}"))


def test_the_files_are_the_ones_that_were_written(drawn, phone, tmp_path):
    draw = draw_of(drawn)
    names = list(queries.sizes(draw.id))
    got = {name: phone.get(f"/d/{draw.id}/{name}") for name in names}
    bundle = phone.get(f"/d/{draw.id}/bundle.zip")
    archive = zipfile.ZipFile(io.BytesIO(bundle.data))
    archive.extractall(tmp_path)

    assert names == list(lots.FILES)
    assert lots.problems({name: answer.data for name, answer in got.items()}) == []
    assert all(answer.content_length == len(answer.data) for answer in got.values())
    assert got[lots.ENTRIES].headers["Cache-Control"].startswith("public")
    assert sorted(archive.namelist()) == sorted([*names, "verify.py"])
    assert all(archive.read(name) == answer.data for name, answer in got.items())
    assert phone.get(f"/d/{draw.id}/verify.py").data == ASSETS["verify.py"].body
    run = subprocess.run(
        [sys.executable, "verify.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (run.returncode, "不一致" in run.stdout, "可以验证" in run.stdout) == (0, False, True)


def test_before_the_draw_there_is_no_result_to_fetch(frozen, phone):
    draw_id = draw_of(frozen).id

    assert phone.get(f"/d/{draw_id}/{lots.ORDER}").status_code == 404
    assert phone.get(f"/d/{draw_id}/{lots.ENTRIES}").status_code == 200
    assert zipfile.ZipFile(io.BytesIO(phone.get(f"/d/{draw_id}/bundle.zip").data)).testzip() is None


@pytest.mark.parametrize("address", ["", "/entries.txt", "/verify.py", "/bundle.zip", "/stage"])
def test_an_unknown_draw_is_not_found(app, phone, address: str):
    assert phone.get(f"/d/NOSUCHDRAW{address}").status_code == 404


def test_the_stage_reveals_step_by_step_what_is_recorded(frozen, phone):
    address = f"/d/{draw_of(frozen).id}/stage"
    before = text(phone.get(address, query_string={"step": 5}))
    frozen.later(DRAW_AT)
    frozen.record()
    steps = [phone.get(address, query_string={"step": step}).get_data(as_text=True) for step in range(9)]
    won = queries.winners(draw_of(frozen).id)
    last = text_of(steps[-1])

    assert "1 / 1" in text_of(before)
    assert VALUE not in text_of(steps[0])
    assert VALUE in text_of(steps[1])
    assert won[-1].entry_id[-4:] in steps[2]
    assert won[0].entry_id[-4:] not in steps[7]
    assert "青**" in last
    assert won[0].entry_id not in steps[-1]
    assert "8 / 8" not in text_of(steps[2])
    assert "<svg" in steps[0]
    assert phone.get(f"{address}?step=x").status_code == 200


def test_minors_are_not_named_on_the_stage(ended, phone):
    stage = ended(minors=True, approval="教字 7 号")
    stage.freeze()
    stage.later(DRAW_AT)
    stage.record()
    pages = [
        phone.get(f"/d/{draw_of(stage).id}/stage?step={step}").get_data(as_text=True) for step in (0, 2, 5)
    ]

    assert not any("青" in page for page in pages)
    assert "不公布昵称" in pages[0]


def test_the_protocol_carries_the_place_in_the_audit_log(drawn):
    page = text(drawn.organizer.get(f"{drawn.desk}/protocol"))
    draw = draw_of(drawn)

    accounts = (f"{drawn.organizer.staff_id} 号账号", f"{drawn.witness.staff_id} 号账号")
    for shown in (*accounts, draw.id, draw.list_hash, draw.result.order_hash, VALUE, audit.anchor().short):
        assert shown in page
    assert drawn.clerk.get(f"{drawn.desk}/protocol").status_code == 200


def test_there_is_no_protocol_before_the_freeze(stage):
    assert stage.organizer.get(f"{stage.desk}/protocol").status_code == 404


def test_a_contest_without_a_lottery_says_so(ended, phone):
    stage = ended(tiers=(Tier(name="冠军", item="书", number=1, value_yuan=30, by="standing"),), sources=())
    stage.freeze()
    stage.record(proof="按名次，公证员在场")
    page = phone.get(f"/d/{draw_of(stage).id}").get_data(as_text=True)

    assert "全部按名次发" in page
    assert not re.search(r"draw\.[0-9a-f]+\.js", page)
    assert "冠军" in text(phone.get(f"/d/{draw_of(stage).id}/stage?step=2"))
