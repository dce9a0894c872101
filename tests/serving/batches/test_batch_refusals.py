"""Files and batches that cannot be, handed in with OpenAI's own client."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from batch_gateway import jsonl, line, submit, wait
from openai import APIStatusError, OpenAI

WELL: dict[str, Any] = {"endpoint": "/v1/chat/completions", "completion_window": "24h"}


@pytest.mark.parametrize(
    ("changed", "status", "says", "param"),
    [
        ({"endpoint": "/v1/embeddings"}, 400, 'endpoint has to be "/v1/chat', "endpoint"),
        ({"completion_window": "1h"}, 400, 'has to be "24h"', "completion_window"),
        ({"input_file_id": "file-none"}, 404, "There is no file 'file-none'", "input_file_id"),
        ({"input_file_id": "file-\0\n"}, 404, r"There is no file 'file-\\\\x00", "input_file_id"),
        ({"metadata": {"k": "v" * 513}}, 400, "metadata", "metadata.k"),
        (
            {"output_expires_after": {"anchor": "created_at", "seconds": 1}},
            400,
            "seconds",
            "output_expires_after.seconds",
        ),
    ],
)
def test_a_batch_that_cannot_be_is_refused_in_a_sentence(
    client: OpenAI, changed: dict[str, Any], status: int, says: str, param: str
) -> None:
    file = client.files.create(file=("x.jsonl", jsonl([line("a")])), purpose="batch")
    with pytest.raises(APIStatusError, match=says) as refused:
        client.batches.create(**{"input_file_id": file.id, **WELL, **changed})
    assert refused.value.status_code == status
    assert refused.value.param == param
    assert client.batches.list().data == []


def test_uploads_that_cannot_be_are_refused_in_a_sentence(client: OpenAI) -> None:
    with pytest.raises(APIStatusError, match="for batches only"):
        client.files.create(file=("x", b"x"), purpose="vision")
    with pytest.raises(APIStatusError, match="larger than the 3000000 bytes") as e:
        client.files.create(file=("x", b"x" * 3_100_000), purpose="batch")
    assert e.value.status_code == 413
    url = f"{client.base_url}files"
    with httpx.Client(trust_env=False, headers={"Authorization": "Bearer one"}) as http:
        form = {"Content-Type": "multipart/form-data; boundary=b"}
        for body, headers, says in (
            (b"{}", {"Content-Type": "application/json"}, "multipart/form-data"),
            (b"--b--", form, "the field file is missing"),
            (b"nonsense", form, "cannot be read as"),
            (b"", {"Content-Type": "multipart/form-data"}, "cannot be read as"),
        ):
            answer = http.post(url, content=body, headers=headers)
            assert answer.status_code == 400, answer.text
            assert says in answer.json()["error"]["message"]
        endless = (
            b"--b\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n" for _ in "1"
        )

        def pour() -> Iterator[bytes]:
            yield from endless
            for _ in range(500):
                yield b"x" * 100_000

        with suppress(httpx.WriteError):  # of unknown length: cut off at the limit
            assert http.post(url, content=pour(), headers=form).status_code == 413
    assert client.files.list().data == []


def test_an_input_file_that_cannot_be_used_fails_the_batch_line_by_line(client: OpenAI) -> None:
    content = b"\n".join(
        [
            jsonl([line("a")]).strip(),
            b"not json",
            b"",
            jsonl([line("a")]).strip(),
            jsonl([line("b", url="/v1/embeddings")]).strip(),
            jsonl([line("c", method="GET")]).strip(),
            jsonl([line("")]).strip(),
            jsonl([line("d", body=[])]).strip(),
            jsonl([line("e", body={"stream": True})]).strip(),
            jsonl([line("f", body={"x": float("nan")})]).strip(),
            b"\xff\xfe\xfd",
            b"[1]",
            b'"' + b"x" * 1_100_000 + b'"',
        ]
    )
    failed = wait(client, submit(client, content))
    assert failed.status == "failed"
    assert failed.failed_at
    assert failed.output_file_id is None
    assert failed.errors
    found = [(one.line, one.code) for one in failed.errors.data or []]
    assert found == [
        (2, "invalid_json_line"),
        (4, "duplicate_custom_id"),
        (5, "invalid_url"),
        (6, "invalid_method"),
        (7, "missing_required_parameter"),
        (8, "missing_required_parameter"),
        (9, "invalid_request"),
        (10, "invalid_json_line"),
        (11, "invalid_json_line"),
        (12, "invalid_json_line"),
        (13, "line_too_long"),
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty_file"), (b"\n \r\n", "empty_file"), (b"x\n" * 300, "invalid_json_line")],
)
def test_files_without_requests(client: OpenAI, content: bytes, code: str) -> None:
    failed = wait(client, submit(client, content))
    assert failed.status == "failed"
    assert failed.errors
    assert {one.code for one in failed.errors.data or []} == {code}
    assert len(failed.errors.data or []) <= 100


def test_too_many_requests(client: OpenAI) -> None:
    failed = wait(client, submit(client, [line(f"{n}") for n in range(2001)]))
    assert failed.errors
    (error,) = failed.errors.data or []
    assert (error.code, error.line) == ("too_many_requests", 2001)
    assert "2000 requests at most" in (error.message or "")
