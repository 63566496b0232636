/*
 * What the system knows of this process, from /proc/self. What cannot be read
 * stays as it was.
 */
#include "base/metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t in_us(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

static void read_usage(void)
{
    struct rusage usage;
    struct rlimit limit;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        metric_set(METRIC_process_cpu_seconds_total, 0, in_us(&usage.ru_utime) + in_us(&usage.ru_stime));
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        metric_set(METRIC_process_max_fds, 0, limit.rlim_cur);
}

/* "size resident ...", in pages. */
static void read_memory(void)
{
    char text[128];
    unsigned long long size, resident, page = (unsigned long long)sysconf(_SC_PAGESIZE);
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    if (sscanf(text, "%llu %llu", &size, &resident) != 2)
        return;
    metric_set(METRIC_process_virtual_memory_bytes, 0, size * page);
    metric_set(METRIC_process_resident_memory_bytes, 0, resident * page);
}

/* Without the one that reads it, and the two dots. */
static void count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    uint64_t n = 0;
    if (!folder)
        return;
    while (readdir(folder))
        n++;
    closedir(folder);
    if (n > 3)
        metric_set(METRIC_process_open_fds, 0, n - 3);
}

void metrics_read_process(int64_t started)
{
    metric_set(METRIC_process_start_time_seconds, 0, (uint64_t)started);
    read_usage();
    read_memory();
    count_descriptors();
}
