"""Number indices and find them, on the host: sorted in linear time, by their lowest digits first.

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


@kernel
def find(share, number, at, wanted):
    """Find each wanted index among the ascending `at`: its number there, -1 if it is absent."""
    for n in portion(share, len(wanted)):
        low, high = 0, len(at)
        while low < high:
            middle = (low + high) // 2
            if at[middle] < wanted[n]:
                low = middle + 1
            else:
                high = middle
        number[n] = low if low < len(at) and at[low] == wanted[n] else -1


@kernel
def gather(share, out, values, number):
    """Write out (n,) = values[number], of the type of out."""
    for n in portion(share, len(out)):
        out[n] = values[number[n]]
