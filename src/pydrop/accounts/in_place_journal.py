"""Plans the writes that change an account file in place, so that a kill at any moment leaves it whole.

A mount point cannot be replaced by rename(2). The new text is therefore prepared behind the old text, in the file
itself, and the next start settles the file if this start is killed. perform.accountfiles carries the writes out:

    1. append BEGIN (which lines stay, how many there were), padding, BEGIN again, the lines to come, END
    2. comment out the old lines from the first that differs, blank them, write the new ones there
    3. cut the file behind them

Lines are written commented out, then each gets its first byte: a write is torn only where pages meet,
never within one byte. So at every moment each line of the file is a whole old line, a whole new line, a
comment or blank. Every entry is there at least once: before step 2 as it was, from then on behind BEGIN.
"""

from pydrop.accounts.account_lines import REWRITING, parse_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 4096  # bytes; a killed write(2) leaves whole pages

MOST_JOURNALS = 20  # rewritings killed one after the other; a file with more is meant to keep root busy

BEGIN = REWRITING + "of its lines stay "
END = "# pydrop: all of them stand above"

Write = tuple[int, bytes]  # offset, content


def settled(text: str) -> str:
    """The text after every rewriting in it is completed, or undone where it had not begun to change lines."""
    text = _without_torn_begin(text)
    for _ in range(MOST_JOURNALS):
        if BEGIN not in text:
            break
        text = _without_last(text)
    return text


def _without_torn_begin(text: str) -> str:
    """The text without an incomplete line of BEGIN at its end, which a kill left."""
    if text.endswith("\n"):
        return text
    last = text[text.rfind("\n") + 1 :]
    torn = last.startswith(BEGIN) or (last != "" and BEGIN.startswith(last))
    return text[: len(text) - len(last)] if torn else text


def _without_last(text: str) -> str:
    """The text after its last rewriting is completed or undone."""
    lines = text.split("\n")
    begin = next((i for i in range(len(lines) - 1, -1, -1) if lines[i].startswith(BEGIN)), None)
    if begin is None:
        return text
    words = lines[begin][len(BEGIN) :].split(" ")
    stay, were = (parse_id(words[0]), parse_id(words[2])) if len(words) > 2 else (None, None)
    complete = END in lines[begin:]
    if stay is None or were is None or not stay <= were or (stay if complete else were) > begin:
        return "\n".join([*lines[:begin], *lines[begin + 1 :]])  # no line that writes() wrote
    if complete:
        return "\n".join(lines[:stay] + lines[begin + 1 : lines.index(END, begin)])
    return "\n".join([*lines[:were], ""])


def writes(old: str, new: str, page: int = PAGE) -> tuple[list[Write], list[Write]]:
    """Returns (the writes that prepare, the writes that change), each list in its order.

    The first list must be on the disk before the second begins. After both, the file is cut to the length of `new`.
    Before both, the caller cuts off what an earlier rewriting left behind the old text: where the text of the file
    begins with what `settled` makes of it, `old` is that beginning.
    """
    before, after = _bytes(old), _bytes(new)
    if before.startswith(after):
        return [], []
    added = after[len(before) :] if after.startswith(before) and before[-1:] in (b"", b"\n") else b""
    if added and len(before) // page == (len(after) - 1) // page:
        return [], [(len(before), added)]
    stay = _lines_in_common(before, after)
    begin = _bytes(f"{BEGIN}{before.count(10, 0, stay)} of {_line_count(before)} until it is done\n")
    early = (b"" if before[-1:] in (b"", b"\n") else b"\n") + begin
    first = max(len(before) + len(early), len(after) + 1)  # one more: a newline, where `new` does not end with one
    prepared, copy = first + len(begin), after[stay:] + b"\n"
    prepare = [
        (len(before), early),
        (len(before) + len(early), b"\n" * (first - len(before) - len(early)) + begin),
        *_commented_first(prepared, copy),
        (prepared + len(copy), _bytes(END + "\n")),
    ]
    change = [(start, b"#") for start in _line_starts(before, stay)]
    return prepare, [*change, *_newlines(stay, first, page), *_commented_first(stay, after[stay:])]


def _commented_first(offset: int, content: bytes) -> "Iterator[Write]":
    """The writes of `content`: first all lines commented out, then the first byte of each line."""
    starts = list(_line_starts(content, 0))
    commented = bytearray(content)
    for start in starts:
        commented[start : start + 1] = b"#"
    yield offset, bytes(commented)
    for start in starts:
        yield offset + start, content[start : start + 1]


def _newlines(begin: int, end: int, page: int) -> "Iterator[Write]":
    """The writes that fill a range with newlines, page by page from its end on.

    So the rest of a line that stands before the newlines always begins with its ``#``."""
    while end > begin:
        start = max(begin, (end - 1) // page * page)
        yield start, b"\n" * (end - start)
        end = start


def _line_starts(content: bytes, begin: int) -> "Iterator[int]":
    """The offsets of the lines that are neither blank nor comments."""
    start = begin
    while 0 <= start < len(content):
        if content[start : start + 1] not in (b"\n", b"#"):
            yield start
        start = content.find(b"\n", start) + 1 or -1


def _lines_in_common(before: bytes, after: bytes) -> int:
    """The length in bytes of the whole lines with which both texts begin."""
    length = 0
    for one, other in zip(before.split(b"\n")[:-1], after.split(b"\n")[:-1], strict=False):
        if one != other:
            break
        length += len(one) + 1
    return length


def _line_count(content: bytes) -> int:
    return content.count(b"\n") + (content[-1:] not in (b"", b"\n"))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
