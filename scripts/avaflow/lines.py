"""Lines of text files, as the readers of our files and lists count them."""


def lines_of(text: str) -> list[str]:
    r"""The lines of a text without their ends, which are ``\n``, ``\r\n`` or ``\r``.

    `str.splitlines` would also break a row at U+2028, U+0085 or a form feed, which names and
    captions copied from elsewhere hold.

    >>> lines_of("a\u2028b\r\nc\n")
    ['a\u2028b', 'c']
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines
