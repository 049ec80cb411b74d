from pathlib import Path
from typing import Any

from taskscope.core.clock import from_ms, to_text
from tests.cli.conftest import Cli
from tests.cli.facts import at, event, finished, ndjson

RUN = finished("t1", 5, 50, job="draw", queue="gpu", worker="a", boot="b")
DAY = ("--from", "2026-01-08", "--to", "2026-01-08")
NOTHING = {"task_facts": 0, "other_facts": 0, "since": None, "until": None}


def gap(at_s: float, dropped: int, **data: Any) -> dict[str, Any]:
    fact = event("spool.gap", "", at_s, worker="a", boot="b", data={"dropped": dropped, **data})
    return {key: value for key, value in fact.items() if key != "task"}


def shown(at_s: float) -> str:
    return to_text(from_ms(at(at_s)))


FULL = gap(51, 7, **{"class": "extra", "since": at(40), "until": at(50), "reason": "disk full"})


def test_a_gap_is_kept_exported_and_verified_and_changes_no_figure(cli: Cli, tmp_path: Path) -> None:
    cli.json("import", "-", stdin=ndjson(RUN))
    before = [cli.json("stats"), cli.json("utilization", *DAY, "--step", "1h"), cli.json("runs")]
    assert cli.json("import", "-", stdin=ndjson([FULL, FULL])) | {"runs": 0} == {
        "accepted": 1,
        "duplicates": 1,
        "runs": 0,
        "rejected": [],
        "rejected_total": 0,
    }
    after = [cli.json("stats"), cli.json("utilization", *DAY, "--step", "1h"), cli.json("runs")]
    for answer in (*before, *after):
        answer.pop("gaps", None)
    assert after == before
    assert cli.json("verify")["differences"] == []
    exported = cli("export").out
    assert '"spool.gap"' in exported
    assert cli.json("import", "-", stdin=exported.encode(), home=tmp_path / "there")["accepted"] == 4
    assert cli("export", home=tmp_path / "there").out == exported


def test_an_answer_says_what_is_missing_in_its_window(cli: Cli) -> None:
    cli.json("import", "-", stdin=ndjson(RUN))
    assert cli.json("stats")["gaps"] == NOTHING
    cli.json("import", "-", stdin=ndjson([FULL, gap(90, 2)]))
    both = {"task_facts": 2, "other_facts": 7, "since": shown(40), "until": shown(90)}
    assert cli.json("stats")["gaps"] == both
    assert cli.json("utilization", *DAY)["gaps"] == both
    assert cli.json("stats", "--from", shown(50), "--to", shown(90))["gaps"] == both | {
        "task_facts": 0,
        "until": shown(50),
    }
    assert cli.json("stats", "--from", shown(51), "--to", shown(90))["gaps"] == NOTHING
    assert cli.json("stats", "--service", "other")["gaps"] == NOTHING
    assert "INCOMPLETE: senders dropped 9 facts (2 about tasks, 7 others)" in " ".join(cli("stats").out.split())
    assert "INCOMPLETE" in cli("utilization", *DAY).out


def test_a_gap_stays_known_when_the_facts_around_it_are_forgotten(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "taskscope.yaml").write_text("retention_events_days: 1\n")
    cli.json("import", "-", stdin=ndjson([*RUN, FULL]))
    cli.json("tick", "--at", "2036-01-08T00:00:00Z")
    assert cli("export").out.count("\n") == 1
    assert cli.json("stats")["gaps"]["other_facts"] == 7
    assert cli.json("verify")["differences"] == []
    assert cli.json("import", "-", stdin=ndjson([FULL]))["duplicates"] == 1
