"""Builds, from the table of settings, the scripts that complete the arguments of `pydrop`. They start no program."""

from collections.abc import Callable

from pydrop.ctl.completion_items import FILES, OPTIONS, values
from pydrop.settings.table import Row

BASH = """\
_pydrop_value() {{
    local words
    case $1 in
{values}
    *) return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$2")
}}

# Options end where the command begins. bash makes three words of --name=value.
_pydrop() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} at=1 ended=
    COMPREPLY=()
    while ((at < COMP_CWORD)); do
        case ${{COMP_WORDS[at]}} in
        --) ended=yes; ((at++)); break ;;
        -*)
            if [[ ${{COMP_WORDS[at+1]}} == = ]]; then
                ((at + 1 == COMP_CWORD)) && current=
                ((at + 2 >= COMP_CWORD)) && {{ _pydrop_value "${{COMP_WORDS[at]}}" "$current"; return; }}
                ((at += 3))
                continue
            fi
            case ${{COMP_WORDS[at]}} in
            {flags}) ((at++)) ;;
            *)
                ((at + 1 == COMP_CWORD)) && {{ _pydrop_value "${{COMP_WORDS[at]}}" "$current"; return; }}
                ((at += 2))
                ;;
            esac
            ;;
        *) break ;;
        esac
    done
    if ((at < COMP_CWORD)); then
        compopt -o default
    elif [[ $current == -* && ! $ended ]]; then
        mapfile -t COMPREPLY < <(compgen -W "{options}" -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -c -- "$current" | sort -u)
    fi
}}
complete -F _pydrop pydrop
"""
ZSH = """\
_pydrop() {{
    _arguments -S \\
{options}
        '(-)1:command:_command_names -e' \\
        '*::argument:_normal'
}}
compdef _pydrop pydrop
"""
FISH = """\
# Options end where the command begins.
function __pydrop_has_no_command
    set -l words (commandline -opc)[2..]
    while set -q words[1]
        switch $words[1]
            case --
                not set -q words[2]
                return
            case '--*=*' {flags}
                set -e words[1]
            case '-*'
                set -e words[1]
                set -q words[1]; and set -e words[1]
            case '*'
                return 1
        end
    end
    return 0
end
complete -c pydrop -n __pydrop_has_no_command -f -a '(__fish_complete_command)'
{options}
"""
ALONE = {"help": "show a summary and exit", "version": "show the version and exit"}
FLAGS = [f"--{name}" for name in [*[row.name for row in OPTIONS if row.flag], *ALONE]]
OPTION_NAMES = [*[f"--{row.name}" for row in OPTIONS], *[f"--{name}" for name in ALONE]]


def bash() -> str:
    """For bash 4.4 and newer."""
    cases = []
    for row in OPTIONS:
        known = values(row)
        if known == (FILES,):
            cases.append(f"    --{row.name}) compopt -o default; return ;;")
        elif known:
            cases.append(f'    --{row.name}) words="{" ".join(known)}" ;;')
    return BASH.format(values="\n".join(cases), flags="|".join(FLAGS), options=" ".join(OPTION_NAMES))


def zsh() -> str:
    """For zsh with compinit."""
    options = [f"        {_quoted(_zsh_option(row))} \\" for row in OPTIONS]
    options += [f"        {_quoted(f'(- *)--{name}[{words}]')} \\" for name, words in ALONE.items()]
    return ZSH.format(options="\n".join(options))


def _zsh_option(row: Row) -> str:
    """An option in the form of zsh's _arguments: ``--name=[meaning]:form:what to offer``."""
    known = values(row)
    action = "_files" if known == (FILES,) else f"({' '.join(known)})" if known else " "
    meaning, form = row.meaning.replace("[", "\\[").replace("]", "\\]"), row.form.replace(":", "\\:")
    return f"--{row.name}={'-' if row.flag else ''}[{meaning}]:{':' if row.flag else ''}{form}:{action}"


def fish() -> str:
    """For fish 3."""
    lines = []
    for row in OPTIONS:
        known = values(row)
        takes = "" if row.flag else " -r -F" if known == (FILES,) else f" -x -a {_quoted(' '.join(known))}"
        lines.append(f"{_fish_option(row.name, row.meaning)}{takes}")
    lines += [_fish_option(name, words) for name, words in ALONE.items()]
    return FISH.format(flags=" ".join(FLAGS), options="\n".join(lines))


def _fish_option(name: str, meaning: str) -> str:
    described = meaning.replace("\\", "\\\\").replace("'", "\\'")
    return f"complete -c pydrop -n __pydrop_has_no_command -l {name} -d '{described}'"


def _quoted(text: str) -> str:
    """The text as one quoted word of zsh or fish."""
    return "'" + text.replace("'", "'\\''") + "'"


SHELLS: dict[str, Callable[[], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
