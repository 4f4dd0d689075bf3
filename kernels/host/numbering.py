"""Sort and number indices in linear time, on the host: by their digits, the lowest first.

The indices are cut into blocks of equal length, which are counted and moved each for itself; the
result does not depend on their number.
"""

from warp.kernels import kernel, portion

DIGITS = 2048
"""Values of a digit, 11 bits."""


@kernel
def count_digits(share, counts, keys, shift):
    """Count the digits, bits from `shift` on, of each block of keys: counts (blocks, DIGITS)."""
    blocks, n = counts.shape[0], len(keys)
    for block in portion(share, blocks):
        counts[block, :] = 0
        for m in range(n * block // blocks, n * (block + 1) // blocks):
            counts[block, (keys[m] >> shift) & (DIGITS - 1)] += 1


@kernel
def move_by_digit(share, sorted_keys, sorted_places, to, keys, places, shift):
    """Move keys, and the places that they come from, in the order of a digit.

    to (blocks, DIGITS): where the first key of each block and digit goes; overwritten.
    """
    blocks, n = to.shape[0], len(keys)
    for block in portion(share, blocks):
        for m in range(n * block // blocks, n * (block + 1) // blocks):
            digit = (keys[m] >> shift) & (DIGITS - 1)
            at = to[block, digit]
            sorted_keys[at], sorted_places[at] = keys[m], places[m]
            to[block, digit] = at + 1


@kernel
def count_firsts(share, counts, keys):
    """Count the ascending keys in each block that differ from the one before them."""
    blocks, n = len(counts), len(keys)
    for block in portion(share, blocks):
        count = 0
        for m in range(n * block // blocks, n * (block + 1) // blocks):
            count += m == 0 or keys[m] != keys[m - 1]
        counts[block] = count


@kernel
def number(share, unique, number, before, keys, places):
    """Give each key its number: its place among `unique`, which has each key once, ascending.

    before (blocks,): of them in the blocks before each.
    """
    blocks, n = len(before), len(keys)
    for block in portion(share, blocks):
        last = before[block] - 1
        for m in range(n * block // blocks, n * (block + 1) // blocks):
            if m == 0 or keys[m] != keys[m - 1]:
                last += 1
                unique[last] = keys[m]
            number[places[m]] = last
