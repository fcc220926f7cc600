/* Every flush takes at least BENCH_FLUSH_MS milliseconds, as on a slower disk; loaded into servers by LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static int slowed(const char *name, int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    double until = now() + atof(getenv("BENCH_FLUSH_MS") ? getenv("BENCH_FLUSH_MS") : "0") / 1e3;
    int result = real(file);
    double left = until - now();
    if (left > 0) {
        struct timespec rest = {(time_t)left, (long)((left - (time_t)left) * 1e9)};
        nanosleep(&rest, NULL);
    }
    return result;
}

int fsync(int file) { return slowed("fsync", file); }
int fdatasync(int file) { return slowed("fdatasync", file); }
