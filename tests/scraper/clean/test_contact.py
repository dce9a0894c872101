import datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scraper.clean.contact import is_region, mask_contacts


@pytest.mark.parametrize(
    ("region", "text", "masked"),
    [
        ("PK", "info@tapaltea.com      021-35063891", "[email]      [phone]"),
        ("PK", "Phone: 021-35063891 (4 Lines)", "Phone: [phone] (4 Lines)"),
        ("PK", "Phone: 042-35398061-70", "Phone: [phone]"),
        ("PK", "042-35398061-70", "[phone]"),
        ("PK", "0300 1234567 / 0092 21 35063891", "[phone] / [phone]"),
        ("PK", "UAN 111-111-827", "UAN [phone]"),
        ("PK", "WhatsApp: 03001234567/WhatsApp", "WhatsApp: [phone]/WhatsApp"),
        ("US", "Call us at (202) 555-0123!", "Call us at [phone]!"),
        ("US", "Call 555-0100 now", "Call [phone] now"),
        ("US", "+44 20 7946 0958 from anywhere", "[phone] from anywhere"),
        ("US", "chat: https://wa.me/12025550123", "chat: https://wa.me/[phone]"),
        ("GB", "hail us on 01632 960187. Ten rings", "hail us on [phone]. Ten rings"),
        ("GB", "ahoy@saltmarsh.example, a.b+c@x-y.co.uk.", "[email], [email]."),
        ("GB", "mailto:Ahoy@Saltmarsh.example", "[email]"),
    ],
)
def test_contact_data_is_masked(region: str, text: str, masked: str) -> None:
    assert mask_contacts(text, region) == masked


@pytest.mark.parametrize("region", ["PK", "US", "GB", "DE"])
@pytest.mark.parametrize(
    "text",
    [
        "was launched in 2003 and re-launched in 2014",
        "1947 1977 1979 1980 1982 1984",
        "1947\n1977\n1979\n2003",
        "Turnover of 1.5m kg, 250 g x 200, Rs. 12.500.000",
        "$2025550123 and PKR 1,250/- or €1.250,00",
        "12/08/2023 2023-08-12 10:30 2012-01-02 08:00",
        "SKU 2025550123, EAN 4006381333931, ISBN 978-0-306-40615-7, Model 206-555-1234",
        "206-555-1234-XL",
        "the best mobile 2019-2023",
        "https://www.facebook.com/b/posts/2025550123",
        "@blogger._sarah meet me@home, #Tea4Two, a @ b",
    ],
)
def test_other_numbers_and_names_survive(region: str, text: str) -> None:
    assert mask_contacts(text, region) == text


def _numbers() -> st.SearchStrategy[str]:
    year = st.integers(1500, 2099)
    dates = st.dates(datetime.date(1500, 1, 1), datetime.date(2099, 12, 31))
    number = st.integers(1, 9999)
    price = st.tuples(st.sampled_from(["$", "€", "£", "Rs. ", "PKR "]), st.integers(1, 9_999_999))
    return st.one_of(
        year.map(str),
        st.tuples(year, year).map(lambda y: f"{y[0]}-{y[1]}"),
        st.tuples(number, st.sampled_from(["g", " g", "kg", " kg", " ml", " oz", " km", "%"])).map(
            lambda w: f"{w[0]}{w[1]}"
        ),
        price.map(lambda p: f"{p[0]}{p[1]:,}"),
        price.map(lambda p: f"{p[0]}{p[1]}.99"),
        dates.map(lambda d: d.isoformat()),
        dates.map(lambda d: d.strftime("%d/%m/%Y")),
        dates.map(lambda d: d.strftime("%d.%m.%y")),
        st.times().map(lambda t: t.strftime("%H:%M")),
        st.from_regex(r"\A[A-Z]{2,3}-[0-9]{3,6}-[A-Z]{1,2}\Z"),
        st.from_regex(r"\ASKU [0-9]{4,12}\Z"),
        st.from_regex(r"\A#[0-9]{3,8}\Z"),
    )


@settings(max_examples=400, deadline=None)
@given(
    region=st.sampled_from(["PK", "US", "GB", "DE", "FR", "IN"]),
    parts=st.lists(
        st.tuples(_numbers(), st.sampled_from([", ", " and ", "; ", "\n", " – from "])),
        min_size=1,
        max_size=6,
    ),
)
@example(region="US", parts=[("2003-2014", ", "), ("$12,345,678", "\n")])
def test_years_weights_prices_dates_and_article_numbers_survive(
    region: str, parts: list[tuple[str, str]]
) -> None:
    text = "In " + "".join(number + joint for number, joint in parts) + "we went on."
    assert mask_contacts(text, region) == text


@settings(max_examples=100, deadline=None)
@given(
    region=st.sampled_from(["US", "PK", "DE"]),
    before=st.sampled_from(["", "Ring ", "Tel: ", "fax/", "since 2003, "]),
    after=st.sampled_from(["", ".", " (4 lines)", "!", ", 2003"]),
)
def test_no_digit_of_a_phone_number_is_left(region: str, before: str, after: str) -> None:
    import phonenumbers

    number = phonenumbers.example_number(region)
    for style in (0, 1, 2):  # E.164, international, national
        written = phonenumbers.format_number(number, style)
        masked = mask_contacts(f"{before}{written}{after}", region)
        assert masked == f"{before}[phone]{after}"


def test_regions() -> None:
    assert is_region("PK")
    assert not is_region("pk")
    assert not is_region("Pakistan")
