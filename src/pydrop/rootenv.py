"""The environment in which root runs a hook: the program's, less what would run the user's code as root.

A hook gets what the program gets, but many of these variables name code: the dynamic linker loads
LD_PRELOAD, bash reads BASH_ENV, Python looks into PYTHONPATH and into HOME, a bare `chown` is
searched along PATH. Where such a variable names a place that somebody other than root can write, a
hook would carry that somebody's code out as root.
"""

import os

from pydrop.errors import Untrusted
from pydrop.trust import open_trusted

# Each names one or several paths of code or of settings that can name code. Left out where one of
# its paths is not root's alone.
NAMES_PATHS = (
    "LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT GCONV_PATH LOCPATH NLSPATH BASH_ENV ENV CDPATH "
    "PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONUSERBASE PYTHONPYCACHEPREFIX PERL5LIB PERLLIB RUBYLIB "
    "NODE_PATH GEM_HOME GEM_PATH LUA_PATH LUA_CPATH PHPRC PHP_INI_SCAN_DIR CLASSPATH GIT_CONFIG_GLOBAL "
    "GIT_CONFIG_SYSTEM GIT_EXEC_PATH GIT_TEMPLATE_DIR OPENSSL_CONF OPENSSL_MODULES OPENSSL_ENGINES CURL_HOME "
    "XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME PYTHONPLATLIBDIR PYTHONEXECUTABLE BASH_LOADABLES_PATH ZDOTDIR "
    "AWKPATH AWKLIBPATH TCLLIBPATH PSQLRC PGSYSCONFDIR PGSERVICEFILE MYSQL_HOME PIP_CONFIG_FILE"
).split()
# Hold code or options, not paths: never for root.
HOLDS_CODE = (
    "LD_DEBUG LD_PROFILE GLIBC_TUNABLES PERL5OPT PERL5DB RUBYOPT NODE_OPTIONS JAVA_TOOL_OPTIONS _JAVA_OPTIONS "
    "JDK_JAVA_OPTIONS PYTHONINSPECT PYTHONBREAKPOINT PYTHONWARNINGS SHELLOPTS BASHOPTS PS4 PROMPT_COMMAND IFS "
    "EDITOR VISUAL PAGER GIT_SSH GIT_SSH_COMMAND GIT_ASKPASS GIT_EDITOR GIT_PAGER SSH_ASKPASS LESSOPEN LESSCLOSE"
).split()
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ROOTS = {"HOME": "/root", "USER": "root", "LOGNAME": "root"}


def for_root(lines: tuple[str, ...]) -> dict[str, str]:
    """`lines` (NAME=value) as getenv(3) would find them (of doubles the first), made safe for root."""
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if name and equals and not _holds_code(name) and not (name in NAMES_PATHS and _unsafe(name, value)):
            found.setdefault(name, value)
    found["PATH"] = _safe_path(found.get("PATH", DEFAULT_PATH))
    return found | ROOTS


def _holds_code(name: str) -> bool:
    """Also bash's exported functions, which replace commands by their name."""
    return name in HOLDS_CODE or name.startswith(("BASH_FUNC_", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"))


def _unsafe(name: str, value: str) -> bool:
    """A bare name is looked up where root's libraries are by ld.so(8), and is no file to anybody in
    ENV=production; elsewhere it is one in the folder where the hook stands."""
    paths = [path for part in value.split(":") for path in part.split()]
    if name in ("LD_PRELOAD", "LD_AUDIT", "ENV"):
        paths = [path for path in paths if "/" in path]
    return not all([_is_roots(path) for path in paths])


def _safe_path(value: str) -> str:
    """PATH without the folders that somebody other than root can write, or could make."""
    return ":".join([folder for folder in value.split(":") if _is_roots(folder)]) or DEFAULT_PATH


def _is_roots(path: str) -> bool:
    """Whether root alone can put something there; where nothing is yet, its folder must be root's."""
    try:
        os.close(open_trusted(path, os.O_PATH))
    except FileNotFoundError:
        return _is_roots(os.path.dirname(path))
    except (OSError, Untrusted):
        return False
    return True
