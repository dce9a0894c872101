"""The program on the page about batches does what the page says."""

import re
from pathlib import Path

import pytest
from openai import OpenAI

PAGE = Path(__file__).parents[3] / "docs" / "batches.md"


def test_the_documented_program_prints_the_answers(
    client: OpenAI,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    monkeypatch.chdir(tmp_path)
    url = str(client.base_url).removesuffix("/v1/")
    exec(program.replace("http://127.0.0.1:8080", url), {})
    assert capsys.readouterr().out == "mugs Describe our mugs.\nsoap Describe our soap.\n"
