// Runs CUDA C kernels on the CPU, for tests: g++ -include oncpu.h. Threads run one after another, forwards or backwards.
// Two orders with one result show that no thread reads what another writes. Kernels here use shared memory only for what
// is a thread's own (OWN) and no barrier, so none is provided; atomics add whole numbers, in any order.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __restrict__ __restrict

struct Three { unsigned x, y, z; };
static Three threadIdx, blockIdx, blockDim, gridDim;

// CUDA's min and max take mixed integers, the standard library's do not
template <class A, class B> constexpr std::common_type_t<A, B> min(A a, B b) { return b < a ? b : a; }
template <class A, class B> constexpr std::common_type_t<A, B> max(A a, B b) { return a < b ? b : a; }
using std::abs;
using std::isfinite;
template <class T> T __ldg(const T *p) { return *p; }
static inline unsigned long long atomicAdd(unsigned long long *p, unsigned long long n) { return (*p += n) - n; }
static inline double rsqrt(double a) { return 1 / std::sqrt(a); }
static inline float rsqrtf(float a) { return 1 / std::sqrt(a); }

namespace oncpu {
template <class T> T value(const void *p) { return *static_cast<const std::remove_const_t<T> *>(p); }

template <class... A, size_t... I>
void run(void (*kernel)(A...), const unsigned *shape, void *const *args, bool backwards, std::index_sequence<I...>)
{
    gridDim = {shape[0], shape[1], shape[2]}, blockDim = {shape[3], shape[4], shape[5]};
    const uint64_t columns = uint64_t(gridDim.x) * blockDim.x, rows = uint64_t(gridDim.y) * blockDim.y;
    const uint64_t count = columns * rows * gridDim.z * blockDim.z;
    for (uint64_t n = 0; n < count; ++n) {
        const uint64_t t = backwards ? count - 1 - n : n;
        const unsigned x = t % columns, y = t / columns % rows, z = t / columns / rows;
        threadIdx = {x % blockDim.x, y % blockDim.y, z % blockDim.z};
        blockIdx = {x / blockDim.x, y / blockDim.y, z / blockDim.z};
        kernel(value<A>(args[I])...);
    }
}

// sizes[i] is the size in bytes of the i-th argument: returns 0, or the number (from 1) of the first that differs
template <class... A>
int launch(void (*kernel)(A...), const unsigned *shape, void *const *args, const size_t *sizes, size_t n, bool backwards)
{
    const size_t wanted[] = {sizeof(A)...};
    if (n != sizeof...(A)) return -1;
    for (size_t i = 0; i < n; ++i)
        if (sizes[i] != wanted[i]) return int(i) + 1;
    run(kernel, shape, args, backwards, std::index_sequence_for<A...>{});
    return 0;
}
}  // namespace oncpu

#define ONCPU(kernel) extern "C" int oncpu_##kernel(const unsigned *g, void *const *a, const size_t *s, size_t n, int b) \
    { return oncpu::launch(kernel, g, a, s, n, b); }
