/*
 * The floor: what the system calls of one operation cost in C, with nothing around them.
 *
 *     floor PRIVATE PATHS VALUE_BYTES
 *
 * PATHS is a file with the path of an object on each line, all of the same length, each with a
 * value of VALUE_BYTES and a footer. A line on standard input, such as `get 5000000`, says what to
 * do for so many nanoseconds, one object after the other; it is answered by how many were done and
 * how long that took.
 *
 *     get    links an object to a private name, opens that, reads it, closes and unlinks it
 *     open   opens the object itself, reads and closes it
 *     set    creates a private file, writes value and footer, closes it and renames it over the
 *            object
 *
 * What is read is compared with what the object held in the beginning, and that is written.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024 };

struct object {
  char *path;
  char *content;
};

static const char *directory;
static long bytes, value_bytes;
static char read_bytes[READ_BYTES];
static char private_name[PATH_MAX];

static void check(long result, const char *what) {
  if (result >= 0) return;
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void require(int is_so, const char *path, const char *what) {
  if (is_so) return;
  fprintf(stderr, "floor: %s %s\n", path, what);
  exit(1);
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void name_privately(void) {
  static unsigned long count;
  snprintf(private_name, sizeof private_name, "%s/%lx", directory, ++count);
}

static void read_whole(const char *path) {
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  check(fd, path);
  require(pread(fd, read_bytes, sizeof read_bytes, 0) == bytes, path, "has another length");
  check(close(fd), path);
}

static void compare(const struct object *object) {
  require(memcmp(read_bytes, object->content, bytes) == 0, object->path, "holds something else");
}

static void get(const struct object *object) {
  name_privately();
  check(link(object->path, private_name), object->path);
  read_whole(private_name);
  check(unlink(private_name), private_name);
  compare(object);
}

static void get_by_open(const struct object *object) {
  read_whole(object->path);
  compare(object);
}

static void set(const struct object *object) {
  struct iovec parts[] = {
    {object->content, value_bytes},
    {object->content + value_bytes, bytes - value_bytes},
  };
  name_privately();
  int fd = open(private_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  check(fd, private_name);
  require(writev(fd, parts, 2) == bytes, private_name, "was not written whole");
  check(close(fd), private_name);
  check(rename(private_name, object->path), object->path);
}

static size_t load(const char *list_path, struct object **objects) {
  FILE *list = fopen(list_path, "r");
  char *line = NULL;
  size_t count = 0, size = 0;
  check(list == NULL ? -1 : 0, list_path);
  while (getline(&line, &size, list) > 0) {
    line[strcspn(line, "\n")] = 0;
    if (count == 0) {
      struct stat status;
      check(stat(line, &status), line);
      bytes = status.st_size;
      require(bytes <= READ_BYTES && bytes >= value_bytes, line, "has a length that cannot be");
    }
    *objects = realloc(*objects, (count + 1) * sizeof **objects);
    struct object *object = *objects + count++;
    object->path = strdup(line);
    read_whole(object->path);
    object->content = memcpy(malloc(bytes), read_bytes, bytes);
  }
  fclose(list);
  free(line);
  return count;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  directory = argv[1];
  value_bytes = atol(argv[3]);
  struct object *objects = NULL;
  size_t count = load(argv[2], &objects);
  char what[8];
  long long duration;
  for (size_t at = 0; scanf("%7s %lld", what, &duration) == 2;) {
    void (*call)(const struct object *) =
      *what == 'g' ? get : *what == 'o' ? get_by_open : set;
    long long start = now(), elapsed = 0;
    long calls = 0;
    for (; calls == 0 || elapsed < duration; elapsed = now() - start) {
      call(objects + at);
      at = (at + 1) % count;
      calls += 1;
    }
    printf("%ld %lld\n", calls, elapsed);
    fflush(stdout);
  }
  return 0;
}
