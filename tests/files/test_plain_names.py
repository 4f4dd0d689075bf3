"""Parts of file names from a user's words."""

from warp.files.plain_names import plain_names


def test_signs_stay_and_equal_names_are_told_apart():
    words = ["-40 degC", "40 degC", "chip attach", "Chip-attach", "top/copper", "..", "100 °C"]
    assert plain_names(words) == [
        "-40-degC",
        "40-degC",
        "chip-attach",
        "Chip-attach-2",
        "top-copper",
        "unnamed",
        "100-C",
    ]
