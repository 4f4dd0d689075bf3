"""CalculiX on the bricks of a case: C3D20R and its direct solver; the whole process counts.

python tests/benchmarks/peer_calculix.py C3D20R CASE.toml COARSER [KEY=VALUE ...]
"""

import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
from peer_problem import answer, problem, words

from warp.verify import calculix, calculix_deck


def main() -> None:
    """Run ccx once, on the elastic deck alone."""
    _, path, coarser, overrides = words(sys.argv[1:])
    given = problem(path, coarser, overrides, linear=False)
    with tempfile.TemporaryDirectory() as folder:
        deck = Path(folder, "deck.inp")
        lines = calculix_deck.elastic_deck(given.case, given.mesh, "deck")
        deck.write_text("\n".join(lines) + "\n", encoding="ascii")
        calculix.run([deck])
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        node, values = calculix.table(deck.with_suffix(".dat"), 3)
    w = np.full(len(given.mesh.nodes), np.nan)
    w[node - 1] = values[:, 2] / calculix_deck.MM
    unknowns = int((~given.held).sum())
    answer(unknowns, used.ru_utime + used.ru_stime, given.surfaces(w))


if __name__ == "__main__":
    main()
