/*
 * The floor: what the system calls of one operation cost in C, with nothing around them.
 *
 *     floor get|open|set PRIVATE PATHS BYTES
 *
 * PATHS is a file with the path of an object on each line; BYTES is how long an object's file is.
 * `get` links an object to a private name, opens that, reads it, closes and unlinks it; `open`
 * opens the object itself; `set` creates a private file, writes value and footer, closes it and
 * renames it over the object. A line with a number of calls on standard input makes it do so many,
 * one object after the other, and answer with the nanoseconds that they took.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { FOOTER_BYTES = 92, READ_BYTES = 64 * 1024 };

static void check(long result, const char *what) {
  if (result >= 0) return;
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static char value[READ_BYTES];
static char private_name[PATH_MAX];

static void name_privately(const char *directory) {
  static unsigned long count;
  snprintf(private_name, sizeof private_name, "%s/%lx", directory, ++count);
}

static void read_whole(const char *path, long bytes) {
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  check(fd, path);
  if (pread(fd, value, sizeof value, 0) != bytes) {
    fprintf(stderr, "floor: %s is not as long as it must be\n", path);
    exit(1);
  }
  check(close(fd), path);
}

static void get(const char *directory, const char *path, long bytes) {
  name_privately(directory);
  check(link(path, private_name), path);
  read_whole(private_name, bytes);
  check(unlink(private_name), private_name);
}

static void set(const char *directory, const char *path, long bytes) {
  struct iovec parts[] = {{value, bytes - FOOTER_BYTES}, {value, FOOTER_BYTES}};
  name_privately(directory);
  int fd = open(private_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  check(fd, private_name);
  check(writev(fd, parts, 2) == bytes ? 0 : -1, private_name);
  check(close(fd), private_name);
  check(rename(private_name, path), path);
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const char *what = argv[1], *directory = argv[2];
  long bytes = atol(argv[4]);
  FILE *list = fopen(argv[3], "r");
  check(list == NULL ? -1 : 0, argv[3]);
  char **paths = NULL, *line = NULL;
  size_t count = 0, size = 0;
  while (getline(&line, &size, list) > 0) {
    line[strcspn(line, "\n")] = 0;
    paths = realloc(paths, (count + 1) * sizeof *paths);
    paths[count++] = strdup(line);
  }
  for (size_t at = 0; getline(&line, &size, stdin) > 0;) {
    long calls = atol(line);
    long long start = now();
    for (long call = 0; call < calls; call++, at = (at + 1) % count) {
      if (*what == 'g') get(directory, paths[at], bytes);
      else if (*what == 'o') read_whole(paths[at], bytes);
      else set(directory, paths[at], bytes);
    }
    printf("%lld\n", now() - start);
    fflush(stdout);
  }
  return 0;
}
