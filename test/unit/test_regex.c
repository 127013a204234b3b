/*-------------------------------------------------------------------------
 *
 * test_regex.c
 *	  Tests patterns: what they match, and which are refused.
 *
 * The obvious version is PCRE2's interpreter, called once.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/regex.h"
#include "regex_help.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/*
 * The first attempt ends at 4 KiB, so that a line with this much after it
 * needs the second one.
 */
#define PADDING 5000

/* ---------- helpers ---------- */

/*
 * Returns true if the pattern matches the line.  Machine code and the
 * interpreter must agree.
 */
static bool
matches(const char *pattern, const char *line)
{
	FlowStatus status[2] = {FLOW_IO, FLOW_IO};
	FlowSlice groups[MAX_WANTED];

	for (int jit = 0; jit < 2; jit++)
	{
		FlowRegex *regex = compile(pattern, jit);

		if (regex != NULL)
			status[jit] = match(regex, line, strlen(line), groups);
		flow_regex_free(regex);
	}
	CHECK(status[0] == FLOW_OK || status[0] == FLOW_END);
	CHECK_INT(status[0], status[1]);
	return status[0] == FLOW_OK;
}

static void
check_group(FlowSlice group, const char *want)
{
	if (want == NULL)
		CHECK(group.data == NULL && group.len == 0);
	else
		CHECK(group.data != NULL && group.len == strlen(want) &&
		      memcmp(group.data, want, group.len) == 0);
}

static bool
refuses(const char *pattern)
{
	FlowRegex *regex = NULL;
	int64_t before = unit_state.outstanding;
	FlowStatus status = flow_regex_compile(&unit_host, pattern, true, &regex, &failure);

	flow_regex_free(regex);
	CHECK_INT(unit_state.outstanding, before);
	return status == FLOW_BAD_PATTERN &&
	       strncmp(failure.message, "invalid regular expression: ", 28) == 0;
}

/* ---------- the obvious version ---------- */

typedef struct Oracle
{
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *context;
} Oracle;

static bool
oracle_open(Oracle *oracle, const char *pattern)
{
	int number;
	PCRE2_SIZE offset;

	oracle->match = NULL;
	oracle->context = NULL;
	oracle->code =
		pcre2_compile((PCRE2_SPTR) pattern,
	                  PCRE2_ZERO_TERMINATED,
	                  PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY | PCRE2_DOTALL,
	                  &number,
	                  &offset,
	                  NULL);
	if (oracle->code == NULL)
		return false;
	oracle->match = pcre2_match_data_create_from_pattern(oracle->code, NULL);
	oracle->context = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(oracle->context, 1000000);
	return true;
}

static int
oracle_match(Oracle *oracle, const char *line, size_t len)
{
	return pcre2_match(oracle->code, (PCRE2_SPTR) line, len, 0, 0, oracle->match, oracle->context);
}

static void
oracle_close(Oracle *oracle)
{
	pcre2_match_context_free(oracle->context);
	pcre2_match_data_free(oracle->match);
	pcre2_code_free(oracle->code);
}

/*
 * Compares our result with the oracle's.  If it gave up, there is no result.
 */
static bool
same_answer(const Oracle *oracle, int result, FlowStatus status, const FlowSlice *groups,
            int ngroups, const char *line)
{
	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(oracle->match);

	if (result < 0)
		return result != PCRE2_ERROR_NOMATCH || status == FLOW_END;
	if (status != FLOW_OK)
		return false;
	for (int i = 0; i < ngroups; i++)
	{
		PCRE2_SIZE start = ends[2 * i + 2], end = ends[2 * i + 3];

		if (start == PCRE2_UNSET ? groups[i].data != NULL || groups[i].len != 0
		                         : groups[i].data != line + start || groups[i].len != end - start)
			return false;
	}
	return true;
}

/*
 * Matches a line with a pattern in all ways.  Returns false if the results
 * differ.
 */
static bool
agree_on(const char *pattern, const char *line, size_t len)
{
	FlowSlice groups[MAX_WANTED];
	bool agreed = true;
	Oracle oracle;
	int result;

	if (!oracle_open(&oracle, pattern))
		return refuses(pattern);
	result = oracle_match(&oracle, line, len);

	for (int jit = 0; jit < 2; jit++)
	{
		FlowRegex *regex = compile(pattern, jit);
		const char *edge = unit_at_edge(line, len);
		FlowStatus status;

		if (regex == NULL)
			continue;
		status = match(regex, line, len, groups); /* at the same place */
		if (status != FLOW_LIMIT &&
		    !same_answer(&oracle, result, status, groups, flow_regex_group_count(regex), edge))
		{
			printf("# \"%s\" on \"%.60s\" (%zu bytes), jit %d: %d, should be %d\n",
			       pattern,
			       line,
			       len,
			       jit,
			       status,
			       result);
			agreed = false;
		}
		flow_regex_free(regex);
	}
	oracle_close(&oracle);
	return agreed;
}

/*
 * Matches the line unchanged, with the first attempt, and with so much after
 * it that the second one is needed.
 */
static bool
agree(const char *pattern, const char *line, size_t len)
{
	char long_pattern[300];
	char *long_line;
	bool agreed = agree_on(pattern, line, len);

	snprintf(long_pattern, sizeof(long_pattern), "(?:%s)~*", pattern);
	long_line = malloc(len + PADDING);
	memcpy(long_line, line, len);
	memset(long_line + len, '~', PADDING);
	agreed &= agree_on(long_pattern, long_line, len + PADDING);
	free(long_line);
	return agreed;
}

/* ---------- what a pattern matches ---------- */

static void
groups_are_what_they_took(void)
{
	static const char *const want[] = {"2026-01-30T12:25:04.000Z",
	                                   "2",
	                                   "123456789010",
	                                   "eni-1235b8ca123456789",
	                                   "172.31.16.139",
	                                   "172.31.16.21",
	                                   "20641",
	                                   "22",
	                                   "6",
	                                   "20",
	                                   "4249",
	                                   "1418530010",
	                                   "1418530070",
	                                   "ACCEPT",
	                                   "OK"};
	FlowSlice groups[MAX_WANTED];

	for (int jit = 0; jit < 2; jit++)
	{
		int64_t before = unit_state.outstanding;
		FlowRegex *regex = compile(documented, jit);

		CHECK_INT(flow_regex_group_count(regex), 15);
		CHECK(!flow_regex_has_names(regex));
		CHECK_INT(flow_regex_is_jit(regex), jit);
		CHECK_INT(match(regex, record, strlen(record), groups), FLOW_OK);
		for (int i = 0; i < 15; i++)
			check_group(groups[i], want[i]);
		CHECK_INT(match(regex, record, strlen(record) - 3, groups), FLOW_END);
		flow_regex_free(regex);
		CHECK_INT(unit_state.outstanding, before);
	}
	flow_regex_free(NULL);
}

static void
groups_can_be_wanted_in_any_order(void)
{
	FlowRegex *regex = compile("(a)(b)(c)", true);
	int wanted[] = {3, 1, 3, 2};
	FlowSlice groups[4];

	CHECK_INT(flow_regex_match(regex, "abc", 3, wanted, 4, groups, &failure), FLOW_OK);
	check_group(groups[0], "c");
	check_group(groups[1], "a");
	check_group(groups[2], "c");
	check_group(groups[3], "b");
	CHECK_INT(flow_regex_match(regex, "abc", 3, NULL, 0, NULL, &failure), FLOW_OK);
	CHECK_INT(flow_regex_match(regex, "abd", 3, NULL, 0, NULL, &failure), FLOW_END);
	flow_regex_free(regex);
}

static void
a_line_matches_as_a_whole_or_not(void)
{
	FlowSlice groups[MAX_WANTED];
	FlowRegex *regex = compile("(a|ab)(c|bcd)?", true);

	CHECK(matches("a|ab", "ab"));
	CHECK(matches("ab|a", "a"));
	CHECK(matches("a*?", "aaa"));
	CHECK(matches("^ab$", "ab"));
	CHECK(matches("\\Aab\\z", "ab"));
	CHECK(matches("(?:x|xy)(?:z|yz)", "xyz"));
	CHECK(!matches("a", "ab"));
	CHECK(!matches("b", "ab"));
	CHECK(!matches("^a$", "ab"));
	CHECK(!matches("(?>a|ab)", "ab"));
	CHECK(!matches("ab$", "ab\n"));
	CHECK(!matches("ab$\n", "ab\n")); /* "$" is the end only */
	CHECK(!matches("AB", "ab"));
	CHECK(matches("(?i)AB", "ab"));

	CHECK_INT(match(regex, "abcd", 4, groups), FLOW_OK);
	check_group(groups[0], "a");
	check_group(groups[1], "bcd");
	flow_regex_free(regex);
}

static void
a_dot_takes_every_byte_and_bytes_are_characters(void)
{
	for (int jit = 0; jit < 2; jit++)
	{
		FlowRegex *dot = compile("(.)", jit);
		FlowRegex *blank = compile("\\s", jit);
		FlowSlice group;

		for (int byte = 0; byte < 256; byte++)
		{
			char line = (char) byte;
			bool is_blank = byte == ' ' || (byte >= '\t' && byte <= '\r');

			CHECK_INT(match(dot, &line, 1, &group), FLOW_OK);
			CHECK(group.len == 1 && *group.data == line);
			CHECK_INT(match(blank, &line, 1, &group), is_blank ? FLOW_OK : FLOW_END);
		}
		flow_regex_free(dot);
		flow_regex_free(blank);
	}

	CHECK(matches("...", "\xc3\xa9\xff"));
	CHECK(!matches(".", "\xc3\xa9"));
	CHECK(!matches("(?i)\xc3\x89", "\xc3\xa9")); /* only ASCII letters have cases */
	CHECK(matches("[^ ]+ \xc3\xa9", "\x80\xfe\xff \xc3\xa9"));
}

static void
a_nul_is_a_byte_like_any(void)
{
	FlowSlice groups[2];

	for (int jit = 0; jit < 2; jit++)
	{
		FlowRegex *regex = compile("([^ ]*) ([^ ]*)", jit);

		CHECK_INT(match(regex, "a\0b \0", 5, groups), FLOW_OK);
		CHECK(groups[0].len == 3 && memcmp(groups[0].data, "a\0b", 3) == 0);
		CHECK(groups[1].len == 1 && groups[1].data[0] == '\0');
		flow_regex_free(regex);
	}
}

static void
an_unused_group_is_no_value_and_an_empty_one_is(void)
{
	FlowSlice groups[3];

	for (int jit = 0; jit < 2; jit++)
	{
		FlowRegex *regex = compile("(a)?(b*)(c)?", jit);
		FlowRegex *choice = compile("(x)|(y)|(z)", jit);

		CHECK_INT(match(regex, "", 0, groups), FLOW_OK);
		check_group(groups[0], NULL);
		check_group(groups[1], "");
		check_group(groups[2], NULL);
		CHECK_INT(match(regex, "ac", 2, groups), FLOW_OK);
		check_group(groups[0], "a");
		check_group(groups[1], "");
		check_group(groups[2], "c");

		/* groups of an earlier line do not remain */
		CHECK_INT(match(choice, "z", 1, groups), FLOW_OK);
		check_group(groups[2], "z");
		CHECK_INT(match(choice, "y", 1, groups), FLOW_OK);
		check_group(groups[0], NULL);
		check_group(groups[1], "y");
		check_group(groups[2], NULL);
		flow_regex_free(regex);
		flow_regex_free(choice);
	}
}

static void
an_empty_line_is_a_line(void)
{
	CHECK(matches("", ""));
	CHECK(matches("^$", ""));
	CHECK(matches("(.*)", ""));
	CHECK(!matches("(.+)", ""));
	CHECK(!matches(documented, ""));
}

static void
groups_are_found_by_name(void)
{
	FlowRegex *regex = compile("(?<srcaddr>\\S+) (\\S+) (?P<dst_addr>\\S+) (?'end'\\d+)", true);
	FlowRegex *alternatives = compile("(?|(?<n>a)|(?<n>b))(?<m>c)", true);

	CHECK(flow_regex_has_names(regex));
	CHECK_INT(flow_regex_group_count(regex), 4);
	CHECK_INT(flow_regex_group_number(regex, "srcaddr"), 1);
	CHECK_INT(flow_regex_group_number(regex, "dst_addr"), 3);
	CHECK_INT(flow_regex_group_number(regex, "end"), 4);
	CHECK_INT(flow_regex_group_number(regex, "srcadd"), 0);
	CHECK_INT(flow_regex_group_number(regex, "SRCADDR"), 0);
	CHECK_INT(flow_regex_group_number(regex, "2"), 0);
	CHECK_INT(flow_regex_group_number(regex, ""), 0);
	CHECK_INT(flow_regex_group_number(regex, "a-name-longer-than-any-name-of-a-group-can-be"), 0);

	/* one number, hence one group */
	CHECK_INT(flow_regex_group_number(alternatives, "n"), 1);
	CHECK_INT(flow_regex_group_number(alternatives, "m"), 2);
	flow_regex_free(regex);
	flow_regex_free(alternatives);
}

/* ---------- what is refused ---------- */

static void
a_mistake_is_shown_where_it_is(void)
{
	static const struct
	{
		const char *pattern, *message, *detail;
	} cases[] = {
		{"a(b", "missing closing parenthesis", "At byte 3, the end."},
		{"(a)b)c", "unmatched closing parenthesis", "At byte 4: \")c\"."},
		{"*", "quantifier does not follow a repeatable item", "At byte 0: \"*\"."},
		{"(?<n>a)(?<n>b) and so on for long",
	     "two named subpatterns have the same name (PCRE2_DUPNAMES not set)",
	     "At byte 12: \"b) and so on for lon\"."},
		{"[z-a]\xc3\xa9", "range out of order in character class", "At byte 3: \"a]\"."},
		{"a\\Cb", "using \\C is disabled by the application", "At byte 3: \"b\"."},
	};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		char message[320];

		snprintf(message, sizeof(message), "invalid regular expression: %s", cases[i].message);
		CHECK(refuses(cases[i].pattern));
		CHECK_STRING(failure.message, message);
		CHECK_STRING(failure.detail, cases[i].detail);
	}
}

static void
a_pattern_cannot_change_the_settings(void)
{
	CHECK(refuses("(*UTF)a"));
	CHECK_STRING(failure.detail, "At byte 0: \"(*UTF)a\".");
	CHECK(refuses("(*UCP)a"));
	CHECK(refuses("(*NO_JIT)a"));
	CHECK(refuses("(*LIMIT_MATCH=999999999)a"));
	CHECK(refuses("(*CRLF)a"));
	CHECK(matches("a(*COMMIT)b", "ab"));
	CHECK(matches("\\(\\*UTF\\)", "(*UTF)"));
}

static void
callouts_and_scans_are_refused_outside_of_classes_and_quotes(void)
{
	CHECK(refuses("a(?C)b"));
	CHECK_STRING(failure.message, "invalid regular expression: callouts are not allowed");
	CHECK_STRING(failure.detail, "At byte 1: \"(?C)b\".");
	CHECK(refuses("a(?C1)b"));
	CHECK(refuses("a(?C'text')b"));
	CHECK(refuses("\\\\(?C)"));
	CHECK(refuses("[]a](?C)"));
	CHECK(refuses("[^]a](?C)"));
	CHECK(refuses("[[:alpha:]](?C)"));
	CHECK(refuses("[\\Q]\\E](?C)"));
	CHECK(refuses("\\Q(?C\\E(?C)"));
	CHECK(refuses("(?#(?C)(?C)"));
	CHECK(refuses("(a)(*scs:(1)b)"));
	CHECK_STRING(failure.message, "invalid regular expression: substring scans are not allowed");
	CHECK(refuses("(a)(*scan_substring:(1)b)"));
	CHECK_STRING(failure.message, "invalid regular expression: substring scans are not allowed");
	CHECK(refuses("a(*ACCEPT)b|ab")); /* would match a part of "aaa" */
	CHECK(refuses("a(*ACCEPT:name)b|ab"));

	CHECK(matches("[(?C]+", "C?("));
	CHECK(matches("[]](?:[^](?C])", "]x"));
	CHECK(matches("[[:digit:](?C]+", "1?"));
	CHECK(matches("[\\](?C]+", "]?"));
	CHECK(matches("\\Q(?C)\\E", "(?C)"));
	CHECK(matches("\\Q(?C)", "(?C)"));
	CHECK(matches("\\((?:C)", "(C"));
	CHECK(matches("(?#(?C)a", "a"));

	/* unfinished items end the search; PCRE2 reports them */
	CHECK(refuses("[(?C"));
	CHECK(refuses("[[:(?C"));
	CHECK(refuses("[^"));
	CHECK(refuses("(?#(?C"));
	CHECK(refuses("a\\"));
}

static void
two_groups_cannot_have_one_name(void)
{
	CHECK(refuses("(?<n>a)|(?<n>b)"));
	CHECK(refuses("(?J)(?<n>a)|(?<n>b)"));
	CHECK_STRING(failure.message, "invalid regular expression: two groups have the name \"n\"");
	CHECK(refuses("(?J)(?<aa>a)(?<n>c)(?<ab>d)(?<n>b)(?<z>e)"));
	CHECK(matches("(?J)(?<n>a)(?<nn>b)(?<m>c)", "abc"));
}

static void
check_bound(const char *part, int count, const char *end_part, bool refused)
{
	char *end = repeated(end_part, end_part[0] == ')' ? count : 1, "");
	char *pattern = repeated(part, count, end);
	FlowRegex *regex = NULL;

	if (refused)
		CHECK(refuses(pattern));
	else
		CHECK(flow_regex_compile(&unit_host, pattern, true, &regex, &failure) == FLOW_OK);
	flow_regex_free(regex);
	free(end);
	free(pattern);
}

static void
patterns_have_bounds(void)
{
	check_bound("(?#comment of 16)", 481, "(?#15 in all..)", false);
	check_bound("(?#comment of 16)", 481, "(?#16 in all...)", true);
	CHECK_STRING(failure.detail, "It has 8193 bytes, but at most 8192 are allowed.");
	check_bound("(?:", 50, ")", false);
	check_bound("(?:", 51, ")", true);
	check_bound("(a)", 256, "", false);
	check_bound("(a)", 257, "", true);
	CHECK_STRING(failure.detail, "It has 257 capture groups, but at most 256 are allowed.");

	CHECK(refuses("(?:(?:(?:abcdef){50}){50}){50}"));
	CHECK(refuses("(?:[ab][cd][ef][gh][ij]){999}"));

	/*
	 * it would fit, but not for the second attempt: it is refused now rather
	 * than at some line
	 */
	check_bound("a", 8192, "", true);
	CHECK_STRING(failure.message, "invalid regular expression: regular expression is too large");
	check_bound("a", 6000, "", false);
}

static void
doubled_backslashes_are_noticed(void)
{
	CHECK(flow_regex_is_escaped("([^ ]+)\\\\s+([0-9]+)"));
	CHECK(flow_regex_is_escaped("\\\\d"));
	CHECK(flow_regex_is_escaped("10\\\\.0"));
	CHECK(flow_regex_is_escaped("\\s\\\\S"));
	CHECK(flow_regex_is_escaped("\\\\\\\\w"));
	CHECK(!flow_regex_is_escaped(""));
	CHECK(!flow_regex_is_escaped(documented));
	CHECK(!flow_regex_is_escaped("\\\\"));
	CHECK(!flow_regex_is_escaped("a\\"));
	CHECK(!flow_regex_is_escaped("\\\\\\s")); /* a backslash, then white space */
	CHECK(!flow_regex_is_escaped("C:\\\\Users"));
}

/* ---------- every way gives the same answer ---------- */

static void
all_ways_agree_on_chosen_patterns(void)
{
	static const char *const patterns[] = {"(a|ab)(c|bcd)(d*)",
	                                       "(a+|b+)*c",
	                                       "(?:(a)|b)*",
	                                       "(?:(a)|(b)|(c))+",
	                                       "(a*)*",
	                                       "(a*)+",
	                                       "(a?)*?b",
	                                       "(\\w+)\\s(\\w+)",
	                                       "([^ ]*) ?([^ ]*)",
	                                       "(.*) (.*)",
	                                       "(.*?) (.*?)",
	                                       "(\\S+)(?: (\\S+))*",
	                                       "(a)?b\\1?",
	                                       "(a)?(?(1)b|c)",
	                                       "(?=(a+))a*b\\1",
	                                       "(?!ab)a(.*)",
	                                       "(?<=a)b|ab",
	                                       "a(?<!b)b(.*)",
	                                       "((?>a+))b",
	                                       "(a++)b?",
	                                       "(a*+)(b*+)",
	                                       "(?:a|ab)(?:c|bcd)(?:d*)(e)?",
	                                       "(?<x>a(?&x)?b)",
	                                       "(?i)(AB)c*",
	                                       "(?x) (a) # one\n (b)",
	                                       "(?s-s:(.))(?s:(.))",
	                                       "a\\Kb",
	                                       "(a\\Kb)c*",
	                                       "a(*COMMIT)b|ac",
	                                       "a+(*PRUNE)b|a+c",
	                                       "(?:a(*THEN)b|ac)",
	                                       "x|(*F)|(a)b|ab",
	                                       "(a(*F)|ab)",
	                                       "a(?:x(*SKIP)|b)|ab",
	                                       "(\\d{1,3})(?:\\.(\\d{1,3})){3}",
	                                       "[[:alpha:]]+",
	                                       "[^[:space:]]+ (.*)",
	                                       "\\Qa.b\\E|(.*)",
	                                       "(?U)(a+)(a*)",
	                                       "(?U)(.*) (.*)",
	                                       "(?|(a)|(b))(c)?",
	                                       "\\R?(.*)",
	                                       "(\\X)(.*)",
	                                       "(\\N*)",
	                                       "^(?m:^)(.*)$",
	                                       "(a{2,3}?)(a*)",
	                                       "(a{2,3}+)a?(b?)",
	                                       "((a)|(b))*?c",
	                                       "(?:(?=(a))a|b)+",
	                                       "(?:(?!(b))a|b)+c?",
	                                       "(a(?=b(?=c)))bc",
	                                       "(?<!a)(a)",
	                                       "\\b(\\w+)\\b ?(.*)",
	                                       "(?(?=a)ab|cd)(.*)",
	                                       "(?(DEFINE)(?<d>\\d+))((?&d)) ((?&d))",
	                                       "(a|b(?1)c)",
	                                       "(?:(\\w)\\1?)*",
	                                       "((.)(?:(?1)|.)?\\2?)",
	                                       "(\\w)(?:(?R)|\\w)?",
	                                       "a|(?R)b",
	                                       "(a|(?1)b)",
	                                       "(?<x>a|(?&x)b)",
	                                       "(?<x>a|(?P>x)b)",
	                                       "(a|(?-1)b)",
	                                       "(a|\\g<1>b)",
	                                       "(a|\\g'1'b)",
	                                       "(?:a|(?+1)b)(x|y?)",
	                                       ".{3}",
	                                       ".{2,}?(b)?",
	                                       ""};
	static const char *const lines[] = {"",           "a",         "b",
	                                    "ab",         "abc",       "abcd",
	                                    "aab",        "aaa",       "aaab",
	                                    "aabb",       "abab",      "c",
	                                    "ac",         "aac",       "aaac",
	                                    "cd",         "abd",       "a b",
	                                    "a b c",      " ",         "a ",
	                                    " a",         "aa bb cc",  "12 34",
	                                    "10.0.0.255", "a.b",       "AB",
	                                    "ABc",        "a\nb",      "\r\nab",
	                                    "abcba",      "word word", "\xc3\xa9 \xff",
	                                    "baab",       "abbc",      "ababc",
	                                    "abcde",      "abcdefg",   "abb",
	                                    "abbb"};

	for (size_t i = 0; i < flow_countof(patterns); i++)
		for (size_t j = 0; j < flow_countof(lines); j++)
			CHECK(agree(patterns[i], lines[j], strlen(lines[j])));
}

/*
 * PCRE2's two ways to match differ for calls with left recursion, so only one
 * is used.
 */
static void
a_pattern_with_calls_is_interpreted(void)
{
	static const char *const patterns[] = {"a|(?R)b",
	                                       "a|(?0)b",
	                                       "(a|(?1)b)",
	                                       "(a|(?-1)b)",
	                                       "(?+1)(a)",
	                                       "(?<x>a|(?&x)b)",
	                                       "(?<x>a|(?P>x)b)",
	                                       "(a|\\g<1>b)",
	                                       "(a|\\g'1'b)"};
	static const char *const others[] = {"(?i)(?-i)(?P<x>a)(?P=x)",
	                                     "(a)\\g1\\g{1}",
	                                     "(?:a)(?=b)(?<=a)b(?#R)"};

	for (size_t i = 0; i < flow_countof(patterns); i++)
	{
		FlowRegex *regex = compile(patterns[i], true);

		CHECK(!flow_regex_is_jit(regex));
		flow_regex_free(regex);
	}
	for (size_t i = 0; i < flow_countof(others); i++)
	{
		FlowRegex *regex = compile(others[i], true);

		CHECK(flow_regex_is_jit(regex));
		flow_regex_free(regex);
	}
}

static int
random_below(uint64_t *seed, int below)
{
	return (int) (unit_random(seed) % (uint64_t) below);
}

/*
 * Writes a random sequence of items to [out, end), nested at most so deeply.
 */
static char *
random_items(uint64_t *seed, char *out, const char *end, int depth)
{
	static const char *const atoms[] = {"a",
	                                    "b",
	                                    ".",
	                                    "[ab]",
	                                    "[^a]",
	                                    "\\w",
	                                    "\\s",
	                                    " ",
	                                    "\\1",
	                                    "\\b",
	                                    "a*",
	                                    "b+?",
	                                    "[^ ]*+",
	                                    "\\S+"};
	static const char *const opens[] = {"(", "(?:", "(?>", "(?=", "(?!", "(", "(?:"};
	static const char *const quantifiers[] =
		{"*", "+", "?", "*?", "+?", "??", "*+", "++", "{2}", "{0,2}", "{1,}", "", "", ""};

	for (int items = 1 + random_below(seed, 3); items > 0 && end - out > 60; items--)
	{
		if (depth == 0 || random_below(seed, 3) > 0)
			out = stpcpy(out, atoms[random_below(seed, flow_countof(atoms))]);
		else
		{
			out = stpcpy(out, opens[random_below(seed, flow_countof(opens))]);
			out = random_items(seed, out, end, depth - 1);
			if (random_below(seed, 3) == 0)
				out = random_items(seed, stpcpy(out, "|"), end, depth - 1);
			out = stpcpy(out, ")");
			out = stpcpy(out, quantifiers[random_below(seed, flow_countof(quantifiers))]);
		}
	}
	return out;
}

static void
all_ways_agree_on_random_patterns(void)
{
	uint64_t seed = 20170123;

	for (int i = 0; i < 700; i++)
	{
		char pattern[200], line[12];
		int len = random_below(&seed, sizeof(line));

		random_items(&seed, pattern, pattern + 150, 3);
		for (int j = 0; j < len; j++)
			line[j] = "aaabb \n\xe9"[random_below(&seed, 8)];
		CHECK(agree(pattern, line, (size_t) len));
	}
}

/*
 * 15 greedy fields need some 100,000 steps: more than the first attempt has,
 * but there is a match.
 */
static void
what_the_first_try_cannot_do_the_second_does(void)
{
	const char *pattern =
		"(.*) (.*) (.*) (.*) (.*) (.*) (.*) (.*) (.*) (.*) (.*) (.*) (.*) (.*) (.*)";

	CHECK(agree_on(pattern, record, strlen(record)));
	CHECK(matches(pattern, record));
}

int
main(void)
{
	RUN(groups_are_what_they_took);
	RUN(groups_can_be_wanted_in_any_order);
	RUN(a_line_matches_as_a_whole_or_not);
	RUN(a_dot_takes_every_byte_and_bytes_are_characters);
	RUN(a_nul_is_a_byte_like_any);
	RUN(an_unused_group_is_no_value_and_an_empty_one_is);
	RUN(an_empty_line_is_a_line);
	RUN(groups_are_found_by_name);
	RUN(a_mistake_is_shown_where_it_is);
	RUN(a_pattern_cannot_change_the_settings);
	RUN(callouts_and_scans_are_refused_outside_of_classes_and_quotes);
	RUN(two_groups_cannot_have_one_name);
	RUN(patterns_have_bounds);
	RUN(doubled_backslashes_are_noticed);
	RUN(all_ways_agree_on_chosen_patterns);
	RUN(a_pattern_with_calls_is_interpreted);
	RUN(all_ways_agree_on_random_patterns);
	RUN(what_the_first_try_cannot_do_the_second_does);
	return unit_done();
}
