"""Compare with closed forms, published cases and other programs; measure this machine."""
