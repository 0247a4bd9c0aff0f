"""Capabilities by name and number."""

import pytest

from pydrop.capabilities import CAPABILITIES, bits, mask_of, names_of


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("chown", 0),
        ("setgid", 6),
        ("setuid", 7),
        ("setpcap", 8),
        ("net_bind_service", 10),
        ("sys_admin", 21),
        ("checkpoint_restore", 40),
    ],
)
def test_names_have_the_kernels_numbers(name: str, number: int) -> None:
    """As in linux/capability.h."""
    assert CAPABILITIES[number] == name
    assert mask_of((name,)) == 1 << number


@pytest.mark.parametrize(
    ("names", "mask"),
    [((), 0), (("chown",), 1), (("setuid", "chown", "setuid"), 0x81), (tuple(CAPABILITIES), 2**41 - 1)],
)
def test_a_mask_has_a_bit_for_each_name(names: tuple[str, ...], mask: int) -> None:
    """In whatever order, and once for doubles."""
    assert mask_of(names) == mask


@pytest.mark.parametrize("name", ["CHOWN", "cap_chown", "", "chown ", "all"])
def test_an_unknown_name_is_never_no_capability(name: str) -> None:
    """It raises, and does not become an empty mask."""
    with pytest.raises(KeyError):
        mask_of(("chown", name))


@pytest.mark.parametrize(
    ("mask", "names"),
    [
        (0, []),
        (1, ["CHOWN"]),
        (0x81, ["CHOWN", "SETUID"]),
        (1 << 40, ["CHECKPOINT_RESTORE"]),
        (1 << 41 | 1, ["CHOWN", "CAP_41"]),
    ],
)
def test_names_are_as_cap_add_takes_them(mask: int, names: list[str]) -> None:
    """In capitals, lowest first; one that is newer than we are has its number."""
    assert names_of(mask) == names


@pytest.mark.parametrize(("mask", "numbers"), [(0, []), (1, [0]), (0b1011, [0, 1, 3]), (1 << 63, [63])])
def test_bits_are_the_numbers_of_a_mask(mask: int, numbers: list[int]) -> None:
    """Lowest first."""
    assert bits(mask) == numbers
