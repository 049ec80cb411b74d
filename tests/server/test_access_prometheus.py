"""A real Prometheus that shows a token, configured as the document of the schedulers configures it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from taskscope.store.sqlite import SqliteStore
from tests.cli.facts import finished, ndjson
from tests.prometheus import Prometheus, require
from tests.server.access import add, admin
from tests.server.conftest import Server

if TYPE_CHECKING:
    from pathlib import Path

_PATH = "/api/v1/scheduler/metrics/prometheus"


def _scrape(name: str, token: str, target: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "job_name": name,
        "bearer_token": token,
        "static_configs": [{"targets": [target]}],
        "metrics_path": _PATH,
        "scrape_interval": "1s",
    }
    return found if token else {key: value for key, value in found.items() if key != "bearer_token"}


def test_prometheus_scrapes_with_a_token_that_may_read_and_with_no_other(tmp_path: Path) -> None:
    require()
    server = Server(tmp_path / "home")
    with closing(SqliteStore(server.home / "taskscope.db")) as store:
        reads, sends = add(store, "prometheus", ["read"]), add(store, "shop", ["ingest"])
    body, headers = ndjson(finished("t", 0, 1, job="draw")), {"Content-Type": "application/x-ndjson"}
    server.client.post("/api/v1/events", content=body, headers=headers | admin(server.home)).raise_for_status()
    target = server.ready["url"].removeprefix("http://")
    given = {"reads": reads, "sends": sends, "nobody": ""}
    config = {"scrape_configs": [_scrape(name, token, target) for name, token in given.items()]}
    prometheus = Prometheus(tmp_path / "prometheus", config)
    try:
        prometheus.wait_for('scheduler_job_success_total{job_id="draw"} == 1')
        prometheus.wait_for("count(count_over_time(up[1m]) >= 2) == 3")
        up = prometheus.ask("query", query="up")["result"]
        assert {one["metric"]["job"]: one["value"][1] for one in up} == {"reads": "1", "sends": "0", "nobody": "0"}
        errors = {one["labels"]["job"]: one["lastError"] for one in prometheus.ask("targets")["activeTargets"]}
        assert ("403" in errors["sends"], "401" in errors["nobody"], errors["reads"]) == (True, True, "")
    finally:
        prometheus.stop()
        server.stop()
