"""The tool that checks what the documentation claims."""

import check_docs
import pytest

TARGETS = {"demo", "test"}


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("```sh\nkontur new a\n```\n", ["kontur new a"]),
        ("```\n$ kontur new a | head\n```\n", ["kontur new a"]),
        ("```sh\nkontur new a \\\n  --drawings b\n```\n", ["kontur new a    --drawings b"]),
        ("```sh\nkontur inspect  # lists the parts\n```\n", ["kontur inspect"]),
        ("```python\nkontur new a\n```\n", []),
        ("Run `kontur train` first, then `kontur export`.\n", ["kontur train", "kontur export"]),
        ("The word kontur alone is no command, `kontur` neither.\n", []),
        ("```sh\ncd a\nmake demo\n```\n", ["make demo"]),
    ],
)
def test_command_lines_are_found(text, commands):
    assert list(check_docs.command_lines(text)) == commands


@pytest.mark.parametrize(
    "command",
    [
        "kontur --help",
        "kontur COMMAND --help",
        "kontur new a --drawings b",
        "kontur train --minutes 10 -C w",
        "kontur train [--minutes M]",
        "make demo TORCH_INDEX=https://x/y",
    ],
)
def test_what_exists_is_accepted(command):
    assert check_docs.wrong_command(command, TARGETS) is None


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("kontur nonsense", "no command nonsense"),
        ("kontur new a --drawing b", "no option --drawing"),
        ("kontur train [--hours H]", "no option --hours"),
        ("make nonsense", "no target nonsense"),
    ],
)
def test_what_does_not_exist_is_told(command, fault):
    assert check_docs.wrong_command(command, TARGETS) == fault


def test_dead_links_are_found(tmp_path):
    (tmp_path / "there.md").touch()
    page = tmp_path / "a.md"
    page.write_text(
        "[a](there.md) [b](gone.md) [c](there.md#part) [d](https://x.org/y) ![e](pictures/none.png) [f](#here)"
    )
    assert list(check_docs.dead_links(page)) == ["gone.md", "pictures/none.png"]


@pytest.mark.parametrize(
    ("other", "faults"),
    [
        ("# Заголовок\n\n![б](b.png)\n\n`kontur new a`\n", []),
        ("# Заголовок\n\n## Ещё\n\n![б](b.png)\n\n`kontur new a`\n", ["headings differ"]),
        ("# Заголовок\n\n![б](c.png)\n\n`kontur new b`\n", ["pictures differ", "commands differ"]),
    ],
)
def test_twins_share_headings_pictures_and_commands(other, faults):
    assert list(check_docs.twin_faults("# Title\n\n![b](b.png)\n\n`kontur new a`\n", other)) == faults


@pytest.fixture
def project(tmp_path):
    """A project whose documentation is right."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("[up](../README.md)\n")
    (tmp_path / "README.md").write_text("# T\n[a](docs/a.md)\n```sh\nmake demo\n```\n")
    (tmp_path / "README.ru.md").write_text("# З\n[а](docs/a.md)\n```sh\nmake demo\n```\n")
    (tmp_path / "Makefile").write_text("demo: x\n\ttrue\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [1.2.3]\n")
    return tmp_path


def test_a_right_project_has_no_faults(project):
    assert list(check_docs.faults(project)) == []


def test_every_fault_names_its_page(project):
    (project / "docs" / "a.md").write_text("[up](../GONE.md) `kontur fly`\n")
    (project / "README.ru.md").write_text("# З\n")
    (project / "CHANGELOG.md").write_text("## [1.2.2]\n")
    assert list(check_docs.faults(project)) == [
        "docs/a.md: dead link ../GONE.md",
        "docs/a.md: `kontur fly`: no command fly",
        "README.md, README.ru.md: commands differ",
        "CHANGELOG.md: no section for version 1.2.3",
    ]
