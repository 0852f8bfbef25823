"""Which passwords are too easy to guess."""

import re
import unicodedata
from collections.abc import Collection, Iterator

from quizsvc.core.refusal import Refusal

SHORTEST = 10
LONGEST = 128
LEFT_OVER = 2
SHORTEST_RUN = 3
LONGEST_RUN = 26
LONGEST_CYCLE = 4

_WRITTEN_EVERYWHERE = """
password passwd passw0rd p@ssword p@ssw0rd pass word letmein welcome admin administrator root user guest test
login master secret default changeme iloveyou loveyou love hello monkey dragon sunshine princess football
basketball superman batman shadow michael jordan computer internet trustno1 school teacher student class china
"""
_CHINESE_HABITS = """
woaini aini woai woshi wode nihao mima wangji zhanghao laoshi jiaoshi xuesheng xuexiao banji banzhuren zhuren
xiaozhang zhongguo beijing shanghai guangzhou shenzhen zhongxue xiaoxue daxue gaozhong chuzhong shiyan
jiaoyuju gonganju taobao weixin zhifubao alipay wechat baobao laopo laogong shengri kuaile
520 521 1314 5201314 1314520 168 518 588 666 888 110 119 120 96110 10086 10010 12306
"""
_THIS_SERVICE = "quizsvc fanzha fanzhapian zhapian zhixiao zhixiaolv anquan"
WORDS = frozenset(f"{_WRITTEN_EVERYWHERE} {_CHINESE_HABITS} {_THIS_SERVICE}".split())
_ROWS = """
01234567890 abcdefghijklmnopqrstuvwxyz qwertyuiop asdfghjkl zxcvbnm !@#$%^&*() 147258369 789456123 159357
1qaz2wsx3edc4rfv5tgb6yhn7ujm qazwsxedcrfvtgbyhnujm 1q2w3e4r5t6y7u8i9o0p
"""
ROWS = tuple(_ROWS.split())
_DAY = re.compile(r"(19|20)\d\d(?:[01]\d(?:[0-3]\d)?)?")


class TooEasy(Refusal):
    """A password that must not be used."""


def normalised(password: str) -> str:
    """Bring a password into the form that is hashed.

    password: as it was typed, any script
    return: the same with full-width characters of a Chinese keyboard as ordinary ones; blanks stay.

    >>> normalised("Ａｂｃ１２３ x")
    'Abc123 x'
    """
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, own: Collection[str]) -> None:
    """Refuse a password that others would try early.

    password: as it was typed. own: login and name of its owner, which count as known words.
    raise TooEasy: under 10 or over 128 characters; digits only; a short cycle repeated; or made of known
        words, days and keyboard runs with at most two other characters.
    Source: reliability.md 4.6 (at least 10 and a block-list, no forced mixture of kinds of characters).
    """
    text = normalised(password).casefold()
    if len(text) < SHORTEST:
        raise TooEasy(f"密码至少要 {SHORTEST} 个字符。可以用四个不相干的词连起来，好记也难猜。")
    if len(text) > LONGEST:
        raise TooEasy(f"密码最多 {LONGEST} 个字符。")
    if text.isdecimal():
        raise TooEasy("不要只用数字（生日、手机号最先被猜到）。请再加几个词。")
    if _cycles(text) or _left_over(text, own) <= LEFT_OVER:
        raise TooEasy("这个密码太容易被猜到（常用词、键盘顺序，或者和你的登录名相近）。请换一个。")


def _cycles(text: str) -> bool:
    return any((text[:size] * len(text))[: len(text)] == text for size in range(1, LONGEST_CYCLE + 1))


def _left_over(text: str, own: Collection[str]) -> int:
    """Count the characters that no choice of known pieces covers."""
    words = WORDS | {normalised(word).casefold() for word in own if len(word) >= 2}
    fewest = [0]
    for end in range(1, len(text) + 1):
        starts = [end - size for size in _known_sizes(text[:end], words)]
        fewest.append(min([fewest[end - 1] + 1, *(fewest[start] for start in starts)]))
    return fewest[-1]


def _known_sizes(text: str, words: Collection[str]) -> Iterator[int]:
    """List how long the known pieces are that end where the text ends."""
    yield from (len(word) for word in words if text.endswith(word))
    for size in range(SHORTEST_RUN, min(len(text), LONGEST_RUN) + 1):
        piece = text[-size:]
        same = piece == piece[0] * size
        if same or _DAY.fullmatch(piece) or any(piece in row or piece[::-1] in row for row in ROWS):
            yield size
