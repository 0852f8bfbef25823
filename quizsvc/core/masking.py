"""Names as other people may see them."""


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
