import pytest

from scraper.website.document import parse
from scraper.website.login_wall import asks_for_login, leads_to_login

FORM = "<form><label>User</label><input name=u><input type='PASSWORD'><button>Go</button></form>"
TEXT = "Our bakery is at the harbour, and its door is open from six in the morning. "
URL = "https://www.example.com/members"


def page(body: str, title: str = "Bakery") -> str:
    return (
        f"<html><head><title>{title}</title></head><body><nav>Home Shop</nav>{body}</body></html>"
    )


@pytest.mark.parametrize(
    ("html", "url", "is_wall"),
    [
        (page(FORM), URL, True),
        (page(f"<h1>Sign in</h1><p>{TEXT * 3}</p>{FORM}"), URL, True),
        (page(f"<p>{TEXT * 3}</p>{FORM}", "Anmelden"), URL, True),
        (page(f"<p>{TEXT * 3}</p>{FORM}"), "https://www.example.com/account/login", True),
        (page("<div><input type=password></div>"), URL, True),
        (page(f"<p>{TEXT * 3}</p>{FORM}"), URL, False),
        (page(f"<h1>How to log in to our wifi</h1><p>{TEXT * 9}</p>{FORM}"), URL, False),
        (page(f"<p>{TEXT * 9}</p><aside>{FORM}</aside>", "Login"), URL, False),
        (page("<h1>Login</h1><form><input name=search></form>"), URL, False),
        ("<p>Short.</p>", URL, False),
    ],
)
def test_login_form(html: str, url: str, is_wall: bool) -> None:
    assert asks_for_login(parse(html), url) is is_wall


@pytest.mark.parametrize(
    ("url", "target", "is_wall"),
    [
        ("/members", "/login?next=/members", True),
        ("/account", "/account/sign-in/", True),
        ("/wp-admin", "/wp-login.php?redirect_to=x", True),
        ("/login", "/account/login", False),
        ("/old", "/new", False),
        ("/old", "/blog/login-made-easy", False),
    ],
)
def test_redirect_to_login(url: str, target: str, is_wall: bool) -> None:
    base = "https://www.example.com"
    assert leads_to_login(base + url, base + target) is is_wall
