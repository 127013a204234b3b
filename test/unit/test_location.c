/*-------------------------------------------------------------------------
 *
 * test_location.c
 *	  Tests flow/location.c: which locations are well-formed, and which paths
 *	  they match.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/location_match.h"
#include "model_location.h"

static FlowError error;

static FlowLocation *
parsed(const char *text)
{
	FlowLocation *location;

	if (flow_location_parse(&unit_host, text, &location, &error) != FLOW_OK)
	{
		printf("# \"%s\": %s (%s)\n", text, error.message, error.detail);
		exit(1);
	}
	return location;
}

static bool
takes(const char *text, const char *file)
{
	FlowLocation *location = parsed(text);
	bool hidden, result = walked_takes(location, file, &hidden);

	CHECK(same_answer(location, text, file));
	flow_location_free(location);
	return result;
}

static void
a_location_that_is_not_well_formed_says_where(void)
{
	static const struct
	{
		const char *text;
		FlowStatus status;
		const char *says; /* part of the message or detail */
	} cases[] = {
		{"", FLOW_BAD_LOCATION, "begins with \"/\""},
		{"logs/*.gz", FLOW_BAD_LOCATION, "invalid location \"logs/*.gz\""},
		{"~/logs", FLOW_BAD_LOCATION, "absolute"},
		{"file:///logs", FLOW_BAD_LOCATION, "absolute"},
		{"s3://", FLOW_BAD_LOCATION, "A bucket name must follow"},
		{"s3:///key", FLOW_BAD_LOCATION, "A bucket name must follow"},
		{"s3://ab/key", FLOW_BAD_LOCATION, "A bucket name must follow"},
		{"s3://buck*/key", FLOW_BAD_LOCATION, "A bucket name must follow"},
		{"s3://${bucket}/key", FLOW_BAD_LOCATION, "A bucket name must follow"},
		{"s3://.bucket/key", FLOW_BAD_LOCATION, "A bucket name must follow"},
		{"s3://bucket-/key", FLOW_BAD_LOCATION, "A bucket name must follow"},
		{"s3://buc..ket/key", FLOW_BAD_LOCATION, "A bucket name must follow"},
		{"s3://bucket:80/key", FLOW_BAD_LOCATION, "A bucket name must follow"},
		{"s3://user@bucket/key", FLOW_BAD_LOCATION, "A bucket name must follow"},
		{"s3://bucket?x/key", FLOW_BAD_LOCATION, "A bucket name must follow"},
		{"s3://a123456789012345678901234567890123456789012345678901234567890123/key",
	     FLOW_BAD_LOCATION,
	     "A bucket name must follow"},
		{"s3://bucket/[a", FLOW_BAD_LOCATION, "The \"[\" at byte 13 is not closed"},
		{"s3://bucket/${a}/[b", FLOW_BAD_LOCATION, "The \"[\" at byte 18 is not closed"},
		{"s3://bucket/${a", FLOW_BAD_LOCATION, "The \"${\" at byte 13 is not closed"},
		{"s3://bucket/a\\", FLOW_BAD_LOCATION, "The \"\\\" at byte 14 has"},
		{"/logs/[a", FLOW_BAD_LOCATION, "The \"[\" at byte 7 is not closed"},
		{"/logs/[", FLOW_BAD_LOCATION, "The \"[\" at byte 7 is not closed"},
		{"/logs/[]", FLOW_BAD_LOCATION, "The \"[\" at byte 7 is not closed"},
		{"/logs/[!]", FLOW_BAD_LOCATION, "The \"[\" at byte 7 is not closed"},
		{"/logs/[a\\]", FLOW_BAD_LOCATION, "The \"[\" at byte 7 is not closed"},
		{"/logs/[a\\", FLOW_BAD_LOCATION, "The \"[\" at byte 7 is not closed"},
		{"/logs/[a/b]", FLOW_BAD_LOCATION, "The \"[\" at byte 7 is not closed"},
		{"/logs/[z-a]", FLOW_BAD_LOCATION, "ends before it begins"},
		{"/logs/[[:alpha:]]", FLOW_BAD_LOCATION, "named set, \"[:\""},
		{"/logs/{a,b", FLOW_BAD_LOCATION, "The \"{\" at byte 7 is not closed"},
		{"/logs/{a,{b,c}", FLOW_BAD_LOCATION, "The \"{\" at byte 7 is not closed"},
		{"/logs/{a,{b/c}}", FLOW_BAD_LOCATION, "The \"{\" at byte 10 is not closed"},
		{"/logs/{a/b}", FLOW_BAD_LOCATION, "The \"{\" at byte 7 is not closed"},
		{"/logs/a\\", FLOW_BAD_LOCATION, "The \"\\\" at byte 8 has"},
		{"/logs/a\\/b", FLOW_BAD_LOCATION, "The \"\\\" at byte 8 has"},
		{"/logs/**.gz", FLOW_BAD_LOCATION, "The \"**\" at byte 7 is not alone"},
		{"/logs/a**", FLOW_BAD_LOCATION, "The \"**\" at byte 8 is not alone"},
		{"/logs/***", FLOW_BAD_LOCATION, "The \"**\" at byte 7 is not alone"},
		{"/logs/{**,a}", FLOW_BAD_LOCATION, "The \"**\" at byte 8 is not alone"},
		{"/logs/*/../x", FLOW_BAD_LOCATION, "The name at byte 9"},
		{"/logs/*/./x", FLOW_BAD_LOCATION, "The name at byte 9"},
		{"/logs/*/{..,a}", FLOW_BAD_LOCATION, "The name at byte 9"},
		{"/logs/{}", FLOW_BAD_LOCATION, "The name at byte 7"},
		{"/logs/{a,}", FLOW_BAD_LOCATION, "The name at byte 7"},
		{"/logs/{{{{{{{{{a}}}}}}}}}", FLOW_LIMIT, "nested too deeply"},
		{"/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
	     FLOW_LIMIT,
	     "too many alternatives"},
		{"/*/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/"
	     "b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b",
	     FLOW_LIMIT,
	     "too many parts"},
	};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		int64_t before = unit_state.outstanding;
		FlowStatus status = flow_location_check(&unit_host, cases[i].text, &error);

		if (status != cases[i].status || status != error.status ||
		    (strstr(error.message, cases[i].says) == NULL &&
		     strstr(error.detail, cases[i].says) == NULL))
			printf("# \"%s\": %d %s (%s)\n", cases[i].text, status, error.message, error.detail);
		CHECK_INT(status, cases[i].status);
		CHECK(strstr(error.message, cases[i].says) != NULL ||
		      strstr(error.detail, cases[i].says) != NULL);
		CHECK_INT(unit_state.outstanding, before);
	}
}

static void
a_well_formed_location_is_accepted(void)
{
	static const char *const cases[] =
		{"/",
	     "//",
	     "/logs",
	     "/logs/",
	     "/logs/*.gz",
	     "/**",
	     "/**/",
	     "/**/*",
	     "/a]b",
	     "/a}b",
	     "/a,b",
	     "/a$b",
	     "/$a{b}",
	     "/[]a]",
	     "/[]-a]",
	     "/[!]a]",
	     "/[a-]",
	     "/[-a]",
	     "/[--a]",
	     "/[[]",
	     "/[\\]]",
	     "/{a,b{c,{d,e}}}",
	     "/a\\*b",
	     "/../a",
	     "/a/./b",
	     "/.",
	     "/{{{{{{{{a}}}}}}}}",
	     "/\\$\\{a}",
	     "/[{]",
	     "/{[{,}],a}",
	     "/\xff*",
	     "/[\xc3\xa4-\xc3\xb6]",
	     "s3://bucket",
	     "s3://bucket/",
	     "s3://bucket/*",
	     "s3://a.b-c_D1/key/${day:yyyy/MM/dd}/*.gz",
	     "s3://a12345678901234567890123456789012345678901234567890123456789012/key",
	     "s3://bucket/a..b/x"};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		FlowStatus status = flow_location_check(&unit_host, cases[i], &error);

		if (status != FLOW_OK)
			printf("# \"%s\": %s\n", cases[i], error.detail);
		CHECK_INT(status, FLOW_OK);
	}
}

static void
the_fixed_part_ends_before_the_first_wildcard(void)
{
	static const struct
	{
		const char *text, *fixed;
		bool wildcard;
	} cases[] = {
		{"/", "/", false},
		{"/*", "/", true},
		{"/**", "/", true},
		{"/logs", "/logs", false},
		{"/logs/", "/logs/", false},
		{"/logs/.", "/logs/", false},
		{"//logs//a", "/logs/a", false},
		{"/logs/./a", "/logs/a", false},
		{"/logs/../a", "/logs/../a", false},
		{"s3://bucket", "s3://bucket/", false},
		{"s3://bucket/", "s3://bucket/", false},
		{"s3://bucket//", "s3://bucket//", false},
		{"s3://bucket//a/./b//*", "s3://bucket//a/./b//", true},
		{"s3://bucket//*", "s3://bucket//", true},
		{"s3://bucket/*//a", "s3://bucket/", true},
		{"s3://bucket/*", "s3://bucket/", true},
		{"s3://bucket/${a}", "s3://bucket/", true},
		{"s3://bucket/key", "s3://bucket/key", false},
		{"s3://bucket/key/", "s3://bucket/key/", false},
		{"s3://bucket/a\\*/b/*.gz", "s3://bucket/a*/b/", true},
		{"/logs/a*", "/logs", true},
		{"/logs/a*/", "/logs", true},
		{"/logs/{a}/b", "/logs", true},
		{"/logs/[a]/b", "/logs", true},
		{"/logs/a\\*b/c", "/logs/a*b/c", false},
		{"/logs/\\{a\\}/?", "/logs/{a}", true},
	};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		FlowLocation *location = parsed(cases[i].text);

		CHECK_STRING(flow_location_fixed(location), cases[i].fixed);
		CHECK_INT(flow_location_has_wildcard(location), cases[i].wildcard);
		flow_location_free(location);
	}
}

static void
wildcards_stay_within_a_segment(void)
{
	CHECK(takes("/l/*.gz", "/l/a.gz"));
	CHECK(!takes("/l/*.gz", "/l/a/b.gz"));
	CHECK(!takes("/l/?b", "/l//b"));
	CHECK(takes("/l/?b", "/l/ab"));
	CHECK(!takes("/l/?b", "/l/b"));
	CHECK(takes("/l/[a-c]x", "/l/bx"));
	CHECK(!takes("/l/[a-c]x", "/l/dx"));
	CHECK(takes("/l/[!a-c]x", "/l/dx"));
	CHECK(!takes("/l/[^a-c]x", "/l/bx"));
	CHECK(takes("/l/[]a]", "/l/]"));
	CHECK(takes("/l/[a-]", "/l/-"));
	CHECK(takes("/l/[\\]\\-]", "/l/-"));
	CHECK(!takes("/l/[\\]\\-]", "/l/\\"));
	CHECK(takes("/l/a\\*", "/l/a*"));
	CHECK(!takes("/l/a\\*", "/l/ab"));
	CHECK(takes("/l/*/x", "/l/a/x"));
	CHECK(!takes("/l/*/x", "/l/a/b/x"));
}

static void
alternatives_are_tried_all(void)
{
	CHECK(takes("/l/{a,b}.gz", "/l/a.gz"));
	CHECK(takes("/l/{a,b}.gz", "/l/b.gz"));
	CHECK(!takes("/l/{a,b}.gz", "/l/c.gz"));
	CHECK(takes("/l/x{,y}", "/l/x"));
	CHECK(takes("/l/x{,y}", "/l/xy"));
	CHECK(takes("/l/{a,b{c,d{e,f}}}{0,1}", "/l/bdf1"));
	CHECK(takes("/l/{a,b{c,d{e,f}}}{0,1}", "/l/a0"));
	CHECK(!takes("/l/{a,b{c,d{e,f}}}{0,1}", "/l/bd0"));
	CHECK(takes("/l/{*.gz,*.zst}", "/l/a.zst"));
	CHECK(takes("/l/{[,],x}", "/l/,"));
	CHECK(takes("/l/{a\\,b,c}", "/l/a,b"));
	CHECK(takes("/l/2024-{0[1-9],1[0-2]}/*", "/l/2024-11/a"));
	CHECK(!takes("/l/2024-{0[1-9],1[0-2]}/*", "/l/2024-13/a"));
}

static void
two_stars_stand_for_any_number_of_directories(void)
{
	CHECK(takes("/l/**/*.gz", "/l/a.gz"));
	CHECK(takes("/l/**/*.gz", "/l/a/b/c.gz"));
	CHECK(!takes("/l/**/*.gz", "/l/a/b/c"));
	CHECK(takes("/l/**", "/l/a"));
	CHECK(takes("/l/**", "/l/a/b"));
	CHECK(!takes("/l/**", "/l"));
	CHECK(takes("/**/a/**/b", "/a/b"));
	CHECK(takes("/**/a/**/b", "/x/a/a/y/b"));
	CHECK(!takes("/**/a/**/b", "/x/b"));
	CHECK(takes("/**/**/b", "/b"));
}

static void
a_directory_that_matches_is_read_to_its_bottom(void)
{
	CHECK(takes("/l", "/l/a/b"));
	CHECK(takes("/l", "/l"));
	CHECK(!takes("/l/", "/l"));
	CHECK(takes("/l/", "/l/a"));
	CHECK(!takes("/l", "/lx"));
	CHECK(takes("/l/2*", "/l/2024/01/a"));
	CHECK(takes("/l/2*", "/l/2"));
	CHECK(takes("/l/2*/", "/l/2024/01/a"));
	CHECK(!takes("/l/2*/", "/l/2"));
	CHECK(takes("/", "/a"));
}

static void
hidden_names_match_only_their_own_first_byte(void)
{
	CHECK(!takes("/l/*", "/l/.a"));
	CHECK(!takes("/l/*", "/l/_a"));
	CHECK(!takes("/l/?a", "/l/.a"));
	CHECK(!takes("/l/[._]a", "/l/.a"));
	CHECK(takes("/l/.*", "/l/.a"));
	CHECK(!takes("/l/.*", "/l/_a"));
	CHECK(takes("/l/\\_*", "/l/_a"));
	CHECK(takes("/l/{.,x}a*", "/l/.a"));
	CHECK(takes("/l/{*,_a}", "/l/_a"));
	CHECK(takes("/l/.a/*", "/l/.a/b"));
	CHECK(takes("/l/*/.a", "/l/x/.a"));
	CHECK(!takes("/l/**/a", "/l/.x/a"));
	CHECK(takes("/l/**/.x/a", "/l/y/.x/a"));
	CHECK(!takes("/l/.x", "/l/.x/.y"));
	CHECK(takes("/.l", "/.l/y"));
}

static void
a_hidden_name_is_told_from_one_that_does_not_match(void)
{
	FlowLocation *location = parsed("/l/**/*.gz");
	FlowSegments start = flow_location_start(location);
	FlowNameMatch match;

	match = flow_location_match(location, start, ".a.gz", 5);
	CHECK(match.hidden && match.file && match.below != 0);
	match = flow_location_match(location, start, ".a", 2);
	CHECK(match.hidden && !match.file && match.below != 0);
	match = flow_location_match(location, start, "a", 1);
	CHECK(!match.hidden && !match.file && match.below != 0);
	flow_location_free(location);

	location = parsed("/l/*.gz");
	match = flow_location_match(location, flow_location_start(location), ".a", 2);
	CHECK(!match.hidden && !match.file && match.below == 0);
	flow_location_free(location);
}

static void
a_character_is_utf8_or_a_stray_byte(void)
{
	CHECK(takes("/l/?", "/l/\xc3\xa4"));
	CHECK(!takes("/l/??", "/l/\xc3\xa4"));
	CHECK(takes("/l/?", "/l/\xe4"));
	CHECK(takes("/l/??", "/l/\xc3z"));
	CHECK(takes("/l/?", "/l/\xf0\x9f\x98\x80"));
	CHECK(takes("/l/????", "/l/\xf0\x9f\x98z"));
	CHECK(takes("/l/??", "/l/\xc0\x80")); /* overlong */
	CHECK(takes("/l/???", "/l/\xe0\x80\xaf"));
	CHECK(takes("/l/????", "/l/\xf4\x90\x80\x80")); /* past the last character */
	CHECK(takes("/l/???", "/l/\xed\xa0\x80"));      /* a surrogate */
	CHECK(takes("/l/[\xc3\xa0-\xc3\xbc]", "/l/\xc3\xa4"));
	CHECK(!takes("/l/[\xc3\xa0-\xc3\xbc]", "/l/\xc3\x9f"));
	CHECK(!takes("/l/*[!\xc3\xa4]", "/l/\xc3\xa4")); /* not by its second byte */
	CHECK(takes("/l/[!a]", "/l/\xff"));
	CHECK(takes("/l/\xff*", "/l/\xff\xc3"));
}

/* ---------- against the plain matcher ---------- */

/*
 * Makes the n-th text of a length over an alphabet.  Returns false if there
 * are not so many.
 */
static bool
nth_text(const char *alphabet, int len, uint64_t n, char *text)
{
	size_t letters = strlen(alphabet);

	for (int i = 0; i < len; i++)
	{
		text[i] = alphabet[n % letters];
		n /= letters;
	}
	text[len] = '\0';
	return n == 0;
}

static bool
is_path(const char *text)
{
	return text[0] == '/' && strstr(text, "//") == NULL && text[strlen(text) - 1] != '/';
}

/* Compares all patterns of up to p letters with all paths of up to n. */
static uint64_t
compare_all(const char *pattern_alphabet, int p, const char *path_alphabet, int n)
{
	static char paths[20000][16];
	char text[32] = "/";
	size_t npaths = 0;
	uint64_t compared = 0;
	FlowLocation *location;

	for (int len = 1; len <= n; len++)
		for (uint64_t i = 0; npaths < flow_countof(paths); i++)
		{
			paths[npaths][0] = '/';
			if (!nth_text(path_alphabet, len, i, paths[npaths] + 1))
				break;
			npaths += is_path(paths[npaths]);
		}

	for (int len = 0; len <= p; len++)
		for (uint64_t i = 0; nth_text(pattern_alphabet, len, i, text + 1); i++)
		{
			if (flow_location_parse(&unit_host, text, &location, &error) != FLOW_OK)
				continue;
			for (size_t k = 0; k < npaths; k++, compared++)
				if (!same_answer(location, text, paths[k]))
				{
					printf("# \"%s\" and \"%s\"\n", text, paths[k]);
					CHECK(false);
				}
			flow_location_free(location);
		}
	return compared;
}

static void
every_short_pattern_matches_as_the_plain_matcher_says(void)
{
	int64_t before = unit_state.outstanding;

	CHECK(compare_all("ab*?", 6, "ab", 6) > 400000);
	CHECK(compare_all("a*/", 5, "a/", 5) > 1000);
	CHECK(compare_all("a*/._?[]!-{,}\\", 4, "a./", 3) > 150000);
	CHECK(compare_all("a{,}*", 6, "a,", 3) > 30000);
	CHECK(compare_all("ab[]!-\\", 5, "ab-]", 2) > 30000);
	CHECK_INT(unit_state.outstanding, before);
}

static void
random_long_patterns_match_as_the_plain_matcher_says(void)
{
	static const char *const parts[] = {"a",    "b",     "ab",    "*",           "*",
	                                    "?",    "/",     "/",     "/**/",        "[ab]",
	                                    "[!a]", "[a-c]", "{a,b}", "{a*,{b,c}?}", "{,b}",
	                                    ".",    "_",     "\\*",   "\xc3\xa4",    "\xff"};
	static const char *const names[] =
		{"a", "b", "ab", "c", "/", "/", "/a/", ".", "_", "*", "\xc3\xa4", "\xff", "aab"};
	uint64_t seed = 20240229, matched = 0, compared = 0;
	FlowLocation *location;

	for (int round = 0; round < unit_tries(40000); round++)
	{
		char text[256] = "/", path[256] = "/";

		for (int i = (int) (unit_random(&seed) % 10); i >= 0; i--)
			strcat(text, parts[unit_random(&seed) % flow_countof(parts)]);
		if (flow_location_parse(&unit_host, text, &location, &error) != FLOW_OK)
			continue;
		for (int k = 0; k < 8; k++)
		{
			bool hidden;

			path[1] = '\0';
			for (int i = (int) (unit_random(&seed) % 8); i >= 0; i--)
				strcat(path, names[unit_random(&seed) % flow_countof(names)]);
			if (!is_path(path))
				continue;
			compared++;
			matched += walked_takes(location, path, &hidden);
			if (!same_answer(location, text, path))
			{
				printf("# \"%s\" and \"%s\"\n", text, path);
				CHECK(false);
			}
		}
		flow_location_free(location);
	}

	/* both results must occur often enough */
	CHECK(compared > (uint64_t) unit_tries(50000));
	CHECK(matched > (uint64_t) unit_tries(500));
}

/* ---------- limits ---------- */

/* 255 steps for a name if it is linear; a backtracking matcher never ends */
static void
many_stars_do_not_make_it_slow(void)
{
	char text[300] = "/", name[256];
	FlowLocation *location;

	for (int i = 0; i < 100; i++)
		strcat(text, "*a");
	strcat(text, "b");
	memset(name, 'a', 255);
	name[255] = '\0';
	location = parsed(text);
	for (int i = 0; i < 1000; i++)
		CHECK(flow_location_match(location, flow_location_start(location), name, 255).below == 0);
	name[254] = 'b';
	CHECK(flow_location_match(location, flow_location_start(location), name, 255).file);
	flow_location_free(location);
}

static void
a_parse_without_memory_fails_and_leaks_nothing(void)
{
	int64_t before = unit_state.outstanding;
	int failures = 0;
	FlowStatus status;

	do
	{
		FlowLocation *location;

		unit_state.fail_after = failures;
		status = flow_location_parse(&unit_host, "/logs/{a,b}*/**/[x]", &location, &error);
		unit_state.fail_after = -1;
		if (status != FLOW_OK)
		{
			CHECK_INT(status, FLOW_NO_MEMORY);
			CHECK(location == NULL);
			failures++;
		}
		flow_location_free(location);
		CHECK_INT(unit_state.outstanding, before);
	} while (status != FLOW_OK && failures < 20);
	CHECK_INT(failures, 4);
}

static void
a_long_parse_can_be_interrupted(void)
{
	int64_t before = unit_state.outstanding;
	FlowStatus status;

	unit_state.interrupt_after = 0;
	status = flow_location_check(&unit_host, "/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", &error);
	unit_state.interrupt_after = -1;
	CHECK_INT(status, FLOW_INTERRUPTED);
	CHECK_INT(unit_state.outstanding, before);
}

/*
 * Returns the processor time, in nanoseconds, to parse "{0,1,...}": the
 * minimum of some attempts.
 */
static int64_t
time_to_parse(int alternatives)
{
	char *text = malloc((size_t) alternatives * 8 + 16);
	int64_t best = INT64_MAX;
	size_t len = (size_t) sprintf(text, "/x/{a");

	for (int i = 0; i < alternatives; i++)
		len += (size_t) sprintf(text + len, ",%d", i);
	strcpy(text + len, "}");
	for (int try = 0; try < 5; try++)
	{
		int64_t time = unit_cpu_time();

		CHECK_INT(flow_location_check(&unit_host, text, &error), FLOW_OK);
		time = unit_cpu_time() - time;
		best = time < best ? time : best;
	}
	free(text);
	return best;
}

static void
parsing_takes_no_more_than_the_alternatives_are_long(void)
{
	char *text = malloc(3 * 30000 + 8);
	FlowLocation *location;
	int64_t time = time_to_parse(4000);

	/*
	 * 7 ms of processor time; comparing each with all others took more than
	 * 2.7 s
	 */
	printf("# %" PRId64 " ns\n", time);
	CHECK(time < INT64_C(500000000));

	/* groups without a choice, which took minutes */
	strcpy(text, "/x/");
	for (int i = 0; i < 30000; i++)
		memcpy(text + 3 + i * 3, "{a}", 4);
	CHECK_INT(flow_location_parse(&unit_host, text, &location, &error), FLOW_OK);
	flow_location_free(location);
	free(text);
}

static void
what_takes_long_to_match_is_looked_at_more_often(void)
{
	static const struct
	{
		const char *text;
		size_t names;
	} cases[] = {{"/x/*", 64}, {"/x/{a,b}*[0-9]", 64}, {"/x", 64}};
	char *text = malloc(60000);
	FlowLocation *location;
	size_t len;

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		CHECK_INT(flow_location_parse(&unit_host, cases[i].text, &location, &error), FLOW_OK);
		CHECK_INT(flow_location_names_per_check(location), cases[i].names);
		flow_location_free(location);
	}

	/* alternatives */
	len = (size_t) sprintf(text, "/x/{a");
	for (int i = 0; i < 2500; i++)
		len += (size_t) sprintf(text + len, ",*a*b*%d", i);
	strcpy(text + len, "}");
	CHECK_INT(flow_location_parse(&unit_host, text, &location, &error), FLOW_OK);
	CHECK_INT(flow_location_names_per_check(location), 1);
	flow_location_free(location);

	/* a class with as many members */
	len = (size_t) sprintf(text, "/x/*[");
	memset(text + len, 'a', 32000);
	strcpy(text + len + 32000, "]");
	CHECK_INT(flow_location_parse(&unit_host, text, &location, &error), FLOW_OK);
	CHECK_INT(flow_location_names_per_check(location), 1);
	flow_location_free(location);
	memset(text + len, 'a', 33000);
	strcpy(text + len + 33000, "]");
	CHECK_INT(flow_location_parse(&unit_host, text, &location, &error), FLOW_LIMIT);
	free(text);
}

int
main(void)
{
	RUN(a_location_that_is_not_well_formed_says_where);
	RUN(a_well_formed_location_is_accepted);
	RUN(the_fixed_part_ends_before_the_first_wildcard);
	RUN(wildcards_stay_within_a_segment);
	RUN(alternatives_are_tried_all);
	RUN(two_stars_stand_for_any_number_of_directories);
	RUN(a_directory_that_matches_is_read_to_its_bottom);
	RUN(hidden_names_match_only_their_own_first_byte);
	RUN(a_hidden_name_is_told_from_one_that_does_not_match);
	RUN(a_character_is_utf8_or_a_stray_byte);
	RUN(every_short_pattern_matches_as_the_plain_matcher_says);
	RUN(random_long_patterns_match_as_the_plain_matcher_says);
	RUN(many_stars_do_not_make_it_slow);
	RUN(a_parse_without_memory_fails_and_leaks_nothing);
	RUN(a_long_parse_can_be_interrupted);
	RUN(parsing_takes_no_more_than_the_alternatives_are_long);
	RUN(what_takes_long_to_match_is_looked_at_more_often);
	return unit_done();
}
