"""What editors put in front of a settings file is no reason to refuse it; another encoding is told by its name."""

import pytest

from pydrop.settings.toml_text import NotToml, table_of, text_of

FILE = "/etc/pydrop.toml"
TEXT = 'user = "app"\nhome = "/ä"\n'


def test_a_byte_order_mark_is_passed_over():
    assert table_of(TEXT.encode("utf-8-sig"), FILE) == {"user": "app", "home": "/ä"}
    assert text_of(TEXT.encode("utf-8-sig"), FILE) == TEXT


def test_it_moves_no_line_and_no_column():
    with pytest.raises(NotToml) as with_mark:
        table_of(b"\xef\xbb\xbfuser == 1\n", FILE)
    with pytest.raises(NotToml) as without:
        table_of(b"user == 1\n", FILE)
    assert (with_mark.value.line, with_mark.value.column) == (without.value.line, without.value.column) == (1, 7)


def test_one_elsewhere_is_an_error_as_ever():
    with pytest.raises(NotToml):
        table_of("user = 1\n\ufeffputid = 2\n".encode(), FILE)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_named(encoding):
    content = TEXT.encode(encoding) if encoding == "utf-16" else b"\xfe\xff" + TEXT.encode(encoding)
    with pytest.raises(NotToml, match=r"it is UTF-16, where TOML is UTF-8: save it as that \(at line 1"):
        table_of(content, FILE)


def test_what_is_no_text_is_no_utf_8():
    with pytest.raises(NotToml, match=r"it is not UTF-8 \(at line 2"):
        table_of(b"user = 1\n\xff\n", FILE)
