"""The measured rows of the library catalogue: python benchmarks/libraries.py

Three tasks with each library that is installed and can do them, see `kontur.hardware.library_tasks`. About a minute.
"""

from publish import publish

from kontur.hardware.library_tasks import TASKS, measure_tasks
from kontur.hardware.threads import use_threads


def main() -> None:
    """Measure and publish."""
    use_threads()
    rows = measure_tasks(lambda *_: None)
    lines = [f"| library | {' | '.join(f'{task}, ms' for task in TASKS)} |", f"|---|{'---|' * len(TASKS)}"]
    for name, times in rows.items():
        lines.append(
            f"| {name} | " + " | ".join(f"{times[task]:.1f}" if task in times else "" for task in TASKS) + " |"
        )
    publish("libraries", "Libraries", "python benchmarks/libraries.py", rows, "\n".join(lines))


if __name__ == "__main__":
    main()
