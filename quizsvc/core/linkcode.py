"""The code printed on a poster, and the phrase that shows the poster is ours."""

import unicodedata
from dataclasses import dataclass

from quizsvc.core.refusal import Refusal

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BODY_LENGTH = 6
CODE_LENGTH = BODY_LENGTH + 1

LOWEST_NUMBER = 10
NUMBERS = 90

# Characters of everyday books, none used twice, no two words that sound alike even without tones.
WORDS = (
    "青禾", "白鹭", "晨光", "松林", "山泉", "石桥", "竹叶", "荷塘",
    "云海", "星河", "雨伞", "春笋", "秋月", "冬雪", "夏蝉", "梅子",
    "桃园", "灯塔", "麦田", "稻香", "飞燕", "喜鹊", "蓝鲸", "骏马",
    "熊猫", "金鱼", "彩虹", "明珠", "银杏", "红枫", "绿洲", "紫藤",
    "黄莺", "玉兰", "茉莉", "牡丹", "芦苇", "杨柳", "苹果", "葡萄",
    "西瓜", "花生", "风筝", "书包", "铅笔", "钢琴", "铜锣", "帆船",
    "火车", "钟楼", "城墙", "瀑布", "草原", "沙滩", "岛屿", "茶壶",
    "米糕", "豆浆", "蜜蜂", "蝴蝶", "蜻蜓", "棋盘", "毛衣", "凉亭",
)  # fmt: skip

# More than any way of writing one code needs; longer text is not worth normalising.
_LONGEST_TYPED = 64
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None})


class MistypedCode(Refusal):
    """A text that cannot be a code: wrong length, wrong character, or a check character that does not fit."""

    def __init__(self) -> None:
        """Refuse with 404, the same for every way of being wrong."""
        super().__init__("这个网址不完整或抄错了，请对照海报再看一眼。", status=404)


@dataclass(frozen=True, slots=True)
class Phrase:
    """The phrase (核对码) that stands on the poster and on the phone; a habit to check, not a secret.

    word: one of WORDS
    number: 10..99
    """

    word: str
    number: int

    def __str__(self) -> str:
        """Write it as on the poster: 青禾 27."""
        return f"{self.word} {self.number}"


def check_character(body: str) -> str:
    """Find the character that makes a body tell its own slips of the pen.

    Characters are elements of the field of 32 elements. With x a generator of that field, the body b1 … bn
    and the check character c satisfy b1·x^n + … + bn·x + c = 0. One wrong character changes the sum by e·x^i,
    two neighbours swapped by (a + b)·x^i·(x + 1); neither is 0, so both are always noticed. Weights modulo 32
    cannot do both: they would all have to be odd, and so would their differences.

    body: characters of ALPHABET, length 1..30
    return: one character of ALPHABET
    raise KeyError: a character is not in ALPHABET
    """
    total = 0
    for character in body:
        total = _times_x(total ^ _VALUES[character])
    return ALPHABET[total]


def compose(body: str) -> str:
    """Make a link code of a body.

    body: 6 characters of ALPHABET
    return: 7 characters, the body and its check character
    raise ValueError: the body has another length
    """
    if len(body) != BODY_LENGTH:
        raise ValueError(f"a body has {BODY_LENGTH} characters, not {len(body)}")
    return body + check_character(body)


def parse(text: str) -> str:
    """Read a code as a person typed it.

    text: anything; small letters, full-width characters, spaces and hyphens are fine; O is read as 0, I and L
        as 1
    return: the code as compose made it, 7 characters of ALPHABET
    raise MistypedCode: it is no code
    Source: D. Crockford, Base 32 (the alphabet and its look-alikes)

    >>> parse(" lo0-000a ") == compose("100000")
    True
    """
    if len(text) > _LONGEST_TYPED:
        raise MistypedCode
    code = "".join(unicodedata.normalize("NFKC", text).split()).upper().translate(_LOOK_ALIKES)
    if len(code) != CODE_LENGTH or not _VALUES.keys() >= set(code) or check_character(code[:-1]) != code[-1]:
        raise MistypedCode
    return code


def grouped(code: str) -> str:
    """Write a code in groups of four, so that it can be read aloud and copied.

    code: any text without spaces
    return: groups of four characters with hyphens between, the last group as long as it comes

    >>> grouped("7K3M9Q2F")
    '7K3M-9Q2F'
    """
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def body_from(number: int, length: int) -> str:
    """Write a random number as text.

    number: >= 0, drawn evenly from at least 5 * length bits; bits above are dropped
    length: characters wanted, >= 0
    return: length characters of ALPHABET, most significant first

    >>> body_from(33, 6)
    '000011'
    """
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))


def phrase_of(word_index: int, number: int) -> Phrase:
    """Make the phrase of a word and a number.

    word_index: 0..63
    number: 10..99
    return: the phrase
    raise ValueError: one of them is out of range
    """
    if not (0 <= word_index < len(WORDS) and LOWEST_NUMBER <= number < LOWEST_NUMBER + NUMBERS):
        raise ValueError(f"no phrase has word {word_index} and number {number}")
    return Phrase(WORDS[word_index], number)


def phrase(random_number: int) -> Phrase:
    """Make a phrase of a random number.

    random_number: >= 0, drawn evenly from 5760 values or from far more
    return: one of 64 * 90 = 5760 phrases, all equally likely

    >>> str(phrase(17))
    '青禾 27'
    """
    rest, number = divmod(random_number, NUMBERS)
    return phrase_of(rest % len(WORDS), LOWEST_NUMBER + number)


def _times_x(value: int) -> int:
    """Multiply by x in the field of 32 elements, modulo x^5 + x^2 + 1."""
    doubled = value << 1
    return doubled ^ 0b100101 if doubled & 0b100000 else doubled
