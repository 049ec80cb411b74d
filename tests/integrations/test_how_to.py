"""The pages of Celery and RQ, done as they say: their files, their command lines, against real brokers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks
from tests.integrations.processes import REDIS, Site, redis_prefix, wait_for

WORKERS = {"celery": ("celery", "-A", "shop", "worker"), "rq": ("rq.cli", "worker", "-c", "shop", "billing")}
BROKER = "redis://localhost:6379/0"


@pytest.mark.parametrize("library", WORKERS)
def test_what_the_page_shows_records_every_task(library: str, tmp_path: Path) -> None:
    page = ROOT / "docs" / "how-to" / f"{library}.md"
    with redis_prefix() as prefix:
        for block in blocks(page):
            for word in block.words:
                if word.startswith("file="):
                    # The broker of the tests, and a queue that no other test reads.
                    text = block.text.replace(BROKER, REDIS).replace("billing", prefix)
                    text = text.replace("\ninstall(app", f"\napp.conf.task_default_queue = '{prefix}'\ninstall(app")
                    (tmp_path / word.removeprefix("file=")).write_text(text, "utf-8")
        site = Site(tmp_path, prefix, REDIS)
        site.environment["PYTHONPATH"] = f"{tmp_path}:{site.environment['PYTHONPATH']}"
        try:
            command = [word.replace("billing", prefix) for word in WORKERS[library]]
            shown = re.sub(r"^.*\.cli ", "rq ", " ".join(WORKERS[library]))
            assert f"$ {shown} &" in page.read_text("utf-8")
            worker = site.start(*command, *(["-u", REDIS] if library == "rq" else []))
            site.call("import send")
            wait_for(lambda: site.ask("stats")["succeeded"] == 10, "all tasks succeed")
            assert worker.stop() == 0
            stats = site.ask("stats")
            retries = 5 if library == "celery" else 0
            assert (stats["submitted"], stats["failed"], stats["pending"]) == (10 + retries, retries, 0)
            assert stats["tasks"]["completed"] == 10
            jobs = {fact["job"]: fact["data"] for fact in site.facts() if fact["type"] == "job.registered"}
            assert [known["owner"] for known in jobs.values()] == ["Billing"]
            assert jobs.keys() == {row["job"] for row in stats["jobs"]}
        finally:
            site.close()
