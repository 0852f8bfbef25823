"""Refusals carry a sentence and a status."""

import pytest

from quizsvc.core.linkcode import MistypedCode
from quizsvc.core.marking import NotOnPaper
from quizsvc.core.refusal import Refusal, Unknown


def test_refusal_without_status_is_400():
    refusal = Refusal("请先填写学校。")

    assert (refusal.text, refusal.status, str(refusal)) == ("请先填写学校。", 400, "请先填写学校。")


def test_refusal_with_status_keeps_it():
    assert Refusal("已经交过卷了。", status=409).status == 409


@pytest.mark.parametrize(
    ("refusal", "status"), [(Unknown("没有找到。"), 404), (Unknown("没有了。", status=410), 410)]
)
def test_unknown_is_404_unless_told_otherwise(refusal: Unknown, status: int):
    assert refusal.status == status
    assert isinstance(refusal, Refusal)


@pytest.mark.parametrize(
    ("refusal", "status", "text"),
    [
        (MistypedCode(), 404, "这个网址不完整或抄错了，请对照海报再看一眼。"),
        (NotOnPaper(), 400, "答案和这份试卷对不上，请刷新页面后再交一次。"),
    ],
)
def test_refusals_beside_their_rule_have_a_status_and_a_sentence(refusal: Refusal, status: int, text: str):
    assert (refusal.status, refusal.text) == (status, text)
