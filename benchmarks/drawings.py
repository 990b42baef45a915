"""Read a folder of drawings with kontur, trimesh, and ezdxf + polygonize, and compare: parts, holes, total area, time.

    python benchmarks/drawings.py ../shared/dxf_corpus [--answers answers.csv] [--repeat 3]

`answers.csv`, by default the one in the folder if there is one, gives trusted answers. Its columns: `file` (path in the
folder), `parts`, `holes` (whole numbers over all parts), `area` (of all parts, holes taken off, in the file's own units
squared). A reader is right when all three agree, the area within 1 %; silently wrong when they do not and it did not say
that it is in doubt. Without answers the table
says how far the readers agree with each other. Each reading runs in a process of its own with a time limit, so that one
that hangs or dies does not stop the rest. Results go to benchmarks/results/drawings.json and into docs/benchmarks.md.
"""

import argparse
import csv
import multiprocessing
import statistics
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import ezdxf

sys.path.insert(0, str(Path(__file__).resolve().parent))
from publish import publish

SECONDS = 30
AREA_TOLERANCE = 0.01
FLATTENING = 1e-3
LARGE_ENTITIES = 50_000

Answer = tuple[int, int, float]


def read_kontur(path: Path) -> tuple[Answer, list[str]]:
    """Return (parts, holes, area in the file's units), and the codes of what the reader said that it doubts."""
    from kontur.drawing import read_drawing
    from kontur.geometry.units import mm_per

    drawing = read_drawing(path)
    area = sum(part.area_mm2 for part in drawing.parts) / mm_per(drawing.unit) ** 2
    doubts = {issue.code for issue in drawing.issues if issue.severity in ("ambiguous", "error")} - {"no_parts"}
    return (len(drawing.parts), sum(len(part.holes) for part in drawing.parts), area), sorted(doubts)


def read_trimesh(path: Path) -> tuple[Answer, list[str]]:
    """The same by trimesh's polygons_full; it never says that it is in doubt."""
    import trimesh

    polygons = trimesh.load_path(str(path)).polygons_full
    return (len(polygons), sum(len(p.interiors) for p in polygons), float(sum(p.area for p in polygons))), []


def read_naive(path: Path) -> tuple[Answer, list[str]]:
    """The same by what a user would write in ten lines: ezdxf's paths, flattened, polygonized, nested."""
    import shapely
    from ezdxf import path as paths

    lines = []
    for entity in ezdxf.readfile(path).modelspace():
        try:
            points = [(v.x, v.y) for v in paths.make_path(entity).flattening(FLATTENING)]
        except TypeError:
            continue
        if len(points) > 1:
            lines.append(shapely.LineString(points))
    faces = shapely.get_parts(shapely.polygonize(lines)).tolist()
    outlines = [shapely.Polygon(face.exterior) for face in faces]
    depth = [sum(o is not face and o.contains(face) for o in outlines) for face in outlines]
    parts = [face for face, level in zip(faces, depth, strict=True) if level % 2 == 0]
    return (len(parts), sum(len(p.interiors) for p in parts), float(sum(p.area for p in parts))), []


READERS: dict[str, Callable[[Path], tuple[Answer, list[str]]]] = {
    "kontur": read_kontur, "trimesh": read_trimesh, "ezdxf + polygonize": read_naive,
}  # fmt: skip


def in_process(reader: str, path: Path) -> dict[str, Any]:
    """Run a reader in a forked process; return its answer, or why there is none."""
    queue: multiprocessing.Queue[dict[str, Any]] = multiprocessing.get_context("fork").Queue()
    process = multiprocessing.get_context("fork").Process(target=_run, args=(reader, path, queue))
    process.start()
    try:
        result = queue.get(timeout=SECONDS)
    except Exception as error:  # noqa: BLE001 (queue.Empty of another context)
        result = {"answer": None, "doubt": [], "why": type(error).__name__}
    process.kill()
    process.join()
    return result


def _run(reader: str, path: Path, queue: "multiprocessing.Queue[dict[str, Any]]") -> None:
    warnings.simplefilter("ignore")
    try:
        answer, doubt = READERS[reader](path)
        queue.put({"answer": answer, "doubt": doubt, "why": ""})
    except BaseException as error:  # noqa: BLE001 (other people's readers raise anything)
        why = f"{type(error).__name__}: {error}".replace(f"{path.parent}/", "")
        queue.put({"answer": None, "doubt": [], "why": why[:200]})


def same(a: Answer | None, b: Answer | None) -> bool:
    """Whether two answers agree: parts, holes, and area within one per cent."""
    if a is None or b is None:
        return False
    return tuple(a[:2]) == tuple(b[:2]) and abs(a[2] - b[2]) <= AREA_TOLERANCE * max(abs(a[2]), abs(b[2]), 1e-12)


def times(path: Path, repeat: int) -> tuple[float, float] | None:
    """Return least CPU seconds of (kontur's whole reading, ezdxf.readfile), None where either fails."""
    from kontur.drawing import read_drawing

    best = []
    for function in (read_drawing, ezdxf.readfile):
        runs = []
        for _ in range(repeat):
            start = time.process_time()
            try:
                function(path)
            except Exception:  # noqa: BLE001 (whatever ezdxf raises on a damaged file)
                return None
            runs.append(time.process_time() - start)
        best.append(min(runs))
    return best[0], best[1]


def large_drawing(folder: Path) -> Path:
    """Write a drawing of 50,000 entities: a grid of rectangles of lines, each with a circle."""
    document = ezdxf.new("R2000", units=4)
    space = document.modelspace()
    for k in range(LARGE_ENTITIES // 5):
        x, y = 12.0 * (k % 100), 12.0 * (k // 100)
        corners = [(x, y), (x + 10, y), (x + 10, y + 10), (x, y + 10), (x, y)]
        for a, b in pairwise(corners):
            space.add_line(a, b)
        space.add_circle((x + 5, y + 5), 2)
    path = folder / "large.dxf"
    document.saveas(path)
    return path


def main() -> int:
    """Measure, print, publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--answers", type=Path, default=None)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    files = sorted(p for p in arguments.folder.rglob("*") if p.name.lower().endswith((".dxf", ".dxf.gz")))
    trusted = arguments.answers or arguments.folder / "answers.csv"
    answers = _answers(trusted) if arguments.answers or trusted.is_file() else {}
    for module in ("kontur.drawing", "trimesh", "networkx", "ezdxf.path", "shapely"):
        import_module(module)  # before the forks, which then share them
    rows, ratios = [], []
    for path in files:
        name = str(path.relative_to(arguments.folder))
        row = {"file": name, **{reader: in_process(reader, path) for reader in READERS}}
        measured = times(path, arguments.repeat)
        if measured:
            row["kontur_s"], row["readfile_s"] = measured
            ratios.append(measured[0] / measured[1])
        rows.append(row)
        spent = f"{measured[0]:.3f} s, {measured[0] / measured[1]:.2f} x readfile" if measured else "not timed"
        print(f"{name}: {'; '.join(f'{reader} {_said(row[reader])}' for reader in READERS)}; {spent}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        large = times(large_drawing(Path(folder)), 1)
    summary = _summary(rows, answers, ratios, large)
    text = _markdown(rows, answers, summary)
    print(text)
    command = f"python benchmarks/drawings.py {arguments.folder.name}"
    publish("drawings", "Reading drawings", command, {"summary": summary, "files": rows}, text)
    return 0


def _answers(path: Path) -> dict[str, Answer]:
    with path.open(newline="", encoding="utf-8") as stream:
        return {r["file"]: (int(r["parts"]), int(r["holes"]), float(r["area"])) for r in csv.DictReader(stream)}


def _summary(
    rows: list[dict], answers: dict[str, Answer], ratios: list[float], large: tuple[float, float] | None
) -> dict:
    summary: dict[str, Any] = {"files": len(rows), "versions": {n: version(n) for n in ("ezdxf", "trimesh", "shapely")}}
    for reader in READERS:
        got = [row[reader] for row in rows]
        known = [(row[reader], answers[row["file"]]) for row in rows if row["file"] in answers]
        summary[reader] = {
            "read": sum(item["answer"] is not None for item in got),
            "in_doubt": sum(bool(item["doubt"]) for item in got),
            "as_kontur": sum(same(row[reader]["answer"], row["kontur"]["answer"]) for row in rows),
            "right": sum(same(item["answer"], answer) for item, answer in known) if known else None,
            "silently_wrong": sum(
                item["answer"] is not None and not item["doubt"] and not same(item["answer"], answer)
                for item, answer in known
            ) if known else None,
        }  # fmt: skip
    summary["median_ratio"] = statistics.median(ratios)
    summary["slowest_s"] = max(row.get("kontur_s", 0.0) for row in rows)
    summary["large_s"] = large
    return summary


def _markdown(rows: list[dict], answers: dict[str, Answer], summary: dict) -> str:
    lines = [
        f"{summary['files']} files; parts, holes and area within 1 % count as the same.", "",
        "| reader | read | says it is in doubt | same as kontur | right | silently wrong |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for reader in READERS:
        s = summary[reader]
        known = "no trusted answers" if s["right"] is None else f"{s['right']} of {len(answers)}"
        wrong = "" if s["silently_wrong"] is None else s["silently_wrong"]
        lines.append(f"| {reader} | {s['read']} | {s['in_doubt']} | {s['as_kontur']} | {known} | {wrong} |")
    lines += ["", "Time of kontur's whole reading over `ezdxf.readfile` (CPU time): "
              f"median {summary['median_ratio']:.2f}; slowest file "
              f"{summary['slowest_s']:.2f} s; {LARGE_ENTITIES} entities in {summary['large_s'][0]:.1f} s "
              f"(readfile {summary['large_s'][1]:.1f} s).", "",
              *_doubts(rows), *_wrong(rows, answers), *_differences(rows)]  # fmt: skip
    return "\n".join(lines) + "\n"


def _doubts(rows: list[dict]) -> list[str]:
    """Why kontur is in doubt, the most frequent reason first."""
    reasons = Counter(code for row in rows for code in row["kontur"]["doubt"])
    return ["What kontur doubts, in how many files: "
            + ", ".join(f"`{code}` {count}" for code, count in reasons.most_common()) + ".", ""]  # fmt: skip


def _differences(rows: list[dict]) -> list[str]:
    """A table of the files that kontur reads without doubt and another reader otherwise, or not at all."""
    others = [reader for reader in READERS if reader != "kontur"]
    plain = [row for row in rows if row["kontur"]["answer"] and not row["kontur"]["doubt"]]
    lines = [
        "Where kontur is not in doubt and another reader answers otherwise (parts / holes / area in the file's units):",
        "", f"| file | kontur | {' | '.join(others)} |", "|---|---|" + "---|" * len(others),
    ]  # fmt: skip
    for row in plain:
        told = ["the same" if same(row[reader]["answer"], row["kontur"]["answer"]) else _said(row[reader])
                for reader in others]  # fmt: skip
        if set(told) != {"the same"} and any(row["kontur"]["answer"][:2]):
            lines.append(f"| `{row['file']}` | {_said(row['kontur'])} | {' | '.join(told)} |")
    return lines


def _wrong(rows: list[dict], answers: dict[str, Answer]) -> list[str]:
    """A line for each file where kontur's answer is not the trusted one."""
    lines = [
        f"- `{row['file']}`: {_said(row['kontur'])}{', in doubt' if row['kontur']['doubt'] else ''}; "
        f"trusted {_said({'answer': answers[row['file']]})}"
        for row in rows
        if row["file"] in answers and not same(row["kontur"]["answer"], answers[row["file"]])
    ]
    return ["Where kontur is wrong:", "", *(lines or ["- nowhere"]), ""] if answers else []


def _said(item: dict[str, Any]) -> str:
    """An answer in short, or that there is none, and why."""
    if item["answer"] is None:
        return f"none ({item['why'].split(':')[0]})"
    parts, holes, area = item["answer"]
    return f"{parts} / {holes} / {area:.5g}"


if __name__ == "__main__":
    sys.exit(main())
