/*
 * How long small reads take. Reads lines `PATH` or `PATH POSITION LENGTH` from
 * stdin, one after the other: opens the file, reads all of it or that part,
 * closes it. Prints the median and the 99th percentile in microseconds (two
 * digits of them count), and how many there were.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/histogram.h"

#define ROOM (1 << 20)

static void
die(const char *path)
{
	perror(path);
	exit(1);
}

static void
peek(const char *path, off_t at, size_t len, char *room)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		die(path);
	n = pread(fd, room, len, at);
	if (n <= 0)
		die(path);
	close(fd);
}

int
main(void)
{
	static struct kb_histogram took;
	static char room[ROOM];
	char line[5000], path[4096];
	int64_t from;

	while (fgets(line, sizeof(line), stdin)) {
		uint64_t at = 0;
		size_t len = sizeof(room);

		if (sscanf(line, "%4095s %" SCNu64 " %zu", path, &at, &len) < 1)
			continue;
		if (len > sizeof(room))
			len = sizeof(room);
		from = kb_clock_us();
		peek(path, (off_t)at, len, room);
		kb_histogram_add(&took, kb_clock_us() - from);
	}
	printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		kb_histogram_quantile(&took, 0.5),
		kb_histogram_quantile(&took, 0.99), kb_histogram_count(&took));
	return 0;
}
