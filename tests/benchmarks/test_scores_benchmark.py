import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_benchmark_of_scores_runs_and_finds_the_peers_values() -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "scores.py"
    run = subprocess.run(
        [sys.executable, str(script), "--pairs", "40", "--resamples", "20", "--naive", "1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "equal to the last digit" in run.stdout
    assert "11 metrics of two models" in run.stdout
