from scraper.extract.blocks import page_of, parse
from scraper.extract.markdown import markdown


def all_of(html: str) -> str:
    tree = parse(html)
    assert tree is not None
    page = page_of(tree)
    return markdown(page, range(len(page.blocks)))


def test_headings_lists_tables_quotes_and_code() -> None:
    found = all_of(
        "<h1>Kelp <em>bar</em></h1><p>It floats.<br>Always.</p><ul><li>Oat</li><li><p>Kelp</p>"
        "<p>from here</p></li></ul><table><tr><th>Bar</th><th>Price</th></tr><tr><td>Kelp</td>"
        "<td>£7</td></tr></table><blockquote>Lovely</blockquote><pre>a\n  b</pre>"
    )
    assert found.split("\n") == [
        "# Kelp bar", "It floats.", "Always.", "- Oat", "- Kelp", "from here", "Bar | Price",
        "Kelp | £7", "> Lovely", "```", "a", "  b", "```",
    ]  # fmt: skip


def test_tables_for_the_layout_keep_their_lines() -> None:
    found = all_of(
        "<table><tr><td><h1>Kelp bar</h1><p>It floats.</p><p>It lasts.</p><ul><li>oat</li>"
        "<li>kelp</li></ul></td></tr><tr><td>1</td><td><pre>code</pre></td><td>x</td></tr></table>"
    )
    assert found.split("\n") == [
        "# Kelp bar", "It floats.", "It lasts.", "- oat", "- kelp", "1", "```", "code", "```", "x",
    ]  # fmt: skip


def test_scripts_choices_and_comments_are_not_text() -> None:
    assert all_of("<p>Seen<!-- not --><script>x</script></p><select><option>9</select>") == "Seen"


def test_links_side_by_side_are_two_words() -> None:
    assert all_of("<div><a>Shop</a><a>About</a></div><p>one<b>two</b></p>") == "Shop About\nonetwo"


def test_very_deep_nesting_is_read() -> None:
    assert "deep" in all_of("<div>" * 1000 + "deep" + "</div>" * 1000)
