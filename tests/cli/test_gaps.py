from pathlib import Path

from tests.cli.conftest import Cli
from tests.cli.facts import at, event, finished, ndjson

RUN = finished("t1", 5, 50, job="draw", queue="gpu", worker="a", boot="b")
GAP = event("spool.gap", "", 51, worker="a", boot="b", data={"dropped": 7, "class": "extra", "reason": "disk full"})
DAY = ("--from", "2026-01-08", "--to", "2026-01-08")


def test_a_gap_is_kept_exported_and_verified_and_changes_no_figure(cli: Cli, tmp_path: Path) -> None:
    cli.json("import", "-", stdin=ndjson(RUN))
    before = [cli.json("stats"), cli.json("utilization", *DAY, "--step", "1h"), cli.json("runs")]
    gap = {key: value for key, value in GAP.items() if key != "task"}
    assert cli.json("import", "-", stdin=ndjson([gap, gap])) | {"runs": 0} == {
        "accepted": 1,
        "duplicates": 1,
        "runs": 0,
        "rejected": [],
        "rejected_total": 0,
    }
    assert [cli.json("stats"), cli.json("utilization", *DAY, "--step", "1h"), cli.json("runs")] == before
    assert cli.json("verify")["differences"] == []
    exported = cli("export").out
    assert '"spool.gap"' in exported
    assert cli.json("import", "-", stdin=exported.encode(), home=tmp_path / "there")["accepted"] == 4
    assert cli("export", home=tmp_path / "there").out == exported


def test_a_gap_that_is_forgotten_leaves_a_store_that_verifies(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "taskscope.yaml").write_text("retention_events_days: 1\n")
    cli.json("import", "-", stdin=ndjson([*RUN, {**GAP, "time": at(51)}]))
    cli.json("tick", "--at", "2036-01-08T00:00:00Z")
    assert cli("export").out == ""
    assert cli.json("verify")["differences"] == []
