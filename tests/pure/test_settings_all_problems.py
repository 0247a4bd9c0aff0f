"""Every problem of a file at once; the page of docs that is written from the table."""

import importlib.util
import tomllib
from pathlib import Path

import pytest

from pydrop import settings
from pydrop.errors import BadSetting
from pydrop.settings.table import BY_NAME, ROWS

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_a_good_table_has_no_problem():
    table: dict[str, object] = {
        "user": "app",
        "chown": ["/data"],
        "volume": [{"path": "/x", "create": True}],
        "secrets": ["DB"],
    }
    assert settings.problems(table) == []


def test_every_problem_is_found_with_key_place_and_nearest():
    table = {
        "usr": "app",
        "umask": 18,
        "log-level": "warning",
        "chown": ["/data"],
        "volume": [{"path": "/a", "polcy": "top", "policy": "topp"}, {"path": "/b"}, {"create": 5}],
        "service": {},
    }
    found = settings.problems(table, (), "/x.toml")
    assert [(p.key, p.where, p.nearest) for p in found] == [
        ("usr", ("usr",), "user"),
        ("umask", ("umask",), ""),
        ("log-level", ("log-level",), "warn"),
        ("volume[1].polcy", ("volume", 0, "polcy"), "policy"),
        ("volume[1].policy", ("volume", 0, "policy"), "top"),
        ("volume[3].create", ("volume", 2, "create"), ""),
        ("volume[3]", ("volume", 2), ""),
        ("service", ("service",), ""),
    ]
    for problem in found:
        assert "/x.toml" in problem.problem
        assert problem.remedy
        assert str(problem) == f"{problem.problem}; {problem.remedy}"


@pytest.mark.parametrize(
    "table", [{"usr": 1}, {"umask": 18}, {"volume": 5}, {"volume": [{}]}, {"volume": [{"path": "/a"}, {"path": "/a"}]}]
)
def test_what_a_start_refuses_the_review_names_in_the_same_words(table):
    with pytest.raises(BadSetting) as error:
        settings.read(("id",), (), table)
    assert str(settings.problems(table)[0]) == str(error.value)


def generator():
    spec = importlib.util.spec_from_file_location("generate_settings", DOCS / "generate_settings.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_docs_is_what_the_table_says():
    """Otherwise run: python docs/generate_settings.py"""
    assert (DOCS / "settings.md").read_text(encoding="utf-8") == generator().page()


@pytest.mark.parametrize("row", [row for row in ROWS if row.form != "-"], ids=lambda row: row.name)
def test_the_examples_of_the_docs_work(row):
    text, value = generator().EXAMPLES[row.name]
    environment = tuple([f"{name}=/run/secrets/x" for name in ("DB_PASSWORD_FILE", "API_KEY_FILE")])
    for variable in row.environment:
        assert settings.read(("id",), (*environment, f"{variable}={text}"), None).sources[row.name] == variable
    if row.option:
        assert settings.read((f"--{row.name}={text}", "id"), environment, None).sources[row.name] == f"--{row.name}"
    if row.key:
        table = tomllib.loads(value if row.name == "volume" else f"{row.name} = {value}")
        assert settings.problems(table) == []
        assert (
            settings.read(("id",), environment, table).sources[row.name.replace("volume", "chown")].startswith(row.name)
        )


def test_every_setting_has_a_place_to_stand_and_a_meaning():
    for row in ROWS:
        assert row.meaning
        assert row.option or row.key or row.environment
        assert not row.environment or row.environment[0] in (
            f"PYDROP_{row.name.upper().replace('-', '_')}",
            row.name.upper(),
        )
    assert len(BY_NAME) == len(ROWS)


def test_settings_that_contradict_each_other() -> None:
    for root in ({"user": "root:app"}, {"user": "0:0"}, {"puid": 0}, {"user": "app", "puid": "0"}):
        assert not settings.problems({"keep-root": True, "ready-file": "/run/ready", **root}, (), "f")
    said = settings.problems({"user": "root", "puid": 1500}, (), "f")
    assert [(problem.key, problem.problem) for problem in said] == [
        ("puid", "puid in f asks for uid 1500, but user in f names root, whose number 0 must stay")
    ]
    assert not settings.problems({"keep-root": "${A:-false}", "ready-file": "/run/ready"}, (), "f")
