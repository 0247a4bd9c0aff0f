"""Volumes: the list, the tables, and both together."""

import itertools

import pytest

from pydrop import settings
from pydrop.errors import BadSetting
from pydrop.model import Volume
from pydrop.settings import volume_list
from pydrop.settings.raw_setting import RawSetting
from pydrop.settings.volumes import plainly_listed

pytestmark = pytest.mark.python  # what tomllib reads

FILE = "/etc/pydrop.toml"


def volumes(words=(), environment=(), **table):
    table = {key.replace("_", "-"): value for key, value in table.items()}
    return settings.read((*words, "id"), tuple(environment), table).volumes


def refusal(words=(), environment=(), **table):
    with pytest.raises(BadSetting) as error:
        volumes(words, environment, **table)
    assert error.value.remedy
    return str(error.value)


def pairs(found):
    return [(volume.path, volume.policy) for volume in found]


LISTS = [
    ("/data", [("/data", "mismatch")]),
    ("/data/", [("/data", "mismatch")]),
    ("/data:/config", [("/data", "mismatch"), ("/config", "mismatch")]),
    ("/data:/config:on-root-mismatch", [("/data", "mismatch"), ("/config", "on-root-mismatch")]),
    ("/data:top:/config:never", [("/data", "top"), ("/config", "never")]),
    ("/data:unless-writable:", [("/data", "unless-writable")]),
    (":/data::/config:", [("/data", "mismatch"), ("/config", "mismatch")]),
    ("/top:never", [("/top", "never")]),
    ("/a b:top", [("/a b", "top")]),
    ("/caf\udce9", [("/caf\udce9", "mismatch")]),
    ("/", [("/", "mismatch")]),
]


@pytest.mark.parametrize(("text", "expected"), LISTS)
def test_a_policy_belongs_to_the_path_before_it(text, expected):
    assert pairs(volumes(environment=[f"PYDROP_CHOWN={text}"])) == expected
    assert pairs(volumes([f"--chown={text}"])) == expected
    assert {volume.source for volume in volumes([f"--chown={text}"])} == {"--chown"}


WORDS = [
    "",
    " ",
    "/",
    "/a",
    "/a/",
    "//a",
    "/a/.",
    "/a/../b",
    "/.a",
    "/b",
    "/b c ",
    " /a",
    "a",
    "/a\0",
    "top",
    "never",
    "tops",
    "TOP",
]


def test_what_is_read_without_a_second_look_is_what_the_whole_parser_reads():
    plain = 0
    for words in (words for count in range(1, 5) for words in itertools.product(WORDS, repeat=count)):
        text = ":".join(words)
        if found := plainly_listed(text):
            plain += 1
            assert found == volume_list.listed(RawSetting(name="chown", source="--chown", value=text))
    assert plain == 24  # of all: one or both of two paths, with none or one of two policies behind each


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], []),
        (["/data"], [("/data", "mismatch")]),
        (["/data/", "/config:on-root-mismatch"], [("/data", "mismatch"), ("/config", "on-root-mismatch")]),
    ],
)
def test_an_array_has_the_policy_behind_a_colon(items, expected):
    assert pairs(volumes(chown=items)) == expected


def test_an_option_may_be_repeated():
    assert pairs(volumes(["--chown", "/a", "--chown=/b:top", "--chown", "/c"])) == [
        ("/a", "mismatch"),
        ("/b", "top"),
        ("/c", "mismatch"),
    ]


def test_chown_policy_is_for_those_that_name_none():
    assert pairs(volumes(environment=["PYDROP_CHOWN_POLICY=never", "PYDROP_CHOWN=/a:/b:top"])) == [
        ("/a", "never"),
        ("/b", "top"),
    ]
    found = volumes(["--chown-policy=top"], volume=[{"path": "/a"}, {"path": "/b", "policy": "never"}])
    assert pairs(found) == [("/a", "top"), ("/b", "never")]


def test_chown_policy_alone_is_no_volume():
    assert volumes(["--chown-policy=top"]) == ()


def test_a_table_has_all_that_can_be_said():
    table = {
        "path": "/data/", "policy": "on-root-mismatch", "mode": "u=rwX,g=rX", "exclude": ["*/lost+found", ".snapshot"],
        "across-mounts": True, "only-from": "999:998", "create": True, "hard-links": True,
    }  # fmt: skip
    assert volumes(volume=[{"path": "/x"}, table]) == (
        Volume(path="/x", source=f"[[volume]] 1 of {FILE}"),
        Volume(
            path="/data", policy="on-root-mismatch", mode="u=rwX,g=rX", exclude=("*/lost+found", ".snapshot"),
            across_mounts=True, only_from=(999, 998), create=True, hard_links=True, source=f"[[volume]] 2 of {FILE}",
        ),
    )  # fmt: skip


def test_tables_and_list_add_up_and_a_named_policy_wins():
    table = {"path": "/data", "policy": "top", "create": True}
    found = volumes(environment=["PYDROP_CHOWN=/new:/data"], volume=[table])
    assert pairs(found) == [("/data", "top"), ("/new", "mismatch")]
    found = volumes(environment=["PYDROP_CHOWN=/data:never"], volume=[table])
    assert found == (Volume(path="/data", policy="never", create=True, source="PYDROP_CHOWN"),)


def test_sources_name_the_list_and_the_tables():
    found = settings.read(("--chown=/a", "id"), (), {"volume": [{"path": "/b"}], "chown": ["/c"]})
    assert found.sources == {"chown": f"--chown, volume in {FILE}"}
    assert [volume.path for volume in found.volumes] == ["/b", "/a"]
    assert settings.read(("id",), (), {"volume": [{"path": "/b"}]}).sources == {"chown": f"volume in {FILE}"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [("999:999", (999, 999)), ("999", (999, None)), (":999", (None, 999)), ("999:", (999, None)), ("0:0", (0, 0)),
     (" 5 : 6 ", (5, 6)), (999, (999, None)), (0, (0, None))],
)  # fmt: skip
def test_only_from(value, expected):
    assert volumes(volume=[{"path": "/a", "only-from": value}])[0].only_from == expected


@pytest.mark.parametrize(
    "mode",
    [
        "u=rwX,g=rX",
        "u=rwX,g=rX,o=",
        "a+r",
        "go-w",
        "+x",
        "g=u",
        "u=rw,g=u,o=",
        "u+r-w",
        "0755",
        "755",
        "1777",
        "a=rwxXt",
        "g=rwXs",
        "2775",
    ],
)
def test_a_mode_as_chmod_takes_it(mode):
    assert volumes(volume=[{"path": "/a", "mode": mode}])[0].mode == mode


REFUSED_LISTS = [
    ("data", "PYDROP_CHOWN=data has data, which is not an absolute path"),
    ("top", "PYDROP_CHOWN=top has top, which is not an absolute path"),
    ("./data:top", "PYDROP_CHOWN=./data:top has ./data, which is not an absolute path"),
    ("/data:missmatch", "PYDROP_CHOWN=/data:missmatch has missmatch, which is neither an absolute path nor a policy"),
    ("/data:Top", "PYDROP_CHOWN=/data:Top has Top, which is neither"),
    ("/data:config", "PYDROP_CHOWN=/data:config has config, which is neither an absolute path nor a policy"),
    ("/data: /config", "PYDROP_CHOWN='/data: /config' has something else than : between or around its paths"),
    ("/data:/data/", "PYDROP_CHOWN=/data:/data/ names /data twice"),
    ("/data:/data:top", "PYDROP_CHOWN=/data:/data:top names /data twice"),
    ("/data:top:/data:top", "PYDROP_CHOWN=/data:top:/data:top names /data twice"),
    ("/data:top:never", "PYDROP_CHOWN=/data:top:never names two policies behind /data"),
    ("/data:top:/data:never", "PYDROP_CHOWN=/data:top:/data:never names /data twice"),
    ("/data/../etc", "PYDROP_CHOWN=/data/../etc has a .. in it"),
    ("/x:/data/../etc:top", "PYDROP_CHOWN=/x:/data/../etc:top names /data/../etc, which has a .. in it"),
    (":", "PYDROP_CHOWN=: names nothing"),
]


@pytest.mark.parametrize(("text", "beginning"), REFUSED_LISTS)
def test_a_list_that_cannot_be_used(text, beginning):
    assert refusal(environment=[f"PYDROP_CHOWN={text}"]).startswith(beginning)


def test_a_misspelt_policy_is_told_the_nearest():
    assert refusal(environment=["PYDROP_CHOWN=/a:unless-writeable"]).endswith("did you mean unless-writable?")
    assert "[[volume]] table" in refusal(environment=["PYDROP_CHOWN=/a:bbbbbbb"])


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ("/data", f'chown = "/data" in {FILE} is not a list; put it in brackets: chown = ["/data"]'),
        (["data"], f'chown = ["data"] in {FILE} has data, which is not an absolute path'),
        (["top"], "has top, which is not an absolute path"),
        (["/a:topp"], 'chown = ["/a:topp"]'),
        (["/a:"], "has '', which is neither"),
        (["/a:b:top"], "has b:top, which is neither"),
        (["/a:/b"], "has /b, which"),
        (["/a:top", "/a:never"], "names /a twice"),
        (["/a:top", "/a"], "names /a twice"),
        ([5], "has an item that is empty or not a text"),
        ([""], "has an item that is empty or not a text"),
        (["/a\x00b"], "contains a NUL character"),
    ],
)
def test_an_array_that_cannot_be_used(items, words):
    message = refusal(chown=items)
    assert message.startswith("chown = ")
    assert words in message


PLACE = f"[[volume]] 1 of {FILE}"
REFUSED_TABLES = [
    ({}, f"{PLACE} has no path; add path ="),
    ({"path": "data"}, f'path = "data" in {PLACE} is not an absolute path'),
    ({"path": 5}, f"path = 5 in {PLACE} is not a text"),
    ({"path": ""}, f'path = "" in {PLACE} is empty'),
    ({"path": "/a/.."}, f'path = "/a/.." in {PLACE} has a .. in it'),
    ({"path": "/a\x00"}, f'path = "/a\\x00" in {PLACE} contains a NUL character'),
    ({"path": "/a", "polcy": "top"}, f"polcy in {PLACE} is not a key of a volume; did you mean policy?"),
    ({"path": "/a", "hard_links": True}, f"hard_links in {PLACE} is not a key of a volume; did you mean hard-links?"),
    (
        {"path": "/a", "policy": "missmatch"},
        f'policy = "missmatch" in {PLACE} is not one of mismatch, on-root-mismatch',
    ),
    ({"path": "/a", "policy": False}, f"policy = false in {PLACE} is not a text"),
    ({"path": "/a", "create": "yes"}, f'create = "yes" in {PLACE} is not yes or no; write create = true'),
    ({"path": "/a", "across-mounts": 1}, f"across-mounts = 1 in {PLACE} is not yes or no"),
    ({"path": "/a", "hard-links": "true"}, f'hard-links = "true" in {PLACE} is not yes or no'),
    (
        {"path": "/a", "exclude": "*.tmp"},
        f'exclude = "*.tmp" in {PLACE} is not a list; put it in brackets: exclude = ["*.tmp"]',
    ),
    ({"path": "/a", "exclude": [1]}, f"exclude = [1] in {PLACE} has an item that is empty or not a text"),
    ({"path": "/a", "only-from": "app"}, f'only-from = "app" in {PLACE} is not a number'),
    ({"path": "/a", "only-from": "1:2:3"}, f'only-from = "1:2:3" in {PLACE} has 2:3, which is not a number'),
    ({"path": "/a", "only-from": ":"}, f'only-from = ":" in {PLACE} names no number'),
    (
        {"path": "/a", "only-from": "4294967295:1"},
        f'only-from = "4294967295:1" in {PLACE} has 4294967295, which is the kernel',
    ),
    ({"path": "/a", "only-from": -1}, f"only-from = -1 in {PLACE} is not a number: it has a sign"),
    ({"path": "/a", "only-from": True}, f"only-from = true in {PLACE} is not a text"),
    ({"path": "/a", "mode": 0o755}, f"mode = 493 in {PLACE} is a number, of which nobody can tell"),
    ({"path": "/a", "mode": "888"}, f'mode = "888" in {PLACE} is not an octal mode'),
    ({"path": "/a", "mode": "77"}, f'mode = "77" in {PLACE} is not an octal mode'),
    ({"path": "/a", "mode": "rwx"}, f'mode = "rwx" in {PLACE} is not a mode'),
    ({"path": "/a", "mode": "u=rwz"}, f'mode = "u=rwz" in {PLACE} is not a mode'),
    ({"path": "/a", "mode": "u=rw,"}, f'mode = "u=rw," in {PLACE} is not a mode'),
    ({"path": "/a", "mode": "u=rw g=r"}, f'mode = "u=rw g=r" in {PLACE} is not a mode'),
    ({"path": "/a", "mode": ""}, f'mode = "" in {PLACE} is empty'),
]


@pytest.mark.parametrize(("table", "beginning"), REFUSED_TABLES)
def test_a_table_that_cannot_be_used(table, beginning):
    assert refusal(volume=[table]).startswith(beginning)


def test_a_path_has_one_table():
    message = refusal(volume=[{"path": "/a"}, {"path": "/a/"}])
    assert message.startswith(f"[[volume]] 2 of {FILE} has the path /a of another [[volume]]")


@pytest.mark.parametrize("value", [{"path": "/a"}, ["/a"], "/a", 5])
def test_volume_is_a_list_of_tables(value):
    message = refusal(volume=value)
    assert message.startswith("volume = ")
    assert "is not a list of tables" in message


def test_hard_links_of_the_volumes_that_do_not_say():
    """As chown-policy: what a table says wins."""
    tables = [{"path": "/a"}, {"path": "/b", "hard-links": False}]
    environment = ["PYDROP_CHOWN=/c:/b", "PYDROP_CHOWN_HARD_LINKS=1"]
    found = volumes(environment=environment, volume=tables)
    assert {volume.path: volume.hard_links for volume in found} == {"/a": True, "/b": False, "/c": True}
    assert not any(volume.hard_links for volume in volumes(environment=["PYDROP_CHOWN=/c"]))


def test_too_many_tables_are_refused_as_too_many_items_of_a_list_are():
    tables = [{"path": f"/data/{number}"} for number in range(501)]
    table: dict[str, object] = {"volume": tables}
    with pytest.raises(BadSetting, match="has 501 items, more than 500; name a folder that holds several of them"):
        settings.read(("id",), (), table)
    assert len(settings.problems(table)) == 1
    tables.pop()
    assert len(settings.read(("id",), (), table).volumes) == 500
