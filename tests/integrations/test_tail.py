"""`taskscope tail celery`: an application that knows nothing of Taskscope, and two that listen to it."""

from __future__ import annotations

import signal
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from taskscope.core.normalise import decode_event
from taskscope.integrations.celery_events import Translator
from tests.integrations.processes import REDIS, Process, Site, redis_prefix, wait_for

APP = "tests.integrations.celery_app"
ENDS = {"succeeded", "failed", "timed_out", "lost", "cancelled"}


def listen(site: Site, prefix: str) -> Process:
    process = site.start(
        "taskscope", "tail", "celery", "--broker", REDIS, "--service", "shop", "--key-prefix", prefix, "--enable-events"
    )
    wait_for(lambda: process.says("listens to Celery"))
    return process


def probed(site: Site) -> bool:
    """Send a task, and tell whether anything was heard of one: workers without -E have to be asked first."""
    site.call(f"from {APP} import *\nown.delay()")
    return any(run["job"] == "tests.own" for run in site.runs("--outcome", "succeeded"))


def test_two_that_listen_say_what_the_tasks_wrote_down_and_count_nothing_twice(tmp_path: Path) -> None:
    with redis_prefix() as prefix:
        site = Site(tmp_path, prefix, REDIS)
        site.environment["RECORDED"] = "no"
        try:
            first, second = listen(site, prefix), listen(site, prefix)
            quiet = ("--loglevel", "WARNING", "--without-gossip", "--without-mingle")
            worker = site.start("celery", "-A", APP, "worker", "-n", "w1@%h", "-c", "2", *quiet)
            wait_for(lambda: probed(site))
            probes = sum(line["what"] in ENDS for line in site.lines())
            several = "for n in range(20): ok.delay()"
            send = f"from {APP} import *\n{several}\nfail.delay(); flaky.delay(2); soft.delay()"
            site.call(send)
            wait_for(lambda: sum(line["what"] in ENDS for line in site.lines()) >= probes + 25)
            first.process.send_signal(signal.SIGKILL)
            site.call(f"from {APP} import *\nfor n in range(20): ok.delay(seconds=0.01)")
            wait_for(lambda: sum(line["what"] in ENDS for line in site.lines()) >= probes + 45)
            assert worker.stop() == 0
            wait_for(lambda: site.facts()[-1]["type"] == "worker.offline")
            assert second.stop() == 0

            written = Counter(line["what"] for line in site.lines()[2 * probes :] if line["what"] in ENDS)
            stats = site.ask("stats", "--job", "tests.ok,tests.fail,tests.flaky,tests.soft")
            assert {outcome: stats[outcome] for outcome in ENDS} == {outcome: written[outcome] for outcome in ENDS}
            assert stats["submitted"] == 45
            assert stats["pending"] == stats["running"] == 0
            assert stats["tasks"]["completed"] == 41
            runs = [run for run in site.runs() if run["job"] != "tests.own"]
            assert {run["queue"] for run in runs} == {f"{prefix}.default"}
            assert {run["job"] for run in runs} == {"tests.ok", "tests.fail", "tests.flaky", "tests.soft"}
            assert Counter(run["attempt"] for run in runs) == {1: 43, 2: 1, 3: 1}
            assert {run["error"]["type"] for run in runs if run["error"]} == {
                "ValueError",
                "OSError",
                "SoftTimeLimitExceeded",
            }
            assert len({fact["boot"] for fact in site.facts() if fact["type"].startswith("worker.")}) == 1
            assert site.ask("verify")["differences"] == []
        finally:
            site.close()


# --- events that no worker would send ---------------------------------------------------------------------------------

TIME_S = datetime(2026, 1, 8, tzinfo=UTC).timestamp()
TASKS = "sent received started succeeded failed retried revoked rejected cancelled other"
KINDS = [*(f"task-{kind}" for kind in TASKS.split()), "worker-online", "worker-heartbeat", "worker-offline", "other"]
FIELDS = "uuid name retries queue eta parent_id runtime exception traceback pid freq requeue terminated expired clock"
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
events = st.fixed_dictionaries(
    {
        "type": st.sampled_from(KINDS),
        "timestamp": st.floats(TIME_S, TIME_S + 100),
        "hostname": st.sampled_from(["a@h", "b@h"]),
    },
    optional=dict.fromkeys(FIELDS.split(), scalars),
)


@given(st.lists(events, max_size=8))
def test_whatever_comes_gives_facts_that_a_server_takes_and_gives_them_again(
    found: list[dict[str, Any]],
) -> None:
    translator, other = Translator("shop"), Translator("shop")
    facts = [fact for event in found for fact in translator.facts(event)]
    assert facts == [fact for event in found for fact in other.facts(event)]
    for fact in facts:
        decode_event(msgspec.json.encode(fact))  # raises where it would be refused
