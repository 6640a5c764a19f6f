/*
 * A libcuda.so.1 that computes nothing: device memory is ordinary memory, a stream does at once
 * what it is told or, while recording, notes it. For tests of what is called in which order and
 * with which arguments; declarations are those of cuda.h.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#ifdef WITH_CUDA_H /* to have the compiler compare declarations: cc -DWITH_CUDA_H -I... */
#include <cuda.h>
#else
typedef int CUresult, CUdevice, CUdevice_attribute, CUstreamCaptureMode;
typedef unsigned long long CUdeviceptr, cuuint64_t;
typedef void *CUcontext, *CUstream, *CUgraph, *CUgraphExec;
#endif

enum { FINE, INVALID = 1, NO_MEMORY = 2, NO_DEVICE = 100, MOST = 64 };
typedef void (*Work)(int);
typedef struct { void *to; const void *from; size_t size; Work work; int number; } Step;
typedef struct { int count; Step steps[MOST]; } Recording;

static Recording *recording;
static CUcontext current;
static int context, stream;
int devices = 1, blocks, launches, recordings;

static int begin(Step step)
{
    if (current != &context)
        return INVALID;
    if (recording) {
        recording->steps[recording->count++] = step;
        return FINE;
    }
    if (step.work)
        step.work(step.number);
    else
        memcpy(step.to, step.from, step.size);
    return FINE;
}

/* for the stand-in of TensorRT: do this work, in order with what the stream does */
int stub_work(Work work, int number) { return begin((Step){0, 0, 0, work, number}); }

CUresult cuInit(unsigned int flags) { return devices < 0 ? NO_DEVICE : FINE; }
CUresult cuDriverGetVersion(int *version) { return *version = 13000, FINE; }
CUresult cuDeviceGetCount(int *count) { return *count = devices, FINE; }
CUresult cuDeviceGet(CUdevice *device, int number) { return *device = number, FINE; }
CUresult cuDeviceGetName(char *name, int length, CUdevice device)
{
    return strncpy(name, "Stand-in", length), FINE;
}
CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute which, CUdevice device)
{
    return *value = which == 75 ? 8 : which == 76 ? 9 : -1, FINE;
}
CUresult cuDevicePrimaryCtxRetain(CUcontext *made, CUdevice device)
{
    return *made = (CUcontext)&context, FINE;
}
CUresult cuCtxSetCurrent(CUcontext wanted) { return current = wanted, FINE; }
CUresult cuMemAlloc_v2(CUdeviceptr *made, size_t size)
{
    if (size > (size_t)1 << 40)
        return NO_MEMORY;
    return blocks++, *made = (CUdeviceptr)malloc(size), FINE;
}
CUresult cuMemFree_v2(CUdeviceptr block) { return blocks--, free((void *)block), FINE; }
CUresult cuMemHostAlloc(void **made, size_t size, unsigned int flags)
{
    return blocks++, *made = malloc(size), FINE;
}
CUresult cuMemFreeHost(void *block) { return blocks--, free(block), FINE; }
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t size, CUstream on)
{
    return on == (CUstream)&stream ? begin((Step){(void *)to, from, size, 0, 0}) : INVALID;
}
CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t size, CUstream on)
{
    return on == (CUstream)&stream ? begin((Step){to, (void *)from, size, 0, 0}) : INVALID;
}
CUresult cuStreamCreate(CUstream *made, unsigned int flags)
{
    return *made = (CUstream)&stream, FINE;
}
CUresult cuStreamSynchronize(CUstream on) { return recording ? INVALID : FINE; }
CUresult cuStreamBeginCapture_v2(CUstream on, CUstreamCaptureMode mode)
{
    return recordings++, recording = calloc(1, sizeof(Recording)), FINE;
}
CUresult cuStreamEndCapture(CUstream on, CUgraph *made)
{
    return *made = (CUgraph)recording, recording = 0, FINE;
}
CUresult cuGraphInstantiateWithFlags(CUgraphExec *made, CUgraph graph, unsigned long long flags)
{
    Recording *copy = malloc(sizeof(Recording));
    memcpy(copy, graph, sizeof(Recording));
    return blocks++, *made = (CUgraphExec)copy, FINE;
}
CUresult cuGraphLaunch(CUgraphExec ready, CUstream on)
{
    launches++;
    for (int i = 0; i < ((Recording *)ready)->count; i++)
        begin(((Recording *)ready)->steps[i]);
    return FINE;
}
CUresult cuGraphDestroy(CUgraph graph) { return free(graph), FINE; }
CUresult cuGraphExecDestroy(CUgraphExec ready) { return blocks--, free(ready), FINE; }
CUresult cuGetErrorString(CUresult code, const char **text)
{
    *text = code == NO_MEMORY ? "out of memory" : code == NO_DEVICE ? "no device" : 0;
    return *text ? FINE : INVALID;
}
