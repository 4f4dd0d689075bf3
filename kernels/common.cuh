// Common prelude of every kernel file. The caller chooses REAL (float or double): -DREAL=float.
// Arrays are [k, j, i] = (z, y, x), x contiguous; x is also the fastest thread index.
#pragma once
#ifndef REAL
#define REAL double
#endif
typedef REAL real;
typedef unsigned char uint8;
typedef unsigned short uint16;

#define KERNEL extern "C" __global__ void
#define THREAD_X (int)(blockIdx.x * blockDim.x + threadIdx.x)
#define THREAD_Y (int)(blockIdx.y * blockDim.y + threadIdx.y)
#define THREAD_Z (int)(blockIdx.z * blockDim.z + threadIdx.z)
// Flat arrays may be longer than 2^31.
#define THREAD ((long long)blockIdx.x * blockDim.x + threadIdx.x)

// Loops over the whole range: the extent of a launch decides how much of it runs at once, not which
// part of it is computed.
#define EACH_X(i, first, end) \
    for (int i = (first) + THREAD_X; i < (end); i += gridDim.x * blockDim.x)
#define EACH_Y(j, first, end) \
    for (int j = (first) + THREAD_Y; j < (end); j += gridDim.y * blockDim.y)
#define EACH_Z(k, first, end) \
    for (int k = (first) + THREAD_Z; k < (end); k += gridDim.z * blockDim.z)
// For a kernel that loops over z itself: further threads in z, if a launch has any, would repeat
// the same column.
#define ONE_Z if (THREAD_Z > 0) return
// For a kernel that walks upwards and reuses quantities between two levels: each of the launch's
// threads in z takes a part of the levels 0 .. n - 1, and starts one level earlier to compute the
// first of these quantities.
#define PARTS (int)(gridDim.z * blockDim.z)
#define PART_BEGIN(n) (int)((long long)(n) * THREAD_Z / PARTS)
#define PART_END(n) (int)((long long)(n) * (THREAD_Z + 1) / PARTS)
#define PART_FIRST(n) max(PART_BEGIN(n) - 1, 0)
#define IN_PART(k, n) ((k) >= PART_BEGIN(n))
#define EACH_LEVEL(k, n) for (int k = PART_FIRST(n); k < PART_END(n); ++k)

// 1 / a within a unit or two in the last place, 0 for infinity; correctly rounded division is a
// subroutine call.
template <class T> __device__ inline T inverse(T a)
{
#ifdef __CUDA_ARCH__
    T y;
    if constexpr (sizeof(T) == 4) {
        asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(a));
        return y;
    } else {
        asm("rcp.approx.ftz.f64 %0, %1;" : "=d"(y) : "d"(a));
        const T e = fma(-a, y, T(1));  // y has 20 bits, y (1 + e + e^2) three times as many
        return __double2hiint(y) == 0 ? 0 : fma(y, fma(e, e, e), y);
    }
#else
    return 1 / a;
#endif
}

// Prefetch what a thread that walks in z reads on one of the next levels; otherwise it waits for
// memory on every level.
template <class T> __device__ inline void prefetch(const T *place)
{
#ifdef __CUDA_ARCH__
    asm volatile("prefetch.global.L2 [%0];" ::"l"(place));
#endif
}

// Private numbers of a thread in a multiprocessor's shared memory: `own` of the launch per thread
#ifdef __CUDA_ARCH__
#define OWN(type, name) extern __shared__ type name[]
#define OWN_AT(n)                                      \
    ((n) * (int)(blockDim.x * blockDim.y * blockDim.z) \
     + (int)((threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x))
#else
#define OWN(type, name) static type name[1 << 16]
#define OWN_AT(n) (n)
#endif
