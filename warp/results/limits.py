"""Limits of warpage from standards: JEITA ED-7306, by pitch and kind of terminal."""

JEITA_LIMITS = {0.4: 0.10, 0.5: 0.11, 0.65: 0.14, 0.8: 0.17, 1.0: 0.22, 1.27: 0.25}
"""Largest |warpage| (mm) of a ball grid array at elevated temperature by ball pitch (mm).

JEITA ED-7306 (2007).
"""


def jeita_limit(pitch: float) -> float:
    """Give the JEITA ED-7306 warpage limit (m) for a ball pitch (m).

    Between two rows of the table the finer pitch's limit holds.
    """
    rows = [limit for row, limit in JEITA_LIMITS.items() if row <= pitch * 1e3 * (1 + 1e-6)]
    return 1e-3 * (rows[-1] if rows else min(JEITA_LIMITS.values()))
