"""Values that are one of a few words: yes or no, or a word of a given list."""

from pydrop.option_words import BLANKS, says_yes
from pydrop.settings.raw_setting import Filled, RawSetting
from pydrop.settings.values import text


def flag(given: RawSetting) -> bool:
    """Yes or no: true and false in a file, else 1/0, true/false, yes/no, on/off in any case."""
    value = given.value
    if isinstance(value, bool):
        return value
    if given.file and not isinstance(value, Filled):
        raise given.refuse("is not yes or no", f"write {given.name} = true or {given.name} = false, without quotes")
    meant = says_yes(str(value))
    if meant is not None:
        return meant
    raise given.refuse("is not yes or no", f"write {given.example('1')} or {given.example('0')}")


def choice(given: RawSetting, choices: tuple[str, ...]) -> str:
    """The one of `choices` that is given."""
    word = text(given).strip(BLANKS)
    if word not in choices:
        from pydrop.settings import wishes
        from pydrop.settings.nearest import misspelt

        wish = wishes.for_value("chown-policy" if given.name == "policy" else given.name, word)
        problem, names = f"{given} is not one of {', '.join(choices)}", {name: name for name in choices}
        raise misspelt(problem, "" if wish else word, names, wish)
    return word
