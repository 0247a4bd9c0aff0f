"""The environment of root's hooks: the program's, less what would run the user's code as root."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from pydrop.rootenv import DEFAULT_PATH, for_root, left_out

pytestmark = pytest.mark.quick

# (name, a value of it with {0} in the user's place) that make some program run the user's code; most are in no list
NAMES_CODE = [
    *[(name, "{0}/x.so") for name in ("LD_PRELOAD", "LD_AUDIT", "LD_ANYTHING_NEW")],
    *[(name, "{0}") for name in ("LD_LIBRARY_PATH", "GCONV_PATH", "LOCPATH", "NLSPATH", "BASH_ENV", "ENV", "CDPATH")],
    *[
        (name, "{0}")
        for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX", "PYTHON_NEW_DIR")
    ],
    *[(name, "{0}") for name in ("PERL5LIB", "PERLLIB", "RUBYLIB", "GEM_HOME", "GEM_PATH", "BUNDLE_PATH", "NODE_PATH")],
    *[(name, "{0}/f") for name in ("BUNDLE_GEMFILE", "NPM_CONFIG_USERCONFIG", "npm_config_globalconfig", "NODE_EXTRA")],
    *[(name, "{0}/?.lua;;") for name in ("LUA_PATH", "LUA_CPATH", "LUA_PATH_5_4")],
    *[(name, "{0}") for name in ("GIT_DIR", "GIT_EXEC_PATH", "GIT_TEMPLATE_DIR", "GIT_CONFIG_GLOBAL", "GIT_CEILING_X")],
    *[(name, "-javaagent:{0}/x.jar") for name in ("JAVA_OPTS", "CATALINA_OPTS", "MAVEN_OPTS", "GRADLE_OPTS", "X_OPTS")],
    *[(name, "{0}") for name in ("JAVA_HOME", "CLASSPATH", "PHPRC", "PHP_INI_SCAN_DIR", "COMPOSER_HOME", "PHP_NEW")],
    *[(name, "{0}") for name in ("XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_DIRS", "XDG_CACHE_HOME")],
    *[
        (name, "{0}/f")
        for name in ("OPENSSL_CONF", "KUBECONFIG", "DOCKER_CONFIG", "AWS_CONFIG_FILE", "PIP_CONFIG_FILE")
    ],
    *[(name, "{0}/rc") for name in ("INPUTRC", "WGETRC", "PSQLRC", "NETRC", "toolrc", "TOOL_RC", "RC_FILE", "MY_INIT")],
    *[(name, "{0}/sh") for name in ("SHELL", "CONFIG_SHELL", "MYEDITOR", "TOOLPAGER", "RUSTC_WRAPPER", "A_HOOK")],
    *[(name, "{0}") for name in ("GST_PLUGIN_PATH", "QT_PLUGIN_PATH", "GIO_MODULE_DIR", "GTK_MODULES", "TCLLIBPATH")],
    *[(name, "{0}") for name in ("AWKPATH", "R_LIBS", "CARGO_HOME", "GRADLE_USER_HOME", "MYSQL_HOME", "GNUPGHOME")],
    *[(name, "--load={0}/x") for name in ("GOFLAGS", "TOOL_OPTIONS", "SOME_FLAGS", "ANT_ARGS", "ERL_LIBS")],
    *[
        (name, "{0}/x")
        for name in ("R_PROFILE_USER", "R_ENVIRON_USER", "R_LIBS_SITE", "VIMRUNTIME", "VK_ICD_FILENAMES")
    ],
    *[(name, "{0}/x") for name in ("ODBCINI", "ODBCSYSINI", "OCL_ICD_VENDORS", "__EGL_VENDOR_LIBRARY_FILENAMES", "CC")],
    *[(name, "{0}") for name in ("NVM_DIR", "PYENV_ROOT", "ANSIBLE_LIBRARY", "GOROOT", "XTABLES_LIBDIR")],
    *[(name, "sh {0}/x") for name in ("BORG_PASSCOMMAND", "RESTIC_PASSWORD_COMMAND", "RSYNC_CONNECT_PROG", "HGMERGE")],
    *[(name, "{0}/x") for name in ("CLOUDSDK_PYTHON", "UV_PYTHON", "COMPOSER", "PEAR_CONF", "SOFTHSM2_CONF", "MAKE")],
    *[(name, "{0}") for name in ("SPARK_CONF_DIR", "HADOOP_CONF_DIR", "LIBVIRT_DRIVER_DIR", "FACTERLIB", "PUPPET_LIB")],
    *[("GUNICORN_CMD_ARGS", "-c{0}/x.py"), ("GUNICORN_CMD_ARGS", "-c {0}/x.py"), ("FLASK_APP", "{0}/app.py")],
    *[("DEBCONF_DB_OVERRIDE", "File{{{0}/x}}"), ("CMAKE_PROJECT_INCLUDE", "{0}/x"), ("DENO_DIR", "{0}")],
    *[("DOTNET_STARTUP_HOOKS", "{0}/x.dll"), ("MY_STARTUP_FILE", "{0}/x"), ("SOMETHING_PRELOADED", "{0}/x")],
]


@pytest.fixture
def users(tmp_path: Path) -> str:
    """A folder that the program's user can write."""
    tmp_path.chmod(0o755)
    folder = tmp_path / "app"
    folder.mkdir()
    os.chown(folder, 1500, 1500)
    return str(folder)


def test_a_variable_that_names_a_place_of_the_user_s_is_left_out(users: str) -> None:
    """Whatever tool it is for; also where the place is not there yet, and beside places of root's."""
    forms = ("{0}", "{0}/not/yet/there", "/usr/lib:{0}", "/usr/lib;{0}", "/usr/lib {0}", "/usr/lib,{0}")
    passed = []
    for name, value in NAMES_CODE:
        for form in (value, *forms):
            if name in for_root((f"{name}={form.format(users)}",)):
                passed.append((name, form))
    assert passed == []


ROOTS_OWN = [
    *("LD_PRELOAD=libjemalloc.so.2", "LD_PRELOAD=/usr/lib/libjemalloc.so.2", "LD_LIBRARY_PATH=/usr/lib:/usr/local/lib"),
    *("ENV=production", "PYTHONPATH=/usr/share", "BASH_ENV=/etc/profile", "JAVA_HOME=/usr/lib/jvm/java-17"),
    *(
        "PYTHONUNBUFFERED=1",
        "PYTHONDONTWRITEBYTECODE=1",
        "NODE_ENV=production",
        "NODE_VERSION=20.1.0",
        "PHP_VERSION=8.2",
    ),
    *("JAVA_OPTS=-Xmx512m -javaagent:/usr/share/agent.jar", "GIT_AUTHOR_NAME=A B", "PHP_INI_DIR=/usr/local/etc/php"),
    *(
        "XDG_SESSION_TYPE=tty",
        "SHELL=/bin/bash",
        "PIP_INDEX_URL=https://pypi.example/simple/",
        "GEM_HOME=/usr/local/bundle",
    ),
    *("LD_LIBRARY_PATH=", "PYTHONPATH=", "LD_BIND_NOW=1", "PIP_NO_CACHE_DIR=off"),
]


@pytest.mark.parametrize("line", ROOTS_OWN)
def test_what_names_a_place_of_root_s_or_none_stays(line: str) -> None:
    """Only what somebody else could write is taken away; what is empty names nothing."""
    name, _, value = line.partition("=")
    assert for_root((line,))[name] == value


def test_any_other_name_is_passed_whatever_it_names(users: str) -> None:
    """What hooks are for: the program's data."""
    names = (
        "DATA_DIR",
        "DATADIR",
        "PGDATA",
        "UPLOADS",
        "DATABASE_URL",
        "BACKUP_TO",
        "SOURCE_DIR",
        "MEDIA",
        "MUSIC_LIBRARY",
    )
    lines = tuple([f"{name}={users}/x" for name in names])
    assert {name: value for name, value in for_root(lines).items() if name in names} == dict.fromkeys(
        names, f"{users}/x"
    )


NOT_ABSOLUTE = [
    *("PYTHONPATH=.", "PYTHONPATH=lib", "BASH_ENV=profile", "LD_LIBRARY_PATH=lib", "LD_LIBRARY_PATH=/usr/lib:"),
    *("LD_LIBRARY_PATH=:/usr/lib", "LD_LIBRARY_PATH=/usr/lib::/lib", "LD_LIBRARY_PATH=/usr/lib;", "PYTHONPATH=:"),
    *("LD_PRELOAD=lib/x.so", "LD_PRELOAD=./x.so", "PERL5LIB=/usr/share/perl5:lib", "NODE_PATH=node_modules"),
    *("LUA_PATH=/usr/share/lua/?.lua;./?.lua", "LUA_PATH=/usr/share/lua/?.lua;;", "CLASSPATH=/usr/share/x.jar:"),
    *(
        "JAVA_OPTS=-javaagent:./agent.jar",
        "JAVA_OPTS=-javaagent:lib/agent.jar",
        "X_OPTS=-Ilib/x",
        "X_OPTS=-I/usr/../data",
    ),
    *("GIT_DIR=repo", "GIT_EXEC_PATH=..", "MYTOOL_PATH=plugins", "SOME_HOME=.", "COMPOSER_HOME=composer", "PHPRC=."),
    *("LD_LIBRARY_PATH=/usr/lib:on", "PYTHONPATH=1", "PYTHONPATH=/nowhere/../data"),
    *("BASH_ENV=$HOME/rc", "BASH_ENV=`id`", "BASH_ENV=~/rc", "ENV=$RC", "ENV=~/rc", "BASH_ENV=/etc/$(id)"),
]


@pytest.mark.parametrize("line", NOT_ABSOLUTE)
def test_an_entry_that_is_empty_relative_or_expanded_is_left_out(line: str) -> None:
    """It is one in the working folder, or what a shell makes of it; neither is looked up."""
    assert line.partition("=")[0] not in for_root((line,))


@pytest.mark.parametrize(
    "name",
    [
        *("PERL5OPT", "NODE_OPTIONS", "RUBYOPT", "SHELLOPTS", "BASH_FUNC_chown%%", "GIT_SSH_COMMAND", "LUA_INIT"),
        *(
            "LUA_INIT_5_4",
            "GIT_CONFIG_KEY_0",
            "GIT_CONFIG_PARAMETERS",
            "EDITOR",
            "PAGER",
            "PROMPT_COMMAND",
            "PS4",
            "IFS",
        ),
    ],
)
def test_a_variable_that_holds_code_is_left_out(name: str) -> None:
    assert name not in for_root((f"{name}=() {{ id; }}",))


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("{0}:/usr/bin:{0}/bin:/bin", "/usr/bin:/bin"),
        (".:/usr/bin::bin", "/usr/bin"),
        ("{0}", DEFAULT_PATH),
        ("/tmp:/usr/bin", "/usr/bin"),
    ],
)
def test_path_keeps_the_folders_that_are_root_s(users: str, path: str, left: str) -> None:
    """Where a hook looks for `chown`, nobody else may put one."""
    assert for_root((f"PATH={path.format(users)}",))["PATH"] == left


def test_home_is_root_s(users: str) -> None:
    """Python, git and ssh read code and settings from HOME."""
    found = for_root((f"HOME={users}", "USER=app", "LOGNAME=app"))
    assert (found["HOME"], found["USER"], found["LOGNAME"]) == ("/root", "root", "root")


def test_all_else_comes_as_it_is() -> None:
    """Of doubles the first counts, as for getenv(3); what has no name is nothing."""
    found = for_root(("my.var=1", "A=1", "A=2", "EMPTY=", "noequals", "=x"))
    assert {name: found[name] for name in ("my.var", "A", "EMPTY")} == {"my.var": "1", "A": "1", "EMPTY": ""}
    assert "noequals" not in found and "" not in found


def test_what_is_left_out_has_its_name(users: str) -> None:
    """For who wonders; HOME, USER, LOGNAME and PATH are not left out but root's own."""
    lines = (f"PYTHONPATH={users}", f"HOME={users}", f"PATH={users}", "A=1", "PS4=x", f"DATA={users}")
    assert left_out(lines) == ("PS4", "PYTHONPATH")


def test_a_value_of_the_largest_size_takes_no_time(users: str) -> None:
    """A variable holds up to 128 kB, and whoever sets it may not keep the start waiting."""
    lines = (f"MY_PATH={'/usr/lib:' * 14000}{users}", f"X_OPTS={'-x ' * 40000}")
    began = time.process_time()
    assert left_out(lines) == ("MY_PATH",)
    assert time.process_time() - began < 1


def test_a_path_that_is_longer_than_any_is_left_out_and_no_fault() -> None:
    """Of 60,000 folders, none of which is there."""
    assert left_out((f"MY_PATH=/{'a/' * 60000}",)) == ("MY_PATH",)


def test_a_bash_that_gets_it_does_not_read_the_user_s_file(users: str) -> None:
    """The plant bites without us, and does not with us."""
    plant, mark = Path(users) / "rc", Path(users) / "mark"
    plant.write_text(f"id -u >{mark}\n")
    lines = (f"BASH_ENV={plant}", "PATH=/usr/bin:/bin")
    subprocess.run(["/bin/bash", "-c", ":"], env=dict(line.split("=", 1) for line in lines), check=True)
    assert mark.read_text() == "0\n"
    mark.unlink()
    subprocess.run(["/bin/bash", "-c", ":"], env=for_root(lines), check=True)
    assert not mark.exists()


@pytest.mark.parametrize("entry", ["/usr/lib/x", "/usr/lib", "/usr/./lib//x", "/lib/x"])
def test_what_becomes_the_users_is_none_of_roots_whoever_owns_it_now(entry: str) -> None:
    """A hook may chown a volume itself (pydropctl chown), and run the user's program, which writes what is named."""
    lines = (f"LD_LIBRARY_PATH={entry}", f"PATH=/usr/bin:{entry}", "DATA_DIR=/usr/lib/x")
    assert left_out(lines, ("/usr/lib",)) == ("LD_LIBRARY_PATH",)
    assert left_out(lines) == ()
    safe = for_root(lines, ("/usr/lib",))
    assert (safe["PATH"], safe["DATA_DIR"], "LD_LIBRARY_PATH" in safe) == ("/usr/bin", "/usr/lib/x", False)
    assert left_out(lines, ("/usr/li", "/usr/lib/x/y")) == ()  # another folder, and one below it
