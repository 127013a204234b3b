/*-------------------------------------------------------------------------
 *
 * gen_busy.c
 *	  The traffic of a busy VPC whose hosts all know each other.
 *
 * 10 % of the records are REJECT, namely port scans, and 1 % are NODATA or
 * SKIPDATA.  Ports and addresses are skewed: a few get most of the traffic,
 * and each address is in many files.  Public addresses are those of RFC 2544
 * and RFC 5737, which are unassigned.
 *
 *-------------------------------------------------------------------------
 */
#include "gen.h"

#include <inttypes.h>
#include <stdio.h>

#define INTERFACES 400
#define HOSTS 60000
#define PUBLIC_HOSTS 131072 /* of 198.18.0.0/15 */

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

static Interface interfaces[INTERFACES];

/* ---------- traffic in the VPC ---------- */

static void
make_interfaces(uint64_t seed)
{
	(void) seed; /* the random numbers begin with it */
	for (int i = 0; i < INTERFACES; i++)
	{
		snprintf(interfaces[i].id, sizeof(interfaces[i].id), "eni-0%016" PRIx64, gen_random());
		/* 10.0.0.0/16, with a subnet for every 40 interfaces */
		interfaces[i].address =
			0x0A000000u + ((uint32_t) (i / 40) << 8) + 10 + (uint32_t) (i % 40) * 5;
	}
}

/* Returns the address of a private host. */
static uint32_t
private_peer(void)
{
	uint32_t n = gen_skewed_below(HOSTS);

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
	uint32_t n = gen_skewed_below(PUBLIC_HOSTS + 512);

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
	return 32768 + (int) gen_below(28232);
}

/* Makes a packet of a port scan. */
static void
make_scan(Flow *flow)
{
	flow->peer = public_peer();
	flow->service_is_ours = true;
	flow->towards_service = true;
	flow->accepted = false;
	flow->protocol = gen_below(20) == 0 ? 17 : 6;
	flow->service_port = gen_below(4) == 0
	                         ? 1 + (int) gen_below(65535)
	                         : scanned_ports[gen_skewed_below(sizeof(scanned_ports) / sizeof(int))];
	flow->peer_port = 1024 + (int) gen_below(64512);
	flow->packets = 1 + gen_skewed_below(3);
	flow->bytes = flow->packets * (40 + 4 * (uint64_t) gen_below(6));
}

/* Makes a connection to one of the services. */
static void
make_traffic(Flow *flow)
{
	const Service *service = services;
	int at = (int) gen_below(100);

	while (at >= service->weight)
	{
		at -= service->weight;
		service++;
	}

	flow->peer = gen_below(100) < 45 ? public_peer() : private_peer();
	flow->service_is_ours = gen_below(100) < 55;
	flow->towards_service = gen_below(100) < 55;
	flow->accepted = true;
	flow->protocol = service->protocol;
	flow->service_port = service->port;
	flow->peer_port = service->port == 0 ? 0 : ephemeral_port();
	flow->packets = 1 + gen_skewed_below(service->protocol == 6 ? 400 : 12);
	flow->bytes =
		flow->packets * (uint64_t) (service->bytes_per_packet / 2 +
	                                (int) gen_below((uint32_t) service->bytes_per_packet));
}

/* ---------- text ---------- */

/*
 * Writes a record without traffic, in the documented form of NODATA and
 * SKIPDATA.
 */
static char *
put_no_data(char *p, int64_t start, int64_t end)
{
	p = gen_put_text(p, "- - - - - - - ");
	p = gen_put_number(p, (uint64_t) start);
	p = gen_put_number(p, (uint64_t) end);
	return gen_put_text(p, gen_below(10) == 0 ? "- SKIPDATA\n" : "- NODATA\n");
}

/* Writes a record with traffic. */
static char *
put_flow(char *p, const Interface *interface, const Flow *flow, int64_t start, int64_t end)
{
	/*
	 * the interface is the source if it requests a service or answers as one
	 */
	bool outgoing = flow->service_is_ours != flow->towards_service;

	p = gen_put_address(p, outgoing ? interface->address : flow->peer);
	p = gen_put_address(p, outgoing ? flow->peer : interface->address);
	p = gen_put_number(p,
	                   (uint64_t) (flow->towards_service ? flow->peer_port : flow->service_port));
	p = gen_put_number(p,
	                   (uint64_t) (flow->towards_service ? flow->service_port : flow->peer_port));
	p = gen_put_number(p, (uint64_t) flow->protocol);
	p = gen_put_number(p, flow->packets);
	p = gen_put_number(p, flow->bytes);
	p = gen_put_number(p, (uint64_t) start);
	p = gen_put_number(p, (uint64_t) end);
	return gen_put_text(p, flow->accepted ? "ACCEPT OK\n" : "REJECT OK\n");
}

/* Writes the line of a record. */
static char *
put_line(char *p, const GenFile *file, uint64_t n)
{
	const Interface *interface = &interfaces[gen_skewed_below(INTERFACES)];
	uint32_t kind = gen_below(100);
	int64_t when = file->start + (int64_t) (n * (uint64_t) file->seconds / file->records);
	int64_t start = when + gen_below(30);
	int64_t end = start + 1 + gen_below(59);
	Flow flow;

	if (file->export)
		p = gen_put_time(p, start);
	p = gen_put_text(p, "2 ");
	p = gen_put_text(p, file->account);
	*p++ = ' ';
	p = gen_put_text(p, interface->id);
	*p++ = ' ';

	if (kind == 0)
		return put_no_data(p, start, end);
	if (kind <= 10)
		make_scan(&flow);
	else
		make_traffic(&flow);
	return put_flow(p, interface, &flow, start, end);
}

const GenTraffic gen_busy = {"busy", make_interfaces, NULL, put_line, NULL};
