#include "common.cuh"

KERNEL dot_lanes(double *__restrict__ partial, const double *__restrict__ x,
                 const real *__restrict__ y, long long n, long long chunk, int groups)
{
    const int g = THREAD_X / 256, t = THREAD_X % 256;
    if (g >= groups) return;
    double sum = 0;
    for (long long i = g * chunk + t; i < min((g + 1) * chunk, n); i += 256) {
        sum += x[i] * double(y[i]);
    }
    partial[g * 256 + t] = sum;
}

KERNEL step_lanes(double *__restrict__ x, double *__restrict__ r, double *__restrict__ partial,
                  const double *__restrict__ p, const double *__restrict__ q,
                  const double *__restrict__ s, int alpha, long long n, long long chunk, int groups)
{
    const int g = THREAD_X / 256, t = THREAD_X % 256;
    if (g >= groups) return;
    const double a = s[alpha];
    double sum = 0;
    for (long long i = g * chunk + t; i < min((g + 1) * chunk, n); i += 256) {
        x[i] += a * p[i];
        const double c = r[i] - a * q[i];
        r[i] = c;
        sum += c * c;
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

KERNEL fold_groups(double *partial, int groups, int sums)
{
    const int t = THREAD_X;
    if (t >= sums * 256) return;
    const long long first = (long long)(t / 256) * groups * 256 + t % 256;
    double c = partial[first];
    for (int g = 1; g < groups; ++g) {
        c += partial[first + g * 256];
    }
    partial[first] = c;
}

KERNEL fold_lanes(double *__restrict__ s, const double *__restrict__ partial, int slot, int groups,
                  int sums)
{
    const int m = THREAD_X;
    if (m >= sums) return;
    double c = 0;
    for (int t = 0; t < 256; ++t) {
        c += partial[(long long)m * groups * 256 + t];
    }
    s[slot + m] = c;
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

KERNEL direction(double *__restrict__ p, const real *__restrict__ z, const double *__restrict__ s,
                 int c, int b, long long n)
{
    const long long i = THREAD;
    if (i >= n) return;
    p[i] = s[c] * double(z[i]) + s[b] * p[i];
}

KERNEL narrow(real *__restrict__ y, const double *__restrict__ x, const double *__restrict__ s,
              int c, long long n)
{
    const long long i = THREAD;
    if (i >= n) return;
    y[i] = s[c] * x[i];
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
