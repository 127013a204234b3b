/*-------------------------------------------------------------------------
 *
 * test_filter_index.c
 *	  Tests which files a filter needs, by an index that is searched in the
 *	  obvious way: no file with a record that passes may be left out.
 *
 *-------------------------------------------------------------------------
 */
#include "model_index.h"

#include "../../flow/filter.h"

enum
{
	PORT,
	BYTES,
	FLAG,
	ADDRESS,
	NETWORK,
	WORD,
	PLACE,
	PADDED,
	SECONDS,
	NCOLUMNS
};

#define COLUMN(name, type)                                                                         \
	{                                                                                              \
		name, NULL, type, -1, -1, -1, "-", 1, false, NULL, FLOW_FROM_RECORD, 0                     \
	}

static const FlowColumn columns[NCOLUMNS] = {
	[PORT] = COLUMN("port", FLOW_INT32),
	[BYTES] = COLUMN("bytes", FLOW_INT64),
	[FLAG] = COLUMN("flag", FLOW_BOOLEAN),
	[ADDRESS] = COLUMN("address", FLOW_ADDRESS),
	[NETWORK] = COLUMN("network", FLOW_NETWORK),
	[WORD] = COLUMN("word", FLOW_TEXT),
	[PLACE] = COLUMN("place", FLOW_TEXT),
	[PADDED] = COLUMN("padded", FLOW_PADDED),
	[SECONDS] = COLUMN("seconds", FLOW_INT64),
};

static FlowError error;

/* ---------- files ---------- */

#define NFILES 70
#define MOST_RECORDS 6
#define FIELD_SIZE 48

typedef struct File
{
	char text[MOST_RECORDS][NCOLUMNS][FIELD_SIZE];
	FlowSlice fields[MOST_RECORDS][NCOLUMNS];
	size_t nrecords;
	FlowIndexKey keys[NCOLUMNS][MOST_RECORDS];
	bool as_address[NCOLUMNS]; /* a text column whose values are all addresses */
} File;

typedef struct Case
{
	uint64_t seed;
	bool indexed[NCOLUMNS];
	File files[NFILES];
	size_t nfiles;
	FlowFilter *filter;
	int deferred;
} Case;

static unsigned
choose(Case *c, unsigned below)
{
	return (unsigned) (unit_random(&c->seed) >> 20) % below;
}

/* Writes an address, perhaps with a mask, in one of several forms. */
static void
write_address(Case *c, char *field, bool canonical, bool masks)
{
	unsigned a = choose(c, 3), b = choose(c, 12);

	switch (choose(c, masks ? 14 : 9))
	{
		case 0:
			sprintf(field, "2001:db8:%x::%x", a + 1, b + 1);
			break;
		case 1:
			strcpy(field, choose(c, 2) ? "255.255.255.255" : "0.0.0.0");
			break;
		case 2:
			strcpy(field, choose(c, 2) ? "::" : "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
			break;
		case 3:
			sprintf(field, canonical ? "10.%u.0.%u" : "10.%u.0.0%u/32", a, b);
			break;
		case 9:
			sprintf(field, "10.0.%u.0/24", a);
			break;
		case 10:
			sprintf(field, "10.0.%u.%u/%u", a, b & 12, 30 + (b & 1));
			break;
		case 11:
			strcpy(field, choose(c, 2) ? "0.0.0.0/0" : "::/0");
			break;
		case 12:
			sprintf(field, "2001:db8:%x::/48", a + 1);
			break;
		case 13:
			strcpy(field, "255.255.255.0/24");
			break;
		default:
			sprintf(field, "10.0.%u.%u", a, b);
			break;
	}
}

/* Writes a field of a column; "canonical": texts that are addresses have that form. */
static void
write_field(Case *c, int column, char *field, bool canonical)
{
	static const char *const words[] =
		{"", "a", "A", "eni-1", "eni-12", "eni-2", "a%b", "10.0", "é"};

	if (choose(c, 12) == 0)
	{
		strcpy(field, choose(c, 8) ? "-" : "bad/");
		return;
	}
	switch (column)
	{
		case PORT:
			sprintf(field, "%d", (int) choose(c, 60) - 5);
			break;
		case BYTES:
			sprintf(field, "%" PRId64, (int64_t) choose(c, 60) * 100000000007 - 9);
			break;
		case FLAG:
			strcpy(field, choose(c, 2) ? "t" : "false");
			break;
		case ADDRESS:
		case NETWORK:
			write_address(c, field, choose(c, 2), true);
			break;
		case WORD:
			strcpy(field, words[choose(c, flow_countof(words))]);
			break;
		case SECONDS:
			sprintf(field, "%u", choose(c, 40));
			break;
		default:
			write_address(c, field, canonical, !canonical);
			if (!canonical && choose(c, 4) == 0)
				strcpy(field, words[choose(c, flow_countof(words))]);
			if (column == PADDED && !canonical && choose(c, 2))
				strcat(field, "  ");
			break;
	}
}

static bool
is_text(int column)
{
	return columns[column].type == FLOW_TEXT || columns[column].type == FLOW_PADDED;
}

/* Makes the keys of a column of a file. */
static void
index_column(File *file, int column)
{
	bool has_text = false;

	file->as_address[column] = is_text(column);
	for (size_t i = 0; i < file->nrecords; i++)
	{
		FlowIndexKey *key = &file->keys[column][i];
		FlowValue value;
		bool has_value =
			flow_value_read(&columns[column], &unit_host, file->fields[i][column], &value) ==
			FLOW_OK;

		flow_index_key(&columns[column], has_value ? &value : NULL, key);
		has_text |= is_text(column) && has_value;
		if (is_text(column) && has_value && !flow_index_key_of_address(value.text, key))
			file->as_address[column] = false;
	}
	file->as_address[column] &= has_text;
	for (size_t i = 0; is_text(column) && !file->as_address[column] && i < file->nrecords; i++)
	{
		FlowValue value;

		if (flow_value_read(&columns[column], &unit_host, file->fields[i][column], &value) ==
		    FLOW_OK)
			flow_index_key(&columns[column], &value, &file->keys[column][i]);
	}
}

static void
make_files(Case *c)
{
	c->nfiles = 1 + choose(c, NFILES);
	for (int i = 0; i < NCOLUMNS; i++)
		c->indexed[i] = i != SECONDS && choose(c, 8) != 0;
	for (size_t i = 0; i < c->nfiles; i++)
	{
		File *file = &c->files[i];
		bool canonical = choose(c, 2);

		file->nrecords = choose(c, MOST_RECORDS + 1);
		for (size_t k = 0; k < file->nrecords; k++)
			for (int column = 0; column < NCOLUMNS; column++)
			{
				write_field(c, column, file->text[k][column], canonical);
				file->fields[k][column] =
					(FlowSlice) {file->text[k][column], strlen(file->text[k][column])};
			}
		for (int column = 0; column < NCOLUMNS; column++)
			index_column(file, column);
	}
}

/* Returns true if a file may have what is searched for. */
static bool
file_may_have(const File *file, int column, FlowIndexForm form, const FlowIndexRange *ranges,
              size_t count)
{
	if (is_text(column) &&
	    form == (file->as_address[column] ? FLOW_INDEX_AS_TEXT : FLOW_INDEX_AS_ADDRESS))
		return true;
	for (size_t i = 0; i < file->nrecords; i++)
		for (size_t k = 0; k < count; k++)
			if (flow_index_key_compare(&ranges[k].from, &file->keys[column][i]) <= 0 &&
			    flow_index_key_compare(&ranges[k].to, &file->keys[column][i]) >= 0)
				return true;
	return false;
}

static FlowStatus
find(void *arg, int column, FlowIndexForm form, const FlowIndexRange *ranges, size_t count,
     uint64_t *bits, FlowError *failure)
{
	Case *c = arg;

	(void) failure;
	CHECK(column >= 0 && column < NCOLUMNS && c->indexed[column]);
	CHECK(form == FLOW_INDEX_ANY_FORM || is_text(column));
	for (size_t i = 0; i < count; i++)
	{
		CHECK(flow_index_key_compare(&ranges[i].from, &ranges[i].to) <= 0);
		CHECK(i == 0 || flow_index_key_compare(&ranges[i - 1].to, &ranges[i].from) < 0);
	}
	for (size_t i = 0; i < (c->nfiles + 63) / 64; i++)
		CHECK(bits[i] == 0);
	for (size_t i = 0; i < c->nfiles; i++)
		if (file_may_have(&c->files[i], column, form, ranges, count))
			bits[i / 64] |= UINT64_C(1) << i % 64;
	return FLOW_OK;
}

/* ---------- filters ---------- */

#define MOST_CONSTANTS 400

/* A leaf, as far as it matters here. */
typedef struct Leaf
{
	int column;
	bool exact; /* only files with a value that matches, or one with a mask, are needed */
} Leaf;

static bool
make_constant(Case *c, int column, FlowView view, char *text, FlowValue *value)
{
	static const FlowColumn inet = COLUMN("inet", FLOW_ADDRESS);
	const FlowColumn *type = view == FLOW_AS_ADDRESS ? &inet : &columns[column];

	write_field(c, view == FLOW_AS_ADDRESS ? ADDRESS : column, text, choose(c, 2));
	if (flow_value_read(type, &unit_host, (FlowSlice) {text, strlen(text)}, value) != FLOW_OK)
		return false;
	if (view == FLOW_AS_DOUBLE)
		value->real = (double) value->integer;
	if (view == FLOW_AS_UNIX_TIME)
		value->integer *= 1000000;
	return true;
}

static FlowPredicate *
make_comparison(Case *c, Leaf *leaf)
{
	static char texts[MOST_CONSTANTS][FIELD_SIZE];
	FlowValue constants[MOST_CONSTANTS];
	size_t count = 0, wanted = choose(c, 3) ? 1 : choose(c, 6) ? choose(c, 6) : MOST_CONSTANTS;
	int column = (int) choose(c, NCOLUMNS);
	FlowType type = columns[column].type;
	FlowView view = FLOW_AS_IS;
	bool network = type == FLOW_ADDRESS || type == FLOW_NETWORK;
	bool all = choose(c, 4) == 0, has_null = choose(c, 8) == 0;
	FlowPredicate *result;
	FlowOp op;

	if (type == FLOW_TEXT && choose(c, 2))
		view = FLOW_AS_ADDRESS;
	if (type <= FLOW_INT64 && choose(c, 6) == 0)
		view = choose(c, 2) ? FLOW_AS_DOUBLE : FLOW_AS_UNIX_TIME;
	op = (FlowOp) choose(c, network || view == FLOW_AS_ADDRESS ? FLOW_OVERLAPS + 1 : FLOW_GE + 1);
	if (choose(c, 3) == 0)
		op = FLOW_EQ;
	while (count < wanted)
		count += make_constant(c, column, view, texts[count], &constants[count]);

	leaf->column = column;
	leaf->exact = c->indexed[column] && (op == FLOW_EQ || op > FLOW_GE) && view != FLOW_AS_DOUBLE &&
	              view != FLOW_AS_UNIX_TIME && view != FLOW_AS_ADDRESS && count > 0;
	if (count == 1 && !has_null)
		result = flow_filter_compare(c->filter, column, view, op, constants);
	else
		result = (all ? flow_filter_all
		              : flow_filter_any)(c->filter, column, view, op, constants, count, has_null);
	if (view == FLOW_AS_ADDRESS && count > 0)
	{
		FlowPredicate *otherwise =
			flow_filter_constant(c->filter, choose(c, 2) ? FLOW_TRUE : FLOW_UNKNOWN);

		flow_filter_set_otherwise(result, choose(c, 2), otherwise);
	}
	return result;
}

static FlowPredicate *
make_like(Case *c)
{
	static const char *const patterns[] = {"10.0.%",
	                                       "10.0.0.1%",
	                                       "10.0.0.1",
	                                       "eni-1%",
	                                       "eni-_2",
	                                       "eni-1",
	                                       "%1",
	                                       "_0.%",
	                                       "10.%.1",
	                                       "a\\%b",
	                                       "2001:db8:%",
	                                       "1%",
	                                       "10%",
	                                       "",
	                                       "300.%",
	                                       "010.%",
	                                       "10.0.0.%",
	                                       "10.0.2.1_",
	                                       "255.255.%"};
	const char *pattern = patterns[choose(c, flow_countof(patterns))];

	return flow_filter_like(c->filter,
	                        choose(c, 2) ? WORD : PLACE,
	                        (FlowSlice) {pattern, strlen(pattern)},
	                        true,
	                        choose(c, 4) == 0);
}

static FlowPredicate *
make_predicate(Case *c, int depth)
{
	FlowPredicate *children[5];
	size_t count = 1 + choose(c, flow_countof(children));
	Leaf leaf;

	switch (depth == 0 ? 3 + choose(c, 12) : choose(c, 8))
	{
		case 0:
			return flow_filter_not(c->filter, make_predicate(c, depth - 1));
		case 1:
		case 2:
			for (size_t i = 0; i < count; i++)
				children[i] = make_predicate(c, depth - 1);
			return (choose(c, 2) ? flow_filter_and : flow_filter_or)(c->filter, children, count);
		case 3:
			return make_like(c);
		case 4:
			return flow_filter_is_null(c->filter, (int) choose(c, NCOLUMNS));
		case 14:
			if (choose(c, 3) == 0)
				return flow_filter_deferred(c->filter, ++c->deferred, -1);
			return flow_filter_constant(c->filter, (FlowTruth) choose(c, FLOW_UNKNOWN + 1));
		default:
			return make_comparison(c, &leaf);
	}
}

/* ---------- tests ---------- */

static bool
file_passes(const Case *c, const File *file)
{
	FlowBadField bad;

	for (size_t i = 0; i < file->nrecords; i++)
		if (flow_filter_test(c->filter, file->fields[i], &bad) == FLOW_TRUE)
			return true;
	return false;
}

static bool
has_mask(const File *file, int column)
{
	for (size_t i = 0; i < file->nrecords; i++)
		if (file->keys[column][i].bytes[0] == FLOW_INDEX_OTHER)
			return true;
	return false;
}

/* Checks which files are needed; adds to the numbers of those that are, and are not. */
static void
check_files(Case *c, const Leaf *leaf, size_t *needed, size_t *spared)
{
	const FlowIndexSearch search = {c, c->nfiles, c->indexed, find};
	uint64_t bits[(NFILES + 63) / 64 + 1] = {[(NFILES + 63) / 64] = 41};

	CHECK(flow_filter_find_files(c->filter, &search, bits, &error) == FLOW_OK);
	CHECK(bits[(c->nfiles + 63) / 64] == ((c->nfiles + 63) / 64 == (NFILES + 63) / 64 ? 41 : 0));
	for (size_t i = 0; i < (c->nfiles + 63) / 64 * 64; i++)
	{
		bool is_needed = bits[i / 64] >> i % 64 & 1;

		if (i >= c->nfiles)
		{
			CHECK(!is_needed);
			continue;
		}
		CHECK(is_needed || !file_passes(c, &c->files[i]));
		if (leaf != NULL && leaf->exact && is_needed)
			CHECK(file_passes(c, &c->files[i]) || has_mask(&c->files[i], leaf->column));
		*(is_needed ? needed : spared) += 1;
	}
}

static Case cases;

static void
run_cases(bool leaves, int tries)
{
	size_t needed = 0, spared = 0;

	cases.seed = leaves ? 41 : 43;
	for (int try = 0; try < tries; try++)
	{
		Leaf leaf = {-1, false};

		if (try % 10 == 0)
			make_files(&cases);
		cases.filter = flow_filter_create(&unit_host, columns, NCOLUMNS, choose(&cases, 2));
		flow_filter_set_root(cases.filter,
		                     leaves ? make_comparison(&cases, &leaf) : make_predicate(&cases, 3));
		check_files(&cases, leaves ? &leaf : NULL, &needed, &spared);
		flow_filter_free(cases.filter);
	}
	CHECK(needed > 1000 && spared > 1000);
	CHECK_INT(unit_state.outstanding, 0);
	printf("# %zu files were needed, %zu were not\n", needed, spared);
}

static void
comparisons_find_their_files(void)
{
	run_cases(true, unit_tries(100000));
}

static void
no_filter_loses_a_file(void)
{
	run_cases(false, unit_tries(100000));
}

/* A search that keeps the ranges. */
typedef struct Kept
{
	size_t searches, ranges;
	int column;
	FlowIndexForm form;
	FlowIndexRange first, last;
	FlowStatus fails;
} Kept;

static FlowStatus
keep(void *arg, int column, FlowIndexForm form, const FlowIndexRange *ranges, size_t count,
     uint64_t *bits, FlowError *failure)
{
	Kept *kept = arg;

	if (column != kept->column)
		*kept = (Kept) {.column = column, .fails = kept->fails};
	if (kept->fails != FLOW_OK)
		return flow_error_set(failure, kept->fails, "the index fails");
	for (size_t i = 0; i < count; i++)
	{
		if (kept->ranges++ == 0)
			kept->first = ranges[i];
		else
			CHECK(flow_index_key_compare(&kept->last.to, &ranges[i].from) < 0);
		kept->last = ranges[i];
	}
	kept->searches++;
	kept->form = form;
	bits[0] |= count > 0;
	return FLOW_OK;
}

static const bool all_indexed[NCOLUMNS] = {true, true, true, true, true, true, true, true, true};

/* Searches for a predicate's files, among 3. */
static FlowStatus
search_for(FlowFilter *filter, FlowPredicate *predicate, Kept *kept, uint64_t *bits)
{
	const FlowIndexSearch search = {kept, 3, all_indexed, keep};

	flow_filter_set_root(filter, predicate);
	return flow_filter_find_files(filter, &search, bits, &error);
}

static Kept
ranges_of_like(const char *pattern)
{
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	Kept kept = {0};
	uint64_t bits;

	CHECK(search_for(
			  filter,
			  flow_filter_like(filter, PLACE, (FlowSlice) {pattern, strlen(pattern)}, true, false),
			  &kept,
			  &bits) == FLOW_OK);
	flow_filter_free(filter);
	return kept;
}

static void
patterns_with_whole_numbers_find_addresses(void)
{
	Kept kept = ranges_of_like("10.20.%");

	CHECK_INT(kept.ranges, 2);
	CHECK_INT(kept.form, FLOW_INDEX_ANY_FORM);
	CHECK(memcmp(kept.first.from.bytes, "\4\12\24\0\0", 5) == 0);
	CHECK(memcmp(kept.first.to.bytes, "\4\12\24\377\377", 5) == 0);
	CHECK_INT(ranges_of_like("10.2%").ranges, 2);
	CHECK_INT(ranges_of_like("10.2%").form, FLOW_INDEX_ANY_FORM);
	CHECK_INT(ranges_of_like("10%").form, FLOW_INDEX_AS_TEXT);
	CHECK_INT(ranges_of_like("256.%").form, FLOW_INDEX_AS_TEXT);
	CHECK_INT(ranges_of_like("01.%").form, FLOW_INDEX_AS_TEXT);
	CHECK_INT(ranges_of_like("%1").searches, 0);
	CHECK_INT(ranges_of_like("_0.%").searches, 0);
}

static void
long_lists_are_merged(void)
{
	static FlowValue constants[100000];
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	Kept kept = {0};
	uint64_t bits;

	for (int i = 0; i < 100000; i++)
		constants[i].integer = (int64_t) (i * INT64_C(7919) % 100000) * 3 / 2;
	CHECK(search_for(filter,
	                 flow_filter_any(filter, BYTES, FLOW_AS_IS, FLOW_EQ, constants, 100000, false),
	                 &kept,
	                 &bits) == FLOW_OK);
	CHECK_INT(kept.ranges, 50000);
	CHECK(kept.searches > 1);

	memset(constants, 0, sizeof(constants));
	kept = (Kept) {0};
	for (int i = 0; i < 100000; i++)
		constants[i].address =
			(FlowAddress) {4, 32, {10, (uint8_t) (i >> 16), (uint8_t) (i >> 8), (uint8_t) i}};
	CHECK(
		search_for(filter,
	               flow_filter_any(filter, ADDRESS, FLOW_AS_IS, FLOW_EQ, constants, 100000, false),
	               &kept,
	               &bits) == FLOW_OK);
	CHECK_INT(kept.ranges, 1);
	flow_filter_free(filter);
}

static void
failures_are_passed_on(void)
{
	static FlowValue constants[5000];
	FlowFilter *filter = flow_filter_create(&unit_host, columns, NCOLUMNS, false);
	Kept kept = {.fails = FLOW_CORRUPT};
	FlowPredicate *children[2], *root;
	uint64_t bits;
	FlowStatus status;

	for (int i = 0; i < 5000; i++)
		constants[i].integer = i * 100;
	children[0] = flow_filter_any(filter, BYTES, FLOW_AS_IS, FLOW_EQ, constants, 5000, false);
	children[1] = flow_filter_any(filter, PORT, FLOW_AS_IS, FLOW_EQ, constants, 5000, false);
	root = flow_filter_and(filter, children, 2);
	CHECK(search_for(filter, root, &kept, &bits) == FLOW_CORRUPT);
	CHECK_STRING(error.message, "the index fails");
	kept.fails = FLOW_OK;
	for (int64_t i = 0; i == 0 || status != FLOW_OK; i++)
	{
		const FlowIndexSearch search = {&kept, 3, all_indexed, keep};

		kept = (Kept) {0};
		unit_state.interrupt_after = i;
		status = flow_filter_find_files(filter, &search, &bits, &error);
		unit_state.interrupt_after = -1;
		CHECK(status == FLOW_OK || status == FLOW_INTERRUPTED);
	}
	for (int64_t i = 0; i == 0 || status != FLOW_OK; i++)
	{
		const FlowIndexSearch search = {&kept, 3, all_indexed, keep};

		kept = (Kept) {0};
		unit_state.fail_after = i;
		status = flow_filter_find_files(filter, &search, &bits, &error);
		unit_state.fail_after = -1;
		CHECK(status == FLOW_OK || status == FLOW_NO_MEMORY);
	}
	flow_filter_free(filter);
	CHECK_INT(unit_state.outstanding, 0);
}

int
main(void)
{
	RUN(comparisons_find_their_files);
	RUN(no_filter_loses_a_file);
	RUN(patterns_with_whole_numbers_find_addresses);
	RUN(long_lists_are_merged);
	RUN(failures_are_passed_on);
	return unit_done();
}
