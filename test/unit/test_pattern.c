/*-------------------------------------------------------------------------
 *
 * test_pattern.c
 *	  Tests which patterns are splitters, and that lines are then split as by
 *	  PCRE2.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include "../../flow/regex.h"
#include "../../flow/shape.h"
#include "model_pattern.h"
#include "regex_help.h"

/* ---------- shapes as text ---------- */

static FlowShape *
shape_of(const char *pattern)
{
	FlowShape *shape = NULL;
	FlowStatus status = flow_pattern_shape(&unit_host, pattern, &shape);

	CHECK(status == FLOW_OK ? shape != NULL : status == FLOW_END && shape == NULL);
	return shape;
}

/*
 * Describes the check of a field: "d" for digits, "c" for a class, "{1,3}",
 * "=a=b" for literals.
 */
static int
describe_check(const FlowShapeCheck *check, char *text)
{
	char *next = text;

	if (check->byte_class != NULL)
		next += sprintf(next, "c");
	if (check->max == UINT32_MAX ? check->min > 1 : check->max > 0)
		next += check->max == UINT32_MAX ? sprintf(next, "{%u,}", check->min)
		                                 : sprintf(next, "{%u,%u}", check->min, check->max);
	for (const char *literal = check->literals; literal != NULL && *literal != '\0';
	     literal += strlen(literal) + 1)
		next += sprintf(next, "=%s", literal);
	return (int) (next - text);
}

/*
 * Describes a shape as "' ' 2-3+: 1 2d 0", where "+" means open, and fields
 * are named by their groups.
 */
static const char *
described(const char *pattern)
{
	static char text[8192];
	FlowShape *shape = shape_of(pattern);
	char *next = text;
	int check = 0;

	if (shape == NULL)
		return "none";
	next +=
		shape->separator == '\t' ? sprintf(next, "tab ") : sprintf(next, "'%c' ", shape->separator);
	if (shape->nrequired < shape->nfields)
		next += sprintf(next, "%d-", shape->nrequired);
	next += sprintf(next, "%d%s:", shape->nfields, shape->open ? "+" : "");
	for (int i = 0; i < shape->nfields; i++)
	{
		next += sprintf(next, " %d%s", shape->group[i], shape->digits >> i & 1 ? "d" : "");
		if (check < shape->nchecks && shape->checks[check].field == i)
			next += describe_check(&shape->checks[check++], next);
	}
	CHECK_INT(check, shape->nchecks);
	flow_shape_free(&unit_host, shape);
	return text;
}

typedef struct Case
{
	const char *pattern, *shape;
} Case;

static void
check_cases(const Case *cases, size_t ncases)
{
	for (size_t i = 0; i < ncases; i++)
	{
		const char *got = described(cases[i].pattern);

		if (strcmp(got, cases[i].shape) != 0)
			printf("# %s\n", cases[i].pattern);
		CHECK_STRING(got, cases[i].shape);
	}
}

/* ---------- what is a splitter ---------- */

static void
documented_patterns_are_splitters(void)
{
	static const Case cases[] = {
		{"(\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) "
	     "(\\S+) (\\S+)",
	     "' ' 14: 1 2 3 4 5 6 7 8 9 10 11 12 13 14"},
		{"^(\\d+) (\\d+|-) (\\S+) ([0-9a-f.:]+|-) ([0-9a-f.:]+|-) (\\d+|-) (\\d+|-) (\\d+|-) "
	     "(\\d+|-) (\\d+|-) "
	     "(\\d+) (\\d+) (ACCEPT|REJECT|-) (OK|NODATA|SKIPDATA)$",
	     "' ' 14: 1d 2c=- 3 4c=- 5c=- 6c=- 7c=- 8c=- 9c=- 10c=- 11d 12d 13=ACCEPT=REJECT=- "
	     "14=OK=NODATA=SKIPDATA"},
	};

	CHECK_STRING(described(documented), "' ' 15: 1 2d 3 4 5 6 7d 8d 9d 10d 11d 12d 13d 14 15");
	check_cases(cases, flow_countof(cases));
}

static void
chains_of_fields_are_splitters(void)
{
	static const Case cases[] = {
		{"\\S+ \\S+", "' ' 2: 0 0"},
		{"(\\S+) \\S+ (\\S+)", "' ' 3: 1 0 2"},
		{"(\\S+)\\t(\\S+)", "tab 2: 1c 2c"}, /* fields may have blanks, but no "\\S" */
		{"([^\\t]+)\t([^\\t]*)", "tab 2: 1 2"},
		{"([^,]*),([^,]*),([0-9]*)", "',' 3: 1 2 3d"},
		{"(\\S+),(\\S+)", "',' 2: 1c 2c"},
		{"(.*)\\|(.*)", "'|' 2: 1 2"},
		{"([^|]+)[|](\\w+)", "'|' 2: 1 2c"},
		{"(\\S+)[ \\t]+(\\S+)", "' ' 2: 1 2"},
		{"(\\S+)[[:space:]]+([[:digit:]]+)", "' ' 2: 1 2d"},
		{"(\\S+) +(\\S+)\\s{1,}(\\S+)\\h{1,4}(\\S+)", "' ' 4: 1 2 3 4"},
		{"(\\S+)\\s+?(\\S+) ++(\\S+)", "' ' 3: 1 2 3"},
		{"(\\S+?) (\\S++) (\\S*+) (.+?)", "' ' 4: 1 2 3 4"},
		{"(\\S+) (.++)", "' ' 2: 1 2"},
		{"(\\S+) (.*)", "' ' 2: 1 2"},
		{"(.*) (.*)", "' ' 2: 1 2"},
		{"(?<a>\\S+) (?P<b_2>\\d+) (?'c'[a-z]+) (\\S+)", "' ' 4: 1 2d 3c 4"},
		{"(?:\\S+) (?:\\d+) (\\S+)", "' ' 3: 0 0d 1"},
		{"(\\d) (\\d?) (\\d{3}) (\\d{3,}) (\\d{1,5}) (\\d{0,5})",
	     "' ' 6: 1d{1,1} 2d{0,1} 3d{3,3} 4d{3,} 5d{1,5} 6d{0,5}"},
		{"(.) (\\S{2,3}) ([a-z]{12})", "' ' 3: 1{1,1} 2{2,3} 3c{12,12}"},
		{"(\\d+) OK", "' ' 2: 1d 0=OK"},
		{"(ACCEPT) (?:A|B) C", "' ' 3: 1=ACCEPT 0=A=B 0=C"},
		{"2 (\\S+) -", "' ' 3: 0=2 1 0=-"},
		{"(-|[0-9]+) (\\S+|-) (\\d{2}|-)", "' ' 3: 1c=- 2 3c{2,2}=-"},
		{"([0-9]+|[a-f]+) (x|) (\\d+|a.c)", "' ' 3: 1d 2=x 3d"}, /* stricter than the pattern */
		/* so strict that hardly any line would pass */
		{"(eni-.+|-) (\\S+)", "none"},
		{"\\A(\\S+) (\\S+)", "none"},
		{"^(\\S+) (\\S+)\\z", "' ' 2: 1 2"},
		{"^(\\S+) (\\S+)\\Z", "' ' 2: 1 2"},
		{"(\\S+)\\ (\\S+)\\x20(\\S+)", "' ' 3: 1 2 3"},
		{"(\\D+);(\\D+)", "';' 2: 1c 2c"},
		{"^\\s*(\\S+) (\\S+)\\s*$", "' ' 2: 1 2"},
		{" *+(\\S+) \\S+\\t?\\r*?", "' ' 2: 1 0"},
		{"(.*),(.*?)[\r\n]*", "',' 2: 1 2"},
		{"(\\S+) (\\d+)(?: (\\S+))?.*\\r?$", "' ' 2-3+: 1 2d 3"},
	};

	check_cases(cases, flow_countof(cases));
}

static void
fields_may_be_missing_or_more(void)
{
	static const Case cases[] = {
		{"(\\S+) (\\S+)(?: (\\S+))?", "' ' 2-3: 1 2 3"},
		{"(\\S+)(?: (\\d+)(?:\\s+([^ ]+))?)?", "' ' 1-3: 1 2d 3"},
		{"(\\S+)(?: (\\S+))?(?: (\\S+)){0,1}(?: \\S+)?$", "' ' 1-4: 1 2 3 0"},
		{"(\\S+)(?: (\\S+)(?: (\\S+))?)?(?: (\\S+))?", "' ' 1-4: 1 2 3 4"},
		{"(\\S+)(?: (\\S+))?(?: (.*))?", "' ' 1-3: 1 2 3"},
		{"(\\S+) (\\S+).*", "' ' 2+: 1 2"},
		{"(\\S+) (\\d+)(?: (\\S+))?.*$", "' ' 2-3+: 1 2d 3"},
		{"(\\S+) \\S+.*?", "' ' 2+: 1 0"},
		{"(\\S+) (\\S+) .*", "' ' 3+: 1 2 0"},
		{"(\\S+) (\\S+) .+", "' ' 3+: 1 2 0"},
		{"(\\S+) .{3,}", "' ' 2+: 1 0{3,}"},
		{"(\\S+) (?:x|.{5,})", "' ' 2: 1 0{5,}=x"}, /* "a x b" does not match */
		{"(\\S+) (\\S+)(?:\\s.*)?", "' ' 2-3+: 1 2 0"},
		{"(\\S+) (\\S+?) (?:[^\\n]*)", "' ' 3+: 1 2 0"},
		/* "\S" takes commas, and there may be more of them */
		{"(\\S+),(\\S+),.*", "',' 3: 1c 2c 0"},

		/* a field might not match all of its text */
		{"(\\S+) (\\S+?).*", "none"},
		{"(\\S+) (a|ab).*", "none"},
		{"(\\S+) (\\S+).+", "none"},
		{"(\\S+),(\\S+).*", "none"},
		{"(\\S+)(?: (\\S+?))?.*", "none"},
		{"(\\S+?)(?: (\\S+))?.*", "none"},
		{"(\\S+),(\\S+)(?:,(\\S+))?", "none"},
		{"(.+)(?: (\\S+))?", "none"},
		{"(\\S++),(\\S+)", "none"},
		{"(.*+) (\\S+)", "none"},

		/* other groups than the first ones take part */
		{"(\\S+)(?: (\\S+))??", "none"},
		{"(\\S+)(?: (\\S+))?+", "none"},
		{"(\\S+)(?: (\\S+) (\\S+))?", "none"},
		{"(\\S+)(?: (\\S+))? (\\S+)", "none"},
		{"(\\S+)(?: (\\S+)(?: (\\S+))? (\\S+))?", "none"},
		{"(\\S+)(?: (\\S+))*", "none"},
		{"(\\S+)(?: (\\S+)){2}", "none"},
		{"(\\S+)(?: (\\S+)|)", "none"},
		{"(\\S+)(?: (\\S+))", "none"},
	};

	check_cases(cases, flow_countof(cases));
}

static void
everything_else_is_none(void)
{
	static const Case cases[] = {
		{"", "none"},
		{"^$", "none"},
		{"(.*)", "none"},
		{"\\S+", "none"},
		{" ", "none"},
		{"(\\S+) ", "none"},
		{" (\\S+)", "none"},
		{"(\\S+)  (\\S+)", "none"},
		{"(\\S+), (\\S+)", "none"},
		{"(\\S+) *(\\S+)", "none"},
		{"(\\S+) (\\S+)\\s+", "none"},
		{" ?,(\\S+) (\\S+)", "none"},
		{"([^,]+),([^,]+) *", "none"}, /* the blanks could belong to either */
		{"(\\S+) (\\S+)-?", "none"},
		{"(\\S+)\\s*(\\S+)", "none"},
		{"(\\S+) ?(\\S+)", "none"},
		{"(\\S+) {2}(\\S+)", "none"},
		{"([^,]+) *, *([^,]+)", "none"},
		{"(\\S+)\\W(\\S+)", "none"},
		{"(\\S+)[ ,](\\S+)", "none"},
		{"(\\S+)[^!-~]+(\\S+)", "none"}, /* includes 0x7F */
		{"(\\S+)\\n(\\S+)", "none"},
		{"(\\S+)\\r(\\S+)", "none"},
		{"(\\S+)( )(\\S+)", "none"},
		{"(\\S+)(\\s+\\S+)?", "none"},
		{"(\\S+ \\S+) (\\S+)", "none"},
		{"(\\d+)ms (\\S+)", "none"},
		{"x(\\d+) (\\S+)", "none"},
		{"(\\S)+ (\\S+)", "none"},
		{"(\\S+)? (\\S+)", "none"},
		{"((\\S+)) (\\S+)", "none"},
		{"(?:(\\S+)) (\\S+)", "none"},
		{"(\\S+) (\\S+)|x", "none"},
		{"x|(\\S+) (\\S+)", "none"},
		{"(\\S+) ()", "none"},
		{"() (\\S+)", "none"},
		{"(\\d+\\.\\d+) (\\S+)", "none"},
		{"(?i)(\\S+) (a)", "none"},
		{"(?i:\\S+) (\\S+)", "none"},
		{"(?x)(\\S+)\\ (\\S+)", "none"},
		{"(?>\\S+) (\\S+)", "none"},
		{"(?|(\\S+)) (\\S+)", "none"},
		{"(?=x)(\\S+) (\\S+)", "none"},
		{"(?!x)\\S+ (\\S+)", "none"},
		{"(?<=x)\\S+ (\\S+)", "none"},
		{"(?<!x)\\S+ (\\S+)", "none"},
		{"(?#x)(\\S+) (\\S+)", "none"},
		{"(\\S+) \\1", "none"},
		{"(\\S+) (?1)", "none"},
		{"(\\S+) (?R)?", "none"},
		{"(\\S+) \\K(\\S+)", "none"},
		{"(\\S+) \\b(\\S+)", "none"},
		{"(\\S+) \\R(\\S+)", "none"},
		{"(\\S+) (\\N+)", "none"},
		{"(\\S+) (\\X+)", "none"},
		{"(\\S+) (\\pL+)", "none"},
		{"\\Q(\\E (\\S+)", "none"},
		{"(*COMMIT)(\\S+) (\\S+)", "none"},
		{"(\\S+) (*F)(\\S+)", "none"},
		{"(\\S+)^ (\\S+)", "none"},
		{"(\\S+)$ (\\S+)", "none"},
		{"^^(\\S+) (\\S+)", "none"},
		{"(\\S+) (\\S+)$$", "none"},
		{"(\\S+) (\\S+$)", "none"},
		{"(\\S+) (a{,3})", "none"},
		{"(\\S+) (a{ 1})", "none"},
		{"(\\S+) (a{x})", "none"},
		{"(\\S+) (a{0})", "none"},
		{"(\\S+) (a{2}{3})", "none"},
		{"(\\S+) ([\\d-z]+)", "none"},
		{"(\\S+) ([a-c-e]+)", "none"},
		{"(\\S+) ([[:digits:]]+)", "none"},
		{"(\\S+) ([[.a.]]+)", "none"},
		{"(\\S+) ([\\Qa\\E]+)", "none"},
		{"(\\S+) (\\x{41}+)", "none"},
		{"(\\S+) (\\101+)", "none"},
		{"(\\S+) (\\cA+)", "none"},

		/* invalid patterns */
		{"(\\S+) (\\S+", "none"},
		{"(\\S+) \\S+)", "none"},
		{"(\\S+) [^ ", "none"},
		{"(\\S+) []", "none"},
		{"(\\S+) [^]", "none"},
		{"(\\S+) [z-a]+", "none"},
		{"(\\S+) \\", "none"},
		{"(\\S+) [\\", "none"},
		{"(\\S+) [[:", "none"},
		{"(\\S+) (", "none"},
		{"(\\S+) (?", "none"},
		{"(\\S+) (?<", "none"},
		{"(\\S+) (?P", "none"},
		{"(\\S+) (?<1>\\S+)", "none"},
		{"(\\S+) (?<a'\\S+)", "none"},
		{"(\\S+) (?P'a'\\S+)", "none"},
		{"(\\S+) +*(\\S+)", "none"},
		{"* (\\S+)", "none"},
		{"(\\S+) (a{70000})", "none"},
		{"(\\S+) (a{4294967297})", "none"},
		{"(\\S+) (a{3,2})", "none"},
		{"(\\S+) (a{3", "none"},
	};

	check_cases(cases, flow_countof(cases));
}

static void
there_are_57_fields_at_most(void)
{
	char *most = repeated("(\\S+) ", 56, "(\\S+)");
	char *more = repeated("(\\S+) ", 57, "(\\S+)");
	char *optional = repeated("(?: (\\S+))?", 57, "");
	char *huge = repeated("(\\S+) ", 1300, "(\\S+)");
	char *deep = repeated("(?:", 2700, "");
	FlowShape *shape = shape_of(most);

	CHECK(shape != NULL && shape->nfields == 57 && shape->group[56] == 57);
	flow_shape_free(&unit_host, shape);
	CHECK_STRING(described(more), "none");
	CHECK_STRING(described(optional), "none");
	CHECK_STRING(described(huge), "none");
	CHECK_STRING(described(deep), "none");
	free(most);
	free(more);
	free(optional);
	free(huge);
	free(deep);
}

/* ---------- what bytes a class has ---------- */

/* Returns true if the shape accepts a single byte as its first field. */
static bool
shape_takes(const FlowShape *shape, uint8_t byte)
{
	if ((shape->digits & 1) != 0)
		return byte >= '0' && byte <= '9';
	if (shape->nchecks == 0 || shape->checks[0].field != 0)
		return true;
	return flow_shape_passes(&shape->checks[0], (const char *) &byte, 1);
}

/*
 * Classes are checked in both directions: with too few bytes a class would be
 * slow, with too many it would be wrong.
 */
static void
classes_have_the_bytes_that_pcre2_gives_them(void)
{
	static const char *const classes[] = {".",
	                                      "\\d",
	                                      "\\D",
	                                      "\\w",
	                                      "\\W",
	                                      "\\s",
	                                      "\\S",
	                                      "\\h",
	                                      "\\H",
	                                      "\\v",
	                                      "\\V",
	                                      "\\t",
	                                      "\\n",
	                                      "\\r",
	                                      "\\f",
	                                      "\\e",
	                                      "\\a",
	                                      "a",
	                                      "#",
	                                      "\\.",
	                                      "\\-",
	                                      "\\_",
	                                      "\\~",
	                                      "\\`",
	                                      "\\@",
	                                      "\\'",
	                                      "\\\"",
	                                      "\\%",
	                                      "\\&",
	                                      "\\=",
	                                      "\\/",
	                                      "\\:",
	                                      "\\;",
	                                      "\\<",
	                                      "\\>",
	                                      "\\!",
	                                      "\\\\",
	                                      "\\[",
	                                      "\\]",
	                                      "\\(",
	                                      "\\)",
	                                      "\\{",
	                                      "\\}",
	                                      "\\*",
	                                      "\\+",
	                                      "\\?",
	                                      "\\^",
	                                      "\\$",
	                                      "\\|",
	                                      "\\#",
	                                      "\\x41",
	                                      "\\x2e",
	                                      "\\x7F",
	                                      "[a]",
	                                      "[^a]",
	                                      "[a-f]",
	                                      "[^a-f]",
	                                      "[a-fA-F0-9]",
	                                      "[]]",
	                                      "[^]]",
	                                      "[]a]",
	                                      "[^]a-c]",
	                                      "[]-a]",
	                                      "[-a]",
	                                      "[a-]",
	                                      "[^-a]",
	                                      "[^a-]",
	                                      "[-]",
	                                      "[\\d-]",
	                                      "[-\\d]",
	                                      "[a-c-]",
	                                      "[\\-a]",
	                                      "[a\\-z]",
	                                      "[+--]",
	                                      "[\\--a]",
	                                      "[!-\\-]",
	                                      "[[]",
	                                      "[[a]",
	                                      "[a[]",
	                                      "[[-a]",
	                                      "[+-[]",
	                                      "[:a]",
	                                      "[a:]",
	                                      "[.a]",
	                                      "[$^(){}*+?|.]",
	                                      "[a^]",
	                                      "[\\^a]",
	                                      "[\\d\\s]",
	                                      "[^\\d\\s]",
	                                      "[\\D]",
	                                      "[^\\D]",
	                                      "[\\W\\d]",
	                                      "[^\\W_]",
	                                      "[\\S]",
	                                      "[^\\S]",
	                                      "[\\h\\v]",
	                                      "[^\\H]",
	                                      "[\\x30-\\x39]",
	                                      "[\\x00-\\x1f]",
	                                      "[^\\x00-\\x40]",
	                                      "[\\t-~]",
	                                      "[\\e\\a\\f\\n\\r]",
	                                      "[\\]]",
	                                      "[\\\\]",
	                                      "[\\[\\]]",
	                                      "[a-a]",
	                                      "[ -~]",
	                                      "[^ -~]",
	                                      "[#]",
	                                      "[\\w.:/-]",
	                                      "[0-9a-fA-F:.]",
	                                      "[[:alnum:]]",
	                                      "[[:alpha:]]",
	                                      "[[:ascii:]]",
	                                      "[[:blank:]]",
	                                      "[[:cntrl:]]",
	                                      "[[:digit:]]",
	                                      "[[:graph:]]",
	                                      "[[:lower:]]",
	                                      "[[:print:]]",
	                                      "[[:punct:]]",
	                                      "[[:space:]]",
	                                      "[[:upper:]]",
	                                      "[[:word:]]",
	                                      "[[:xdigit:]]",
	                                      "[[:^alnum:]]",
	                                      "[[:^digit:]]",
	                                      "[^[:space:]]",
	                                      "[^[:^alpha:]]",
	                                      "[[:alpha:][:digit:]]",
	                                      "[[:alpha:]-]",
	                                      "[a[:digit:]]",
	                                      "[[:punct:]\\d]"};
	int shapes = 0;

	for (size_t i = 0; i < flow_countof(classes); i++)
	{
		char pattern[100];
		FlowShape *shape;
		FlowRegex *regex;

		sprintf(pattern, "(%s+),(x)", classes[i]);
		regex = compile(pattern, true);
		shape = shape_of(pattern);
		for (int byte = 0x20; regex != NULL && shape != NULL && byte < 0x80; byte++)
		{
			char line[] = {(char) byte, ',', 'x', '\0'};
			FlowSlice groups[MAX_WANTED];

			if (byte == ',')
				continue;
			if (shape_takes(shape, (uint8_t) byte) != (match(regex, line, 3, groups) == FLOW_OK))
			{
				printf("# %s: byte 0x%02X\n", classes[i], (unsigned) byte);
				CHECK(!"the same bytes");
			}
		}
		shapes += shape != NULL;
		if (shape == NULL)
			printf("# %s has no shape\n", classes[i]);
		flow_shape_free(&unit_host, shape);
		flow_regex_free(regex);
	}
	CHECK_INT(shapes, flow_countof(classes));
}

/* A separator is determined by the other bytes of its class. */
static void
a_shape_stands_for_lines_without_other_odd_bytes(void)
{
	static const char *const blanks[] = {"\\s",
	                                     "\\h",
	                                     "[[:space:]]",
	                                     "[[:blank:]]",
	                                     "[ \\t]",
	                                     "[^!-\\x7f]",
	                                     "[\\x80-\\xff ]",
	                                     "[\\x00-\\x20]"};

	for (size_t i = 0; i < flow_countof(blanks); i++)
	{
		char pattern[100];

		sprintf(pattern, "(\\S+)%s+(\\S+)", blanks[i]);
		CHECK_STRING(described(pattern), "' ' 2: 1 2");
	}
}

/* ---------- checks ---------- */

static bool
passes(const char *pattern, const char *field)
{
	FlowShape *shape = shape_of(pattern);
	size_t len = strlen(field);
	bool answer = shape != NULL && shape->nchecks == 1 &&
	              flow_shape_passes(&shape->checks[0], unit_at_edge(field, len), len);

	flow_shape_free(&unit_host, shape);
	return answer;
}

static void
a_check_is_of_literals_or_length_and_class(void)
{
	static const char three[] = "(ACCEPT|[a-f]{2,3}|-) .*";

	CHECK(passes(three, "ACCEPT"));
	CHECK(passes(three, "-"));
	CHECK(passes(three, "ab"));
	CHECK(passes(three, "fff"));
	CHECK(!passes(three, "a"));
	CHECK(!passes(three, "abcd"));
	CHECK(!passes(three, "ag"));
	CHECK(!passes(three, "ACCEP"));
	CHECK(!passes(three, "ACCEPTX"));
	CHECK(!passes(three, "--"));
	CHECK(!passes(three, "ACCEPT-"));
	CHECK(passes("(OK) .*", "OK"));
	CHECK(!passes("(OK) .*", "O"));
	CHECK(!passes("(OK) .*", "K"));
	CHECK(passes("(\\S{3}|-) .*", "-"));
	CHECK(passes("(\\S{3}|-) .*", "a-b"));
	CHECK(!passes("(\\S{3}|-) .*", "ab"));
}

/* A caller that knows that a field is digits can then skip the class. */
static void
a_check_tells_if_its_class_has_all_digits(void)
{
	static const struct
	{
		const char *pattern;
		bool digits;
	} cases[] = {
		{"(\\d+|-) .*", true},
		{"([0-9a-f]+) .*", true},
		{"([0-8]+) .*", false},
		{"([a-z]+) .*", false},
		{"(\\d{2}) .*", true},
		{"(\\S{2}) .*", true},
		{"(1|2) .*", false},
	};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		FlowShape *shape = shape_of(cases[i].pattern);

		CHECK(shape != NULL && shape->nchecks == 1 && shape->checks[0].digits == cases[i].digits);
		flow_shape_free(&unit_host, shape);
	}
}

/* ---------- against PCRE2 ---------- */

/*
 * Many of the patterns are not splitters, and many lines do not have the
 * shape, but not too many.
 */
static void
a_line_of_the_shape_is_split_as_pcre2_would(void)
{
	ModelCount count = {0};
	ModelSource source = {NULL, NULL, 20141113};
	static ModelPattern pattern;

	for (int i = 0; i < 6000; i++)
	{
		model_make_pattern(&pattern, &source);
		if (!model_compare(&unit_host, pattern.text, i % 2, 40, unit_random(&source.seed), &count))
			CHECK(!"split in the same way");
	}
	printf("# %" PRIu64 " patterns, %" PRIu64 " shapes, %" PRIu64 " pairs, %" PRIu64
	       " accepted, %" PRIu64 " of them without an answer\n",
	       count.patterns,
	       count.shapes,
	       count.pairs,
	       count.accepted,
	       count.limits);
	CHECK(count.shapes > count.patterns / 5);
	CHECK(count.accepted > count.pairs / 3);
	CHECK(count.limits < count.accepted / 100);
}

static void
memory_may_be_short(void)
{
	for (int64_t successes = 0; successes < 3; successes++)
	{
		FlowShape *shape;
		FlowStatus status;

		unit_state.fail_after = successes;
		status = flow_pattern_shape(&unit_host, documented, &shape);
		unit_state.fail_after = -1;
		CHECK_INT(status, successes < 2 ? FLOW_NO_MEMORY : FLOW_OK);
		CHECK((shape != NULL) == (status == FLOW_OK));
		flow_shape_free(&unit_host, shape);
	}
	flow_shape_free(&unit_host, NULL);
}

static void
nothing_is_left_allocated(void)
{
	CHECK_INT(unit_state.outstanding, 0);
}

int
main(void)
{
	RUN(documented_patterns_are_splitters);
	RUN(chains_of_fields_are_splitters);
	RUN(fields_may_be_missing_or_more);
	RUN(everything_else_is_none);
	RUN(there_are_57_fields_at_most);
	RUN(classes_have_the_bytes_that_pcre2_gives_them);
	RUN(a_shape_stands_for_lines_without_other_odd_bytes);
	RUN(a_check_is_of_literals_or_length_and_class);
	RUN(a_check_tells_if_its_class_has_all_digits);
	RUN(a_line_of_the_shape_is_split_as_pcre2_would);
	RUN(memory_may_be_short);
	RUN(nothing_is_left_allocated);
	return unit_done();
}
