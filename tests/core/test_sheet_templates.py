"""The texts and surveys we ship: easy to read, kind, and nothing in them that is wrong or not for their readers."""

import re
from datetime import date
from pathlib import Path

import pytest

from quizsvc.core import readinglevel, sheettext
from quizsvc.core.adoption import Adoption, Target
from quizsvc.core.document import Document
from quizsvc.core.questionnaire import KINDS, Questionnaire

FOLDER = Path(__file__).parents[2] / "question_banks" / "sheets"
FILES = sorted(FOLDER.glob("*.txt"))
NAMES = [file.stem for file in FILES]
READ_BY_CHILDREN = ("letter_to_parents", "pupils_after_lesson", "risk_notice", "six_donts_pledge")
HARSH = (
    "被骗了",
    "上当",
    "不及格",
    "活该",
    "愚",
    "傻",
    "笨",
    "贪",
    "后果自负",
    "严肃处理",
    "一票否决",
    "排名",
)
NOT_FOR_CHILDREN = ("裸", "色情", "赌", "博彩", "下注", "自杀", "自残")
DOUBTFUL = ("止付", "七年", "捏鼻", "https", "锁卡", "立案")  # what question_facts calls wrong or disputed
SIX_DONTS = ["不轻信", "不泄露", "不点击", "不聊天", "不转账", "不违规"]
EVERY_ONE = 10000


def the(name: str) -> Document | Adoption | Questionnaire:
    return sheettext.read((FOLDER / f"{name}.txt").read_text("utf-8"))


def a_document(name: str) -> Document:
    body = the(name)
    assert isinstance(body, Document)
    return body


def an_adoption(name: str) -> Adoption:
    body = the(name)
    assert isinstance(body, Adoption)
    return body


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_a_template_is_written_as_the_editor_would_write_it(file: Path) -> None:
    text = file.read_text("utf-8")
    assert sheettext.write(sheettext.read(text)) == text


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_kind_easy_to_read_and_free_of_what_is_doubtful(name: str) -> None:
    words = readinglevel.words(the(name))
    assert [word for word in (*HARSH, *DOUBTFUL) if word in words] == []
    assert [word for word in NOT_FOR_CHILDREN if name in READ_BY_CHILDREN and word in words] == []
    assert readinglevel.advice(readinglevel.level(words)) == ""
    assert re.findall(r"https?:|www\.|\d{6,}", words) == []


def test_every_kind_of_sheet_has_a_template() -> None:
    kinds = {name: sheettext.kind_of(the(name)) for name in NAMES}
    assert kinds == {
        "company_acknowledgement": "pledge",
        "elderly_notice": "receipt",
        "letter_to_parents": "receipt",
        "parents_opinion": "survey",
        "pupils_after_lesson": "survey",
        "risk_notice": "receipt",
        "six_donts_pledge": "pledge",
        "staff_app_steps": "adoption",
        "staff_pledge": "pledge",
        "tools_in_use": "adoption",
        "village_app_coverage": "adoption",
    }


def test_who_issues_a_text_is_left_to_be_filled_in() -> None:
    bodies = [body for name in NAMES if isinstance(body := the(name), Document)]
    assert [issuer for body in bodies for issuer in body.issuer if not issuer.startswith("【请填：")] == []
    signers = {"guardian": 2, "student": 1, "staff": 1, "head": 1, "resident": 1}
    assert {key: sum(body.signer == key for body in bodies) for key in signers} == signers


def test_the_risk_notice_has_eleven_points_and_the_old_get_six() -> None:
    notice = a_document("risk_notice")
    assert len(notice.points) == 11
    assert [number for number, point in enumerate(notice.points, 1) if "很可能是诈骗" in point] == [9]
    assert len(a_document("elderly_notice").points) == 6


def test_the_pledges_have_six_donts_and_the_staff_remember_four_more() -> None:
    for name in ("six_donts_pledge", "staff_pledge"):
        assert [point.partition("。")[0] for point in a_document(name).points[:6]] == SIX_DONTS
    staff = a_document("staff_pledge")
    assert [point.startswith("牢记：") for point in staff.points] == [False] * 6 + [True] * 4 + [False] * 4


def test_the_tools_have_the_targets_of_the_plans() -> None:
    tools, steps, village = map(an_adoption, ("tools_in_use", "staff_app_steps", "village_app_coverage"))
    assert [item.targets for item in tools.items] == [(Target("roster", "师生", EVERY_ONE),)] * 3
    assert [item.may_not_apply for item in tools.items] == [True] * 3
    assert [len(item.steps) for item in steps.items] == [4, 2]
    assert [item.targets for item in steps.items] == [(Target("roster", "教职工", EVERY_ONE),)] * 2
    assert {(one.due_on.month, one.due_on.day) for one in steps.items if one.due_on} == {(5, 30)}
    assert all(item.due_on and item.due_on > date(2026, 11, 22) for item in steps.items)
    assert [item.targets for item in village.items] == [
        (Target("population", "居民", 6000), Target("roster", "工作人员", EVERY_ONE))
    ]


def test_the_opinion_survey_shows_every_kind_of_question_and_asks_some_only_of_some() -> None:
    survey = the("parents_opinion")
    assert isinstance(survey, Questionnaire)
    assert {question.kind for question in survey.questions} == set(KINDS)
    assert [bool(question.shown_if) for question in survey.questions] == [False, True, True, True] + [
        False
    ] * 5
    assert survey.words
