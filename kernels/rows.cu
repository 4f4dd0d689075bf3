#include "common.cuh"

// A thread has one column of one row; the CPU has whole rows.

KERNEL row_sums(double *__restrict__ out, const real *__restrict__ values, int planes, int rows,
                int n)
{
    ONE_Z;
    EACH_Y(j, 0, rows) EACH_X(i, 0, n) {
        double sum = 0;
        for (int k = 0; k < planes; ++k) {
            const unsigned int h = ((unsigned int)k * 65599u + i + 1) * 2654435761u;
            sum += (1 + h / 4294967296.0) * values[((long long)k * rows + j) * n + i];
        }
        out[(long long)j * n + i] = sum;
    }
}

KERNEL row_differs(uint8 *found, const real *__restrict__ values, const int *__restrict__ like,
                   real tolerance, int planes, int rows, int n)
{
    ONE_Z;
    EACH_Y(j, 0, rows) {
        const int other = like[j];
        if (other == j) continue;
        EACH_X(i, 0, n) {
            for (int k = 0; k < planes; ++k) {
                const real v = values[((long long)k * rows + j) * n + i];
                const real w = values[((long long)k * rows + other) * n + i];
                if (abs(v - w) > tolerance * max(abs(v), abs(w))) {
                    found[j] = 1;
                    break;
                }
            }
        }
    }
}
