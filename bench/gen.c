/*-------------------------------------------------------------------------
 *
 * gen.c
 *	  Writes flow logs.  The same arguments give the same logs.
 *
 * gen --records N --files F [--profile PROFILE] [--layout aws]
 *     [--format export|s3] [--seed S] [--start TIME] [--interval SECONDS]
 *     [--jobs N] DIR
 *
 * "export" writes logs as CloudWatch's create-export-task does: each line is a
 * time and the 14 default fields, in DIR/000000.log and so on.  "s3" writes
 * logs as delivered to S3: a header line and the 14 default fields, below
 * DIR/AWSLogs with AWS's file names.  Each file has the records of one
 * interval (by default 300 seconds), beginning at TIME (by default
 * 2026-01-30T00:00:00Z).
 *
 * --layout aws writes what AWS leaves in a bucket: files in gzip, as "s3", of
 * two accounts in two regions each, which take turns, so that each of the four
 * has a file in each interval.  100,000 files are 87 days.
 *
 *     gen --layout aws --profile office --files 100000 --records 100000000 DIR
 *
 * takes a minute on two processors, and makes files of 31 KB.
 *
 * Profiles say what the traffic is like:
 *
 *     busy      hosts that all know each other: each address is in about 14 %
 *               of all files.  Without a profile, this is what there is.
 *     office    users who look at the world by day, mostly through a NAT
 *               gateway, hardly at weekends
 *     service   hosts that serve the world, whose clients come for an hour
 *     scanned   hosts that few know, but all scan: two of three records are
 *               REJECT
 *
 * All but "busy" have a daily rhythm, IPv6, and a heavy tail of remote
 * addresses, most of which are seen in one file or in a few; see
 * gen_profile.c.
 *
 * With a profile or a layout, a file depends on the seed and its number alone,
 * so processes write files side by side (--jobs; by default one for each
 * processor).  Lines are the same on all machines; what the compressor makes
 * of them may depend on the processor.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include "gen.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ACCOUNT "123456789012"
#define REGION "us-east-1"
#define BUFFER_SIZE (1024 * 1024)

#define HEADER                                                                                     \
	"version account-id interface-id srcaddr dstaddr srcport dstport protocol "                    \
	"packets bytes start end action log-status\n"

/* What delivers logs: without a layout, the first of these alone. */
static const struct
{
	const char *account, *region, *flow_log;
} sources[] = {
	{ACCOUNT, REGION, "fl-0123456789abcdef0"},
	{ACCOUNT, "eu-west-1", "fl-0123456789abcdef1"},
	{"210987654321", REGION, "fl-0123456789abcdef2"},
	{"210987654321", "eu-west-1", "fl-0123456789abcdef3"},
};

#define SOURCES ((int) (sizeof(sources) / sizeof(sources[0])))

static struct
{
	uint64_t records;
	uint64_t files;
	bool s3;
	bool aws; /* --layout aws */
	const GenTraffic *traffic;
	uint64_t seed;
	int64_t start; /* Unix seconds */
	int64_t interval;
	int jobs; /* 0: as many as there are processors */
	const char *dir;
} option = {1000000, 8, false, false, NULL, 1, 1769731200, 300, 0, NULL};

uint64_t gen_random_state;

/* ---------- text ---------- */

/* Writes the time of an export line. */
char *
gen_put_time(char *p, int64_t when)
{
	static int64_t shown = -1;
	static char text[32];

	/* adjacent lines often have the same second */
	if (when != shown)
	{
		time_t seconds = (time_t) when;
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000Z ", &tm);
		shown = when;
	}
	return gen_put_text(p, text);
}

/* ---------- files ---------- */

static _Noreturn void
fail(const char *what, const char *name)
{
	fprintf(stderr, "gen: could not %s \"%s\": %s\n", what, name, strerror(errno));
	exit(1);
}

/* Creates the directories above a file. */
static void
make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
	{
		*slash = '\0';
		if (mkdir(path, 0777) != 0 && errno != EEXIST)
			fail("create directory", path);
		*slash = '/';
	}
}

/* Creates a file, and the directories above it if there are none. */
static int
create_file(char *path)
{
	int fd = creat(path, 0666);

	if (fd < 0 && errno == ENOENT)
	{
		make_parents(path);
		fd = creat(path, 0666);
	}
	if (fd < 0)
		fail("create file", path);
	return fd;
}

static void
write_all(int fd, const void *bytes, size_t len, const char *path)
{
	const char *p = bytes;

	while (len > 0)
	{
		ssize_t written = write(fd, p, len);

		if (written < 0 && errno != EINTR)
			fail("write file", path);
		if (written > 0)
		{
			p += written;
			len -= (size_t) written;
		}
	}
}

/* Writes bytes in gzip; the first ones of a file begin it, the last end it. */
static void
write_gzip(int fd, const char *bytes, size_t len, bool first, bool last, const char *path)
{
	static struct isal_zstream stream;
	static uint8_t level_buffer[ISAL_DEF_LVL1_DEFAULT];
	static uint8_t out[BUFFER_SIZE];

	if (first)
	{
		isal_deflate_init(&stream);
		stream.level = 1;
		stream.level_buf = level_buffer;
		stream.level_buf_size = sizeof(level_buffer);
		stream.gzip_flag = IGZIP_GZIP;
	}
	stream.next_in = (uint8_t *) bytes;
	stream.avail_in = (uint32_t) len;
	stream.end_of_stream = last;
	do
	{
		stream.next_out = out;
		stream.avail_out = sizeof(out);
		if (isal_deflate(&stream) != COMP_OK)
			fail("compress", path);
		write_all(fd, out, sizeof(out) - stream.avail_out, path);
	} while (stream.avail_out == 0);
}

/* Sets the path of a file. */
static void
name_file(char *path, size_t size, const GenFile *file)
{
	char day[16];
	char stamp[24];
	time_t seconds = (time_t) file->start;
	const char *region = sources[file->source].region;
	struct tm tm;

	if (!option.s3)
	{
		snprintf(path, size, "%s/%06" PRIu64 ".log", option.dir, file->number);
		return;
	}
	gmtime_r(&seconds, &tm);
	strftime(day, sizeof(day), "%Y/%m/%d", &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%MZ", &tm);
	snprintf(path,
	         size,
	         "%s/AWSLogs/%s/vpcflowlogs/%s/%s/%s_vpcflowlogs_%s_%s_%s_%08x.log%s",
	         option.dir,
	         file->account,
	         region,
	         day,
	         file->account,
	         region,
	         sources[file->source].flow_log,
	         stamp,
	         (unsigned int) (gen_random() >> 32),
	         option.aws ? ".gz" : "");
}

/* Writes a file. */
static void
write_file(const GenFile *file)
{
	static char buffer[BUFFER_SIZE];
	char path[4096];
	char *p = buffer;
	bool first = true;
	int fd;

	name_file(path, sizeof(path), file);
	fd = create_file(path);
	if (option.s3)
		p = gen_put_text(p, HEADER);
	for (uint64_t i = 0; i <= file->records; i++)
	{
		bool last = i == file->records;

		if (!last)
			p = option.traffic->put_line(p, file, i);
		if (!last && p + GEN_LINE_MAX <= buffer + BUFFER_SIZE)
			continue;
		if (option.aws)
			write_gzip(fd, buffer, (size_t) (p - buffer), first, last, path);
		else
			write_all(fd, buffer, (size_t) (p - buffer), path);
		first = false;
		p = buffer;
	}
	if (close(fd) != 0)
		fail("write file", path);
}

/* ---------- all files ---------- */

/* Sets a file, but not how many records it has. */
static void
set_file(GenFile *file, uint64_t number)
{
	uint64_t turns = option.aws ? SOURCES : 1;

	*file = (GenFile) {
		.number = number,
		.interval = number / turns,
		.source = (int) (number % turns),
		.account = sources[number % turns].account,
		.start = option.start + (int64_t) (number / turns) * option.interval,
		.seconds = option.interval,
		.export = !option.s3,
	};
}

/* Returns the sum of the weights of the files up to a number. */
static uint64_t
weights_before(uint64_t number)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < number; i++)
	{
		GenFile file;

		set_file(&file, i);
		sum += option.traffic->weight(file.start);
	}
	return sum;
}

/* Returns records * part / whole, which may be large. */
static uint64_t
share_of(uint64_t part, uint64_t whole)
{
	return (uint64_t) ((unsigned __int128) option.records * part / whole);
}

/* Writes every "jobs"-th file, from one on. */
static void
write_files(uint64_t first, uint64_t jobs)
{
	bool weighted = option.traffic->weight != NULL;
	bool apart = weighted || option.aws;
	uint64_t whole = weighted ? weights_before(option.files) : 0;
	uint64_t before = 0;

	for (uint64_t i = 0; i < option.files; i++)
	{
		GenFile file;
		uint64_t after = before;

		/* the first files get the remainder */
		set_file(&file, i);
		file.records = option.records / option.files + (i < option.records % option.files);
		if (weighted)
		{
			after += option.traffic->weight(file.start);
			file.records = share_of(after, whole) - share_of(before, whole);
			before = after;
		}
		if (i % jobs != first)
			continue;
		if (apart)
			gen_random_state = gen_mix(option.seed * 0x9E3779B97F4A7C15u + i);
		if (option.traffic->begin_file != NULL)
			option.traffic->begin_file(&file);
		write_file(&file);
	}
}

/* Writes all files in several processes. */
static void
write_side_by_side(int jobs)
{
	bool failed = false;
	int status;

	for (int i = 0; i < jobs; i++)
	{
		pid_t pid = fork();

		if (pid < 0)
			fail("start a process for", option.dir);
		if (pid == 0)
		{
			write_files((uint64_t) i, (uint64_t) jobs);
			exit(0);
		}
	}
	while (wait(&status) > 0)
		failed |= status != 0;
	if (failed)
		exit(1);
}

/* ---------- the command line ---------- */

static _Noreturn void
usage(void)
{
	fputs("usage: gen [--records N] [--files F] [--profile busy", stderr);
	for (int i = 0; i < gen_nprofiles; i++)
		fprintf(stderr, "|%s", gen_profiles[i].name);
	fputs("] [--layout aws]\n"
	      "           [--format export|s3] [--seed S] [--start YYYY-MM-DDTHH:MM:SSZ]\n"
	      "           [--interval SECONDS] [--jobs N] DIR\n",
	      stderr);
	exit(2);
}

static uint64_t
parse_number(const char *text)
{
	char *end;
	uint64_t number = strtoull(text, &end, 10);

	if (end == text || *end != '\0')
		usage();
	return number;
}

static int64_t
parse_time(const char *text)
{
	struct tm tm = {0};
	char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (end == NULL)
	{
		memset(&tm, 0, sizeof(tm));
		end = strptime(text, "%Y-%m-%d", &tm);
	}
	if (end == NULL || *end != '\0')
		usage();
	return (int64_t) timegm(&tm);
}

static const GenTraffic *
parse_profile(const char *text)
{
	if (strcmp(text, gen_busy.name) == 0)
		return &gen_busy;
	for (int i = 0; i < gen_nprofiles; i++)
		if (strcmp(text, gen_profiles[i].name) == 0)
			return &gen_profiles[i];
	usage();
}

static void
parse_arguments(int argc, char **argv)
{
	static const struct option names[] = {{"records", required_argument, NULL, 'r'},
	                                      {"files", required_argument, NULL, 'f'},
	                                      {"profile", required_argument, NULL, 'p'},
	                                      {"layout", required_argument, NULL, 'l'},
	                                      {"format", required_argument, NULL, 'F'},
	                                      {"seed", required_argument, NULL, 's'},
	                                      {"start", required_argument, NULL, 't'},
	                                      {"interval", required_argument, NULL, 'i'},
	                                      {"jobs", required_argument, NULL, 'j'},
	                                      {NULL, 0, NULL, 0}};
	int c;

	option.traffic = &gen_busy;
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
	{
		switch (c)
		{
			case 'r':
				option.records = parse_number(optarg);
				break;
			case 'f':
				option.files = parse_number(optarg);
				break;
			case 'p':
				option.traffic = parse_profile(optarg);
				break;
			case 'l':
				option.aws = strcmp(optarg, "aws") == 0;
				if (!option.aws)
					usage();
				break;
			case 'F':
				option.s3 = strcmp(optarg, "s3") == 0;
				if (!option.s3 && strcmp(optarg, "export") != 0)
					usage();
				break;
			case 's':
				option.seed = parse_number(optarg);
				break;
			case 't':
				option.start = parse_time(optarg);
				break;
			case 'i':
				option.interval = (int64_t) parse_number(optarg);
				break;
			case 'j':
				option.jobs = (int) parse_number(optarg);
				break;
			default:
				usage();
		}
	}
	if (optind + 1 != argc || option.files == 0)
		usage();
	option.s3 |= option.aws;
	option.dir = argv[optind];
}

int
main(int argc, char **argv)
{
	int jobs;

	parse_arguments(argc, argv);
	gen_random_state = option.seed;
	option.traffic->begin(option.seed);

	/* "busy" files that are not apart follow each other in one sequence */
	jobs = option.jobs > 0 ? option.jobs : (int) sysconf(_SC_NPROCESSORS_ONLN);
	if (option.traffic == &gen_busy && !option.aws)
		jobs = 1;
	if ((uint64_t) jobs > option.files)
		jobs = (int) option.files;
	if (jobs > 1)
		write_side_by_side(jobs);
	else
		write_files(0, 1);
	return 0;
}
