"""The dashboard and the alerts ask only for what is really exported."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from gateway_harness import free_port
from serving.metrics import Metrics

DOCKER = Path(__file__).parents[2] / "docker"
DASHBOARD = json.loads((DOCKER / "grafana/dashboards/onbrand.json").read_text())
RULES = yaml.safe_load((DOCKER / "prometheus/alerts.yml").read_text())["groups"][0]["rules"]
SCRAPES = yaml.safe_load((DOCKER / "prometheus/prometheus.yml").read_text())["scrape_configs"]
ADDED = {"job", "instance"}
"""Labels that Prometheus puts on everything it scrapes."""


def everything() -> Metrics:
    """Metrics of a gateway in which everything has happened once."""
    metrics = Metrics()
    metrics.build("1", "brand", "hash")
    metrics.request("/v1/chat/completions", 200, "brand", 1.0)
    metrics.refused(503, "queue_full")
    metrics.generated(1, 2, 1.0)
    metrics.engine("ready", 0)
    metrics.cache(hit=True)
    metrics.part("store", True)
    metrics.batch_line("answered")
    return metrics


def exported() -> dict[str, set[str]]:
    """Every name of a sample, with its labels."""
    found: dict[str, set[str]] = {"up": set()}
    for family in text_string_to_metric_families(everything().render()[0].decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


EXPORTED = exported()
EXPRESSIONS = {
    **{
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    },
    **{rule["alert"]: rule["expr"] for rule in RULES},
}


def parsed(expression: str) -> Any:
    """Grafana's variables filled in, as it does before it asks Prometheus."""
    filled = expression.replace("$__rate_interval", "5m").replace("$instance", ".*")
    return promql_parser.parse(filled)


def parts(node: Any) -> Iterator[Any]:
    """A parsed expression and all that it is made of."""
    yield node
    for child in ("expr", "lhs", "rhs", "vector_selector", "param"):
        if (below := getattr(node, child, None)) is not None and not isinstance(below, str):
            yield from parts(below)
    for argument in getattr(node, "args", None) or []:
        yield from parts(argument)


def asked_for(expression: str) -> dict[str, set[str]]:
    """The metrics of an expression, with the labels it selects or groups by."""
    nodes = list(parts(parsed(expression)))
    grouped = {
        label
        for node in nodes
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier
        for label in node.modifier.labels
    }
    return {
        node.name: grouped | {matcher.name for matcher in node.matchers.matchers}
        for node in nodes
        if isinstance(node, promql_parser.VectorSelector)
    }


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_asks_for_metrics_and_labels_that_exist(name: str) -> None:
    metrics = asked_for(EXPRESSIONS[name])
    assert metrics
    assert metrics.keys() <= EXPORTED.keys()
    for metric, labels in metrics.items():
        assert labels <= EXPORTED[metric] | ADDED


def test_the_check_would_find_a_wrong_name_and_a_wrong_label() -> None:
    wrong = asked_for('sum by (colour) (rate(onbrand_request_total{state="x"}[5m]))')
    assert wrong == {"onbrand_request_total": {"colour", "state"}}
    two = asked_for("rate(onbrand_aborts_total[5m]) / rate(onbrand_tokens_total[5m])")
    assert two.keys() == {"onbrand_aborts_total", "onbrand_tokens_total"}
    (inner,) = asked_for("histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))")
    assert inner == "a_bucket"


def test_every_metric_is_shown_somewhere() -> None:
    shown = {name for expression in EXPRESSIONS.values() for name in asked_for(expression)}
    counted = {family.name for family in everything().registry.collect()}
    endings = re.compile(r"_(total|bucket|info)$")
    assert {name for name in counted if name.startswith("onbrand_")} == {
        endings.sub("", name) for name in shown if name.startswith("onbrand_")
    }


def test_every_metric_is_documented() -> None:
    page = (DOCKER.parent / "docs/operations.md").read_text()
    endings = re.compile(r"_(bucket|count|sum)$")
    named = {
        endings.sub("", name) for name in EXPORTED if re.match(r"onbrand_.*(?<!_created)$", name)
    }
    assert [name for name in named if f"`{name}`" not in page] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_what_is_the_matter(rule: dict[str, Any]) -> None:
    labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    known = set().union(*(EXPORTED[name] for name in asked_for(rule["expr"])))
    assert labels <= known | ADDED
    assert rule["labels"]["severity"] in ("page", "warn")


def test_the_dashboard_finds_its_data_source_and_its_place() -> None:
    provisioning = DOCKER / "grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {source["uid"]}
    (provider,) = yaml.safe_load((provisioning / "dashboards/onbrand.yml").read_text())["providers"]
    compose = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    assert (
        f"./grafana/dashboards:{provider['options']['path']}:ro"
        in (compose["services"]["grafana"]["volumes"])
    )
    assert source["url"] == "http://prometheus:9090"
    assert source["jsonData"]["timeInterval"] == "10s"


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


def test_prometheus_scrapes_services_that_exist() -> None:
    compose = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    aliases = {"engine"} | compose["services"].keys()
    targets = [
        target
        for scrape in SCRAPES
        for static in scrape["static_configs"]
        for target in static["targets"]
    ]
    assert targets == ["gateway:8080", "slack-bot:8091", "discord-bot:8092", "engine:8000"]
    assert {target.split(":")[0] for target in targets} <= aliases
    jobs = {scrape["job_name"] for scrape in SCRAPES}
    named = {job for e in EXPRESSIONS.values() for job in re.findall(r'job="(\w+)"', e)}
    assert named <= jobs


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs Prometheus' promtool")
def test_promtool_accepts_configuration_and_alerts() -> None:
    for check in (
        ["config", "--syntax-only", "prometheus.yml"],
        ["rules", "alerts.yml"],
    ):
        said = subprocess.run(
            ["promtool", "check", *check],
            cwd=DOCKER / "prometheus",
            capture_output=True,
            text=True,
        )
        assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("prometheus"), reason="needs Prometheus")
def test_a_real_prometheus_scrapes_and_answers_every_expression(tmp_path: Path) -> None:
    from prometheus_client import start_http_server  # a server in the gateway's place

    gateway, port = free_port(), free_port()
    start_http_server(gateway, "127.0.0.1", registry=everything().registry)
    (tmp_path / "alerts.yml").write_text((DOCKER / "prometheus/alerts.yml").read_text())
    config = yaml.safe_load((DOCKER / "prometheus/prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"] = [
        {"job_name": "gateway", "static_configs": [{"targets": [f"127.0.0.1:{gateway}"]}]}
    ]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    server = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", trust_env=False) as api:
            deadline = time.monotonic() + 30
            while not _series(api, "onbrand_build_info"):
                assert time.monotonic() < deadline
                time.sleep(0.5)
            time.sleep(3)  # rates need some scrapes
            for expression in EXPRESSIONS.values():
                filled = expression.replace("$__rate_interval", "10s").replace("$instance", ".*")
                said = api.get("query", params={"query": filled}).json()
                assert said["status"] == "success", (expression, said)
            for name in EXPORTED:
                assert _series(api, name), name
            rules = api.get("rules").json()["data"]["groups"][0]["rules"]
            assert {rule["health"] for rule in rules} == {"ok"}
    finally:
        server.terminate()
        server.wait(10)


def _series(api: httpx.Client, name: str) -> list[Any]:
    try:
        found: list[Any] = api.get("query", params={"query": name}).json()["data"]["result"]
    except (httpx.HTTPError, ValueError, KeyError):
        return []
    return found
