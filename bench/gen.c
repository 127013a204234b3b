/*-------------------------------------------------------------------------
 *
 * gen.c
 *	  Writes flow logs like those of a busy VPC.  The same seed gives the same
 *	  logs.
 *
 * gen --records N --files F --format export|s3 [--seed S] [--start TIME]
 *     [--interval SECONDS] DIR
 *
 * "export" writes logs as CloudWatch's create-export-task does: each line is a
 * time and the 14 default fields, in DIR/000000.log and so on.  "s3" writes
 * logs as delivered to S3: a header line and the 14 default fields, below
 * DIR/AWSLogs with AWS's file names.  Each file has the records of one
 * interval (by default 300 seconds), beginning at TIME (by default
 * 2026-01-30T00:00:00Z).
 *
 * 10 % of the records are REJECT, namely port scans, and 1 % are NODATA or
 * SKIPDATA.  Ports and addresses are skewed: a few get most of the traffic.
 * Public addresses are those of RFC 2544 and RFC 5737, which are unassigned.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define ACCOUNT "123456789012"
#define REGION "us-east-1"
#define FLOW_LOG "fl-0123456789abcdef0"

#define INTERFACES 400
#define HOSTS 60000
#define PUBLIC_HOSTS 131072 /* of 198.18.0.0/15 */

#define LINE_MAX_LEN 256
#define BUFFER_SIZE (1024 * 1024)

#define HEADER                                                                                     \
	"version account-id interface-id srcaddr dstaddr srcport dstport protocol "                    \
	"packets bytes start end action log-status\n"

/* A network interface and its address. */
typedef struct Interface
{
	char id[24];
	uint32_t address;
} Interface;

/* One connection, as seen from the interface. */
typedef struct Flow
{
	uint32_t peer;
	int service_port;
	int peer_port;
	int protocol;
	bool towards_service; /* the record's direction: to the service, or its answer */
	bool service_is_ours;
	bool accepted;
	uint32_t packets;
	uint64_t bytes;
} Flow;

typedef struct Service
{
	int port;
	int protocol; /* IANA's number */
	int weight;   /* percent of the traffic */
	int bytes_per_packet;
} Service;

static const Service services[] = {
	{443, 6, 52, 820},
	{80, 6, 11, 640},
	{53, 17, 10, 96},
	{22, 6, 5, 210},
	{3389, 6, 3, 330},
	{5432, 6, 5, 410},
	{6379, 6, 4, 150},
	{123, 17, 3, 76},
	{443, 17, 4, 1020}, /* QUIC */
	{0, 1, 2, 84},      /* ICMP has no ports */
	{0, 50, 1, 700},    /* ESP */
};

static const int scanned_ports[] = {22, 23, 3389, 445, 8080, 443, 5900, 1433, 25, 8443, 3306, 6379};

static struct
{
	uint64_t records;
	uint64_t files;
	bool s3;
	uint64_t seed;
	int64_t start; /* Unix seconds */
	int64_t interval;
	const char *dir;
} option = {1000000, 8, false, 1, 1769731200, 300, NULL};

static Interface interfaces[INTERFACES];
static uint64_t random_state;

/* ---------- random numbers ---------- */

/* splitmix64: any seed is good */
static uint64_t
next_random(void)
{
	uint64_t z = (random_state += 0x9E3779B97F4A7C15u);

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

/* Returns a random number below the limit. */
static uint32_t
below(uint32_t limit)
{
	return (uint32_t) (((next_random() >> 32) * limit) >> 32);
}

/*
 * Returns a random number below the limit that is in its lowest eighth half of
 * the time.
 */
static uint32_t
skewed_below(uint32_t limit)
{
	double u = (double) (next_random() >> 11) / 9007199254740992.0;

	return (uint32_t) (u * u * u * limit);
}

/* ---------- traffic in the VPC ---------- */

static void
make_interfaces(void)
{
	for (int i = 0; i < INTERFACES; i++)
	{
		snprintf(interfaces[i].id, sizeof(interfaces[i].id), "eni-0%016" PRIx64, next_random());
		/* 10.0.0.0/16, with a subnet for every 40 interfaces */
		interfaces[i].address =
			0x0A000000u + ((uint32_t) (i / 40) << 8) + 10 + (uint32_t) (i % 40) * 5;
	}
}

/* Returns the address of a private host. */
static uint32_t
private_peer(void)
{
	uint32_t n = skewed_below(HOSTS);

	/*
	 * Mostly addresses of our own VPC, and some of a peered one.  The most
	 * frequent are not those of the busiest interfaces.
	 */
	return n < 40000 ? interfaces[(n * 7 + 201) % INTERFACES].address : 0xAC1F0000u + (n - 40000);
}

/* Returns the address of a public host. */
static uint32_t
public_peer(void)
{
	uint32_t n = skewed_below(PUBLIC_HOSTS + 512);

	if (n < 256)
		return 0xCB007100u + n; /* 203.0.113.0/24 */
	if (n < 512)
		return 0xC6336400u + (n - 256); /* 198.51.100.0/24 */
	/* adjacent addresses are not equally busy */
	return 0xC6120000u + (n - 512) * 2654435761u % PUBLIC_HOSTS;
}

static int
ephemeral_port(void)
{
	return 32768 + (int) below(28232);
}

/* Makes a packet of a port scan. */
static void
make_scan(Flow *flow)
{
	flow->peer = public_peer();
	flow->service_is_ours = true;
	flow->towards_service = true;
	flow->accepted = false;
	flow->protocol = below(20) == 0 ? 17 : 6;
	flow->service_port = below(4) == 0
	                         ? 1 + (int) below(65535)
	                         : scanned_ports[skewed_below(sizeof(scanned_ports) / sizeof(int))];
	flow->peer_port = 1024 + (int) below(64512);
	flow->packets = 1 + skewed_below(3);
	flow->bytes = flow->packets * (40 + 4 * (uint64_t) below(6));
}

/* Makes a connection to one of the services. */
static void
make_traffic(Flow *flow)
{
	const Service *service = services;
	int at = (int) below(100);

	while (at >= service->weight)
	{
		at -= service->weight;
		service++;
	}

	flow->peer = below(100) < 45 ? public_peer() : private_peer();
	flow->service_is_ours = below(100) < 55;
	flow->towards_service = below(100) < 55;
	flow->accepted = true;
	flow->protocol = service->protocol;
	flow->service_port = service->port;
	flow->peer_port = service->port == 0 ? 0 : ephemeral_port();
	flow->packets = 1 + skewed_below(service->protocol == 6 ? 400 : 12);
	flow->bytes = flow->packets * (uint64_t) (service->bytes_per_packet / 2 +
	                                          (int) below((uint32_t) service->bytes_per_packet));
}

/* ---------- text ---------- */

static char *
put_text(char *p, const char *text)
{
	size_t len = strlen(text);

	memcpy(p, text, len);
	return p + len;
}

static char *
put_number(char *p, uint64_t number)
{
	char digits[20];
	int len = 0;

	do
	{
		digits[len++] = (char) ('0' + number % 10);
		number /= 10;
	} while (number > 0);
	while (len > 0)
		*p++ = digits[--len];
	*p++ = ' ';
	return p;
}

static char *
put_address(char *p, uint32_t address)
{
	for (int shift = 24; shift >= 0; shift -= 8)
	{
		p = put_number(p, (address >> shift) & 255);
		p[-1] = '.';
	}
	p[-1] = ' ';
	return p;
}

/* Writes the time of an export line: YYYY-MM-DDTHH:MM:SS.000Z. */
static char *
put_time(char *p, int64_t when)
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
	return put_text(p, text);
}

/*
 * Writes a record without traffic, in the documented form of NODATA and
 * SKIPDATA.
 */
static char *
put_no_data(char *p, int64_t start, int64_t end)
{
	p = put_text(p, "- - - - - - - ");
	p = put_number(p, (uint64_t) start);
	p = put_number(p, (uint64_t) end);
	return put_text(p, below(10) == 0 ? "- SKIPDATA\n" : "- NODATA\n");
}

/* Writes a record with traffic. */
static char *
put_flow(char *p, const Interface *interface, const Flow *flow, int64_t start, int64_t end)
{
	/*
	 * the interface is the source if it requests a service or answers as one
	 */
	bool outgoing = flow->service_is_ours != flow->towards_service;

	p = put_address(p, outgoing ? interface->address : flow->peer);
	p = put_address(p, outgoing ? flow->peer : interface->address);
	p = put_number(p, (uint64_t) (flow->towards_service ? flow->peer_port : flow->service_port));
	p = put_number(p, (uint64_t) (flow->towards_service ? flow->service_port : flow->peer_port));
	p = put_number(p, (uint64_t) flow->protocol);
	p = put_number(p, flow->packets);
	p = put_number(p, flow->bytes);
	p = put_number(p, (uint64_t) start);
	p = put_number(p, (uint64_t) end);
	return put_text(p, flow->accepted ? "ACCEPT OK\n" : "REJECT OK\n");
}

/* Writes the line of a record that starts at about "when". */
static char *
put_line(char *p, int64_t when)
{
	const Interface *interface = &interfaces[skewed_below(INTERFACES)];
	uint32_t kind = below(100);
	int64_t start = when + below(30);
	int64_t end = start + 1 + below(59);

	if (!option.s3)
		p = put_time(p, start);
	p = put_text(p, "2 " ACCOUNT " ");
	p = put_text(p, interface->id);
	*p++ = ' ';

	if (kind == 0)
		return put_no_data(p, start, end);
	else
	{
		Flow flow;

		if (kind <= 10)
			make_scan(&flow);
		else
			make_traffic(&flow);
		return put_flow(p, interface, &flow, start, end);
	}
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

/* Sets the path of a file. */
static void
name_file(char *path, size_t size, uint64_t number, int64_t start)
{
	char day[16];
	char stamp[24];
	time_t seconds = (time_t) start;
	struct tm tm;

	if (!option.s3)
	{
		snprintf(path, size, "%s/%06" PRIu64 ".log", option.dir, number);
		return;
	}
	gmtime_r(&seconds, &tm);
	strftime(day, sizeof(day), "%Y/%m/%d", &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%MZ", &tm);
	snprintf(path,
	         size,
	         "%s/AWSLogs/" ACCOUNT "/vpcflowlogs/" REGION "/%s/" ACCOUNT "_vpcflowlogs_" REGION
	         "_" FLOW_LOG "_%s_%08x.log",
	         option.dir,
	         day,
	         stamp,
	         (unsigned int) (next_random() >> 32));
}

/* Writes a file with the given number of records. */
static void
write_file(uint64_t number, uint64_t records)
{
	static char buffer[BUFFER_SIZE];
	char path[4096];
	int64_t start = option.start + (int64_t) number * option.interval;
	char *p = buffer;
	FILE *file;

	name_file(path, sizeof(path), number, start);
	make_parents(path);
	file = fopen(path, "w");
	if (file == NULL)
		fail("create file", path);
	setvbuf(file, NULL, _IONBF, 0);

	if (option.s3)
		p = put_text(p, HEADER);
	for (uint64_t i = 0; i < records; i++)
	{
		p = put_line(p, start + (int64_t) (i * (uint64_t) option.interval / records));
		if (p + LINE_MAX_LEN > buffer + BUFFER_SIZE || i + 1 == records)
		{
			if (fwrite(buffer, 1, (size_t) (p - buffer), file) != (size_t) (p - buffer))
				fail("write file", path);
			p = buffer;
		}
	}
	if (fclose(file) != 0)
		fail("write file", path);
}

/* ---------- the command line ---------- */

static void
usage(void)
{
	fputs("usage: gen [--records N] [--files F] [--format export|s3] [--seed S]\n"
	      "           [--start YYYY-MM-DDTHH:MM:SSZ] [--interval SECONDS] DIR\n",
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

static void
parse_arguments(int argc, char **argv)
{
	static const struct option names[] = {{"records", required_argument, NULL, 'r'},
	                                      {"files", required_argument, NULL, 'f'},
	                                      {"format", required_argument, NULL, 'F'},
	                                      {"seed", required_argument, NULL, 's'},
	                                      {"start", required_argument, NULL, 't'},
	                                      {"interval", required_argument, NULL, 'i'},
	                                      {NULL, 0, NULL, 0}};
	int c;

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
			default:
				usage();
		}
	}
	if (optind + 1 != argc || option.files == 0)
		usage();
	option.dir = argv[optind];
}

int
main(int argc, char **argv)
{
	parse_arguments(argc, argv);
	random_state = option.seed;
	make_interfaces();

	/* the first files get the remainder */
	for (uint64_t i = 0; i < option.files; i++)
		write_file(i, option.records / option.files + (i < option.records % option.files));
	return 0;
}
