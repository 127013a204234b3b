/*-------------------------------------------------------------------------
 *
 * inflate.c
 *	  Inflates gzip files with ISA-L alone, which gives the minimum time of a
 *	  scan of gzip files.
 *
 * inflate [--processes N] FILE...
 *
 * Inflated data are overwritten by the next block.  Each file must have one
 * member, as written by gzip.  Writes one line: "bytes N, seconds N, GB/s N",
 * where the bytes are those after inflation.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_SIZE (256 * 1024)

/* Memory shared by all processes. */
typedef struct Shared
{
	int next_file; /* number of files taken so far */
	uint64_t bytes;
} Shared;

static Shared *shared;

static void
fail(const char *what, const char *name)
{
	fprintf(stderr, "inflate: could not %s \"%s\": %s\n", what, name, strerror(errno));
	exit(1);
}

/* Inflates a file and adds its size to the total. */
static void
inflate_file(const char *name)
{
	static struct inflate_state state;
	static uint8_t in[BLOCK_SIZE] __attribute__((aligned(4096)));
	static uint8_t out[BLOCK_SIZE] __attribute__((aligned(4096)));
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	uint64_t bytes = 0;
	ssize_t len;

	if (fd < 0)
		fail("open", name);
	isal_inflate_init(&state);
	state.crc_flag = ISAL_GZIP;
	while ((len = read(fd, in, BLOCK_SIZE)) > 0)
	{
		state.next_in = in;
		state.avail_in = (uint32_t) len;
		do
		{
			state.next_out = out;
			state.avail_out = BLOCK_SIZE;
			if (isal_inflate(&state) != ISAL_DECOMP_OK)
				fail("inflate", name);
			bytes += BLOCK_SIZE - state.avail_out;
		} while (state.avail_out == 0);
	}
	if (len < 0)
		fail("read", name);
	if (state.block_state != ISAL_BLOCK_FINISH || state.avail_in > 0)
		fail("find just one member in", name);
	close(fd);
	__atomic_fetch_add(&shared->bytes, bytes, __ATOMIC_RELAXED);
}

/* Inflates files until there are no more. */
static void
run_process(int nfiles, char **files)
{
	int file;

	while ((file = __atomic_fetch_add(&shared->next_file, 1, __ATOMIC_RELAXED)) < nfiles)
		inflate_file(files[file]);
}

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static void
usage(void)
{
	fputs("usage: inflate [--processes N] FILE...\n", stderr);
	exit(2);
}

int
main(int argc, char **argv)
{
	static const struct option names[] = {{"processes", required_argument, NULL, 'p'},
	                                      {NULL, 0, NULL, 0}};
	int processes = 1;
	int c, status;
	double started;

	/* parse the command line */
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
	{
		if (c != 'p' || (processes = atoi(optarg)) < 1)
			usage();
	}
	if (optind == argc)
		usage();
	shared = mmap(NULL, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		fail("map memory for", "the processes");

	/* start the processes, and wait until all of them have ended */
	started = now();
	for (int i = 0; i < processes; i++)
	{
		pid_t pid = fork();

		if (pid < 0)
			fail("start", "a process");
		if (pid == 0)
		{
			run_process(argc - optind, argv + optind);
			_exit(0);
		}
	}
	for (int i = 0; i < processes; i++)
	{
		if (wait(&status) < 0 || status != 0)
			return 1;
	}
	started = now() - started;
	printf("bytes %" PRIu64 ", seconds %.6f, GB/s %.3f\n",
	       shared->bytes,
	       started,
	       (double) shared->bytes / started / 1e9);
	return 0;
}
