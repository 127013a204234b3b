/*-------------------------------------------------------------------------
 *
 * test_top.c
 *	  The best n: of random keys, and of records of a reader, none is dropped
 *	  unless n others certainly come before it.
 *
 *-------------------------------------------------------------------------
 */
#include "model_reader.h"

static char path[128];

/* ---------- keys: the obvious order ---------- */

typedef struct Key
{
	bool is_null;
	FlowValue value;
	char text[24];
} Key;

static unsigned
bit_of(const FlowAddress *address, int i)
{
	return address->bytes[i / 8] >> (7 - i % 8) & 1;
}

/* inet: the family, the bits of both prefixes, the prefix lengths, all bits */
static int
compare_addresses(const FlowAddress *a, const FlowAddress *b)
{
	int bits = a->bits < b->bits ? a->bits : b->bits;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	for (int i = 0; i < bits; i++)
		if (bit_of(a, i) != bit_of(b, i))
			return (int) bit_of(a, i) - (int) bit_of(b, i);
	if (a->bits != b->bits)
		return (int) a->bits - (int) b->bits;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* Compares two keys as ORDER BY does. */
static int
compare_keys(const FlowTopSpec *spec, const Key *a, const Key *b)
{
	int order;

	if (a->is_null || b->is_null)
	{
		order = (int) b->is_null - (int) a->is_null;
		return spec->nulls_first ? order : -order;
	}
	if (spec->type == FLOW_TEXT)
		order = strcmp(a->text, b->text);
	else if (spec->type == FLOW_ADDRESS)
		order = compare_addresses(&a->value.address, &b->value.address);
	else
		order = (a->value.integer > b->value.integer) - (a->value.integer < b->value.integer);
	return spec->descending ? -order : order;
}

/* ---------- random keys ---------- */

static const int64_t edges[] =
	{INT64_MIN, INT64_MIN + 1, INT64_MIN + 2, -1, 0, 1, INT64_MAX - 2, INT64_MAX - 1, INT64_MAX};

static void
random_key(FlowType type, unsigned range, uint64_t *seed, Key *key)
{
	uint64_t n = unit_random(seed) % range;

	memset(key, 0, sizeof(*key));
	key->is_null = unit_random(seed) % 10 == 0;
	if (type == FLOW_TEXT)
	{
		/* some differ in their first bytes, others only after them */
		snprintf(key->text,
		         sizeof(key->text),
		         "%s%" PRIu64,
		         (const char *[]) {"",
		                           "abcdefgh",
		                           "\xC3\xA9",
		                           "zzzzzzzzzzz"}[unit_random(seed) % 4],
		         n);
		key->value.text = (FlowSlice) {key->text, strlen(key->text)};
	}
	else if (type == FLOW_ADDRESS)
	{
		FlowAddress *address = &key->value.address;

		address->family = unit_random(seed) % 2 ? 4 : 6;
		address->bits = (uint8_t) (unit_random(seed) % (address->family == 4 ? 33 : 129));
		for (int i = 0; i < (address->family == 4 ? 4 : 16); i++)
			address->bytes[i] =
				(uint8_t) (unit_random(seed) % 3 ? 10 : (unit_random(seed) % range) * 17);
	}
	else if (type == FLOW_BOOLEAN)
		key->value.integer = (int64_t) (n % 2);
	else
		key->value.integer = unit_random(seed) % 8 ? (int64_t) n - (int64_t) range / 2
		                                           : edges[unit_random(seed) % flow_countof(edges)];
}

#define KEYS 600

/*
 * A key is dropped only if "count" keys before it are better.  Numbers are
 * always dropped then; of other types, different keys may have one rank.
 */
static void
it_drops_only_what_is_worse(void)
{
	static const FlowType types[] = {FLOW_INT32, FLOW_TIME, FLOW_BOOLEAN, FLOW_TEXT, FLOW_ADDRESS};
	uint64_t seed = 20261129;
	uint64_t dropped[flow_countof(types)] = {0};
	static Key keys[KEYS];
	FlowError error;

	for (int round = 0; round < unit_tries(300); round++)
	{
		size_t which = (size_t) round % flow_countof(types);
		FlowTopSpec spec = {.host = &unit_host,
		                    .type = types[which],
		                    .descending = unit_random(&seed) % 2,
		                    .nulls_first = unit_random(&seed) % 2};
		unsigned range = 2 + (unsigned) (unit_random(&seed) % 3 ? unit_random(&seed) % 1000 : 3);
		size_t count = unit_random(&seed) % 40;
		FlowTop *top;

		CHECK_INT(flow_top_create(&spec, &top, &error), FLOW_OK);
		CHECK_INT(flow_top_begin(top, count, &error), FLOW_OK);
		for (size_t i = 0; i < KEYS; i++)
		{
			bool first = unit_random(&seed) % 200 != 0; /* else it begins again */
			size_t better = 0;
			bool taken, may_take;

			random_key(spec.type, range, &seed, &keys[i]);
			for (size_t j = 0; j < i; j++)
				better += compare_keys(&spec, &keys[j], &keys[i]) < 0;
			may_take = keys[i].is_null || flow_top_may_take(top, &keys[i].value, &keys[i].value);
			taken = flow_top_takes(top, keys[i].is_null ? NULL : &keys[i].value);
			dropped[which] += !taken;
			CHECK(may_take == (taken || keys[i].is_null));
			CHECK(taken || better >= count);
			CHECK(taken || count > 0);
			if (!taken)
				continue;
			if (spec.type == FLOW_BOOLEAN ||
			    (spec.type == FLOW_INT32 && !keys[i].is_null &&
			     keys[i].value.integer > INT64_MIN + 1 && keys[i].value.integer < INT64_MAX - 1))
				CHECK(count == 0 || better < count);
			if (first)
				continue;
			for (size_t j = 0; j <= i; j++)
				keys[j].is_null = true; /* which is neither better nor worse */
			CHECK_INT(flow_top_begin(top, count = 0, &error), FLOW_OK);
		}
		flow_top_free(top);
	}
	for (size_t i = 0; i < flow_countof(types); i++)
		CHECK(dropped[i] > 100);
	CHECK_INT(unit_state.outstanding, 0);
}

static void
it_begins_anew(void)
{
	FlowTopSpec spec = {.host = &unit_host, .type = FLOW_INT64};
	FlowValue low = {.integer = 1}, high = {.integer = 2};
	FlowError error;
	FlowTop *top;

	CHECK_INT(flow_top_create(&spec, &top, &error), FLOW_OK);
	CHECK(flow_top_takes(top, &low));
	CHECK(flow_top_takes(top, &high)); /* it has not begun */
	CHECK_INT(flow_top_begin(top, 1, &error), FLOW_OK);
	CHECK(flow_top_takes(top, &low));
	CHECK(!flow_top_takes(top, &high));
	CHECK(flow_top_takes(top, &low)); /* what follows in the order may decide */
	CHECK(flow_top_may_take(top, &low, &high));
	CHECK(!flow_top_may_take(top, &high, &high));
	CHECK_INT(flow_top_begin(top, 2, &error), FLOW_OK);
	CHECK(flow_top_takes(top, &high));
	CHECK(flow_top_takes(top, NULL));
	CHECK(flow_top_takes(top, &low));
	CHECK(!flow_top_takes(top, NULL));
	CHECK(flow_top_takes(top, &high));
	CHECK_INT(flow_top_begin(top, FLOW_TOP_MAX, &error), FLOW_OK);
	for (int i = FLOW_TOP_MAX; i > 0; i--)
		CHECK(flow_top_takes(top, &(FlowValue) {.integer = i}));
	CHECK(!flow_top_takes(top, &(FlowValue) {.integer = FLOW_TOP_MAX + 1}));
	flow_top_free(top);

	/* without memory */
	for (int64_t fail = 0; fail < 2; fail++)
	{
		unit_state.fail_after = fail;
		CHECK_INT(flow_top_create(&spec, &top, &error), fail == 0 ? FLOW_NO_MEMORY : FLOW_OK);
		if (fail > 0)
			CHECK_INT(flow_top_begin(top, 5, &error), FLOW_NO_MEMORY);
		unit_state.fail_after = -1;
		if (fail > 0)
			CHECK(flow_top_takes(top, &high) && flow_top_takes(top, &low));
		flow_top_free(top);
	}
	CHECK_INT(unit_state.outstanding, 0);
}

/* ---------- a reader's records ---------- */

enum
{
	ADDRESS,
	PORT,
	BYTES,
	NCOLUMNS
};

static const FlowColumn columns[NCOLUMNS] = {
	{.name = "srcaddr",
     .type = FLOW_TEXT,
     .max_chars = -1,
     .scale = -1,
     .null_text = "-",
     .null_len = 1},
	{.name = "dstport",
     .type = FLOW_INT32,
     .max_chars = -1,
     .scale = -1,
     .null_text = "-",
     .null_len = 1},
	{.name = "bytes",
     .type = FLOW_INT64,
     .max_chars = -1,
     .scale = -1,
     .null_text = "-",
     .null_len = 1},
};

#define DATA_SIZE (3 * FLOW_BLOCK_SIZE)
#define MAX_RECORDS 100000

/*
 * Headers change the order of fields, and some of them come close together;
 * some lines are not records, and some fields are bad.
 */
static size_t
make_data(uint64_t *seed, char *data, size_t size, bool odd)
{
	size_t len = (size_t) sprintf(data, "srcaddr dstport bytes\n");
	bool reversed = false;

	while (len + 200 < size)
	{
		char address[32];
		char port[32];
		char bytes[32];

		if (odd && unit_random(seed) % 300 == 0)
		{
			reversed = unit_random(seed) % 2;
			len += (size_t) sprintf(data + len,
			                        "%s\n",
			                        reversed ? "bytes dstport srcaddr" : "srcaddr dstport bytes");
		}
		if (odd && unit_random(seed) % 200 == 0)
			len += (size_t) sprintf(data + len, "no record\n");
		snprintf(address, sizeof(address), "10.0.0.%u", (unsigned) (unit_random(seed) % 256));
		snprintf(port, sizeof(port), "%u", (unsigned) (unit_random(seed) % 1000));
		snprintf(bytes, sizeof(bytes), "%u", (unsigned) (unit_random(seed) % 100000));
		if (unit_random(seed) % 50 == 0)
			strcpy(unit_random(seed) % 2 ? port : bytes, "-");
		if (odd && unit_random(seed) % 100 == 0)
			strcpy(unit_random(seed) % 2 ? port : bytes, "bad");
		if (odd && unit_random(seed) % 100 == 0)
			strcpy(bytes, "0");
		len += (size_t) sprintf(data + len,
		                        "%s %s %s\n",
		                        reversed ? bytes : address,
		                        port,
		                        reversed ? address : bytes);
	}
	return len;
}

/* A reader, and everything that it needs. */
typedef struct Side
{
	FlowFormat *format;
	FlowFilter *filter;
	FlowReader *reader;
	FlowError error;
	FlowRecord record;
} Side;

static void
open_side(Side *side, FlowReadSpec spec, bool filtered)
{
	FlowFormatSpec format = {NULL, true, true, FLOW_HEADER_AUTO, columns, NCOLUMNS, NULL};

	memset(side, 0, sizeof(*side));
	CHECK_INT(flow_format_create(&unit_host, &format, &side->format, &side->error), FLOW_OK);
	if (filtered)
	{
		FlowValue constant = {.integer = 500};

		side->filter = flow_filter_create(&unit_host,
		                                  columns,
		                                  NCOLUMNS,
		                                  spec.on_error == FLOW_ON_ERROR_SET_NULL);
		flow_filter_set_root(
			side->filter, flow_filter_compare(side->filter, PORT, FLOW_AS_IS, FLOW_LT, &constant));
	}
	spec.format = side->format;
	spec.filter = side->filter;
	CHECK_INT(flow_reader_create(&spec, &side->reader, &side->error), FLOW_OK);
}

static void
close_side(Side *side)
{
	flow_reader_close(side->reader);
	flow_filter_free(side->filter);
	flow_format_free(side->format);
}

static bool
step(Side *side)
{
	FlowStatus status;

	while ((status = flow_reader_next(side->reader, &side->record, &side->error)) == FLOW_REJECTED)
		CHECK(flow_reader_balances(side->reader));
	CHECK(status == FLOW_OK || status == FLOW_END);
	CHECK(flow_reader_balances(side->reader));
	return status == FLOW_OK;
}

/* The keys that may be asked for. */
typedef enum KeyKind
{
	KEY_PORT,
	KEY_BYTES,
	KEY_ADDRESS,
	KEY_QUOTIENT, /* port / bytes, which is not known where bytes is 0 */
	KEY_KINDS
} KeyKind;

static FlowExpression *
make_key(FlowExpressions *expressions, KeyKind kind)
{
	FlowExpression *port = flow_expression_column(expressions, PORT);
	FlowExpression *bytes = flow_expression_column(expressions, BYTES);

	if (kind == KEY_PORT)
		return port;
	if (kind == KEY_BYTES)
		return bytes;
	if (kind == KEY_ADDRESS)
		return flow_expression_column(expressions, ADDRESS);
	return flow_expression_operation(expressions, FLOW_DIVIDE, FLOW_INT64, port, bytes, 1);
}

/* Reads the key of a record; returns false if it is not known. */
static bool
read_key(const FlowRecord *record, KeyKind kind, Key *key)
{
	FlowValue values[NCOLUMNS];
	FlowStatus status[NCOLUMNS];

	memset(key, 0, sizeof(*key));
	for (int i = 0; i < NCOLUMNS; i++)
		status[i] = flow_value_read(&columns[i], &unit_host, record->fields[i], &values[i]);
	if (kind == KEY_QUOTIENT)
	{
		if (status[PORT] > FLOW_END || status[BYTES] > FLOW_END)
			return false;
		key->is_null = status[PORT] == FLOW_END || status[BYTES] == FLOW_END;
		if (!key->is_null && values[BYTES].integer == 0)
			return false;
		key->value.integer = key->is_null ? 0 : values[PORT].integer / values[BYTES].integer;
		return true;
	}
	kind = kind == KEY_ADDRESS ? ADDRESS : kind == KEY_PORT ? PORT : BYTES;
	key->is_null = status[kind] == FLOW_END;
	key->value = values[kind];
	if (kind == ADDRESS && !key->is_null)
		snprintf(key->text,
		         sizeof(key->text),
		         "%.*s",
		         (int) values[kind].text.len,
		         values[kind].text.data);
	return status[kind] <= FLOW_END;
}

typedef struct Seen
{
	uint64_t line;
	bool known;
	Key key;
} Seen;

static size_t
read_all(Side *side, KeyKind kind, Seen *seen)
{
	size_t count = 0;

	while (step(side))
	{
		seen[count].line = model_line_number(side->reader);
		seen[count].known = read_key(&side->record, kind, &seen[count].key);
		count++;
	}
	return count;
}

/*
 * Reads with a top, and checks that only those records are missing before
 * which there were enough better ones.  Returns how many are missing.
 */
static size_t
read_best(Side *side, const FlowTopSpec *spec, size_t wanted, const Seen *all, size_t count,
          size_t most)
{
	Key *best = calloc(wanted + 1, sizeof(Key)); /* in order */
	size_t nbest = 0;
	size_t missing = 0;
	size_t read = 0;
	bool more = true;
	uint64_t line = 0;

	for (size_t i = 0; i < count && read < most && unit_complaints == 0; i++)
	{
		const Seen *one = &all[i];
		size_t place = nbest;

		if (more && line < one->line)
		{
			more = step(side);
			line = more ? model_line_number(side->reader) : UINT64_MAX;
			CHECK(line >= one->line);
			read++;
		}
		if (line != one->line)
		{
			missing++;
			CHECK(one->known && nbest == wanted &&
			      compare_keys(spec, &best[wanted - 1], &one->key) < 0);
		}
		if (!one->known)
			continue;
		while (place > 0 && compare_keys(spec, &one->key, &best[place - 1]) < 0)
			place--;
		if (place == wanted)
			continue;
		nbest += nbest < wanted;
		memmove(&best[place + 1], &best[place], (nbest - place - 1) * sizeof(Key));
		best[place] = one->key;
	}
	if (read < most && more)
		CHECK(!step(side));
	free(best);
	return missing;
}

static void
it_reads_the_best_records(void)
{
	char *data = malloc(DATA_SIZE);
	Seen *seen = malloc(MAX_RECORDS * sizeof(Seen));
	uint64_t seed = 20261130;
	size_t missing = 0;

	for (int round = 0; round < unit_tries(60); round++)
	{
		bool odd = unit_random(&seed) % 3 != 0;
		bool filtered = unit_random(&seed) % 2;
		KeyKind kind = unit_random(&seed) % KEY_KINDS;
		size_t len = make_data(&seed, data, unit_random(&seed) % 3 ? 40000 : DATA_SIZE, odd);
		FlowObject object = model_write(path, data, len);
		FlowObjects objects = {.items = &object, .count = 1, .bytes = len};
		FlowReadSpec spec = {
			.host = &unit_host,
			.objects = &objects,
			.on_error = odd ? FLOW_ON_ERROR_IGNORE + unit_random(&seed) % 2 : FLOW_ON_ERROR_STOP,
			.report_rejects = unit_random(&seed) % 2,
			.reject_limit = -1,
			.compression = "auto",
			.max_line_length = 1024,
		};
		FlowTopSpec top = {
			.host = &unit_host,
			.expressions = flow_expressions_create(&unit_host, columns, NCOLUMNS),
			.descending = unit_random(&seed) % 2,
			.nulls_first = unit_random(&seed) % 2,
		};
		size_t wanted = 1 + unit_random(&seed) % 30;
		size_t count;
		Side plain, best;
		const FlowCounts *a;
		FlowCounts before, b;

		top.key = make_key(top.expressions, kind);
		top.type = flow_expression_type(top.key);
		open_side(&plain, spec, filtered);
		count = read_all(&plain, kind, seen);
		CHECK_INT(flow_top_create(&top, &spec.top, &best.error), FLOW_OK);
		open_side(&best, spec, filtered);

		/* a part of it, and then all from the beginning */
		if (unit_random(&seed) % 2)
		{
			CHECK_INT(flow_top_begin(spec.top, wanted, &best.error), FLOW_OK);
			(void) read_best(&best, &top, wanted, seen, count, unit_random(&seed) % 50);
			flow_reader_rewind(best.reader, best.format, best.filter);
		}
		before = *flow_reader_counts(best.reader);
		CHECK_INT(flow_top_begin(spec.top, wanted, &best.error), FLOW_OK);
		missing += read_best(&best, &top, wanted, seen, count, SIZE_MAX);

		/* what was dropped counts as emitted */
		a = flow_reader_counts(plain.reader);
		b = *flow_reader_counts(best.reader);
		flow_counts_subtract(&b, &before);
		CHECK_INT(b.lines, a->lines);
		CHECK_INT(b.headers, a->headers);
		CHECK_INT(b.emitted, a->emitted);
		CHECK_INT(b.filtered, a->filtered);
		CHECK_INT(b.rejected, a->rejected);
		CHECK_INT(b.set_null, a->set_null);
		close_side(&plain);
		close_side(&best);
		flow_top_free(spec.top);
		flow_expressions_free(top.expressions);
	}
	CHECK(missing > 10000);
	free(seen);
	free(data);
	CHECK_INT(unit_state.outstanding, 0);
}

int
main(void)
{
	int fd;

	snprintf(path, sizeof(path), "%s/flow_top_XXXXXX", unit_temporary());
	fd = mkstemp(path);
	if (fd < 0)
		abort();
	close(fd);
	RUN(it_drops_only_what_is_worse);
	RUN(it_begins_anew);
	RUN(it_reads_the_best_records);
	unlink(path);
	return unit_done();
}
