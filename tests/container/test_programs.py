"""Programs that mind their UID, under one that the image doesn't know, and programs that mind their folders."""

import pytest

from tests.container.engine import until

# How a container comes to run under 12345: (options of the engine, environment)
STARTS = {
    "root": ((), {"PUID": "12345"}),
    "root of a read-only root": (("--read-only",), {"PUID": "12345"}),
    "a user of root's group": (("--user=12345:0",), {}),
    "a user": (("--user=12345:12345",), {}),
}


@pytest.fixture(params=STARTS)
def start(request, run, programs):
    """Runs a line of shell by pydrop, in each of these ways; it succeeds, and its output is the answer."""
    options, env = STARTS[request.param]

    def start(line: str) -> str:
        result = run(*options, image=programs, command=["sh", "-ec", line], env=env)
        assert result.code == 0, str(result)
        return str(result.stdout)

    return start


def test_each_program_minds_where_pydrop_is_not_there(run, programs):
    """So that the tests below can fail: without pydrop, none of these works."""
    for line in ("whoami", "ssh -G host", "python3 -c 'import pwd, os; pwd.getpwuid(os.getuid())'", COMMIT, INITDB):
        without = run("--user=12345:0", "--entrypoint=sh", image=programs, command=["-ec", line])
        assert without.code != 0, line


COMMIT = "cd /tmp; git init -q here; cd here; git -c user.email=app@example.org commit -q --allow-empty -m first"
INITDB = "/usr/lib/postgresql/*/bin/initdb --auth=trust --no-sync --no-instructions -D /tmp/database"


def test_whoami(start):
    assert start("whoami") == "app\n"


def test_git_commit_takes_the_authors_name_from_the_account(start):
    assert start(COMMIT + "; git log --format=%ae/%an").startswith("app@example.org/")


def test_ssh_knows_its_user(start):
    assert "user app\n" in start("ssh -G host")


def test_initdb_makes_a_database_cluster_of_the_user(start):
    start(INITDB)


WHO = "python3 -c 'import getpass, pathlib; print(getpass.getuser(), pathlib.Path.home())'"


def test_python_knows_its_user_from_the_account_alone(start):
    name, home = start(f"env -u USER -u LOGNAME -u HOME {WHO}").split()
    assert name == "app"
    assert home.startswith("/")


def test_python_knows_its_user_from_the_environment(start):
    name, home = start(WHO).split()
    assert name == "app"
    assert home not in ("/", "/root")


def test_roots_and_nobodys_names_still_resolve(start):
    assert start("id -un 0; id -un nobody; stat -c %U /etc/passwd") == "root\nnobody\nroot\n"


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
