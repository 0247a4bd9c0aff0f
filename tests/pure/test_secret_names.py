"""Which variables are read from which files; and that no message shows a value."""

import pytest

from pydrop import settings
from pydrop.errors import BadSetting
from pydrop.model import Secret


def read(*lines, table=None):
    return settings.read(("id",), lines, table)


def secret(name, path, pointer):
    return Secret(name=name, path=path, pointer=pointer)


DB = secret("DB", "/run/secrets/db", "DB_FILE")
FILE_DB = secret("DB", "/run/secrets/db", "FILE__DB")


@pytest.mark.parametrize(
    ("lines", "expected", "source"),
    [
        (("PYDROP_SECRETS=DB", "DB_FILE=/run/secrets/db"), (DB,), "PYDROP_SECRETS"),
        (("DB_FILE=/run/secrets/db\r\n", "PYDROP_SECRETS= DB ,"), (DB,), "PYDROP_SECRETS"),
        (("PYDROP_SECRETS=DB,DB", "DB_FILE=/run/secrets/db"), (DB,), "PYDROP_SECRETS"),
        (("PYDROP_SECRETS=DB", "DB=x"), (), "PYDROP_SECRETS"),
        (("PYDROP_SECRETS=DB", "DB=x", "DB_FILE="), (), "PYDROP_SECRETS"),
        (("PYDROP_SECRETS=DB", "DB=", "DB_FILE=/run/secrets/db"), (DB,), "PYDROP_SECRETS"),
        (("PYDROP_SECRETS=DB", "DB=", "DB=x", "DB_FILE=/run/secrets/db"), (DB,), "PYDROP_SECRETS"),
        (("PYDROP_SECRETS=DB,KEY", "KEY=x", "DB_FILE=/run/secrets/db"), (DB,), "PYDROP_SECRETS"),
        (("FILE__DB=/run/secrets/db",), (FILE_DB,), "FILE__DB"),
        (("FILE__DB= /run/secrets/db\n",), (FILE_DB,), "FILE__DB"),
        (("FILE__DB=/run/secrets/db", "DB="), (FILE_DB,), "FILE__DB"),
        (("FILE__DB=/run/secrets/db", "FILE__DB=/other"), (FILE_DB,), "FILE__DB"),
        (("FILE__DB=",), (), None),
        (("FILE__DB=", "DB=x"), (), None),
        (("FILE__=",), (), None),
        (("FILE__DB=/run/secrets/db", "DB_FILE=/other"), (FILE_DB,), "FILE__DB"),
        (("PYDROP_SECRETS=DB", "FILE__DB=/run/secrets/db"), (FILE_DB,), "PYDROP_SECRETS, FILE__DB"),
        (("FILE__A.b-c=/x y",), (secret("A.b-c", "/x y", "FILE__A.b-c"),), "FILE__A.b-c"),
        (
            ("FILE__KEY=/k", "PYDROP_SECRETS=DB", "DB_FILE=/run/secrets/db"),
            (DB, secret("KEY", "/k", "FILE__KEY")),
            "PYDROP_SECRETS, FILE__KEY",
        ),
        (("DB_FILE=/run/secrets/db",), (), None),
        (("PYDROP_SECRETS=DB",), (), "PYDROP_SECRETS"),
        (("PYDROP_SECRETS=DB", "DB=", "DB_FILE= "), (), "PYDROP_SECRETS"),
        (("PYDROP_SECRETS=KEY,DB", "KEY=x"), (), "PYDROP_SECRETS"),
        (("PYDROP_SECRETS=KEY,DB", "DB_FILE=/run/secrets/db"), (DB,), "PYDROP_SECRETS"),
    ],
)
def test_secrets_and_the_variables_that_point_at_them(lines, expected, source):
    found = read(*lines)
    assert (found.secrets, found.sources.get("secrets")) == (expected, source)


def test_the_file_lists_secrets_too():
    found = read("DB_FILE=/run/secrets/db", table={"secrets": ["DB"]})
    assert (found.secrets, found.sources["secrets"]) == ((DB,), "secrets in /etc/pydrop.toml")
    assert read(table={"secrets": []}).secrets == ()


SAME_TIME = "are set at the same time; keep one of them"


@pytest.mark.parametrize(
    ("lines", "beginning"),
    [
        (("PYDROP_SECRETS=DB", "DB=hunter2", "DB_FILE=/hunter2"), f"DB and DB_FILE {SAME_TIME}"),
        (("FILE__DB=/hunter2", "DB=hunter2"), f"DB and FILE__DB {SAME_TIME}"),
        (("FILE__DB=/hunter2", "DB= "), f"DB and FILE__DB {SAME_TIME}"),
        (("PYDROP_SECRETS=DB", "FILE__DB=/hunter2", "DB_FILE=/hunter2"), f"FILE__DB and DB_FILE {SAME_TIME}"),
        (
            ("PYDROP_SECRETS=DB", "DB=hunter2", "FILE__DB=/hunter2", "DB_FILE=/h"),
            f"DB, FILE__DB and DB_FILE {SAME_TIME}",
        ),
        (("PYDROP_SECRETS=/run/hunter2",), "PYDROP_SECRETS has a name that holds a mark that no variable's name has"),
        (("PYDROP_SECRETS=DB:hunter2",), "PYDROP_SECRETS has a name that holds a mark"),
        (("PYDROP_SECRETS=DB;hunter2",), "PYDROP_SECRETS has a name that holds a mark"),
        (('PYDROP_SECRETS=["hunter2"]',), "PYDROP_SECRETS has a name that holds a mark"),
        (("PYDROP_SECRETS=DB=hunter2",), "PYDROP_SECRETS has a name that holds a ="),
        (("PYDROP_SECRETS=DB hunter2",), "PYDROP_SECRETS has a name that holds a blank"),
        (("PYDROP_SECRETS=D\x01hunter2",), "PYDROP_SECRETS has a name that holds a blank, a control character"),
        (("PYDROP_SECRETS=,",), "PYDROP_SECRETS is not a list of names of variables"),
        (("PYDROP_SECRETS=PUID",), "PYDROP_SECRETS has a name that is a setting of pydrop"),
        (("PYDROP_SECRETS=DB", "DB_FILE=hunter2"), "DB_FILE is not an absolute path (it is not shown"),
        (("FILE__DB=hunter2",), "FILE__DB is not an absolute path (it is not shown"),
        (("FILE__=/hunter2",), "FILE__ names a variable that is empty"),
        (("FILE__PUID=/hunter2",), "FILE__PUID names a variable that is a setting of pydrop"),
        (("FILE__PYDROP_USER=/hunter2",), "FILE__PYDROP_USER names a variable that is a setting of pydrop"),
        (("FILE__A B=/hunter2",), "'FILE__A B' names a variable that holds a blank"),
    ],
)
def test_what_cannot_be_told_is_an_error_that_names_variables_and_no_value(lines, beginning):
    with pytest.raises(BadSetting) as error:
        read(*lines)
    assert str(error.value).startswith(beginning)
    assert error.value.remedy
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "value", ["DB=hunter2", ["DB=hunter2"], [5], 5, [""], ["hunter2 x"], ["/run/secrets/hunter2"], ["A,hunter2"]]
)
def test_a_list_in_the_file_that_cannot_be_used_shows_no_value(value):
    with pytest.raises(BadSetting) as error:
        read(table={"secrets": value})
    assert str(error.value).startswith("secrets in /etc/pydrop.toml ")
    assert "hunter2" not in str(error.value)
    assert error.value.__cause__ is None or "hunter2" not in str(error.value.remedy)
