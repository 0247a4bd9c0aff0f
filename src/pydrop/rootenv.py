"""The environment in which root runs a hook: the program's, without variables that would run the user's code as root.

Many variables name code. The dynamic linker loads LD_PRELOAD, bash reads BASH_ENV, Python looks into PYTHONPATH and
into HOME, and a bare `chown` is searched along PATH. Where such a variable names a place that another user than root
can write, a hook would run that user's code as root. perform/hooks calls `for_root`.
"""

import os

from pydrop.errors import Untrusted
from pydrop.trust import open_trusted

# Each of these holds one or several paths of code, or of settings that can name code. A variable is left out where one
# of its paths is not root's alone.
NAMES_PATHS = (
    "LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT GCONV_PATH LOCPATH NLSPATH BASH_ENV ENV CDPATH "
    "PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONUSERBASE PYTHONPYCACHEPREFIX PERL5LIB PERLLIB RUBYLIB "
    "NODE_PATH GEM_HOME GEM_PATH LUA_PATH LUA_CPATH PHPRC PHP_INI_SCAN_DIR CLASSPATH GIT_CONFIG_GLOBAL "
    "GIT_CONFIG_SYSTEM GIT_EXEC_PATH GIT_TEMPLATE_DIR OPENSSL_CONF OPENSSL_MODULES OPENSSL_ENGINES CURL_HOME "
    "XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME PYTHONPLATLIBDIR PYTHONEXECUTABLE BASH_LOADABLES_PATH ZDOTDIR "
    "AWKPATH AWKLIBPATH TCLLIBPATH PSQLRC PGSYSCONFDIR PGSERVICEFILE MYSQL_HOME PIP_CONFIG_FILE"
).split()
# Each of these holds code or options, no paths: root never gets it.
HOLDS_CODE = (
    "LD_DEBUG LD_PROFILE GLIBC_TUNABLES PERL5OPT PERL5DB RUBYOPT NODE_OPTIONS JAVA_TOOL_OPTIONS _JAVA_OPTIONS "
    "JDK_JAVA_OPTIONS PYTHONINSPECT PYTHONBREAKPOINT PYTHONWARNINGS SHELLOPTS BASHOPTS PS4 PROMPT_COMMAND IFS "
    "EDITOR VISUAL PAGER GIT_SSH GIT_SSH_COMMAND GIT_ASKPASS GIT_EDITOR GIT_PAGER SSH_ASKPASS LESSOPEN LESSCLOSE"
).split()
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ROOTS = {"HOME": "/root", "USER": "root", "LOGNAME": "root"}


def for_root(lines: tuple[str, ...]) -> dict[str, str]:
    """The variables of `lines` (NAME=value) that are safe for root. Of a doubled name the first counts: getenv(3)."""
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if name and equals and not _holds_code(name) and not (name in NAMES_PATHS and _unsafe(name, value)):
            found.setdefault(name, value)
    found["PATH"] = _safe_path(found.get("PATH", DEFAULT_PATH))
    return found | ROOTS


def _holds_code(name: str) -> bool:
    """Whether a variable holds code or options. Exported functions of bash do: they replace commands of their name."""
    return name in HOLDS_CODE or name.startswith(("BASH_FUNC_", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"))


def _unsafe(name: str, value: str) -> bool:
    """Whether a path in `value` is not root's alone.

    A bare name is safe in LD_PRELOAD and LD_AUDIT, since ld.so(8) looks it up among root's libraries. It is safe in
    ENV too: nobody takes the word of ENV=production for a file. In other variables it is a file in the hook's working
    folder."""
    paths = [path for part in value.split(":") for path in part.split()]
    if name in ("LD_PRELOAD", "LD_AUDIT", "ENV"):
        paths = [path for path in paths if "/" in path]
    return not all([_is_roots(path) for path in paths])


def _safe_path(value: str) -> str:
    """PATH without the folders that another user than root can write or could create."""
    return ":".join([folder for folder in value.split(":") if _is_roots(folder)]) or DEFAULT_PATH


def _is_roots(path: str) -> bool:
    """Whether root alone can write this path. Where it does not exist yet, root alone must be able to create it."""
    try:
        os.close(open_trusted(path, os.O_PATH))
    except FileNotFoundError:
        return _is_roots(os.path.dirname(path))
    except (OSError, Untrusted):
        return False
    return True
