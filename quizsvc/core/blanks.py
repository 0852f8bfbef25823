"""What of a template is still to be filled in: a sheet with such a place is not ready to be read by anybody."""

import re

_BLANK = re.compile(r"【 ?请填 ?[:：]?([^】【\n]{0,200})】")


def blanks(text: str) -> tuple[str, ...]:
    """Find what is still to be filled in.

    text: any
    return: what is asked for, in the order of the text, each once; "" where it is not said

    >>> blanks("【请填：学校全称】和【请填：当地反诈中心的名称】，【请填：学校全称】")
    ('学校全称', '当地反诈中心的名称')
    """
    return tuple(dict.fromkeys(asked.strip() for asked in _BLANK.findall(text)))
