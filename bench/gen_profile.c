/*-------------------------------------------------------------------------
 *
 * gen_profile.c
 *	  Traffic with a heavy tail of remote addresses.
 *
 * Some remote addresses are regulars, which come in many files; all others are
 * born in one file, and most are never seen again.  Which they are is computed
 * from the file's number, so nothing has to be remembered: an address of the
 * tail is the file of its birth and a number.  The lowest eighth of these
 * numbers are addresses that return in later files of the same source.
 *
 * Scans are from addresses of the tail, too: each has a port that it tries on
 * several interfaces.  What a host asks of the world goes out through a NAT
 * gateway or not; through a gateway it is seen twice, at the host's interface
 * and at the gateway's, which then is the source.
 *
 * Remote addresses are those of 240.0.0.0/4, which is reserved, and of
 * 2001:db8::/32, which is for documentation.  All IPv6 addresses are written
 * in full, which is their canonical form as no group of theirs is 0.
 *
 *-------------------------------------------------------------------------
 */
#include "gen.h"

#include <inttypes.h>
#include <stdio.h>

#define SOURCES 4      /* most sources of logs */
#define INTERFACES 400 /* of a source; the first GATEWAYS are those of NAT gateways */
#define GATEWAYS 4
#define RETURNING 8 /* one of so many addresses of the tail returns */

/* An address; IPv4 in the low 32 bits. */
typedef struct Address
{
	bool is_v6;
	uint64_t high, low;
} Address;

typedef struct Interface
{
	char id[24];
	Address v4, v6;
} Interface;

typedef struct Service
{
	int port;
	int protocol; /* IANA's number */
	int weight;   /* percent of the traffic */
	int bytes_per_packet;
} Service;

/* Shares are percents. */
typedef struct Profile
{
	uint32_t scans;       /* of all records */
	uint32_t internal;    /* of the traffic, within the VPC */
	uint32_t inbound;     /* of the traffic with the world: to services of ours */
	uint32_t tail;        /* of the traffic with the world: with addresses of the tail */
	uint32_t v6;          /* of remote addresses */
	uint32_t nat;         /* of what our hosts ask of the world */
	uint32_t regulars;    /* how many there are */
	uint32_t per_address; /* records of an address of the tail in its file */
	uint32_t per_scanner; /* and of a scanner */
	uint32_t days;        /* an address of the tail returns for so long, in 24ths of a day */
	uint32_t weekend;     /* traffic of Saturdays and Sundays, beside other days' */
	uint8_t rhythm[24];   /* traffic by the hour, beside the busiest */
	const Service *services;
} Profile;

static const Service office_services[] = {{443, 6, 60, 820},
                                          {443, 17, 22, 1020}, /* QUIC */
                                          {80, 6, 5, 640},
                                          {53, 17, 6, 96},
                                          {993, 6, 2, 410},
                                          {123, 17, 2, 76},
                                          {22, 6, 2, 210},
                                          {0, 1, 1, 84}}; /* ICMP has no ports */
static const Service public_services[] = {{443, 6, 80, 820},
                                          {80, 6, 12, 640},
                                          {5432, 6, 3, 410},
                                          {53, 17, 3, 96},
                                          {22, 6, 1, 210},
                                          {0, 1, 1, 84}};

static const Profile office = {
	.scans = 6,
	.internal = 35,
	.inbound = 3,
	.tail = 45,
	.v6 = 20,
	.nat = 80,
	.regulars = 6000,
	.per_address = 3,
	.per_scanner = 2,
	.days = 48,
	.weekend = 20,
	.rhythm = {12, 10, 9,  9,  10, 14, 25, 50, 80, 95, 100, 98,
               85, 90, 97, 95, 85, 65, 45, 32, 26, 22, 18,  15},
	.services = office_services,
};

static const Profile service = {
	.scans = 8,
	.internal = 30,
	.inbound = 85,
	.tail = 80,
	.v6 = 35,
	.nat = 30,
	.regulars = 3000,
	.per_address = 4,
	.per_scanner = 2,
	.days = 4,
	.weekend = 110,
	.rhythm = {45, 35, 28, 25, 25, 30, 40, 50, 58,  62, 65, 70,
               75, 72, 70, 70, 75, 82, 90, 98, 100, 95, 80, 62},
	.services = public_services,
};

static const Profile scanned = {
	.scans = 68,
	.internal = 40,
	.inbound = 60,
	.tail = 50,
	.v6 = 5,
	.nat = 50,
	.regulars = 500,
	.per_address = 3,
	.per_scanner = 2,
	.days = 240,
	.weekend = 100,
	.rhythm = {95, 95, 95, 96, 97, 98, 99, 100, 100, 100, 100, 99,
               99, 99, 99, 99, 99, 98, 98, 97,  97,  96,  96,  95},
	.services = public_services,
};

static const int scanned_ports[] = {22, 23, 3389, 445, 8080, 443, 5900, 1433, 25, 8443, 3306, 6379};

static const Profile *profile;
static uint64_t seed;
static Interface interfaces[SOURCES][INTERFACES];

/* of the current file */
static uint32_t births;   /* of the tail */
static uint32_t scanners; /* born in it, too */

/*
 * The other record of a connection through a gateway, which comes next: the
 * gateway asked for the host.
 */
static struct
{
	bool waits;
	Address remote;
	const Service *service;
	bool answer;
	uint32_t packets;
	uint64_t bytes;
} at_gateway;

/* ---------- addresses ---------- */

/* Returns 16 bits of which none of the four hexadecimal digits is missing. */
static uint64_t
group_of(uint64_t bits)
{
	return (bits & 0xFFFF) | 0x1000;
}

/*
 * Returns a remote address by its number.  Networks are not equally populated:
 * a third of the addresses is in few of them.
 */
static Address
remote_address(uint64_t number)
{
	uint64_t bits = gen_mix(number ^ seed * 0x9E3779B97F4A7C15u);
	uint64_t network = bits & 0xFFFFF;
	bool crowded = (bits >> 20) % 3 == 0;

	if (crowded)
		network = (network * network >> 20) * (network >> 4) >> 16;
	network = network * 2654435761u & 0xFFFFF; /* those are not adjacent */
	if (gen_mix(bits) % 100 >= profile->v6)
		return (Address) {false, 0, 0xF0000000u | network << 8 | (bits >> 40 & 0xFF)};
	return (Address) {true,
	                  UINT64_C(0x20010DB8) << 32 | group_of(network >> 4) << 16 | group_of(network),
	                  group_of(bits) << 48 | group_of(bits >> 16) << 32 |
	                      group_of(bits >> 32) << 16 | group_of(bits >> 48)};
}

/* Returns an address of the tail that was born in this file, by its number. */
static Address
newborn(const GenFile *file, uint32_t number)
{
	return remote_address((file->interval * SOURCES + (uint64_t) file->source) << 24 | number);
}

/* Returns an address of the tail: one born in this file, or one that returns. */
static Address
tail_address(const GenFile *file)
{
	GenFile birth = *file;
	int64_t reach = (int64_t) profile->days * 3600 / file->seconds;
	uint64_t age;

	if (gen_below(100) >= 20 || births < RETURNING)
		return newborn(file, gen_below(births));
	/* it was born some intervals ago, more probably few */
	age = 1 + gen_skewed_below(reach < 1 ? 1 : (uint32_t) reach);
	birth.interval -= age <= file->interval ? age : file->interval;
	return newborn(&birth, gen_below(births / RETURNING));
}

static Address
regular_address(void)
{
	return remote_address(UINT64_C(1) << 63 | gen_skewed_below(profile->regulars));
}

static Address
peer_address(const GenFile *file)
{
	if (gen_below(100) < profile->tail)
		return tail_address(file);
	return regular_address();
}

static const Interface *
any_interface(const GenFile *file)
{
	return &interfaces[file->source][GATEWAYS + gen_skewed_below(INTERFACES - GATEWAYS)];
}

static Address
address_of(const Interface *interface, bool is_v6)
{
	return is_v6 ? interface->v6 : interface->v4;
}

static void
make_interfaces(void)
{
	for (int source = 0; source < SOURCES; source++)
		for (int i = 0; i < INTERFACES; i++)
		{
			Interface *interface = &interfaces[source][i];
			uint64_t subnet = (uint64_t) (i / 40);

			snprintf(interface->id, sizeof(interface->id), "eni-0%016" PRIx64, gen_random());
			/* 10.N.0.0/16, with a subnet for every 40 interfaces */
			interface->v4 = (Address) {false,
			                           0,
			                           0x0A000000u | (uint64_t) source << 16 | subnet << 8 |
			                               (10 + (uint64_t) (i % 40) * 5)};
			interface->v6 =
				(Address) {true,
			               UINT64_C(0x20010DB8) << 32 | group_of(0x1A00 + (uint64_t) source) << 16 |
			                   group_of(0x1C00 + subnet),
			               group_of(gen_random()) << 48 | group_of(gen_random()) << 32 |
			                   group_of(gen_random()) << 16 | group_of(gen_random())};
		}
}

/* ---------- text ---------- */

static char *
put_address(char *p, const Address *address)
{
	static const char digits[] = "0123456789abcdef";

	if (!address->is_v6)
		return gen_put_address(p, (uint32_t) address->low);
	for (int group = 0; group < 8; group++)
	{
		uint64_t half = group < 4 ? address->high : address->low;
		unsigned value = (unsigned) (half >> (48 - 16 * (group % 4))) & 0xFFFF;
		int shift = 12;

		while (value >> shift == 0)
			shift -= 4;
		for (; shift >= 0; shift -= 4)
			*p++ = digits[value >> shift & 15];
		*p++ = group < 7 ? ':' : ' ';
	}
	return p;
}

/* A record with traffic. */
typedef struct Record
{
	Address source, destination;
	int source_port, destination_port, protocol;
	uint32_t packets;
	uint64_t bytes;
	bool accepted;
} Record;

static char *
put_record(char *p, const Record *record, int64_t start, int64_t end)
{
	p = put_address(p, &record->source);
	p = put_address(p, &record->destination);
	p = gen_put_number(p, (uint64_t) record->source_port);
	p = gen_put_number(p, (uint64_t) record->destination_port);
	p = gen_put_number(p, (uint64_t) record->protocol);
	p = gen_put_number(p, record->packets);
	p = gen_put_number(p, record->bytes);
	p = gen_put_number(p, (uint64_t) start);
	p = gen_put_number(p, (uint64_t) end);
	return gen_put_text(p, record->accepted ? "ACCEPT OK\n" : "REJECT OK\n");
}

/* ---------- records ---------- */

/* Sets both ends of a record; "answer": it goes from the service. */
static void
set_ends(Record *record, const Address *client, const Address *server, const Service *of,
         bool answer)
{
	int client_port = of->port == 0 ? 0 : 32768 + (int) gen_below(28232);

	record->source = answer ? *server : *client;
	record->destination = answer ? *client : *server;
	record->source_port = answer ? of->port : client_port;
	record->destination_port = answer ? client_port : of->port;
	record->protocol = of->protocol == 1 && record->source.is_v6 ? 58 : of->protocol;
	record->accepted = true;
}

/* Makes a packet of a scan. */
static const Interface *
make_scan(const GenFile *file, Record *record)
{
	uint32_t number = gen_below(scanners);
	uint64_t bits = gen_mix(file->number << 24 | number);
	const Interface *interface = any_interface(file);

	/* scanners are newborn, too, but never clients */
	record->source = newborn(file, births + number);
	record->destination = address_of(interface, record->source.is_v6);
	record->source_port = 1024 + (int) gen_below(64512);
	record->destination_port =
		bits % 4 == 0 ? 1 + (int) (bits >> 8 & 0x7FFF)
					  : scanned_ports[(bits >> 8) % (sizeof(scanned_ports) / sizeof(int))];
	record->protocol = bits % 20 == 0 ? 17 : 6;
	record->packets = 1 + gen_skewed_below(3);
	record->bytes = record->packets * (40 + 4 * (uint64_t) gen_below(6));
	record->accepted = false;
	return interface;
}

/* Makes a connection within the VPC, or with the world. */
static const Interface *
make_traffic(const GenFile *file, Record *record)
{
	const Service *of = profile->services;
	const Interface *interface = any_interface(file);
	int at = (int) gen_below(100);
	bool internal = gen_below(100) < profile->internal;
	bool answer = gen_below(100) < 45;
	bool inbound = gen_below(100) < (internal ? 50 : profile->inbound);
	Address ours, peer;

	while (at >= of->weight)
		at -= (of++)->weight;
	peer = internal ? any_interface(file)->v4 : peer_address(file);
	ours = address_of(interface, peer.is_v6);
	set_ends(record, inbound ? &peer : &ours, inbound ? &ours : &peer, of, answer);
	record->packets = 1 + gen_skewed_below(of->protocol == 6 ? 400 : 12);
	record->bytes = record->packets * (uint64_t) (of->bytes_per_packet / 2 +
	                                              (int) gen_below((uint32_t) of->bytes_per_packet));

	/* IPv6 needs no translation */
	if (!internal && !inbound && !peer.is_v6 && gen_below(100) < profile->nat)
	{
		at_gateway.waits = true;
		at_gateway.remote = peer;
		at_gateway.service = of;
		at_gateway.answer = answer;
		at_gateway.packets = record->packets;
		at_gateway.bytes = record->bytes;
	}
	return interface;
}

/* Makes the record at the gateway of the connection before. */
static const Interface *
make_translated(const GenFile *file, Record *record)
{
	const Interface *gateway = &interfaces[file->source][gen_below(GATEWAYS)];

	set_ends(record, &gateway->v4, &at_gateway.remote, at_gateway.service, at_gateway.answer);
	record->packets = at_gateway.packets;
	record->bytes = at_gateway.bytes;
	at_gateway.waits = false;
	return gateway;
}

/* ---------- a file ---------- */

static void
begin_file(const GenFile *file)
{
	uint64_t scans = file->records * profile->scans / 100;
	uint64_t world = (file->records - scans) * (100 - profile->internal) / 100;

	births = 1 + (uint32_t) (world * profile->tail / 100 / profile->per_address);
	scanners = 1 + (uint32_t) (scans / profile->per_scanner);
	at_gateway.waits = false;
}

static char *
put_line(char *p, const GenFile *file, uint64_t n)
{
	int64_t when = file->start + (int64_t) (n * (uint64_t) file->seconds / file->records);
	int64_t start = when + gen_below(30);
	int64_t end = start + 1 + gen_below(59);
	bool no_data = gen_below(100) == 0;
	const Interface *interface;
	Record record;

	if (no_data)
		interface = any_interface(file);
	else if (at_gateway.waits)
		interface = make_translated(file, &record);
	else if (gen_below(100) < profile->scans)
		interface = make_scan(file, &record);
	else
		interface = make_traffic(file, &record);

	if (file->export)
		p = gen_put_time(p, start);
	p = gen_put_text(p, "2 ");
	p = gen_put_text(p, file->account);
	*p++ = ' ';
	p = gen_put_text(p, interface->id);
	*p++ = ' ';
	if (!no_data)
		return put_record(p, &record, start, end);

	p = gen_put_text(p, "- - - - - - - ");
	p = gen_put_number(p, (uint64_t) start);
	p = gen_put_number(p, (uint64_t) end);
	return gen_put_text(p, gen_below(10) == 0 ? "- SKIPDATA\n" : "- NODATA\n");
}

/* Returns the traffic of an interval, by its hour and day of the week. */
static uint64_t
weight(int64_t start)
{
	int64_t hour = start / 3600;
	int64_t into = start % 3600;
	uint64_t now = profile->rhythm[hour % 24];
	uint64_t next = profile->rhythm[(hour + 1) % 24];
	int64_t day = (hour / 24 + 4) % 7; /* 1 January 1970 was a Thursday; 0 is Sunday */
	uint64_t hourly = now * (uint64_t) (3600 - into) + next * (uint64_t) into;

	return hourly * (day == 0 || day == 6 ? profile->weekend : 100);
}

static void
begin(const Profile *with, uint64_t with_seed)
{
	profile = with;
	seed = with_seed;
	make_interfaces();
}

static void
begin_office(uint64_t with_seed)
{
	begin(&office, with_seed);
}

static void
begin_service(uint64_t with_seed)
{
	begin(&service, with_seed);
}

static void
begin_scanned(uint64_t with_seed)
{
	begin(&scanned, with_seed);
}

const GenTraffic gen_profiles[] = {
	{"office", begin_office, begin_file, put_line, weight},
	{"service", begin_service, begin_file, put_line, weight},
	{"scanned", begin_scanned, begin_file, put_line, weight},
};
const int gen_nprofiles = sizeof(gen_profiles) / sizeof(gen_profiles[0]);
