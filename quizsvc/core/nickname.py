"""What players may call themselves."""

import re
import unicodedata

from quizsvc.core.refusal import Refusal

SHORTEST, LONGEST = 2, 12
MOST_DIGITS = 4

# Whoever calls himself one of these could speak to other players as if he were we, or is here to sell something.
BLOCKED = (
    "公安", "警察", "警官", "民警", "客服", "管理员", "主办", "官方", "系统", "组委会", "反诈中心", "银行",
    "微信", "加群", "加我", "兼职", "刷单", "返利", "贷款", "代练", "代答", "答案",
    "admin", "root", "system", "http", "www", ".com", ".cn", "vx",
)  # fmt: skip
_DIGITS = re.compile(r"[0-9]")
_ALLOWED = re.compile(r"[\w·.\-]+")


def read(typed: str) -> str:
    """Read a nickname.

    typed: anything
    return: NFKC, without blanks, 2..12 characters
    raise Refusal: too short or long, characters other than letters, digits, dots and hyphens, more than four digits
        (a number somebody could be called by), a link, or a word of BLOCKED
    """
    name = "".join(unicodedata.normalize("NFKC", typed[:100]).split())
    if not SHORTEST <= len(name) <= LONGEST:
        raise Refusal(f"昵称要写 {SHORTEST} 到 {LONGEST} 个字。")
    if not _ALLOWED.fullmatch(name) or name.strip("·.-_") == "":
        raise Refusal("昵称只用汉字、字母、数字，不用表情和别的符号。")
    if len(_DIGITS.findall(name)) > MOST_DIGITS:
        raise Refusal(f"昵称里最多 {MOST_DIGITS} 个数字，不要写手机号、QQ 号、证件号。")
    if any(word in name.lower() for word in BLOCKED):
        raise Refusal("这个昵称容易让人误会，请换一个。")
    return name
