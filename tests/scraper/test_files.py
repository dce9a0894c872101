from collections.abc import Callable
from pathlib import Path

import pytest

from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace
from scraper.files import hash_files, read_files

MakeWorkspace = Callable[[str], Workspace]
SENTENCE = "Grüße aus der Rösterei, wo jeden Morgen große Säcke geöffnet werden. " * 5


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_folders_are_read_recursively_and_sorted(
    make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    for name in ("site/b.txt", "site/a/z.MD", "site/a/#.txt", "site/skip.html", "one.txt"):
        write(tmp_path / name, f"text of {name}".encode())
    workspace = make_workspace('[files]\npaths = ["site", "one.txt", "site/b.txt"]')
    texts, failed = read_files(workspace)
    assert [text.path for text in texts] == ["site/a/#.txt", "site/a/z.MD", "site/b.txt", "one.txt"]
    assert texts[0].text == "text of site/a/#.txt"
    assert failed == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(make_workspace: MakeWorkspace, tmp_path: Path, encoding: str) -> None:
    write(tmp_path / "a.txt", SENTENCE.encode(encoding))
    texts, failed = read_files(make_workspace('[files]\npaths = ["a.txt"]'))
    assert failed == []
    assert texts[0].text == SENTENCE


ONE_LINE = [
    "Our tea – brewed with love — it’s “fresh”", "Café crème et pâtisseries à emporter",
    "Señor, mañana", "50€ only", "Price £5 each", "Fish & chips at 5 °C", "“Éclair”",
    "Smörgåsbord på svenska är kött och smör",
]  # fmt: skip
LONGER = [
    ("Наш чай всегда свежий, и мы выбираем лучшие листья из маленьких садов. ", "cp1251"),
    ("我们的茶每天都很新鲜，我们从小花园里挑选最好的叶子。", "gbk"),
    ("Our tea – brewed with love. ", "utf-16"),
    ("Наш чай всегда свежий. ", "utf-16"),
    ("Nasza herbata jest świeża każdego dnia. Wybieramy najlepsze liście z małych ogrodów. "
     "Przyjdź do nas na ciepłą szarlotkę. ", "cp1250"),
    ("Náš čaj je čerstvý každý den. Vybíráme nejlepší lístky z malých zahrad a mícháme je ručně, "
     "aby každý šálek byl výjimečný. ", "cp1250"),
    ("Notre thé est frais chaque jour. L’été, venez goûter une tarte tiède. ", "cp1252"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(text, "cp1252") for text in ONE_LINE] + [(text * 5, encoding) for text, encoding in LONGER],
)
def test_encodings_that_have_to_be_guessed(
    make_workspace: MakeWorkspace, tmp_path: Path, text: str, encoding: str
) -> None:
    write(tmp_path / "a.txt", text.encode(encoding))
    texts, failed = read_files(make_workspace('[files]\npaths = ["a.txt"]'))
    assert failed == []
    assert texts[0].text == text


def test_an_unreadable_file_is_set_aside(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    write(tmp_path / "site/good.txt", b"good")
    (tmp_path / "site/mem.txt").symlink_to("/proc/self/mem")
    workspace = make_workspace('[files]\npaths = ["site"]')
    assert hash_files(workspace) == hash_files(workspace)
    texts, failed = read_files(workspace)
    assert [text.path for text in texts] == ["site/good.txt"]
    assert [(f.locator, f.reason) for f in failed] == [("site/mem.txt", "Input/output error")]


def test_empty_and_binary_files_are_set_aside(
    make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    write(tmp_path / "site/empty.txt", b" \n")
    write(tmp_path / "site/binary.txt", b"\0\1\2" * 50)
    write(tmp_path / "site/good.txt", b"good")
    texts, failed = read_files(make_workspace('[files]\npaths = ["site"]'))
    assert [text.path for text in texts] == ["site/good.txt"]
    assert [(f.locator, f.reason) for f in failed] == [
        ("site/binary.txt", "it is no text file"),
        ("site/empty.txt", "it is empty"),
    ]


def test_names_do_not_depend_on_where_the_workspace_lies(
    make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    write(tmp_path / "site/a.txt", b"text")
    absolute = make_workspace(f'[files]\npaths = ["{tmp_path}/site"]')
    assert read_files(absolute)[0][0].path == "site/a.txt"
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    write(outside / "a.txt", b"text")
    relative = make_workspace(f'[files]\npaths = ["../{outside.name}"]')
    assert read_files(relative)[0][0].path == f"../{outside.name}/a.txt"


def test_a_path_without_texts_is_one_sentence(
    make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"nowhere, named in files\.paths, is not there"):
        read_files(make_workspace('[files]\npaths = ["nowhere"]'))
    (tmp_path / "folder").mkdir()
    with pytest.raises(OnbrandError, match=r"folder, named in files\.paths, holds no"):
        read_files(make_workspace('[files]\npaths = ["folder"]'))


def test_the_hash_follows_names_and_bytes(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    write(tmp_path / "site/a.txt", b"one")
    workspace = make_workspace('[files]\npaths = ["site"]')
    before = hash_files(workspace)
    assert hash_files(workspace) == before
    write(tmp_path / "site/a.txt", b"two")
    changed = hash_files(workspace)
    (tmp_path / "site/a.txt").rename(tmp_path / "site/b.txt")
    assert len({str(hashes) for hashes in (before, changed, hash_files(workspace))}) == 3
