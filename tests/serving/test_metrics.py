"""What /metrics says, and that its size does not depend on what clients send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as open_metrics,
)
from prometheus_client.parser import text_string_to_metric_families as plain_text

from serving.metrics import Metrics, route_of

OPEN_METRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def values(metrics: Metrics) -> dict[str, float]:
    """Every sample by its name and labels, such as `onbrand_tokens_total{kind=answer}`."""
    families = plain_text(metrics.render()[0].decode())
    return {
        f"{sample.name}{{{','.join(f'{k}={v}' for k, v in sample.labels.items())}}}": sample.value
        for family in families
        for sample in family.samples
    }


def exercised() -> Metrics:
    """Every method called once."""
    metrics = Metrics()
    metrics.build("1.2", "saltmarsh", "abc")
    metrics.request("/v1/chat/completions", 200, "saltmarsh", 1.7)
    metrics.first_token(0.3)
    metrics.queued(0.0)
    metrics.generated(prompt=20, answer=11, seconds=2.0)
    metrics.aborted()
    metrics.refused(503, "queue_full")
    metrics.queue(running=3, waiting=2)
    metrics.engine("ready", restarts=1)
    metrics.cache(hit=True)
    metrics.part("redis", False)
    metrics.batch_line("failed")
    return metrics


def test_every_event_is_counted() -> None:
    seen = values(exercised())
    expected = {
        "onbrand_build_info{brand=saltmarsh,model=abc,version=1.2}": 1,
        "onbrand_requests_total{model=saltmarsh,route=/v1/chat/completions,status=200}": 1,
        "onbrand_request_seconds_sum{route=/v1/chat/completions}": 1.7,
        "onbrand_time_to_first_token_seconds_bucket{le=0.2}": 0,
        "onbrand_time_to_first_token_seconds_bucket{le=0.35}": 1,
        "onbrand_queue_wait_seconds_count{}": 1,
        "onbrand_tokens_per_second_sum{}": 5,
        "onbrand_tokens_total{kind=prompt}": 20,
        "onbrand_tokens_total{kind=answer}": 11,
        "onbrand_aborts_total{}": 1,
        "onbrand_refusals_total{reason=queue_full,status=503}": 1,
        "onbrand_running{}": 3,
        "onbrand_waiting{}": 2,
        "onbrand_engine_state{state=ready}": 1,
        "onbrand_engine_state{state=down}": 0,
        "onbrand_engine_restarts_total{}": 1,
        "onbrand_cache_lookups_total{result=hit}": 1,
        "onbrand_part_up{part=redis}": 0,
        "onbrand_batch_lines_total{outcome=failed}": 1,
    }
    normalised = {_sorted_labels(name): value for name, value in seen.items()}
    assert {name: normalised.get(name) for name in expected} == expected


def _sorted_labels(name: str) -> str:
    family, labels = name.removesuffix("}").split("{")
    return f"{family}{{{','.join(sorted(labels.split(',')))}}}"


def test_two_gateways_do_not_share_their_counts() -> None:
    first, second = Metrics(), Metrics()
    first.aborted()
    assert values(first)["onbrand_aborts_total{}"] == 1
    assert values(second)["onbrand_aborts_total{}"] == 0


def test_restarts_are_counted_once_however_often_they_are_told() -> None:
    metrics = Metrics()
    for restarts in (0, 0, 2, 2, 3):
        metrics.engine("restarting", restarts)
    assert values(metrics)["onbrand_engine_restarts_total{}"] == 3


@pytest.mark.parametrize(("answer", "seconds"), [(1, 2.0), (0, 0.0), (5, 0.0)])
def test_an_answer_without_duration_has_no_rate(answer: int, seconds: float) -> None:
    metrics = Metrics()
    metrics.generated(3, answer, seconds)
    seen = values(metrics)
    assert seen["onbrand_tokens_per_second_count{}"] == 0
    assert seen["onbrand_tokens_total{kind=answer}"] == answer


def test_the_accept_header_chooses_the_format() -> None:
    content, media_type = exercised().render(OPEN_METRICS)
    assert media_type.startswith("application/openmetrics-text; version=1.0.0")
    assert {"onbrand_requests", "onbrand_build"} <= {f.name for f in open_metrics(content.decode())}
    assert content.endswith(b"# EOF\n")
    content, media_type = exercised().render("*/*")
    assert media_type == "text/plain; version=0.0.4; charset=utf-8"
    assert b"# EOF" not in content


@given(st.lists(st.text(max_size=30), min_size=1, max_size=200))
def test_no_client_can_make_the_exposition_grow(texts: list[str]) -> None:
    metrics = Metrics()
    for text in texts:
        metrics.request(f"/{text}", 404, text)
        metrics.request(f"/v1/files/{text}", 200, text, 0.1)
        metrics.refused(429, text)
    labels = [name for name in values(metrics) if name.startswith("onbrand_requests_total")]
    assert len(labels) <= 2 * 33
    assert len([n for n in values(metrics) if n.startswith("onbrand_refusals_total")]) <= 33


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/models", "/v1/models"),
        ("/v1/files/file-1", "/v1/files/…"),
        ("/v1/files/file-2/content", "/v1/files/…"),
        ("/v1/batches/b/cancel", "/v1/batches/…"),
        ("/v1/models/cafe-zoe", "/v1/models/…"),
        ("/v1/modelsof", "other"),
        ("/wp-login.php", "other"),
        ("", "other"),
    ],
)
def test_paths_fall_into_few_routes(path: str, route: str) -> None:
    assert route_of(path) == route
