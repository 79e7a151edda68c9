import pytest

from crm.text.normalisation import dialled, folded, is_visible, may_be_of_phone, normal


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Ülkü Özgür", "ulku OZGUR"),
        ("Möbel", "mobel"),
        ("e\u0301clair", "éclair"),
        ("Москва", "москва"),
        ("Ёлкин", "елкин"),
        ("Straße", "STRASSE"),
        ("STRAẞE", "strasse"),
        ("I\u015f\u0131k", "ISIK"),
        ("IŞIK", "\u0131\u015f\u0131k"),
        ("İstanbul", "istanbul"),
        ("ﬁlm", "film"),
        ("Søren Łukasz Đorđe", "soren lukasz dorde"),
        ("Œuvre Ægir Þór", "oeuvre aegir thor"),
        ("Οδυσσεύς", "οδυσσευσ"),
        ("\uff26ull\u3000width", "full width"),
        ("O\u2019Brien", "o'brien"),
        ("Saint\u2010Just", "saint-just"),
        ("co\u00adoperate", "cooperate"),
        ("\ufeffAnna", "anna"),
        ("١٢٣", "123"),
        ("❤️", "❤"),
    ],
)
def test_what_people_take_for_the_same_is_folded_into_the_same(text: str, other: str) -> None:
    assert folded(text) == folded(other)


@pytest.mark.parametrize(("text", "other"), [("Anna", "Anne"), ("कि", "कु"), ("ab", "a b")])
def test_what_is_another_text_stays_another(text: str, other: str) -> None:
    assert folded(text) != folded(other)


@pytest.mark.parametrize("text", ["Ülkü", "İ", "ŉ", "ǰ", "ẞ", "㎏", "ﷺ", "\u0345", "각", "ガ"])
def test_folding_again_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@pytest.mark.parametrize("phone", ["+46 8 123456", "+46 (0)8-12 34 56", "+46.8.123456", "\uff0b46\u00a08\u2011123456"])
def test_a_number_is_dialled_however_it_is_written(phone: str) -> None:
    assert dialled(phone) == "+468123456"


@pytest.mark.parametrize(("word", "may"), [("+468", True), ("08-", True), ("(0)8", True), ("a1", False), ("--", False)])
def test_what_may_be_of_a_number(word: str, may: bool) -> None:
    assert may_be_of_phone(word) is may


def test_the_normal_form_is_composed() -> None:
    assert normal("e\u0301") == "é"


@pytest.mark.parametrize("text", ["", " ", "\u200b", "\u2800", "\u3164", "\u0301", "\x07"])
def test_nothing_to_see(text: str) -> None:
    assert not is_visible(text)
