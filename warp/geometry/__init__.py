"""Turn parts into stacked solids. Knows no grid and no temperature."""
