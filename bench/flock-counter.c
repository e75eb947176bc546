/*
 * Counts in a file under flock(2), without any runtime around it:
 *
 *     flock-counter DIRECTORY MODE
 *
 * For each time on its input, in nanoseconds of the monotonic clock, it adds one again and again
 * until then, at least once, and prints how often it did.
 *
 * MODE says what is promised once one is added:
 *     none   the file itself is locked and written over, as Go's lockedfile.Transform does
 *     file   a lock file beside it is locked, the next value is written to another file, flushed
 *            and renamed, which is what is done with Go's gofrs/flock
 *     full   the same, and the directory is flushed
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int open_file(const char *path, int flags)
{
	int file = open(path, flags | O_CLOEXEC, 0666);
	if (file < 0)
		fail(path);
	return file;
}

static int open_locked(const char *path)
{
	int file = open_file(path, O_RDWR | O_CREAT);
	while (flock(file, LOCK_EX) < 0)
		if (errno != EINTR)
			fail("flock");
	return file;
}

/* An empty file counts as 0. */
static long read_value(int file)
{
	char text[32];
	ssize_t length = pread(file, text, sizeof text - 1, 0);
	if (length < 0)
		fail("read");
	text[length] = '\0';
	return atol(text);
}

static void write_value(int file, long value)
{
	char text[32];
	int length = snprintf(text, sizeof text, "%ld", value);
	if (pwrite(file, text, length, 0) != length)
		fail("write");
}

static void flush(int file)
{
	if (fsync(file) < 0)
		fail("fsync");
}

static void add_in_place(void)
{
	int file = open_locked("counter");
	write_value(file, read_value(file) + 1);
	close(file);
}

static void add_by_rename(int is_full)
{
	int lock = open_locked("counter.lock");
	int file = open_file("counter", O_RDONLY | O_CREAT);
	long value = read_value(file);
	close(file);
	file = open_file("counter.new", O_WRONLY | O_CREAT | O_TRUNC);
	write_value(file, value + 1);
	flush(file);
	close(file);
	if (rename("counter.new", "counter") < 0)
		fail("rename");
	if (is_full) {
		int directory = open_file(".", O_RDONLY | O_DIRECTORY);
		flush(directory);
		close(directory);
	}
	close(lock);
}

static long long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int count, char **values)
{
	long long end;
	if (count != 3 || chdir(values[1]) < 0)
		fail("flock-counter DIRECTORY MODE");
	int is_in_place = strcmp(values[2], "none") == 0;
	int is_full = strcmp(values[2], "full") == 0;
	while (scanf("%lld", &end) == 1) {
		long added = 0;
		do {
			if (is_in_place)
				add_in_place();
			else
				add_by_rename(is_full);
			added += 1;
		} while (now() < end);
		printf("%ld\n", added);
		fflush(stdout);
	}
	return 0;
}
