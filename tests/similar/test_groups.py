"""Counts of shapes, in bounded memory."""

from __future__ import annotations

from ppl.similar.groups import BARS, MOST_MEANWHILE, Groups


def add(groups: Groups, *shapes: bytes, severity: bytes = b"6", newest: int = 1_000_000, bar: int = 0) -> None:
    """Add lines of these shapes, the newest first."""
    ids = [str(newest - number).encode() for number in range(len(shapes))]
    groups.add(shapes, [severity] * len(shapes), ids, bar)


def told(groups: Groups) -> dict[str, int]:
    """Text → count of each group in a last report."""
    return {each["text"]: each["count"] for each in groups.report(is_last=True)["groups"]}


def test_a_group_has_its_count_times_worst_severity_and_plot() -> None:
    groups = Groups()
    add(groups, b"a \xff", b"b", b"a \xff", newest=9_000_000, bar=BARS - 1)
    add(groups, b"a \xff", severity=b"3", newest=5_000_000, bar=1)
    add(groups, b"a \xff", severity=b"\\N", newest=4_000_000, bar=0)
    (first, second) = groups.report()["groups"]
    assert first["text"] == "a …"
    assert first["count"] == sum(first["plot"]) == 4
    assert (first["plot"][0], first["plot"][1], first["plot"][BARS - 1]) == (1, 1, 2)
    assert (first["first"], first["last"]) == ("1970-01-01T00:00:04.000000Z", "1970-01-01T00:00:09.000000Z")
    assert first["id"] == "9000000"
    assert first["severity"] == "err"
    assert second["text"] == "b"
    assert second["severity"] == "info"


def test_a_group_of_lines_without_a_severity_has_none() -> None:
    groups = Groups()
    add(groups, b"a", severity=b"\\N")
    assert "severity" not in groups.report()["groups"][0]


def test_a_report_says_only_what_has_changed_and_texts_once() -> None:
    groups = Groups()
    add(groups, b"a", b"a", b"b")
    assert len(groups.report()["groups"]) == 2
    assert groups.report()["groups"] == []
    add(groups, b"b")
    (changed,) = groups.report()["groups"]
    assert changed["count"] == 2
    assert "text" not in changed


def test_a_group_that_is_no_longer_among_the_largest_is_reported_as_gone() -> None:
    groups = Groups()
    add(groups, *(b"%d" % number for number in range(MOST_MEANWHILE)))
    keys = {each["key"] for each in groups.report()["groups"]}
    add(groups, *2 * [b"new %d" % number for number in range(MOST_MEANWHILE)])
    report = groups.report()
    assert set(report["gone"]) == keys
    assert report["others"] == MOST_MEANWHILE


def test_rare_shapes_are_dropped_and_reports_say_how_much_counts_may_lack() -> None:
    groups = Groups(most=10)
    add(groups, b"often", b"often", b"often")
    for number in range(100):
        add(groups, b"once %d" % number)
    report = groups.report(is_last=True)
    assert report["read"] == 103
    assert report["others"] + sum(each["count"] for each in report["groups"]) == 103
    assert len(report["groups"]) <= 10
    assert max(each["count"] for each in report["groups"]) == 3
    assert 1 <= report["missed"] <= 100


def test_lines_of_the_period_before_count_only_for_known_groups() -> None:
    groups = Groups()
    add(groups, b"a", b"b")
    groups.compare([b"a", b"a", b"c"])
    before = {each["text"]: each["before"] for each in groups.report()["groups"]}
    assert before == {"a": 2, "b": 0}
    assert told(groups) == {}
