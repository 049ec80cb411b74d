"""Pages as people see them: the right figures, in both languages, on any screen, whatever a job is called."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import AXE
from tests.e2e.scene import HOSTILE, JOBS

PATHS = (
    "/?range=24h",
    "/runs?range=24h",
    "/runs/i2v-on-a-dead-worker",
    "/jobs?range=24h",
    "/jobs/i2v?range=24h",
    "/failures?range=24h",
    "/heatmap?range=24h",
    "/queues?range=24h",
    "/workers?range=24h",
    "/scheduler-monitoring",
    "/scheduler-monitoring?tab=heatmap",
    "/settings",
    "/sign-in",
)
# What stands in both languages: figures, units, names of ours and of products.
NEUTRAL = re.compile(r"[\W\d_]|Taskscope|Prometheus|UTC|P\d\d|English|EN|KiB|MiB|GiB", re.ASCII)
# Names of the scene are data, wherever a sentence holds them; the longest first, so that none is left in part.
NAMES = sorted(
    {"send_alert_notifications", "beat", *HOSTILE}
    | {text for job in JOBS for text in (job.id, job.name, job.owner, job.category, job.queue, *job.workers)},
    key=len,
    reverse=True,
)
FOREIGN = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const around = walker.currentNode.parentElement;
    if (text && !around.closest("[translate=no], [data-name], script, style, noscript")) found.push(text);
  }
  for (const one of document.querySelectorAll("[aria-label], [placeholder]")) {
    if (!one.closest("[translate=no]")) found.push(one.ariaLabel ?? "", one.getAttribute("placeholder") ?? "");
  }
  return found;
}"""


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("language", "theme", "width"), [("en", "light", 1280), ("zh", "dark", 360)])
def test_a_page_is_whole(look: Any, path: str, language: str, theme: str, width: int) -> None:
    looked = look(language=language, theme=theme, width=width)
    page = looked.open(path)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "it overflows"
    assert page.locator("h1").count() == 1
    if language == "zh":
        assert [text for text in page.evaluate(FOREIGN) if re.search("[A-Za-z]{2,}", without_names(text))] == []
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    serious = [
        (one["id"], [node["html"][:160] for node in one["nodes"]][:3])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []
    assert page.evaluate("window.harmed") is None
    assert looked.complaints == []


def without_names(text: str) -> str:
    for name in NAMES:
        text = text.replace(name, " ")
    return NEUTRAL.sub(" ", text)


def figure(page: Any, name: str) -> str:
    return str(page.get_by_test_id(f"figure-{name}").inner_text())


def window(page: Any) -> dict[str, str]:
    """Give the range that the page has just asked about."""
    asked = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    last = [name for name in asked if "/api/v1/history" in name or "/api/v1/jobs/" in name]
    query = httpx.URL(max(last, key=lambda name: httpx.URL(name).params["to"])).params
    return {"from": query["from"], "to": query["to"]}


def test_the_overview_says_what_the_api_says(look: Any, api: httpx.Client) -> None:
    page = look().open("/?range=24h")
    stats = api.get("/api/v1/stats", params=window(page)).json()
    assert figure(page, "success-rate") == f"{stats['success_rate'] * 100:.1f} %"
    assert figure(page, "waiting") == str(stats["pending"])
    assert figure(page, "active") == str(stats["running"])
    for outcome in ("succeeded", "failed", "timed_out", "lost", "cancelled"):
        word = outcome.replace("_", " ")
        assert re.search(rf"\b{word} {stats[outcome]:,}(?!\d)", page.locator("figcaption").first.inner_text())


def test_the_dashboard_says_what_the_documents_paths_say(look: Any, api: httpx.Client) -> None:
    page = look().open("/scheduler-monitoring")
    metrics = api.get("/api/v1/scheduler/metrics").json()["data"]["metrics"]
    ok, runs = (sum(metric[key] for metric in metrics) for key in ("success_count", "total_runs"))
    assert figure(page, "jobs") == str(len(metrics))
    assert figure(page, "success-rate") == f"{ok / runs * 100:.1f} %"
    assert figure(page, "failed") == str(sum(metric["failure_count"] for metric in metrics))
    chain = page.get_by_test_id("chain").inner_text()
    known = next(metric for metric in metrics if metric["job_id"] == "send_alert_notifications")
    assert str(known["success_count"]) in chain
    page.get_by_role("searchbox").fill("backend platform")
    rows = page.locator("tbody tr")
    assert rows.count() == sum(metric["owner"] == "Backend Platform" for metric in metrics)
    with page.expect_download() as download:
        page.get_by_role("link", name="Prometheus export").click()
    assert "scheduler_job_success_total" in download.value.path().read_text("utf-8")


def test_filters_stand_in_the_address_and_ask_the_server(look: Any, api: httpx.Client) -> None:
    page = look().open("/runs?range=24h&job=i2v&outcome=failed")
    shown = page.locator("tbody tr [data-column=job]").all_inner_texts()
    assert set(shown) == {"i2v"}
    assert set(page.locator("tbody tr [data-column=outcome]").all_inner_texts()) == {"✕\nfailed"}
    page.get_by_label("Remove filter outcome: failed").click()
    page.wait_for_url("**/runs?range=24h&job=i2v")


def test_from_the_overview_to_the_worst_traceback_in_three_clicks(look: Any, api: httpx.Client) -> None:
    looked = look()
    page = looked.open("/?range=24h")
    page.get_by_test_id("top-failures").get_by_role("link").first.click()
    trace = page.get_by_test_id("traceback")
    trace.wait_for()
    assert "self.unet(latents, t, encoder_hidden_states=cond)" in trace.inner_text()
    assert "trace_task" not in trace.inner_text(), "frames of libraries are folded"


def test_last_nights_idle_workers_in_three_clicks(look: Any) -> None:
    page = look().open("/")
    page.get_by_role("link", name="Workers").first.click()
    page.get_by_test_id("range").click()
    page.get_by_role("button", name="last night").click()
    page.wait_for_url("**/workers?range=night")
    page.get_by_label("Sort").select_option("idle")
    page.wait_for_url("**sort=idle**")


def test_a_job_is_shown_whatever_it_is_called(look: Any) -> None:
    looked = look()
    page = looked.open("/jobs?range=24h")
    for name in HOSTILE:
        page.locator("td [data-name]").filter(has_text=name[:40]).first.click()
        page.wait_for_url("**/jobs/*")
        page.get_by_test_id("figure-runs").wait_for()
        assert page.locator("h1").inner_text() == name
        assert page.evaluate("window.harmed") is None
        page.go_back()
        page.wait_for_url("**/jobs?range=24h")
    assert looked.complaints == []


def test_a_fact_is_on_the_screen_within_two_seconds(look: Any, api: httpx.Client) -> None:
    page = look().open("/runs?job=just-now")
    page.wait_for_selector("[data-testid=live-state][data-state=live]")
    api.post("/api/v1/events", json={"type": "task.started", "time": "2026-01-08T08:00:00Z", "task": "x"})
    now = api.get("/api/v1/queues").json()["now"]
    fact = {"type": "task.succeeded", "time": now, "task": "fresh", "job": "just-now", "worker": "w", "duration_ms": 5}
    api.post("/api/v1/events", json=fact)
    page.locator("tbody tr", has_text="fresh").wait_for(timeout=2_000)


def test_keys_move_and_do_nothing_while_something_is_typed(look: Any) -> None:
    page = look().open("/")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/runs")
    page.wait_for_selector("tbody tr")
    page.keyboard.press("j")
    page.wait_for_function("document.activeElement.closest('[data-row]') !== null")
    page.get_by_label("Value for job").fill("g")
    page.keyboard.press("w")
    assert "/runs" in page.url


def test_the_language_changes_in_place(look: Any) -> None:
    page = look().open("/")
    page.get_by_test_id("language").click()
    assert page.locator("h1").inner_text() == "总览"
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
