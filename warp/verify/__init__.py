"""Compare the program with closed forms, published cases and other programs, and measure this machine."""
