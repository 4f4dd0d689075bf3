"""Compute the warpage of a flip-chip package, change its chip and look at the difference.

python first_warpage.py
"""

import warp

CASE = """
title = "My first package"
symmetry = "quarter"

[load]
stress_free = "217 degC"
temperature = "25 degC"

[part.substrate]
size = "15 mm"
thickness = "0.4 mm"
material = "bt-hl832ns"

[part.chip]
on = "substrate"
size = "8 mm"
thickness = "0.4 mm"
material = "silicon"
"""


def warpage_um(path: str, overrides: dict[str, str]) -> float:
    """Return the signed warpage of the substrate's underside in um; + is convex."""
    result = warp.solve(warp.load(path, overrides), device="cpu")
    return result.metrics["surfaces"]["substrate"]["bottom"]["warpage_um"]


if __name__ == "__main__":
    with open("first.toml", "w", encoding="utf-8") as file:
        file.write(CASE)
    for thickness in ("0.4 mm", "0.2 mm"):
        warpage = warpage_um("first.toml", {"part.chip.thickness": thickness})
        print(f"chip {thickness}: substrate.bottom {warpage:+.1f} um")
