"""The gradient of processes with the incremental law against central differences."""

import frozen
import frozen_process
import pytest
from small_process import MOULDED, case

from warp.adjoint.refused import refuse
from warp.errors import WarpError

CASE = (
    MOULDED
    + """
[material.mould]
youngs_modulus = [["25 degC", "20 GPa"], ["100 degC", "17 GPa"], ["160 degC", "6 GPa"]]
poissons_ratio = 0.3
cte = { glassy = "10 ppm/K", rubbery = "35 ppm/K", glass_transition = "120 degC" }
elastic_law = "incremental"

[[step]]
name = "moulded"
do = "cure"
parts = ["mould"]
temperature = "150 degC"
shrinkage = "0.1 %"

[[step]]
name = "cold"
do = "cool"
temperature = "60 degC"

[[step]]
name = "released"
do = "remove"
parts = ["carrier"]

[[step]]
name = "warm"
do = "heat"
temperature = "110 degC"
"""
)
METRICS = ["board.bottom.corner_minus_centre", "mould.von_mises_mean at cold"]
KEYS = [
    "material.mould.youngs_modulus@100 degC",
    "material.mould.cte.rubbery",
    "step.moulded.temperature",
    "step.cold.temperature",
    "part.mould.height",
    "part.board.thickness",
]


def test_gradient_is_the_central_difference(cpu, tmp_path, monkeypatch):
    """Cooled in several solves, since the mould stiffens on the way; released and warmed."""
    frozen.tighten(monkeypatch)
    at = frozen_process.point(case(tmp_path, CASE), cpu)
    assert sum(one.ends for one in at.steps) < len(at.steps)
    frozen_process.check(at, METRICS, KEYS, share=0.2)


def test_without_steps_the_incremental_law_is_one_sentence(tmp_path):
    refuse(case(tmp_path, CASE))
    with pytest.raises(WarpError, match="has a gradient in a process only"):
        refuse(case(tmp_path, CASE[: CASE.index("[[step]]")]))
