"""Rules as a TOML file."""

from pathlib import Path

import pytest

from quizsvc.core import announcement, rulebook
from quizsvc.rulebook import files
from tests.core.test_rulebook import ROUND
from tests.make import rules_of

WHOLE = """
round = "quiz-2026"
who = "阳光县居民，自愿参加。"
scoring = "答对得分，多选题全部选对才得分。"
qualifies = [100, 90.0]
selection = "一等奖按名次，二、三等奖抽奖。"
draw_at = 2026-12-28T10:00:00
fallback = "哪一期没有开奖，就用下一期。"
published_where = "阳光县教育局网站"
claim = "凭领奖码到县教育局一楼领奖，工作日 9:00—17:00。"
documents = "本人身份证件，看过就还。"
forfeiture = "逾期不领视为放弃，由候补的人领。"
tax = "税费由主办单位承担。"
fairness = "一人用多个身份、用程序答题的，查实后取消资格，可以申诉。"
privacy = "只收昵称；得奖的人领奖时再留手机号，领完三十天内删除。"
contact = "阳光县教育局 0555-1234567"

[[tier]]
name = "一等奖"
item = "平板电脑"
number = 2
value_yuan = 1500
by = "standing"
[[tier]]
name = "二等奖"
item = "蓝牙耳机"
number = 3
value_yuan = 200
[[tier]]
name = "三等奖"
item = "保温杯"
number = 10
value_yuan = 50

[[source]]
kind = "lottery"
name = "双色球 2026147 期"
at = 2026-12-22T13:15:00Z
[[source]]
kind = "lottery"
name = "双色球 2026148 期"
at = 2026-12-24T21:15:00
[[source]]
kind = "lottery"
name = "双色球 2026149 期"
at = 2026-12-27T21:15:00
bits = 24
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "rules.toml"
    written.write_text(WHOLE, encoding="utf-8")
    return written


def test_file_says_the_same_as_the_pages(file: Path) -> None:
    shape = files.read_rules(file)

    assert shape.round == "quiz-2026"
    assert shape.rules(ROUND) == rules_of(ROUND)


def test_shortest_file_has_gaps_and_no_faults(file: Path) -> None:
    file.write_text(
        'round = "quiz-2026"\nboard = "frozen"\nboard_freezes_at = 2026-12-20T12:00:00\n', encoding="utf-8"
    )

    rules = files.read_rules(file).rules(ROUND)

    assert rules == rulebook.Rules(round=ROUND, board="frozen", board_freezes_at=rules.board_freezes_at)
    assert rulebook.moment(rules.board_freezes_at) == "2026年12月20日 12:00"
    assert len(announcement.gaps(rules)) == 6


def test_claimed_bits_are_held_against_what_there_can_be(file: Path) -> None:
    file.write_text(WHOLE.replace("bits = 24", "bits = 25"), encoding="utf-8")

    [gap] = announcement.gaps(files.read_rules(file).rules(ROUND))

    assert "最多能算 24 比特" in gap.sentence


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('round = "quiz-2026"', "", "rules.toml:1 缺少“round”。"),
        ("number = 10", 'number = "10"', "rules.toml:32 “tier 第 3 项的 number”要写成整数，不加引号。"),
        ("number = 10", "number = 0", "rules.toml:32 “tier 第 3 项的 number”太小了，现在写的是 0。"),
        ("tax =", "taxes =", "rules.toml:13 不认识的字段“taxes”，是不是“tax”？"),
        ("[100, 90.0]", "[0]", "rules.toml:5 “qualifies 第 1 项”写得不对。"),
        ("[100, 90.0]", "[nan]", "rules.toml:5 “qualifies 第 1 项”太大了，现在写的是 nan。"),
        ("[100, 90.0]", "[]", "rules.toml:5 “qualifies”不能是空的。"),
        ('contact = "', "contact = ", "rules.toml:16 这一行附近不合 TOML 的写法"),
        ('by = "standing"', 'by = "favour"', "rules.toml:23 “tier 第 1 项的 by”写得不对。"),
    ],
)
def test_fault_is_told_with_its_line(file: Path, old: str, new: str, said: str) -> None:
    assert old in WHOLE
    file.write_text(WHOLE.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(files.BadRules) as refused:
        files.read_rules(file)

    assert refused.value.text.startswith(said)
