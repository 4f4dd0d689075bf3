"""Look at the fields of a result with xarray, and with PyVista where it is installed.

pip install 'warpage[xarray,view]'
python fields_to_xarray.py
"""

from importlib import resources
from importlib.util import find_spec

import warp

CASE = str(resources.files("warp.data") / "packages" / "flip-chip.toml")
SETTINGS = {"load.temperature": '"solved"', "grid.refine": "0.5"}


def hottest(result: warp.Result) -> tuple[float, float]:
    """Return the highest temperature in degC and its height z in mm."""
    temperature = result.to_xarray()["temperature"]
    spot = temperature.where(temperature == temperature.max(), drop=True)
    return float(temperature.max()) - 273.15, 1e3 * float(spot.z[0])


if __name__ == "__main__":
    result = warp.solve(warp.load(CASE, SETTINGS), device="cpu")
    degrees, height = hottest(result)
    print(f"hottest: {degrees:.1f} degC at z = {height:.2f} mm")
    if find_spec("pyvista"):
        print(result.to_pyvista())
