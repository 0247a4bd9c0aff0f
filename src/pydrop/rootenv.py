"""The environment in which root runs a hook: the program's, less what would run the user's code as root.

A hook gets what the program gets, but many variables name code: the dynamic linker loads LD_PRELOAD, bash reads
BASH_ENV, Python looks into PYTHONPATH and into HOME, a bare `chown` is searched along PATH. Where such a variable
names a place that somebody other than root can write, a hook would carry that somebody's code out as root.

Which variables do so is known by families (`LD_*`, `PYTHON*`, `GIT_*` and so on) and by words in their names
(`TOOL_CONFIG`, `toolrc`, `TOOL_OPTS`), since no list of names is ever complete. Such a variable is left out where one
path in its value is not root's alone. Any other variable is passed: `DATA_DIR=/data` is what a hook is for.
"""

import os

from pydrop.errors import Untrusted
from pydrop.trust import open_trusted

# Variables of programs that load code or obey settings, by the beginning of their names.
FAMILIES = (
    *("LD_", "GCONV_", "BASH_", "PYTHON", "PIP_", "VIRTUAL_ENV", "CONDA_", "PERL", "RUBY", "GEM_", "BUNDLE_", "NODE_"),
    *(
        "NPM_",
        "YARN_",
        "LUA",
        "GIT_",
        "JAVA",
        "_JAVA",
        "JDK_",
        "PHP",
        "COMPOSER_",
        "XDG_",
        "OPENSSL_",
        "CURL_",
        "GNUPG",
    ),
    *("ERL_", "MIX_", "TCL", "AWK", "GUILE_", "JULIA_", "DOTNET_", "MONO_", "TERMINFO"),
    *("R_LIBS", "R_PROFILE", "R_ENVIRON", "VIM", "EMACS", "SBCL_", "CAML", "OCAML", "GOROOT", "GOENV", "GOTOOL"),
    *("NVM_", "PYENV_", "RBENV_", "ASDF_", "SDKMAN_", "NIX_CONF", "ANSIBLE_", "UWSGI_", "ODBC", "GCC_", "RUSTC"),
    *("CLOUDSDK_", "UV_", "CMAKE_", "PUPPET", "DEBCONF_"),
    *("VK_", "OCL_", "__EGL_", "__GLX_", "LIBGL_", "LIBVA_", "XTABLES_", "IPTABLES_LIB", "VALGRIND_", "CORECLR_"),
)
# Single ones, whose families hold what every hook needs (PGDATA).
SINGLE_NAMES = (
    *("ENV", "ZDOTDIR", "GOBIN", "PGSYSCONFDIR", "PGSERVICEFILE", "PGPASSFILE", "MAKEFILES", "ANT_ARGS", "MAVEN_ARGS"),
    *("CC", "CXX", "LD", "AR", "M4", "YACC", "LEX", "CATALINA_BASE", "TC_LIB_DIR", "GS_LIB", "TEXMFCNF", "FCEDIT"),
    *("HGMERGE", "CCACHE_PREFIX", "LESSKEYIN", "LESSKEY", "KSH_ENV", "APACHE_ENVVARS", "APACHE_CONFDIR", "LDAPCONF"),
    *("RSYNC_CONNECT_PROG", "BORG_RSH", "BORG_PASSCOMMAND", "RESTIC_PASSWORD_COMMAND", "RCLONE_PASSWORD_COMMAND"),
    *("COMPOSER", "PEAR_CONF", "SOFTHSM2_CONF", "LIBVIRT_DRIVER_DIR", "MAKE", "SED", "SENDMAIL", "DIFFPROG", "COMSPEC"),
    *("FLASK_APP", "GUNICORN_CMD_ARGS", "DPKG_ROOT", "FACTERLIB", "DENO_DIR", "BUN_INSTALL", "ZOOCFGDIR"),
    *("HADOOP_CONF_DIR", "SPARK_CONF_DIR", "FLINK_CONF_DIR", "HIVE_CONF_DIR", "HBASE_CONF_DIR"),
    *("FZF_DEFAULT_COMMAND", "MALLOC_TRACE", "SEGFAULT_OUTPUT_NAME", "ESCRIPT", "RELEASE_VM_ARGS"),
)
# A name that no family knows, but in which one of these stands; in any case (toolrc is as good as TOOLRC).
WORDS = (
    *("PRELOAD", "PATH", "HOME", "OPTS", "OPTIONS", "FLAGS", "CONFIG", "STARTUP", "PLUGIN", "MODULE", "HOOK", "EDITOR"),
    *("PAGER", "SHELL", "WRAPPER"),
)
# The same, but only where one of the name's parts (between `_`) begins or ends with it: they stand in too many words.
SHORT_WORDS = ("RC", "INIT")
# Of all those, names whose value is a path, or a list of paths: there an entry that is empty or relative is one in the
# working folder. Elsewhere only what has a slash in it is taken for a path: PYTHONUNBUFFERED=1 names none.
PATHS = (
    *(
        "PATH",
        "PATHS",
        "HOME",
        "DIR",
        "DIRS",
        "LIB",
        "LIBS",
        "FILE",
        "PREFIX",
        "ROOT",
        "BASE",
        "STARTUP",
        "RC",
        "CONFIG",
    ),
    *("PRELOAD", "AUDIT", "BASH_ENV", "PLUGINS", "PLUGIN", "MODULES", "HOOKS", "MAKEFILES", "R_PROFILE", "R_ENVIRON"),
)
# Looked up by ld.so(8) where root's libraries are, if it is a bare name; and ENV=production is no file to anybody.
BARE_NAMES = ("LD_PRELOAD", "LD_AUDIT", "ENV")
EXPANDED = ("BASH_ENV", "ENV")  # a shell expands these before it opens them: what that gives is known only then
# Hold code or options rather than paths, so no look at a path makes them safe: never for root.
HOLDS_CODE = (
    *(
        "LD_DEBUG",
        "LD_PROFILE",
        "GLIBC_TUNABLES",
        "PERL5OPT",
        "PERL5DB",
        "RUBYOPT",
        "NODE_OPTIONS",
        "JAVA_TOOL_OPTIONS",
    ),
    *("_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "PYTHONINSPECT", "PYTHONBREAKPOINT", "PYTHONWARNINGS", "SHELLOPTS"),
    *("BASHOPTS", "PS4", "PROMPT_COMMAND", "IFS", "EDITOR", "VISUAL", "PAGER", "BROWSER", "GIT_SSH", "GIT_SSH_COMMAND"),
    *("GIT_ASKPASS", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "GIT_PAGER", "GIT_EXTERNAL_DIFF", "GIT_PROXY_COMMAND"),
    *("SSH_ASKPASS", "SUDO_ASKPASS", "LESSOPEN", "LESSCLOSE", "LUA_INIT", "MANPAGER", "PYTHONSTARTUP", "MAKEFLAGS"),
    *("VIMINIT", "EXINIT", "ERL_FLAGS", "ERL_AFLAGS", "ERL_ZFLAGS", "TAR_OPTIONS", "RSYNC_RSH", "CVS_RSH", "SVN_SSH"),
)
CODE_BY_BEGINNING = (  # bash's exported functions replace commands; git takes settings, which name commands, from these
    *("BASH_FUNC_", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_", "GIT_CONFIG_PARAMETERS", "LUA_INIT_"),
)
LIST_SEPARATORS = ":;"  # ld.so(8) and Lua take the second one too
# What else parts a path from an option before it, as in -javaagent:x and --config=x
SEPARATORS = LIST_SEPARATORS + ", \t\r\n=\"'()|&<>"
# PIP_NO_CACHE_DIR=off names no path, whatever its name ends with
SWITCHES = ("0", "1", "on", "off", "yes", "no", "true", "false")
LONGEST_PATH = 4095  # bytes, PATH_MAX without its NUL: nothing is found by a longer one
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ROOTS = {"HOME": "/root", "USER": "root", "LOGNAME": "root"}


def for_root(lines: tuple[str, ...], given: tuple[str, ...] = ()) -> dict[str, str]:
    """`lines` (NAME=value) as getenv(3) would find them (of doubles the first), made safe for root.

    What lies in the folders `given`, which become the user's, is none of root's alone, whoever owns it now: a hook may
    chown one of them itself, and run the user's program."""
    found = {name: value for name, value in _variables(lines).items() if not _is_unsafe(name, value, given)}
    folders = [folder for folder in found.get("PATH", DEFAULT_PATH).split(":") if _is_roots(folder, given)]
    found["PATH"] = ":".join(folders) or DEFAULT_PATH
    return found | ROOTS


def left_out(lines: tuple[str, ...], given: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The names of the variables that `for_root` leaves out of `lines`, in the order of the alphabet."""
    return tuple(sorted([name for name, value in _variables(lines).items() if _is_unsafe(name, value, given)]))


def _variables(lines: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if name and equals:
            found.setdefault(name, value)
    return found


def _is_unsafe(name: str, value: str, given: tuple[str, ...]) -> bool:
    if name in HOLDS_CODE or name.startswith(CODE_BY_BEGINNING):
        return True
    if name in ROOTS or name == "PATH" or not value or not _may_name_code(name):
        return False
    if value.lower() in SWITCHES and not name.upper().endswith("PATH"):
        return False
    if name in EXPANDED and any([mark in value for mark in "$`~"]):
        return True
    return not all([_is_safe_entry(entry, name, given) for entry in _entries(value)])


def _may_name_code(name: str) -> bool:
    upper = name.upper()
    if upper in SINGLE_NAMES or upper.startswith(FAMILIES) or any([word in upper for word in WORDS]):
        return True
    parts = upper.split("_")
    return any([part.startswith(SHORT_WORDS) or part.endswith(SHORT_WORDS) for part in parts])


def _entries(value: str) -> set[str]:
    """What may be a path in the value: each entry of a list whole, since a path may hold blanks; and all that stands
    between separators, since an option may stand before a path."""
    found = set(_cut(value, LIST_SEPARATORS))
    pieces = set(_cut(value, SEPARATORS))
    return found | (pieces - {""})


def _cut(value: str, separators: str) -> list[str]:
    for separator in separators[1:]:
        value = value.replace(separator, separators[0])
    return value.split(separators[0])


def _is_safe_entry(entry: str, name: str, given: tuple[str, ...]) -> bool:
    """Whether root alone decides what is found by this entry. A relative one is never looked up: the hook may stand
    anywhere by then."""
    if entry.startswith("/"):
        return _is_roots(entry, given)
    if "/" in entry or entry in (".", ".."):
        return _has_a_path_of_its_own(entry)
    return name in BARE_NAMES or not name.upper().endswith(PATHS)


def _has_a_path_of_its_own(entry: str) -> bool:
    """Whether separators part the entry, so that its pieces are judged one by one; a piece as such is relative."""
    return any([separator in entry for separator in SEPARATORS])


def _is_roots(path: str, given: tuple[str, ...]) -> bool:
    """Whether root alone can put something there; where nothing is yet, its folder must be root's.

    A way back (..) through what is not there counts as the user's: programs shorten it to what it would lead to."""
    if len(path) > LONGEST_PATH or (given and _lies_in(path, given)):
        return False
    while True:
        try:
            os.close(open_trusted(path, os.O_PATH))
        except FileNotFoundError:
            if ".." in path.split("/"):
                return False
            path = os.path.dirname(path)
        except (OSError, Untrusted):
            return False
        else:
            return True


def _lies_in(path: str, given: tuple[str, ...]) -> bool:
    """Whether a path leads into one of these folders, as it is written or behind links."""
    spellings = (os.path.normpath(path), os.path.realpath(path))
    folders = {f"{spelling(folder)}/" for folder in given for spelling in (os.path.normpath, os.path.realpath)}
    return any([f"{each}/".startswith(tuple(folders)) for each in spellings])
