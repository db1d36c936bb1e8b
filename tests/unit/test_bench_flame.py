"""A flame graph has each function as wide as it was seen, below the one that called it."""

import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from benchmarks.flame import draw_flame, read_stacks

STACKS = """\
main (karapace_like/cli/serve.py:3);work (karapace_like/a.py:7) 60
main (karapace_like/cli/serve.py:4);work (karapace_like/a.py:9);<lambda> (json/decoder.py:1) 20

main (karapace_like/cli/serve.py:4);send (aiohttp/web.py) 19
 1
""".splitlines()
SVG = "{http://www.w3.org/2000/svg}"


def test_lines_of_one_function_are_one_frame() -> None:
    root = read_stacks(STACKS)
    assert root.count == 100
    main = root.calls["main (karapace_like/cli/serve.py)"]
    assert main.count == 99
    assert {name: call.count for name, call in main.calls.items()} == {
        "work (karapace_like/a.py)": 80,
        "send (aiohttp/web.py)": 19,
    }


def test_a_frame_is_as_wide_as_its_share_and_stands_below_its_caller() -> None:
    picture = draw_flame(read_stacks(STACKS), "produce & <consume>")
    assert picture == draw_flame(read_stacks(STACKS), "produce & <consume>")
    root = ET.fromstring(picture)
    frames = {
        title.text: (
            rect.get("class"),
            float(rect.get("x", "")),
            float(rect.get("width", "")),
            float(rect.get("y", "")),
        )
        for rect in root.iter(f"{SVG}rect")
        if (title := rect.find(f"{SVG}title")) is not None
    }
    kind, left, width, top = frames["work (karapace_like/a.py): 80.0%"]
    assert kind == "own"
    assert (left, width) == (0.0, 960.0)
    assert frames["send (aiohttp/web.py): 19.0%"] == ("library", 960.0, 228.0, top)
    assert frames["<lambda> (json/decoder.py): 20.0%"][0] == "python"
    assert frames["<lambda> (json/decoder.py): 20.0%"][3] > top > frames["all: 100.0%"][3]
    assert "produce & <consume>" in {text.text for text in root.iter(f"{SVG}text")}


def test_what_was_hardly_seen_is_left_out_and_the_picture_stays_small() -> None:
    many = [f"main (a.py:1);rare_{number} (b.py:1) 1" for number in range(5000)]
    picture = draw_flame(read_stacks([*many, "main (a.py:1);often (b.py:1) 5000"]), "many")
    assert "often" in picture
    assert "rare_" not in picture
    assert len(picture) < 2000


def test_a_line_that_is_no_stack_is_refused() -> None:
    with pytest.raises(ValueError, match="not a stack with its count: 'Error: no permission'"):
        read_stacks(["Error: no permission"])


def test_without_py_spy_the_command_says_what_to_install() -> None:
    command = [sys.executable, "-m", "benchmarks.profile", "get by id", "--flame", "unused.svg"]
    ended = subprocess.run(command, env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "install it with `pip install py-spy`" in ended.stderr
