"""Names as other people may see them."""

from typing import Final

from quizsvc.core import telephone


def masked_name(name: str) -> str:
    """Hide a name so that its owner knows it and a stranger does not.

    name: as the roster has it, any script, any length; outer white space is ignored
    return: first character, one star, last character; two characters keep the first only, one keeps nothing;
        the star is always one, so the length of a long name is hidden as well

    >>> masked_name("李明航"), masked_name("李明"), masked_name("欧阳小明明"), masked_name("李")
    ('李*航', '李*', '欧*明', '*')
    """
    bare = name.strip()
    if len(bare) < 2:
        return "*"
    return f"{bare[0]}*{bare[-1]}" if len(bare) > 2 else f"{bare[0]}*"


def masked_nickname(nickname: str) -> str:
    """Hide a nickname so that its owner knows it and a stranger does not.

    nickname: as the player chose it; outer white space is ignored
    return: its first character and two stars, however long it is; two stars for an empty one

    >>> masked_nickname("青禾同学"), masked_nickname("")
    ('青**', '**')
    """
    return f"{nickname.strip()[:1]}**"


_TWO_CHARACTERS: Final = frozenset(
    {
        "欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "令狐", "慕容",
        "司徒", "夏侯", "长孙", "宇文", "轩辕", "端木", "独孤", "南宫", "西门", "澹台",
    }
)  # fmt: skip


def family_name(name: str) -> str:
    """Find the family name, which is all that is told of a minor.

    name: as somebody typed it, any script, any length; outer white space is ignored
    return: the first character, the first two where they are a well-known family name of two and more follows;
        "" for an empty name

    >>> family_name("李明航"), family_name("欧阳小明"), family_name("欧阳")
    ('李', '欧阳', '欧')
    """
    bare = name.strip()
    return bare[:2] if bare[:2] in _TWO_CHARACTERS and len(bare) > 2 else bare[:1]


def masked_winner(name: str, number: str, *, minors: bool) -> str:
    """Write a winner as the public list may show them.

    name: as the winner typed it, not empty
    number: their mobile number, 11 digits
    minors: whether the contest is open to minors
    return: masked name and masked number; of a contest open to minors the family name alone
    Source: domain.md 4.2, design.md 6

    >>> masked_winner("李明航", "13800131234", minors=False), masked_winner("李明航", "13800131234", minors=True)
    ('李*航 138****1234', '李同学')
    """
    if minors:
        return f"{family_name(name)}同学"
    return f"{masked_name(name)} {telephone.masked(number)}"
