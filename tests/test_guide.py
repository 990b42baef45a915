"""The guide: its figures are those measured, its sections have commands and figures, its twin has the same."""

import ast
import json
import re

import check_docs
import guide_figures
import pytest

ROOT = guide_figures.ROOT
ENGLISH, RUSSIAN = ((ROOT / name).read_text(encoding="utf-8") for name in guide_figures.PAGES)


def published_titles() -> set[str]:
    """The headings that the benchmarks' scripts give their sections, as anchors."""
    titles = set()
    for script in (ROOT / "benchmarks").glob("*.py"):
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "publish":
                titles.add(node.args[1].value)
    return {re.sub(r"[^\w-]+", "-", title.lower()).strip("-") for title in titles}


def numbered_sections(text: str) -> list[str]:
    return [section for section in text.split("\n## ")[1:] if section[0].isdigit()]


def result_file(root, name, results):
    (root / "benchmarks/results").mkdir(parents=True, exist_ok=True)
    (root / f"benchmarks/results/{name}.json").write_text(json.dumps({"name": name, "results": results}))


def test_the_figures_are_those_measured():
    assert guide_figures.main(["--check"]) == 0


@pytest.mark.parametrize("text", [ENGLISH, RUSSIAN], ids=["english", "russian"])
def test_every_step_has_a_command_and_a_measured_figure(text):
    sections = numbered_sections(text)
    assert len(sections) == 9
    for section in sections:
        assert list(check_docs.command_lines(section)), section[:40]
        figures = guide_figures.FIGURE.findall(section) + re.findall(r"\]\((?:benchmarks|scaling)\.md#", section)
        assert figures, section[:40]


def test_links_lead_to_sections_that_a_script_writes():
    anchors = re.findall(r"\]\((?:benchmarks|scaling)\.md#([^)]+)\)", ENGLISH)
    assert anchors
    assert set(anchors) <= published_titles()


def test_both_languages_show_the_same_figures_and_links():
    kept = [[(keys, form) for keys, form, _ in guide_figures.FIGURE.findall(text)] for text in (ENGLISH, RUSSIAN)]
    assert kept[0] == kept[1]
    links = [re.findall(r"\]\(([^)]+)\)", text) for text in (ENGLISH, RUSSIAN)]
    assert links[0] == links[1]


def test_no_line_begins_with_a_mark():
    """Markdown would take such a line for a block of HTML of its own."""
    assert not [line for text in (ENGLISH, RUSSIAN) for line in text.splitlines() if line.startswith("<!--")]


def test_no_figure_stands_outside_the_marks():
    """A decimal fraction in the text would be one that nobody updates."""
    for text in (ENGLISH, RUSSIAN):
        bare = re.sub(r"`[^`]*`", "", guide_figures.FIGURE.sub("", text))
        assert not re.findall(r"\d[.,]\d", bare)


@pytest.fixture
def pages(tmp_path):
    (tmp_path / "docs").mkdir()
    for name in guide_figures.PAGES:
        (tmp_path / name).write_text("a <!-- speed/rows/one, two/ms = .1f -->old<!-- / --> b", encoding="utf-8")
    return tmp_path


def test_a_figure_is_written_in_each_language(pages, capsys):
    result_file(pages, "speed", {"rows": {"one, two": {"ms": 12.345}}})
    assert guide_figures.main(["--check"], pages) == 1
    assert "run: python tools/guide_figures.py" in capsys.readouterr().err
    assert guide_figures.main([], pages) == 0
    english, russian = ((pages / name).read_text(encoding="utf-8") for name in guide_figures.PAGES)
    assert english == "a <!-- speed/rows/one, two/ms = .1f -->12.3<!-- / --> b"
    assert russian == "a <!-- speed/rows/one, two/ms = .1f -->12,3<!-- / --> b"
    assert guide_figures.main(["--check"], pages) == 0


def test_what_is_not_measured_is_said_to_be(pages):
    assert guide_figures.main([], pages) == 0
    assert "-->(not measured yet)<!--" in (pages / "docs/guide.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("results", [{"rows": {}}, {"rows": 3}, {}])
def test_a_number_that_its_benchmark_does_not_have_is_named(pages, results):
    result_file(pages, "speed", results)
    with pytest.raises(KeyError, match="one, two/ms"):
        guide_figures.main([], pages)
