#include "common.cuh"

// Numbers that a lane adds in their own precision before it goes on in float64, which few GPUs have
// in plenty
#define TOGETHER 16
// Loops over the elements i of lane t of piece g, TOGETHER at a time
#define EACH_BLOCK(first)                                                     \
    for (long long first = g * chunk + t, last = min((g + 1) * chunk, n); first < last; \
         first += 256 * TOGETHER)
#define EACH_IN_BLOCK(i, first) \
    for (long long i = first; i < min(first + 256 * TOGETHER, last); i += 256)

KERNEL dot_lanes(double *__restrict__ partial, const real *__restrict__ x,
                 const real *__restrict__ y, long long n, long long chunk, int groups)
{
    const int g = THREAD_X / 256, t = THREAD_X % 256;
    if (g >= groups) return;
    double sum = 0;
    EACH_BLOCK(first) {
        real some = 0;
        EACH_IN_BLOCK(i, first) {
            some += x[i] * y[i];
        }
        sum += double(some);
    }
    partial[g * 256 + t] = sum;
}

KERNEL dot_narrow_lanes(double *__restrict__ partial, const real *__restrict__ x,
                        const float *__restrict__ y, long long n, long long chunk, int groups)
{
    const int g = THREAD_X / 256, t = THREAD_X % 256;
    if (g >= groups) return;
    double sum = 0;
    EACH_BLOCK(first) {
        real some = 0;
        EACH_IN_BLOCK(i, first) {
            some += x[i] * real(y[i]);
        }
        sum += double(some);
    }
    partial[g * 256 + t] = sum;
}

KERNEL step_lanes(double *__restrict__ x, real *__restrict__ r, double *__restrict__ partial,
                  const real *__restrict__ p, const real *__restrict__ q,
                  const double *__restrict__ s, int alpha, long long n, long long chunk, int groups)
{
    const int g = THREAD_X / 256, t = THREAD_X % 256;
    if (g >= groups) return;
    const double a = s[alpha];
    const real b = real(a);
    double sum = 0;
    EACH_BLOCK(first) {
        real some = 0;
        EACH_IN_BLOCK(i, first) {
            x[i] += a * double(p[i]);
            const real c = r[i] - b * q[i];
            r[i] = c;
            some += c * c;
        }
        sum += double(some);
    }
    partial[g * 256 + t] = sum;
}

KERNEL residual_lanes(double *__restrict__ r, double *__restrict__ partial,
                      const double *__restrict__ b, const double *__restrict__ q, long long n,
                      long long chunk, int groups)
{
    const int g = THREAD_X / 256, t = THREAD_X % 256;
    if (g >= groups) return;
    double sum = 0;
    for (long long i = g * chunk + t; i < min((g + 1) * chunk, n); i += 256) {
        const double c = b[i] - q[i];
        r[i] = c;
        sum += c * c;
    }
    partial[g * 256 + t] = sum;
}

KERNEL word_lanes(double *__restrict__ partial, const uint16 *__restrict__ words, double keep,
                  long long n, long long chunk, int groups)
{
    const int g = THREAD_X / 256, t = THREAD_X % 256;
    if (g >= groups) return;
    double sum = 0;
    for (long long i = g * chunk + t; i < min((g + 1) * chunk, n); i += 256) {
        sum += double(words[i]);
    }
    partial[g * 256 + t] = keep != 0 ? partial[g * 256 + t] + sum : sum;
}

KERNEL fold(double *partial, long long count, long long rest)
{
    const long long i = THREAD;
    if (i >= rest) return;
    double c = partial[i];
#pragma unroll 16  // few threads: each must have many loads in flight
    for (long long e = i + rest; e < count; e += rest) {
        c += partial[e];
    }
    partial[i] = c;
}

KERNEL fold_last(double *__restrict__ s, const double *__restrict__ partial, int slot, int count)
{
    if (THREAD_X > 0) return;
    double c = 0;
#pragma unroll 16
    for (int e = 0; e < count; ++e) {
        c += partial[e];
    }
    s[slot] = c;
}

KERNEL ratio(double *s, int out, int numerator, int denominator, double sign)
{
    if (THREAD_X > 0) return;
    if (s[numerator] == 0.0) {
        s[out] = 0.0;
    } else {
        s[out] = sign * s[numerator] / s[denominator];
    }
}

KERNEL inverse_root(double *s, int out, int square)
{
    if (THREAD_X > 0) return;
    if (s[square] > 0.0) {
        s[out] = 1.0 / sqrt(s[square]);
    } else {
        s[out] = 1.0;
    }
}

KERNEL direction(real *__restrict__ p, const float *__restrict__ z, const double *__restrict__ s,
                 int c, int b, long long n)
{
    const long long i = THREAD;
    if (i >= n) return;
    p[i] = real(s[c]) * real(z[i]) + real(s[b]) * p[i];
}

KERNEL narrow(float *__restrict__ y, const real *__restrict__ x, const double *__restrict__ s,
              int c, long long n)
{
    const long long i = THREAD;
    if (i >= n) return;
    y[i] = float(real(s[c]) * x[i]);
}

// x may be y
KERNEL scale(real *y, const real *x, const double *__restrict__ s, int c, long long n)
{
    const long long i = THREAD;
    if (i >= n) return;
    y[i] = real(s[c]) * x[i];
}

KERNEL copy(real *__restrict__ y, const real *__restrict__ x, long long n)
{
    const long long i = THREAD;
    if (i >= n) return;
    y[i] = x[i];
}

KERNEL add(real *__restrict__ y, const real *__restrict__ x, long long n)
{
    const long long i = THREAD;
    if (i >= n) return;
    y[i] += x[i];
}
