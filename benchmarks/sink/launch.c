/* Run a program and say what it took.
 *
 *     launch REPORT PROGRAM ARGUMENTS...
 *
 * The kernel counts the memory of whoever started a program towards its peak, so a small one
 * starts it. Writes to REPORT, as JSON: its exit status, wall and CPU seconds and peak resident
 * memory, its children included, and when it began (CLOCK_MONOTONIC, ns).
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv)
{
    struct rusage used;
    int status;

    if (argc < 3)
        return 2;
    uint64_t began = now_ns();
    pid_t child = fork();
    if (!child) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &used) != child)
        return 1;
    uint64_t ended = now_ns();
    FILE *report = fopen(argv[1], "w");
    if (!report)
        return 1;
    fprintf(report,
            "{\"status\":%d,\"began_ns\":%" PRIu64 ",\"wall_s\":%.6f,\"user_s\":%ld.%06ld,\"system_s\":%ld.%06ld,\"peak_kib\":%ld}\n",
            WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), began, (double)(ended - began) / 1e9,
            used.ru_utime.tv_sec, used.ru_utime.tv_usec, used.ru_stime.tv_sec, used.ru_stime.tv_usec, used.ru_maxrss);
    return fclose(report) != 0;
}
