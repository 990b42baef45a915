"""What the instruction set brings: python benchmarks/instruction_sets.py [NETWORK.onnx]

The operations of `kontur doctor`'s self-test, timed at each level on one thread (libraries without a switch run as they
choose). About a minute.
"""

import sys
from pathlib import Path

from publish import publish

from kontur.hardware.isa_levels import levels_of
from kontur.hardware.processor import read_processor
from kontur.hardware.self_test import self_test
from kontur.hardware.threads import use_threads

ROUNDS = 15


def main() -> None:
    """Measure and publish."""
    use_threads(1)
    network = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    verdicts = self_test(levels_of(read_processor()), network, lambda *_: None, ROUNDS)
    levels = list(dict.fromkeys(row.level for row in verdicts))
    cells = {(row.library, row.operation, row.level): row for row in verdicts}
    lines = [f"| operation, ms | {' | '.join(levels)} |", f"|---|{'---|' * len(levels)}"]
    results: dict[str, dict[str, float | None]] = {}
    for library, operation in dict.fromkeys((row.library, row.operation) for row in verdicts):
        row = {level: cells[library, operation, level] for level in levels}
        times = {level: None if item.refusal else round(item.milliseconds, 3) for level, item in row.items()}
        results[f"{library}: {operation}"] = times
        lines.append(
            f"| {library}: {operation} | "
            + " | ".join("does not run" if ms is None else f"{ms:.2f}" for ms in times.values())
            + " |"
        )
    command = "python benchmarks/instruction_sets.py models/checkpoint.onnx"
    publish("instruction_sets", "Instruction sets", command, results, "\n".join(lines))


if __name__ == "__main__":
    main()
