"""What `make bench` writes: medians with their spread, ratios of the rounds with the least CPU, and peers."""

import os
import xml.etree.ElementTree as ET

import pytest

from benchmarks.curves import BY_CONNECTIONS, BY_RATE, Curve, draw_curves, render_curves
from benchmarks.floors import read_ratios
from benchmarks.generator import Found
from benchmarks.paths import new_paths, produce_paths
from benchmarks.spread import compute_spread
from benchmarks.table import GET, GOALS, HEAD, OF_NO_PEER, Comparison, render_peers, render_row
from benchmarks.targets import Target, parse_peer

ROUNDS = [Found(1000, 20.0, 2.0, 9.0, 0), Found(3000, 10.0, 1.0, 5.0, 0), Found(2000, 40.0, 3.0, 7.0, 2)]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("values", "digits", "text"),
    [
        ([3, 1, 2], 0, "2 (1\N{EN DASH}3)"),
        ([1, 2], 1, "1.5 (1.0\N{EN DASH}2.0)"),
        ([12345], 0, "12,345"),
        ([0.104, 0.101], 2, "0.10"),
    ],
)
def test_a_spread_shows_the_median_the_least_and_the_most(values: list[float], digits: int, text: str) -> None:
    assert compute_spread(values).format(digits) == text


def test_a_row_has_medians_and_judges_the_round_with_the_least_cpu() -> None:
    bound = [Found(1, 25.0, 0, 0, 0), Found(1, 20.0, 0, 0, 0)]
    row = render_row("get by id", {"get by id": ROUNDS, GET: bound})
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[1:8] == [
        "get by id",
        "2,000 (1,000\N{EN DASH}3,000)",
        "20.0 (10.0\N{EN DASH}40.0)",
        "0.50 of 20.0 µs",
        "2.00 (1.00\N{EN DASH}3.00)",
        "7.00 (5.00\N{EN DASH}9.00)",
        "2",
    ]
    assert cells[9] == "yes, yes"
    assert [ratio.value for ratio in read_ratios([row])] == [0.5]
    assert row.count("|") == HEAD.partition("\n")[0].count("|")


def test_peers_have_a_ratio_of_medians_or_the_reason_why_they_have_none() -> None:
    peer = [Found(500, 80.0, 4.0, 9.0, 0)]
    comparisons = [
        Comparison("check", ROUNDS, {"other": peer, "third": "answers 404"}),
        Comparison("look up", ROUNDS, {"other": "a|b\nc", "third": ROUNDS}),
        Comparison("check new", ROUNDS, {"other": [Found(0, 9e9, 0, 0, 0)], "third": "answers 404"}),
    ]
    lines = list(render_peers(comparisons, ["other", "third"]))
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    assert "| 500 | 80.0 | 4.00 | 0.250 | answers 404 |" in lines[2]
    assert "| a\\|b c |" in lines[3]
    assert "| no response within a round |  |  |  | answers 404 |" in lines[4]
    assert "2,000 (1,000\N{EN DASH}3,000), 2 errors" in lines[3]


def test_every_call_has_its_place_in_the_table() -> None:
    names = {path.name for path in [*new_paths(), *produce_paths("", [])]}
    assert names <= GOALS.keys()
    assert GOALS.keys() >= OF_NO_PEER


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("other", "a peer is name=registry,rest,pid"),
        ("other=http://a:1,http://b:2", "a peer is name=registry,rest,pid"),
        ("=http://a:1,,1", "a peer is name=registry,rest,pid"),
        ("o=https://a:1,,PID", "an address of a peer is http://host:port, not 'https://a:1'"),
        ("o=http://a,,PID", "an address of a peer is http://host:port"),
        ("o=http://a:1,,x", "'x' is not the id of a process that runs here"),
        ("o=http://a:1,,", "'' is not the id of a process that runs here"),
    ],
)
def test_a_wrong_peer_is_refused_with_the_reason(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_peer(text.replace("PID", str(os.getpid())))


def test_a_peer_may_lack_an_address_and_has_topics_of_its_own() -> None:
    peer = parse_peer(f"other=,http://127.0.0.1:8082/,{os.getpid()}")
    assert peer == Target("other", "", "http://127.0.0.1:8082", os.getpid(), "bench-other")
    assert peer.paths["produce 1 json"].path == "/topics/bench-other-1"
    assert "get by id" not in peer.paths


CURVES = [
    Curve("get by id", "ours", {1: ROUNDS, 16: ROUNDS[:1]}, ""),
    Curve("get by id", "<other>", {1: ROUNDS[:2]}, "at 16: no answer"),
    Curve("register new", "ours", {}, "answers 500"),
]


def test_curves_have_a_line_for_each_metric_and_name_what_failed() -> None:
    lines = list(render_curves(BY_CONNECTIONS, CURVES, [1, 16]))
    assert lines[0] == "| by connections | at | 1 | 16 |"
    assert lines[2] == "| get by id, p50 ms | ours | 2.00 (1.00\N{EN DASH}3.00), 2 errors | 2.00 |"
    assert lines[5] == "| get by id, a second | <other> | 2,000 (1,000\N{EN DASH}3,000) |  |"
    assert lines[-2:] == ["\nget by id at <other>: at 16: no answer.", "\nregister new at ours: answers 500."]


def test_pictures_of_curves_are_the_same_for_the_same_figures_and_readable_on_dark_pages() -> None:
    pictures = draw_curves(BY_CONNECTIONS, CURVES)
    assert list(pictures) == ["connections-p50-ms.svg", "connections-a-second.svg"]
    assert pictures == draw_curves(BY_CONNECTIONS, CURVES)
    for picture in pictures.values():
        root = ET.fromstring(picture)
        points = [title.text for title in root.iterfind(f".//{SVG}circle/{SVG}title")]
        assert len(points) == 3
        texts = {text.text for text in root.iter(f"{SVG}text")}
        assert {"get by id", "register new", "not measured", "<other>", "1", "16"} <= texts
        assert picture.count("@media (prefers-color-scheme:dark)") == 2
    assert "ours, get by id: 2.00 (1.00\N{EN DASH}3.00) at 1" in pictures["connections-p50-ms.svg"]


def test_a_point_without_answers_is_left_out_of_the_picture() -> None:
    nothing = [Found(0, 0, 0, 0, 9)]
    curves = [Curve("get by id", "ours", {100: nothing, 1000: [*nothing, *ROUNDS]}, "")]
    root = ET.fromstring(draw_curves(BY_RATE, curves)["rates-p99-ms.svg"])
    assert len(list(root.iter(f"{SVG}circle"))) == 1
    row = "| get by id, p50 ms | ours | no response, 9 errors | 2.00 (1.00\N{EN DASH}3.00), 11 errors |"
    assert list(render_curves(BY_RATE, curves, [100, 1000]))[2] == row
