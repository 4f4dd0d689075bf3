// What every kernel file begins with. REAL (float or double) is chosen by the caller: -DREAL=float.
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
// flat arrays may be longer than 2^31
#define THREAD ((long long)blockIdx.x * blockDim.x + threadIdx.x)

// Loops over the range itself: the extent of a launch decides how much of it runs at once, not what is computed.
#define EACH_X(i, first, end) for (int i = (first) + THREAD_X; i < (end); i += gridDim.x * blockDim.x)
#define EACH_Y(j, first, end) for (int j = (first) + THREAD_Y; j < (end); j += gridDim.y * blockDim.y)
#define EACH_Z(k, first, end) for (int k = (first) + THREAD_Z; k < (end); k += gridDim.z * blockDim.z)
// For a kernel that walks z by itself: further threads in z, if a launch has any, would do the same column again.
#define ONE_Z if (THREAD_Z > 0) return
