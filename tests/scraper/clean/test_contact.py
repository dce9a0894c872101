import datetime
import re
import time
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scraper.clean.contact import mask_contacts, without_contacts
from scraper.clean.phones import is_region
from scraper.clean.words import words

MASK = re.compile(r"\[(?:phone|email|address)\]")


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
        ("US", "Item 5, call 2025550123", "Item 5, call [phone]"),
        ("US", "Order 12 cakes on 202-555-0123", "Order 12 cakes on [phone]"),
        ("US", "Our number: 202-555-0123 or 2025550124", "Our number: [phone] or [phone]"),
        (
            "PK",
            "orders: 0300-1234567, order no. 3001234567",
            "orders: [phone], order no. 3001234567",
        ),
        ("US", "No. 202-555-0123", "No. [phone]"),
        ("FR", "Tél. : 01 42 68 53 00", "Tél. : [phone]"),
        ("FR", "06.12.34.56.78 / 01-42-68-53-00", "[phone] / [phone]"),
        ("BE", "0470 12 34 56", "[phone]"),
        ("DK", "Tlf. 20 10 12 34, Tlf. 20101224", "Tlf. [phone], Tlf. [phone]"),
        ("PK", "Contact # 0300-1234567", "Contact # [phone]"),
        ("PK", "Contact # 021-35063891", "Contact # [phone]"),
        ("PK", "Order # 0300-1234567", "Order # [phone]"),
        ("PK", "For orders #03001234567", "For orders #[phone]"),
        ("PK", "Contact No: 3001234567", "Contact No: [phone]"),
        ("PK", "a missed call on 0310-DANEDAR (3263327).", "a missed call on [phone]."),
        ("IN", "Mob. No. 9876543210", "Mob. No. [phone]"),
        ("IN", "Contact Nos. 9876543210, 9876543211", "Contact Nos. [phone], [phone]"),
        ("IN", "Customer care no: 9876543210", "Customer care no: [phone]"),
        ("IN", "For orders: 9876543210", "For orders: [phone]"),
        ("IN", "For orders: SKU 9876543210", "For orders: SKU 9876543210"),
        ("US", "free of charge: 202-555-0123", "free of charge: [phone]"),
        ("US", "Call us (2025550123) now", "Call us ([phone]) now"),
        ("US", "((202) 555-0123), [202-555-0123]", "([phone]), [[phone]]"),
        ("PK", "(0300-1234567) – 0300-1234567", "([phone]) – [phone]"),
        ("PK", "Rs 2,500/- 0300-1234567", "Rs 2,500/- [phone]"),
        ("US", "**info@brand.com**, 'info@brand.com'", "**[email]**, '[email]'"),
        ("US", "[18F@gsa.gov](mailto:18F@gsa.gov)", "[email]"),
        ("US", "[Write](mailto:18F@gsa.gov)", "[Write]([email])"),
        ("US", "E-mail/a@b.co/c@d.co, …-e.f@g.co", "E-mail/[email]/[email], …-[email]"),
        ("US", "https://x.com/?email=info@brand.com", "https://x.com/?email=[email]"),
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
        "SKUs 2025550123, 2025550124 and 2025550125",
        "No. 2025550123, order 2025550123 (ref 202-555-0123), part number: 2025550123",
        "EAN 4006381333931 or 4006381333931 alone, 978-0-306-40615-7 alone",
        "2025550123 USD, 2025550123 views, 2025550123 kg, 2025550123%",
        "40.712776, -74.005974 and 192.168.100.200",
        "6-3, 7-6 (10-8) and 110:98",
        "the best mobile 2019-2023",
        "https://www.facebook.com/b/posts/2025550123",
        "@blogger._sarah meet me@home, #Tea4Two, a @ b",
        "https://www.youtube.com/@tapal.tea, https://www.tiktok.com/@brand.official/video/1",
        "insta/@brand.official, -@some.one, *@some.one*, https://x.com/user@host.com",
        "git@github.com:18F/hub.git, ci@git.brand.com:hub.git, ssh://git@github.com/18F/hub.git",
        "am 03. 01. 2008 eröffnet, 02 / 08 / 1991, 08–09–2023, Eröffnet 08052017",
        "am 02.08.2023 10 Uhr, 05.06.23 10:30, 01.02.23-05.02.23",
        "2125551234 grams, 2125551234 kilograms, 3125551234 tons of tea, 7000000000 cups",
        "Bestellnr. 030123456, Artikelnummer: 030123456, Los 030-123456, Charge 030/123456",
        "Style 2025550123, flight 2025550123",
        "2010-HARVEST (1234567), 2010-HARVEST (427837)",
    ],
)
def test_other_numbers_and_names_survive(region: str, text: str) -> None:
    assert mask_contacts(text, region) == text


DATES = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d.%m.%y", "%d-%m-%Y", "%Y/%m/%d", "%Y%m%d",
    "%d %B %Y", "%B %d, %Y", "%a %d %b %y", "%Y-%m-%dT%H:%M:%SZ", "%d. %m. %Y", "%d / %m / %Y",
    "%d–%m–%Y", "%d%m%Y", "%Y. %m. %d.", "%d.%m.%Y %H:%M", "%d.%m.%y %H:%M",
)  # fmt: skip
ARTICLE = (
    "SKU", "EAN", "ISBN", "Art. No.", "Article", "item", "ref.", "Ref:", "order no.", "№",
    "Model", "Serial number", "Invoice", "Tracking code:", "Case ID", "Product code", "Style",
    "Flight", "Artikelnr.", "Artikel-Nr.", "Artikelnummer:", "Bestellnr.", "Bestellnummer", "Los",
    "Charge",
)  # fmt: skip
MAYBE_ARTICLE = ("No.", "Order", "Order #", "orders", "code", "ID:", "account")
WEIGHED = (
    "grams", "kilograms", "kilos", "tons", "tonnes", "ounces", "litres", "liters", "cups", "bags",
    "boxes", "gallons", "miles", "Stück", "Tassen",
)  # fmt: skip


def _with_check_digit(twelve: str) -> str:
    digits = [int(digit) for digit in twelve]
    return twelve + str(-(sum(digits[::2]) + 3 * sum(digits[1::2])) % 10)


def _numbers() -> st.SearchStrategy[str]:
    year = st.integers(1500, 2099)
    dates = st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2099, 12, 31))
    number = st.integers(1, 9999)
    price = st.tuples(st.sampled_from(["$", "€", "£", "Rs. ", "PKR "]), st.integers(1, 9_999_999))
    units = ["g", " g", "kg", " kg", " ml", " oz", " km", "%", " lbs", " views", " pieces"]
    gtin = st.from_regex(r"\A[0-9]{12}\Z", fullmatch=True)
    digits = st.from_regex(r"\A[0-9]{4,12}\Z", fullmatch=True)
    score = st.integers(0, 199)
    return st.one_of(
        year.map(str),
        st.tuples(year, year).map(lambda y: f"{y[0]}-{y[1]}"),
        st.tuples(number, st.sampled_from(units)).map("{0[0]}{0[1]}".format),
        st.tuples(st.integers(1, 9_999_999), st.sampled_from(units)).map(
            lambda w: f"{w[0]:,}{w[1]}"
        ),
        st.tuples(st.integers(1, 10**12), st.sampled_from(WEIGHED)).map("{0[0]} {0[1]}".format),
        price.map(lambda p: f"{p[0]}{p[1]:,}"),
        price.map(lambda p: f"{p[0]}{p[1]}.99"),
        price.map(lambda p: f"{p[1]} USD"),
        st.tuples(dates, st.sampled_from(DATES)).map(lambda d: d[0].strftime(d[1])),
        st.times().map(lambda t: t.strftime("%H:%M")),
        st.tuples(st.times(), st.times()).map(lambda t: f"{t[0]:%H:%M} - {t[1]:%H:%M:%S}"),
        st.floats(0, 100).map("{:.2f}%".format),
        st.tuples(score, score).map("{0[0]}-{0[1]}".format),
        st.tuples(score, score, score, score).map("{0[0]}:{0[1]} ({0[2]}:{0[3]})".format),
        st.tuples(st.floats(-90, 90), st.floats(-180, 180)).map("{0[0]:.6f}, {0[1]:.6f}".format),
        st.from_regex(r"\A[A-Z]{2,3}-[0-9]{3,6}-[A-Z]{1,2}\Z"),
        st.tuples(st.sampled_from(ARTICLE), digits).map("{0[0]} {0[1]}".format),
        st.tuples(st.sampled_from(MAYBE_ARTICLE), st.integers(1, 10**12)).map(
            "{0[0]} {0[1]}".format
        ),
        st.tuples(st.sampled_from(ARTICLE), digits, digits).map(
            lambda a: f"{a[0]} {a[1]:0<12} and {a[2]:0<12}"
        ),
        gtin.map(_with_check_digit),
        gtin.map(lambda g: "978-" + "-".join(re.fullmatch(
            r"...(.)(...)(.....)(.)", _with_check_digit("978" + g[:9])).groups())),
        st.from_regex(r"\A#[1-9][0-9]{2,6}\Z"),
        st.tuples(*[st.integers(0, 255)] * 4).map("{0[0]}.{0[1]}.{0[2]}.{0[3]}".format),
    )  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    region=st.sampled_from(["PK", "US", "GB", "DE", "FR", "IN", "IT", "NO", "SE", "HK", "FI"]),
    parts=st.lists(
        st.tuples(_numbers(), st.sampled_from([", ", " and ", "; ", "\n", " – from "])),
        min_size=1,
        max_size=6,
    ),
)
@example(region="US", parts=[("2003-2014", ", "), ("$12,345,678", "\n")])
def test_a_number_that_is_no_phone_number_survives(
    region: str, parts: list[tuple[str, str]]
) -> None:
    """Years, weights, prices, dates, times, shares, scores, places, articles, orders, barcodes."""
    text = "In " + "".join(number + joint for number, joint in parts) + "we went on."
    assert mask_contacts(text, region) == text


@settings(max_examples=100, deadline=None)
@given(
    region=st.sampled_from(["US", "PK", "DE", "IN", "FR", "NO", "DK", "NL", "BE"]),
    kind=st.sampled_from([0, 1]),
    before=st.sampled_from(["", "Ring ", "Tel: ", "fax/", "since 2003, ", "(", "Contact # "]),
    after=st.sampled_from(["", ".", " (4 lines)", "!", ", 2003", ")"]),
)
def test_no_digit_of_a_phone_number_is_left(
    region: str, kind: int, before: str, after: str
) -> None:
    import phonenumbers

    number = phonenumbers.example_number_for_type(region, kind)  # of a land line, of a mobile
    for style in (0, 1, 2):  # E.164, international, national
        written = phonenumbers.format_number(number, style)
        masked = mask_contacts(f"{before}{written}{after}", region)
        assert masked == f"{before}[phone]{after}"


@pytest.mark.parametrize("how", ["mask", "remove"])
@pytest.mark.parametrize("start", ["SKUs ", ""])
def test_a_long_line_takes_little_time(how: Literal["mask", "remove"], start: str) -> None:
    numbers = [f"202-555-{1000 + n}" for n in range(400)]
    began = time.perf_counter()
    text = without_contacts(start + ", ".join(numbers), how, "US")
    assert ("555" in text) == bool(start)
    without_contacts("a." * 20_000 + " 202-555-0123", how, "US")
    assert time.perf_counter() - began < 2


def test_regions() -> None:
    assert is_region("PK")
    assert not is_region("pk")
    assert not is_region("Pakistan")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Call us at (202) 555-0123!\nWe are open.", "We are open."),
        ("Tea for two. Phone: 202-555-0123", "Tea for two."),
        ("chat: https://wa.me/12025550123 now", "chat: now"),
        ("Call us (2025550123) now", "Call us now"),
        ("Write to us (ahoy@saltmarsh.example), please.", "Write to us, please."),
        ("E-mail: ahoy@saltmarsh.example\n\nPhone 202-555-0123\n\nHours: 9-5", "Hours: 9-5"),
        ("☕\nsince 1947", "☕\nsince 1947"),
    ],
)
def test_contact_data_is_removed(text: str, left: str) -> None:
    assert without_contacts(text, "remove", "US") == left
    assert without_contacts(text, "keep", "US") == text


@pytest.mark.parametrize(
    ("region", "text", "masked"),
    [
        ("US", "At 225 E. John Carpenter Freeway,\nSuite 1500, Irving, Texas 75062\nnow",
         "At [address]\nnow"),
        ("GB", "Find us: 10 Downing Street, London SW1A 2AA.", "Find us: [address]."),
        ("CA", "77 Bay St, Toronto, ON M5J 2R8", "[address]"),
        ("US", "In 2003 Park Avenue was our first of 12 shops", None),
        ("PK", "Plot 40, Sector 15, Korangi Industrial Area, Karachi", None),
    ],
)  # fmt: skip
def test_street_addresses_are_masked_only_when_asked(
    region: str, text: str, masked: str | None
) -> None:
    assert without_contacts(text, "mask", region) == text
    assert without_contacts(text, "mask", region, streets=True) == (masked or text)


CONTACT = st.sampled_from(
    ["202-555-0123", "+44 20 7946 0958", "0300 1234567", "a@b.example", "tel:+12025550123", "No.",
     "call ", "Phone: ", "#", "SKU ", "(", ")", "12", "1947", "-", "/", " ", ", ", "\n", "☕", "x",
     "[phone]", "[email]", "10 Downing Street, London SW1A 2AA", "555-0100", "111", "@", "."]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    parts=st.lists(CONTACT, max_size=12),
    how=st.sampled_from(["mask", "remove", "keep"]),
    region=st.sampled_from(["US", "GB", "PK"]),
    streets=st.booleans(),
)
def test_what_is_done_is_done_once_and_adds_nothing(
    parts: list[str], how: Literal["mask", "remove", "keep"], region: str, streets: bool
) -> None:
    """A mask counts nothing: what it stands for is gone."""
    text = "".join(parts)
    once = without_contacts(text, how, region, streets=streets)
    assert without_contacts(once, how, region, streets=streets) == once
    assert len(MASK.sub("", once)) <= len(text)
    assert len(words(MASK.sub(" ", once))) <= len(words(text))
    if how == "remove":
        assert len(once) <= len(text)
