/*
 * What a command costs:
 *
 *	meter FILE COMMAND [ARG]...
 *
 * puts a line into FILE: seconds, seconds of CPU in all processes that the
 * command started and waited for, and the peak RSS of the largest of them in
 * KiB. Exits as the command does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void
die(const char *what)
{
	perror(what);
	exit(125);
}

int
main(int argc, char **argv)
{
	struct rusage use;
	double start, end;
	int status;
	FILE *out;
	pid_t pid;

	if (argc < 3) {
		fputs("usage: meter FILE COMMAND [ARG]...\n", stderr);
		return 125;
	}
	start = now();
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (wait4(pid, &status, 0, &use) < 0)
		die("wait4");
	end = now();
	out = fopen(argv[1], "w");
	if (!out)
		die(argv[1]);
	fprintf(out, "%.3f %.3f %ld\n", end - start,
		seconds(use.ru_utime) + seconds(use.ru_stime), use.ru_maxrss);
	if (fclose(out))
		die(argv[1]);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}
