"""Programs that mind their UID, under one that the image doesn't know, and programs that mind their folders."""

import re

import pytest

from tests.container.engine import Result, until

# How a container comes to run under 12345: (options of the engine, environment)
STARTS = {
    "root": ((), {"PUID": "12345"}),
    "root of a read-only root": (("--read-only",), {"PUID": "12345"}),
    "a user of root's group": (("--user=12345:0",), {}),
    "a user": (("--user=12345:12345",), {}),
}


COMMIT = "cd /tmp; git init -q here; cd here; git -c user.email=app@example.org commit -q --allow-empty -m first"
INITDB = "/usr/lib/postgresql/*/bin/initdb --auth=trust --no-sync --no-instructions -D /tmp/database"
WHO = "python3 -c 'import getpass, pathlib; print(getpass.getuser(), pathlib.Path.home())'"

ANSWERS = {  # a line of shell -> a pattern of what it prints
    "whoami": r"app\n",
    "ssh -G host": r"(.*\n)*user app\n(.*\n)*",
    # The author's name comes from the account.
    f"{COMMIT}; git log --format=%ae/%an": r"app@example\.org/.*\n",
    INITDB: r"(.*\n)*",
    # By the account alone, and by the environment, which must not lead to root's home.
    f"env -u USER -u LOGNAME -u HOME {WHO}": r"app /.*\n",
    WHO: r"app /(?!root\n).+\n",
    "id -un 0; id -un nobody; stat -c %U /etc/passwd": r"root\nnobody\nroot\n",
}
WITHOUT = ["whoami", "ssh -G host", "python3 -c 'import pwd, os; pwd.getpwuid(os.getuid())'", COMMIT, INITDB]
EACH = 'for line do sh -ec "$line"; printf "\\0%s\\0" $?; done'  # what each line says, and its exit code


def shells(result: Result) -> list[tuple[str, str]]:
    """What came of each line: output, exit code."""
    words = result.stdout.split("\0")[:-1]
    return list(zip(words[::2], words[1::2], strict=True))


def test_each_program_minds_where_pydrop_is_not_there(run, programs):
    """So that the test below can fail: without pydrop, none of these works."""
    without = run("--user=12345:0", "--entrypoint=sh", image=programs, command=["-c", EACH, "sh", *WITHOUT])
    codes = [code for _, code in shells(without)]
    assert len(codes) == len(WITHOUT) and "0" not in codes, str(without)


@pytest.mark.parametrize("start", STARTS)
def test_each_program_finds_its_user_and_works(start, run, programs):
    options, env = STARTS[start]
    result = run(*options, image=programs, command=["sh", "-c", EACH, "sh", *ANSWERS], env=env)
    assert result.code == 0, str(result)
    for (line, expected), (said, code) in zip(ANSWERS.items(), shells(result), strict=True):
        assert code == "0" and re.fullmatch(expected, said), f"{line}: {code}\n{said}\n{result.stderr}"


# -- servers --------------------------------------------------------------------------------------

NGINX = """
daemon off;
pid /run/nginx/nginx.pid;
error_log /dev/stderr;
events {}
http {
    access_log /dev/stdout;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    server { listen 80; root /site; }
}
"""

PHP = """
[global]
error_log = /dev/stderr
daemonize = no
[www]
listen = /run/php/site.sock
pm = static
pm.max_children = 1
"""


def test_nginx_serves_port_80_as_the_user(container, programs, tmp_path):
    """By keep-caps, with its pid file in a folder of run-dirs and its logs on /dev/stdout and /dev/stderr."""
    (tmp_path / "site").mkdir(mode=0o755)
    (tmp_path / "site" / "index.html").write_text("the page\n")
    (tmp_path / "nginx.conf").write_text(NGINX)
    nginx = container(
        *("--tmpfs=/run:rw,notmpcopyup", f"--volume={tmp_path / 'site'}:/site:ro"),
        f"--volume={tmp_path / 'nginx.conf'}:/etc/nginx/nginx.conf:ro",
        image=programs,
        command=["nginx"],
        env={"PUID": "1500", "PYDROP_KEEP_CAPS": "net_bind_service", "PYDROP_RUN_DIRS": "/run/nginx"},
    )
    page = until(lambda: nginx.exec("curl", "--silent", "http://127.0.0.1/index.html").stdout)
    assert page == "the page\n", str(nginx.logs())
    assert "GET /index.html" in until(lambda: nginx.logs().stdout)
    assert nginx.exec("stat", "-c", "%u", "/proc/1", "/run/nginx/nginx.pid").stdout.split() == ["1500", "1500"]
    assert nginx.stop() == 0


def test_php_fpm_has_its_socket_in_the_folder_that_its_package_declares(container, programs, tmp_path):
    """/run is a fresh tmpfs, and /run/php is named in the package's tmpfiles.d alone."""
    site = tmp_path / "site"
    site.mkdir(mode=0o755)
    (site / "who.php").write_text("<?php echo 'served by ', posix_getuid();\n")
    (site / "php.conf").write_text(PHP)
    php = container(
        *("--tmpfs=/run:rw,notmpcopyup", f"--volume={site}:/site:ro"),
        image=programs,
        command=["php-fpm8.2", "--fpm-config", "/site/php.conf"],
        env={"PYDROP_USER": "www-data", "PUID": "1500"},
    )
    request = ("--env=SCRIPT_FILENAME=/site/who.php", "--env=REQUEST_METHOD=GET")
    ask = ("cgi-fcgi", "-bind", "-connect", "/run/php/site.sock")
    answer = until(lambda: php.exec(*ask, options=request).stdout)
    assert "served by 1500" in answer, str(php.logs())
    assert php.exec("stat", "-c", "%u", "/run/php/site.sock").stdout == "1500\n"
