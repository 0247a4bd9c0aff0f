"""The plain kinds of value: text, lists, paths."""

from pydrop.settings.raw_setting import BLANKS, LONGEST_PATH, MOST_ITEMS, ODD_MARKS, RawSetting, as_toml, quoted

BEFORE_PATHS = ("/", "[", ",", ";")  # how a value begins that names a path, with odd marks or without


def text(given: RawSetting) -> str:
    """A text that is not empty and holds no NUL."""
    value = given.value
    if not isinstance(value, str):
        raise given.refuse("is not a text", f'write it in quotes: {given.name} = "..."')
    if not value.strip(BLANKS):
        raise given.refuse("is empty", f"leave {given.source} out where nothing is meant")
    if "\0" in value:
        raise given.refuse("contains a NUL character", "take it out")
    return value


def items(given: RawSetting, separator: str) -> list[object]:
    """The items of a list: a file has an array; else a text is cut at `separator`, and empty items are left out."""
    if given.file:
        if not isinstance(given.value, list):
            raise given.refuse("is not a list", f"put it in brackets: {given.name} = [{listable(given.value)}]")
        return few(given, given.value)
    found: list[object] = [item for item in text(given).split(separator) if item.strip(BLANKS)]
    if not found:
        raise given.refuse("names nothing", f"leave {given.source} out where nothing is meant")
    return few(given, found)


def few(given: RawSetting, found: list[object]) -> list[object]:
    """`found`, which is no longer than a list may be."""
    if len(found) > MOST_ITEMS:
        raise given.refuse(
            f"has {len(found)} items, more than {MOST_ITEMS}", "name a folder that holds several of them"
        )
    return found


def listable(value: object) -> str:
    """The item of a list that the remedy shows: the value itself, where it could be one."""
    return as_toml(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else '"..."'


def texts(given: RawSetting, separator: str) -> list[str]:
    """The items of a list, as `items` finds them, each of which has to be a text."""
    return [item_text(given, item) for item in items(given, separator)]


def item_text(given: RawSetting, item: object) -> str:
    if not isinstance(item, str) or not item.strip(BLANKS):
        raise given.refuse("has an item that is empty or not a text", 'each item is written in quotes, as "..."')
    return item


def path(given: RawSetting) -> str:
    """An absolute path, normalised. In an option or a variable it holds no mark that stands beside or between paths in
    lists."""
    value = text(given)
    if not given.file and value[:1] in BEFORE_PATHS:
        odd = value if is_oddly_listed(value) or ":/" in value or value.strip(BLANKS) != value else ""
        if odd:
            from pydrop.settings import path_lists

            raise path_lists.refusal_of_single(given, odd)
    return absolute(given, value)


def paths(given: RawSetting) -> tuple[str, ...]:
    """Absolute paths, normalised, each once."""
    require_colons(given)
    return tuple(dict.fromkeys([absolute(given, item) for item in texts(given, ":")]))


def require_colons(given: RawSetting) -> None:
    """Raise BadSetting for a list of paths in an option or a variable that something else than `:` separates."""
    value = "" if given.file else str(given.value).strip(BLANKS)
    if not is_oddly_listed(value):
        return
    from pydrop.settings import path_lists

    raise path_lists.refusal(given, value)


def is_oddly_listed(value: str) -> bool:
    """Whether a list of paths holds what stands between paths in other lists, or a blank beside one."""
    if any([mark in value for mark in ODD_MARKS]):
        return True
    return " " in value and any([mark in value for mark in (" /", " :", ": ")])


def command(given: RawSetting) -> tuple[str, ...]:
    """The words of a command. Only its first must not be empty."""
    words = given.value
    if not isinstance(words, list):
        whole = str(words).split() if isinstance(words, str) else ["..."]
        shown = ", ".join([f'"{word}"' for word in whole])
        raise given.refuse("is not a list", f"write each word apart: {given.name} = [{shown}]")
    for word in words:
        if not isinstance(word, str) or "\0" in word:
            raise given.refuse("has a word that is no text", 'write each word in quotes, as "..."')
    if words and (not words[0].strip(BLANKS) or words[0].startswith("-")):
        raise given.refuse("begins with no command", f'write {given.name} = ["nginx", "-g", "daemon off;"]')
    return tuple([str(word) for word in words])


def absolute(given: RawSetting, item: str) -> str:
    """`item` without doubled or trailing slashes and `.`. Refuses a relative path, and a path with `..` in it."""
    whole = "" if item == given.value else f"names {quoted(item)}, which "
    if not item.startswith("/"):
        raise given.refuse(f"{whole}is not an absolute path", "name it from / on")
    if "\0" in item:
        raise given.refuse(f"{whole}contains a NUL character", "take it out")
    if len(item) > LONGEST_PATH:
        raise given.refuse(f"{whole}is longer than any path", f"shorten it to {LONGEST_PATH} characters")
    names = [name for name in item.split("/") if name not in ("", ".")]
    if ".." in names:
        raise given.refuse(f"{whole}has a .. in it", "write the folder that is meant")
    return "/" + "/".join(names)
