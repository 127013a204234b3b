/*-------------------------------------------------------------------------
 *
 * test_template.c
 *	  Tests flow/location_template.c and flow/location_match.c: the variables
 *	  of a location, and their values in a path.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/location_match.h"
#include "model_template.h"

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

/* Returns the values in a path, decoded, as "a=x b=y c is null", or "no". */
static const char *
decoded_values(const char *text, const char *path)
{
	static char result[1000];
	FlowLocation *location = parsed(text);
	FlowPathValue values[FLOW_MAX_VARIABLES];
	int count;
	const FlowVariable *variables = flow_location_variables(location, &count);
	size_t used = 0;

	strcpy(result, "no");
	if (flow_location_values(location, path, values))
		for (int i = 0; i < count; i++)
		{
			char decoded[300] = "";
			size_t len = 0;

			CHECK(!values[i].is_null || (values[i].text.data == NULL && !values[i].begun));
			if (values[i].text.data != NULL)
				len = flow_path_value_decode(&values[i], decoded);
			used += (size_t) sprintf(result + used,
			                         "%s%s%s%.*s",
			                         i > 0 ? " " : "",
			                         variables[i].name,
			                         values[i].is_null ? " is null" : "=",
			                         (int) len,
			                         decoded);
		}
	flow_location_free(location);
	return result;
}

/* The same, for values that are not those of Hive. */
static const char *
values_in(const char *text, const char *path)
{
	FlowLocation *location = parsed(text);

	CHECK(same_values(location, text, path));
	flow_location_free(location);
	return decoded_values(text, path);
}

/*
 * Returns what is known in a directory: "a=x", "d=from..to", and "+" if its
 * last name added something.
 */
static const char *
directory_values(const char *text, const char *path)
{
	static char result[1000];
	FlowLocation *location = parsed(text);
	FlowPathValue values[FLOW_MAX_VARIABLES];
	int count;
	const FlowVariable *variables = flow_location_variables(location, &count);
	size_t used = 0;
	bool more;

	strcpy(result, "no");
	if (flow_location_directory_values(location, path, values, &more))
	{
		result[0] = '\0';
		for (int i = 0; i < count; i++)
		{
			if (values[i].text.data != NULL)
				used += (size_t) sprintf(result + used,
				                         "%s=%.*s ",
				                         variables[i].name,
				                         (int) values[i].text.len,
				                         values[i].text.data);
			if (values[i].is_null)
				used += (size_t) sprintf(result + used, "%s is null ", variables[i].name);
			if (values[i].begun)
				used += (size_t) sprintf(result + used,
				                         "%s=%" PRId64 "h..%" PRId64 "h ",
				                         variables[i].name,
				                         values[i].from / 3600000000,
				                         values[i].to / 3600000000);
		}
		strcpy(result + used, more ? "+" : "-");
	}
	flow_location_free(location);
	return result;
}

/* ---------- what is well-formed ---------- */

static void
a_variable_that_is_not_well_formed_says_where(void)
{
	static const struct
	{
		const char *text;
		FlowStatus status;
		const char *says;
	} cases[] = {
		{"/l/${a", FLOW_BAD_LOCATION, "The \"${\" at byte 4 is not closed"},
		{"/l/${a/b}", FLOW_BAD_LOCATION, "The \"${\" at byte 4 is not closed"},
		{"/l/x${", FLOW_BAD_LOCATION, "The \"${\" at byte 5 is not closed"},
		{"/l/${}", FLOW_BAD_LOCATION, "The \"${\" at byte 4 has no name"},
		{"/l/${:yyyy}", FLOW_BAD_LOCATION, "The \"${\" at byte 4 has no name"},
		{"/l/${a${b}}", FLOW_BAD_LOCATION, "The name in the \"${\" at byte 4 cannot contain \"$\""},
		{"/l/${a*}", FLOW_BAD_LOCATION, "cannot contain \"*\""},
		{"/l/${a}/${b}/${a}",
	     FLOW_BAD_LOCATION,
	     "The \"${\" at byte 14 has a name that is already used"},
		{"/l/${a}/${a:yyyy}",
	     FLOW_BAD_LOCATION,
	     "The \"${\" at byte 9 has a name that is already used"},
		{"/l/{x,${a}}", FLOW_BAD_LOCATION, "The \"${\" at byte 7 is within \"{\""},
		{"/l/${a:yyyy/MM", FLOW_BAD_LOCATION, "The \"${\" at byte 4 is not closed"},
		{"/l/${a:yyyy\\", FLOW_BAD_LOCATION, "The \"\\\" at byte 12 has no character"},
		{"/l/${a:yyyy\\/MM}", FLOW_BAD_LOCATION, "The \"\\\" at byte 12 has no character"},
		{"/l/${a:}", FLOW_BAD_LOCATION, "The date at byte 4 has no \"yyyy\""},
		{"/l/${a:MM}", FLOW_BAD_LOCATION, "has no \"yyyy\""},
		{"/l/${a:yyyy/dd}", FLOW_BAD_LOCATION, "has no \"MM\""},
		{"/l/${a:yyyy/MM/HH}", FLOW_BAD_LOCATION, "has no \"dd\""},
		{"/l/${a:yyyy/MM/MM}", FLOW_BAD_LOCATION, "The date at byte 4 has \"MM\" twice"},
		{"/l/${a:yyyy/M/d}", FLOW_BAD_LOCATION, "The \"M\" at byte 13 is not a known part"},
		{"/l/${a:yyyyMMddHHmm}", FLOW_BAD_LOCATION, "The \"mm\" at byte 18 is not a known part"},
		{"/l/${a:yy}", FLOW_BAD_LOCATION, "The \"yy\" at byte 8 is not a known part"},
		{"/l/${a:yyyyy}", FLOW_BAD_LOCATION, "The \"y\" at byte 8 is not a known part"},
		{"/l/${a:yyyy-DDD}", FLOW_BAD_LOCATION, "The \"DDD\" at byte 13 is not a known part"},
		{"/l/${a:yyyy*}", FLOW_BAD_LOCATION, "The \"*\" at byte 12 cannot be in a date"},

		{"/l/${a:yyyy/MM|", FLOW_BAD_LOCATION, "The \"${\" at byte 4 is not closed"},
		{"/l/${a:yyyy/MM|\\", FLOW_BAD_LOCATION, "The \"\\\" at byte 16 has no character"},
		{"/l/${a:yyyy/MM|yyyyMMdd}", FLOW_BAD_LOCATION, "has \"dd\" after its \"|\" only"},
		{"/l/${a:yyyy|yy}", FLOW_BAD_LOCATION, "The \"yy\" at byte 13 is not a known part"},
		{"/l/${a:yyyy|yyyy?}", FLOW_BAD_LOCATION, "The \"?\" at byte 17 cannot be in a date"},
		{"/l/${a:|yyyy}", FLOW_BAD_LOCATION, "has \"yyyy\" after its \"|\" only"},
		{"/l/${a:yyyy|yyyy}/[x", FLOW_BAD_LOCATION, "The \"[\" at byte 19 is not closed"},

		/* offsets are those in the location also after a variable */
		{"/l/${a}/[x", FLOW_BAD_LOCATION, "The \"[\" at byte 9 is not closed"},
		{"/l/${a}${b:yyyy/MM}/x**", FLOW_BAD_LOCATION, "The \"**\" at byte 22 is not alone"},
		{"/l/${long_name}/{..,a}", FLOW_BAD_LOCATION, "The name at byte 17"},
		{"/l/${a:yyyy/../MM}", FLOW_BAD_LOCATION, "The name at byte 13"},
	};
	char text[1000] = "/l/";

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		int64_t before = unit_state.outstanding;
		FlowStatus status = flow_location_check(&unit_host, cases[i].text, &error);

		if (status != cases[i].status || strstr(error.detail, cases[i].says) == NULL)
			printf("# \"%s\": %d %s (%s)\n", cases[i].text, status, error.message, error.detail);
		CHECK_INT(status, cases[i].status);
		CHECK(strstr(error.detail, cases[i].says) != NULL);
		CHECK_INT(unit_state.outstanding, before);
	}

	for (int i = 0; i < FLOW_MAX_VARIABLES; i++)
		sprintf(text + strlen(text), "${v%d}-", i);
	CHECK_INT(flow_location_check(&unit_host, text, &error), FLOW_OK);
	strcat(text, "${more}");
	CHECK_INT(flow_location_check(&unit_host, text, &error), FLOW_LIMIT);
}

static void
variables_are_listed(void)
{
	FlowLocation *location = parsed("/l/${b}/x\\$\\{c}[${]/${day:yyyy/MM/dd}-${h:yyyyMMddHH}");
	int count;
	const FlowVariable *variables = flow_location_variables(location, &count);

	CHECK_INT(count, 3);
	CHECK_STRING(variables[0].name, "b");
	CHECK(!variables[0].is_date && !variables[0].has_hour);
	CHECK_STRING(variables[1].name, "day");
	CHECK(variables[1].is_date && !variables[1].has_hour);
	CHECK_STRING(variables[2].name, "h");
	CHECK(variables[2].is_date && variables[2].has_hour);
	CHECK_STRING(flow_location_fixed(location), "/l");
	flow_location_free(location);
}

/* ---------- values ---------- */

static void
a_name_is_the_shortest_run(void)
{
	CHECK_STRING(values_in("/l/${a}", "/l/x.gz"), "a=x.gz");
	CHECK_STRING(values_in("/l/${a}", "/l/x/y/z"), "a=x");
	CHECK_STRING(values_in("/l/${a}/${b}/", "/l/x/y/z"), "a=x b=y");
	CHECK_STRING(values_in("/l/${a}/${b}/", "/l/x/y"), "no");
	CHECK_STRING(values_in("/l/${a}-${b}", "/l/x-y-z"), "a=x b=y-z");
	CHECK_STRING(values_in("/l/${a}-${b}-${c}", "/l/x-y-z-"), "a=x b=y c=z-");
	CHECK_STRING(values_in("/l/${a}-${b}.gz", "/l/-x-y.gz"), "a=-x b=y");
	CHECK_STRING(values_in("/l/${a}${b}", "/l/xyz"), "a=x b=yz");
	CHECK_STRING(values_in("/l/${a}${b}", "/l/x"), "no");
	CHECK_STRING(values_in("/l/year=${y}/month=${m}/", "/l/year=2024/month=01/f"), "y=2024 m=01");
	CHECK_STRING(values_in("/l/year=${y}/month=${m}/", "/l/year=/month=01/f"), "no");
	CHECK_STRING(values_in("/l/${a}", "/l/\xc3\xa4\xff"), "a=\xc3\xa4\xff");
	CHECK_STRING(values_in("/l/${a}${b}", "/l/\xc3\xa4\xff"), "a=\xc3\xa4 b=\xff");
	CHECK_STRING(values_in("/${a}", "/l/x"), "a=l");
}

static void
wildcards_take_as_little_as_they_can(void)
{
	CHECK_STRING(values_in("/l/*${a}", "/l/xyz"), "a=xyz");
	CHECK_STRING(values_in("/l/${a}*", "/l/xyz"), "a=x");
	CHECK_STRING(values_in("/l/*-${a}-*", "/l/x-y-z-w"), "a=y");
	CHECK_STRING(values_in("/l/?${a}[0-9]", "/l/xy12"), "a=y1");
	CHECK_STRING(values_in("/l/{x,xy}${a}", "/l/xyz"), "a=yz");
	CHECK_STRING(values_in("/l/{xy,x}${a}", "/l/xyz"), "a=z");
	CHECK_STRING(values_in("/l/{a,b}{c,d}${v}", "/l/bcx"), "v=x");
	CHECK_STRING(values_in("/l/**/${a}/f", "/l/x/y/f"), "a=y");
	CHECK_STRING(values_in("/l/**/${a}/**/f", "/l/x/y/f"), "a=x");
	CHECK_STRING(values_in("/l/**/${a}", "/l/x/y/f"), "a=x");
	CHECK_STRING(values_in("/l/${a}/**/${b}", "/l/x/y/f"), "a=x b=y");
	CHECK_STRING(values_in("/l/**/{_*,a}/**/${v}", "/l/a/_2/b"), "v=b");
}

static void
a_hidden_name_is_no_value(void)
{
	CHECK_STRING(values_in("/l/${a}", "/l/.x"), "no");
	CHECK_STRING(values_in("/l/${a}/${b}", "/l/x/_y"), "no");
	CHECK_STRING(values_in("/l/_${a}", "/l/_x"), "a=x");
	CHECK_STRING(values_in("/l/${a}", "/l/x/.y"), "no");
}

static void
a_date_is_made_of_its_parts(void)
{
	CHECK_STRING(values_in("/l/${d:yyyy/MM/dd}/", "/l/2024/02/29/f"), "d=2024-02-29");
	CHECK_STRING(values_in("/l/${d:yyyy/MM/dd}/", "/l/2023/02/29/f"), "no");
	CHECK_STRING(values_in("/l/${d:yyyy/MM/dd}/", "/l/2024/13/01/f"), "no");
	CHECK_STRING(values_in("/l/${d:yyyy/MM/dd}/", "/l/2024/00/01/f"), "no");
	CHECK_STRING(values_in("/l/${d:yyyy/MM/dd}/", "/l/0000/01/01/f"), "no");
	CHECK_STRING(values_in("/l/${d:yyyy/MM/dd}/", "/l/0001/01/01/f"), "d=0001-01-01");
	CHECK_STRING(values_in("/l/${d:yyyy/MM/dd}/", "/l/9999/12/31/f"), "d=9999-12-31");
	CHECK_STRING(values_in("/l/${d:yyyy/MM/dd}/", "/l/2024/2/29/f"), "no");
	CHECK_STRING(values_in("/l/${d:yyyy/MM/dd}/", "/l/2024/02/29x/f"), "no");
	CHECK_STRING(values_in("/l/${d:yyyy/MM/dd/HH}/", "/l/2024/02/29/23/f"),
	             "d=2024-02-29T23:00:00Z");
	CHECK_STRING(values_in("/l/${d:yyyy/MM/dd/HH}/", "/l/2024/02/29/24/f"), "no");
	CHECK_STRING(values_in("/l/${d:year=yyyy/month=MM/day=dd}/", "/l/year=2024/month=01/day=31/f"),
	             "d=2024-01-31");
	CHECK_STRING(values_in("/l/x_${d:yyyyMMdd\\THH}_*", "/l/x_20240131T05_y"),
	             "d=2024-01-31T05:00:00Z");
	CHECK_STRING(values_in("/l/${d:yyyyMMddTHH}", "/l/20240131T05"), "d=2024-01-31T05:00:00Z");
	CHECK_STRING(values_in("/l/${d:dd.MM.yyyy}", "/l/31.01.2024"), "d=2024-01-31");
	CHECK_STRING(values_in("/l/${d:yyyy-MM}/*", "/l/2024-11/f"), "d=2024-11-01");
	CHECK_STRING(values_in("/l/${d:yyyy}/*", "/l/2024/f"), "d=2024-01-01");
	CHECK_STRING(values_in("/l/*${d:yyyy}*", "/l/1202512"), "d=1202-01-01");
	CHECK_STRING(values_in("/l/${a}${d:yyyyMMdd}.gz", "/l/x20240131.gz"), "a=x d=2024-01-31");
	CHECK_STRING(values_in("/l/${a}${d:yyyyMMdd}.gz", "/l/2024013120240131.gz"),
	             "a=20240131 d=2024-01-31");
	CHECK_STRING(values_in("/l/${d:\\yyyyy}", "/l/y2024"), "d=2024-01-01");
	CHECK_STRING(values_in("/l/${d:\\*yyyy\\}}", "/l/*2024}"), "d=2024-01-01");
}

/* Returns a file's date in its variable's form. */
static const char *
date_as_text(const char *text, const char *path)
{
	static char result[200];
	FlowLocation *location = parsed(text);
	FlowPathValue values[FLOW_MAX_VARIABLES];
	int count;
	const FlowVariable *variables = flow_location_variables(location, &count);
	size_t len;

	strcpy(result, "no");
	if (flow_location_values(location, path, values) && values[0].text.data != NULL)
	{
		len = flow_date_write(variables[0].form, values[0].from, result);
		CHECK(len <= strlen(variables[0].form));
		result[len] = '\0';
	}
	flow_location_free(location);
	return result;
}

static void
a_date_is_written_in_its_form(void)
{
	CHECK_STRING(date_as_text("/l/${d:yyyy/MM/dd}/", "/l/2024/02/29/f"), "2024/02/29");
	CHECK_STRING(date_as_text("/l/${d:yyyy/MM/dd/HH}/", "/l/0001/01/01/00/f"), "0001/01/01/00");
	CHECK_STRING(date_as_text("/l/${d:yyyy}/", "/l/1969/f"), "1969");
	CHECK_STRING(date_as_text("/l/${d:dd.MM.yyyy}/", "/l/31.12.9999/f"), "31.12.9999");
	CHECK_STRING(date_as_text("/l/${d:year=yyyy/month=MM/day=dd/hour=HH}/",
	                          "/l/year=1969/month=12/day=31/hour=23/f"),
	             "year=1969/month=12/day=31/hour=23");
	CHECK_STRING(date_as_text("/l/${d:\\yyyyy\\|MM}", "/l/y2024|05"), "y2024|05");
	CHECK_STRING(date_as_text("/l/${d:yyyy/MM/dd|yyyy-MM-dd}/", "/l/2024/02/29/f"), "2024-02-29");
	CHECK_STRING(date_as_text("/l/${d:yyyy/MM/dd|yyyyMM, \\ddd\\}}/", "/l/2024/02/29/f"),
	             "202402, d29}");
	CHECK_STRING(date_as_text("/l/${d:yyyy/MM/dd|}/", "/l/2024/02/29/f"), "");
	CHECK_STRING(date_as_text("/l/dt=${d:yyyyMMdd|yyyy/MM/dd}/", "/l/dt=20240229/f"), "2024/02/29");
}

/* Returns the number of dates in a directory, with the first and the last. */
static const char *
dates_in(const char *text, const char *path)
{
	static char result[200];
	char first[30] = "", last[30] = "";
	FlowLocation *location = parsed(text);
	FlowPathValue values[FLOW_MAX_VARIABLES];
	FlowPathValue date = {.begun = false};
	int count = 0;
	bool more;

	CHECK(flow_location_directory_values(location, path, values, &more));
	while (values[0].begun && flow_location_next_date(location, 0, &values[0], &date))
	{
		CHECK(date.from >= values[0].from && date.to <= values[0].to);
		sprintf(last, "%.*s", (int) date.text.len, date.text.data);
		if (count++ == 0)
			strcpy(first, last);
	}
	flow_location_free(location);
	sprintf(result, "%d: %s..%s", count, first, last);
	return result;
}

static void
dates_follow_one_another(void)
{
	CHECK_STRING(dates_in("/l/${d:yyyy/MM/dd}/", "/l/2024"), "366: 2024-01-01..2024-12-31");
	CHECK_STRING(dates_in("/l/${d:yyyy/MM/dd}/", "/l/2100"), "365: 2100-01-01..2100-12-31");
	CHECK_STRING(dates_in("/l/${d:yyyy/MM/dd}/", "/l/2024/02"), "29: 2024-02-01..2024-02-29");
	CHECK_STRING(dates_in("/l/${d:yyyy/MM/dd}/", "/l/2024/02/07"), "1: 2024-02-07..2024-02-07");
	CHECK_STRING(dates_in("/l/${d:yyyy/MM}/", "/l/1969"), "12: 1969-01-01..1969-12-01");
	CHECK_STRING(dates_in("/l/${d:yyyy/MM/dd/HH}/", "/l/2024"),
	             "8784: 2024-01-01T00:00:00Z..2024-12-31T23:00:00Z");
	CHECK_STRING(dates_in("/l/${d:yyyy/MM/dd/HH}/", "/l/2024/12/31"),
	             "24: 2024-12-31T00:00:00Z..2024-12-31T23:00:00Z");
	CHECK_STRING(dates_in("/l/${d:dd/yyyy/MM}/", "/l/29/2023"), "365: 2023-01-01..2023-12-31");
	CHECK_STRING(dates_in("/l/${d:dd/MM/yyyy}/", "/l/29/02"), "0: ..");
	CHECK_STRING(dates_in("/l/${d:yyyy/MM/dd}/", "/l/0001"), "365: 0001-01-01..0001-12-31");
	CHECK_STRING(dates_in("/l/${d:yyyy/MM/dd}/", "/l/9999"), "365: 9999-01-01..9999-12-31");
	CHECK_STRING(dates_in("/l/${d:yyyy/MM}/", "/l/9999"), "12: 9999-01-01..9999-12-01");
	CHECK_STRING(dates_in("/l/${d:yyyy/MM/dd/HH}/", "/l/9999/12/31"),
	             "24: 9999-12-31T00:00:00Z..9999-12-31T23:00:00Z");
}

static void
aws_layouts_are_understood(void)
{
	static const char file[] =
		"123456789012_vpcflowlogs_us-east-1_fl-07f38b767c7cd46e3_20230214T0005Z_129a0cf7.log.gz";
	char path[300];

	sprintf(path, "/b/AWSLogs/123456789012/vpcflowlogs/us-east-1/2023/02/14/%s", file);
	CHECK_STRING(values_in("/b/AWSLogs/${account}/vpcflowlogs/${region}/${year}/${month}/${day}/",
	                       path),
	             "account=123456789012 region=us-east-1 year=2023 month=02 day=14");
	CHECK_STRING(values_in("/b/**/AWSLogs/**/${account}/vpcflowlogs/${region}/${day:yyyy/MM/dd}/",
	                       path),
	             "account=123456789012 region=us-east-1 day=2023-02-14");
	CHECK_STRING(
		values_in("/b/AWSLogs/*/vpcflowlogs/*/*/*/*/*_${id}_${time:yyyyMMdd\\THH}*Z_*.log.gz",
	              path),
		"id=vpcflowlogs_us-east-1_fl-07f38b767c7cd46e3 time=2023-02-14T00:00:00Z");
	sprintf(path,
	        "/b/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/"
	        "year=2023/month=02/day=14/hour=00/%s",
	        file);
	CHECK_STRING(values_in("/b/AWSLogs/aws-account-id=${account}/aws-service=vpcflowlogs/"
	                       "aws-region=${region}/${hour:year=yyyy/month=MM/day=dd/hour=HH}/",
	                       path),
	             "account=123456789012 region=us-east-1 hour=2023-02-14T00:00:00Z");
}

static void
a_directory_tells_what_is_known(void)
{
	CHECK_STRING(directory_values("/l/${a}/${b}/", "/l/x"), "a=x +");
	CHECK_STRING(directory_values("/l/${a}/*/${b}/", "/l/x/y"), "a=x -");
	CHECK_STRING(directory_values("/l/${a}/*/${b}/", "/l/x/y/z"), "a=x b=z +");
	CHECK_STRING(directory_values("/l/${a}/*/${b}/", "/l/x/y/z/w"), "a=x b=z -");
	CHECK_STRING(directory_values("/l/${a}/**/${b}/", "/l/x/y/z"), "a=x -");
	CHECK_STRING(directory_values("/l/**/${b}/", "/l/x/y/z"), "-");
	CHECK_STRING(directory_values("/l/a${a}/", "/l/x"), "no");

	/* 473352 hours before 2024 */
	CHECK_STRING(directory_values("/l/${d:yyyy/MM/dd}/", "/l/2024"), "d=473352h..482136h +");
	CHECK_STRING(directory_values("/l/${d:yyyy/MM/dd}/", "/l/2024/02"), "d=474096h..474792h +");
	CHECK_STRING(directory_values("/l/${d:yyyy/MM/dd}/", "/l/2024/12"), "d=481392h..482136h +");
	CHECK_STRING(directory_values("/l/${d:yyyy/MM/dd}/", "/l/2024/02/29"),
	             "d=2024-02-29 d=474768h..474792h +");
	CHECK_STRING(directory_values("/l/${d:yyyy/MM/dd}/", "/l/2024/02/30"), "no");
	CHECK_STRING(directory_values("/l/${d:yyyy/MM/dd/HH}/", "/l/2024/02/29/01"),
	             "d=2024-02-29T01:00:00Z d=474769h..474770h +");
	CHECK_STRING(directory_values("/l/${d:dd/MM/yyyy}/", "/l/29/02"), "+");
	CHECK_STRING(directory_values("/l/${d:dd/yyyy/MM}/", "/l/29/2024"), "d=473352h..482136h +");
}

/* ---------- names that Hive wrote ---------- */

#define HIVE_NULL "__HIVE_DEFAULT_PARTITION__"

static void
values_of_hive_are_decoded(void)
{
	static const struct
	{
		const char *value, *decoded;
	} cases[] = {
		{"2023-01-05 10%3A00%3A00", "2023-01-05 10:00:00"},
		{"2023-01-05%2010%3a00", "2023-01-05 10:00"},
		{"a%2Fb%25", "a/b%"},
		{"%2541", "%41"},
		{"%C3%A4\xc3\xa4", "\xc3\xa4\xc3\xa4"},
		{"%41", "A"},

		/* what is not encoded stands for itself */
		{"100%", "100%"},
		{"%4", "%4"},
		{"%4G%G4%%41", "%4G%G4%A"},
		{"a+b", "a+b"},

		/* what would not be text stays as it is */
		{"a%00%41", "a%00%41"},
		{"%C3%41", "%C3%41"},
		{"\xc3%A4", "\xc3\xa4"},
		{"\xff%41", "\xff%41"},
		{"%ED%A0%80", "%ED%A0%80"},
	};
	char path[300], expected[300];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		sprintf(path, "/l/dt=%s/a.log", cases[i].value);
		sprintf(expected, "v=%s", cases[i].decoded);
		CHECK_STRING(decoded_values("/l/dt=${v}/", path), expected);
		CHECK_STRING(decoded_values("/l/**/d\\t=${v}/*", path), expected);
		sprintf(path, "/l/dt=%s", cases[i].value);
		CHECK_STRING(decoded_values("/l/dt=${v}", path), expected);
		CHECK(strstr(directory_values("/l/dt=${v}/", path), cases[i].value) != NULL);
	}
	CHECK_STRING(decoded_values("/l/a=${a}/b=${b}/", "/l/a=%41/b=%42/x"), "a=A b=B");
}

static void
only_a_whole_value_after_a_name_is_decoded(void)
{
	static const char *const locations[] = {"/l/${v}/",
	                                        "/l/dt=${v}.log/",
	                                        "/l/x${v}/",
	                                        "/l/dt=x${v}/",
	                                        "/l/d?=${v}/",
	                                        "/l/{dt,day}=${v}/",
	                                        "/l/*=${v}/",
	                                        "/l/[d]t=${v}/",
	                                        "/l/dt\\=${v}/",
	                                        "/l/=${v}/",
	                                        "/l/dt=${v}*/",
	                                        "/l/${w}=${v}/"};
	static const char *const names[] = {"%41",
	                                    "dt=%41.log",
	                                    "x%41",
	                                    "dt=x%41",
	                                    "dt=%41",
	                                    "dt=%41",
	                                    "dt=%41",
	                                    "dt=%41",
	                                    "dt=%41",
	                                    "=%41",
	                                    "dt=%41",
	                                    "dt=%41"};

	for (size_t i = 0; i < sizeof(locations) / sizeof(locations[0]); i++)
	{
		char path[300];

		sprintf(path, "/l/%s/a.log", names[i]);
		CHECK(strchr(values_in(locations[i], path), '%') != NULL);
	}
	CHECK_STRING(values_in("/l/dt\\=${v}/", "/l/dt=" HIVE_NULL "/x"), "v=" HIVE_NULL);
	CHECK_STRING(values_in("/l/dt\\=${v:yyyy}/", "/l/dt=" HIVE_NULL "/x"), "no");
	CHECK_STRING(values_in("/l/a${v:yyyy/MM}x=${w}/", "/l/a2024/02x=%41/x"), "v=2024-02-01 w=%41");
	CHECK_STRING(values_in("/l/${v:\\d\\t=yyyy}/", "/l/dt=" HIVE_NULL "/x"), "no");
}

static void
a_default_partition_is_null(void)
{
	CHECK_STRING(decoded_values("/l/dt=${v}/", "/l/dt=" HIVE_NULL "/x"), "v is null");
	CHECK_STRING(decoded_values("/l/dt=${v}/", "/l/dt=" HIVE_NULL "_/x"), "v=" HIVE_NULL "_");
	CHECK_STRING(decoded_values("/l/dt=${v:yyyy-MM-dd}/", "/l/dt=" HIVE_NULL "/x"), "v is null");
	CHECK_STRING(decoded_values("/l/dt=${v:yyyy-MM-dd}/", "/l/dt=2024-02-29/x"), "v=2024-02-29");
	CHECK_STRING(decoded_values("/l/dt=${v:yyyy-MM-dd}/", "/l/dt=2024-02-30/x"), "no");
	CHECK_STRING(decoded_values("/l/dt=${v:yyyy-MM-dd}/", "/l/d=" HIVE_NULL "/x"), "no");
	CHECK_STRING(decoded_values("/l/dt=${v:yyyy-MM-dd}/", "/l/dt=" HIVE_NULL "2024-02-29/x"), "no");
	CHECK_STRING(decoded_values("/l/\\_dt=${v:at-yyyy}/", "/l/_dt=" HIVE_NULL "/x"), "v is null");
	CHECK_STRING(decoded_values("/l/\\_dt=${v:at-yyyy}/", "/l/_dt=at-" HIVE_NULL "/x"), "no");
	CHECK_STRING(decoded_values("/l/dt=${v:yyyy}-x/", "/l/dt=" HIVE_NULL "/x"), "no");
	CHECK_STRING(decoded_values("/l/**/a=${a}/dt=${v:yyyyMM}/", "/l/x/a=1/dt=" HIVE_NULL "/x"),
	             "a=1 v is null");
	CHECK_STRING(directory_values("/l/dt=${v}/", "/l/dt=" HIVE_NULL), "v is null +");
	CHECK_STRING(decoded_values("/l/dt=${v:yyyyMMdd|yyyy/MM/dd}/", "/l/dt=" HIVE_NULL "/x"),
	             "v is null");
	CHECK_STRING(decoded_values("/l/dt=${v:yyyy/MM|yyyyMM}/", "/l/dt=" HIVE_NULL "/x"), "no");
	CHECK_STRING(directory_values("/l/dt=${v:yyyy-MM-dd}/", "/l/dt=" HIVE_NULL), "v is null +");
	CHECK_STRING(directory_values("/l/dt=${v:yyyy-MM-dd}/", "/l/dt=" HIVE_NULL "/x"),
	             "v is null -");
}

/* ---------- against the plain matcher ---------- */

static void
random_templates_give_what_the_plain_matcher_gives(void)
{
	static const char *const parts[] = {"a",
	                                    "b",
	                                    "-",
	                                    "*",
	                                    "?",
	                                    "/",
	                                    "/",
	                                    "/",
	                                    "/**/",
	                                    "[ab]",
	                                    "{a,b}",
	                                    "{a*,{b,}?}",
	                                    "_",
	                                    "${v}",
	                                    "${w}",
	                                    "${x}",
	                                    "${d:yyyy/MM}",
	                                    "${d:yyyyMMdd}",
	                                    "${e:MM-yyyy}",
	                                    "${d:yyyyMMddHH}",
	                                    "\xc3\xa4",
	                                    "\\${v}"};
	static const char *const names[] = {"a",        "b",          "ab",      "-",        "/",
	                                    "/",        "/a/",        ".",       "_",        "2024",
	                                    "02",       "30",         "12",      "2023",     "/2024/02",
	                                    "20240229", "2023022923", "02-2023", "\xc3\xa4", "$v}"};
	uint64_t seed = 20240229, matched = 0, compared = 0;
	FlowLocation *location;

	for (int round = 0; round < unit_tries(60000); round++)
	{
		char text[256] = "/", path[256] = "/";

		for (int i = (int) (unit_random(&seed) % 8); i >= 0; i--)
			strcat(text, parts[unit_random(&seed) % flow_countof(parts)]);
		if (flow_location_parse(&unit_host, text, &location, &error) != FLOW_OK)
			continue;
		for (int k = 0;
		     k < 10 && location->path_template.nvariables > 0 && strstr(text, "//") == NULL;
		     k++)
		{
			FlowPathValue values[FLOW_MAX_VARIABLES];
			bool hidden;

			path[1] = '\0';
			for (int i = (int) (unit_random(&seed) % 8); i >= 0; i--)
				strcat(path, names[unit_random(&seed) % flow_countof(names)]);
			if (strstr(path, "//") != NULL || path[strlen(path) - 1] == '/')
				continue;
			compared++;
			if (!same_values(location, text, path))
			{
				printf("# \"%s\" and \"%s\": %s\n", text, path, values_in(text, path));
				CHECK(false);
			}
			if (!flow_location_values(location, path, values))
				continue;
			matched++;

			/* a path that has values is listed */
			CHECK(walked_takes(location, path, &hidden));
		}
		flow_location_free(location);
	}

	/* both results must occur often enough */
	CHECK(compared > (uint64_t) unit_tries(100000));
	CHECK(matched > (uint64_t) unit_tries(5000));
}

/* trying all ways never ends */
static void
many_variables_do_not_make_it_slow(void)
{
	char text[400] = "/", path[300];
	FlowPathValue values[FLOW_MAX_VARIABLES];
	FlowLocation *location;

	for (int i = 0; i < 30; i++)
		sprintf(text + strlen(text), "*${v%d}a", i);
	strcat(text, "b");
	memset(path, 'a', 250);
	path[0] = '/';
	path[250] = '\0';
	location = parsed(text);
	for (int i = 0; i < 1000; i++)
		CHECK(!flow_location_values(location, path, values));
	flow_location_free(location);

	location = parsed("/**/${a}/**/x*/**/y*/**/z*/**/w");
	path[0] = '\0';
	for (int i = 0; i < 60; i++)
		strcat(path, i % 3 == 0 ? "/x" : i % 3 == 1 ? "/y" : "/z");
	for (int i = 0; i < 1000; i++)
		CHECK(!flow_location_values(location, path, values));
	flow_location_free(location);
}

/* ---------- the time in a name ---------- */

static void
the_time_in_a_name_is_found(void)
{
	int64_t from, to;

	CHECK(flow_name_time("/x/1_vpcflowlogs_us-east-1_fl-0_20230128T0930Z_3a9dfd9d.log.gz",
	                     &from,
	                     &to));
	CHECK_INT(from, INT64_C(1674898200) * 1000000);
	CHECK_INT(to, INT64_C(1674898500) * 1000000);
	CHECK(flow_name_time("_20230128T0930Z_", &from, &to));
	CHECK(flow_name_time("_20200101T0000Z_20230128T0930Z_x", &from, &to));
	CHECK_INT(from, INT64_C(1674898200) * 1000000);
	CHECK(!flow_name_time("/x_20230128T0930Z_/y", &from, &to));
	CHECK(!flow_name_time("/x/_20230128T0930Z", &from, &to));
	CHECK(!flow_name_time("/x/20230128T0930Z_", &from, &to));
	CHECK(!flow_name_time("/x/_20230128T093Z_", &from, &to));
	CHECK(!flow_name_time("/x/_20230128T2430Z_", &from, &to));
	CHECK(!flow_name_time("/x/_20230229T0930Z_", &from, &to));
	CHECK(!flow_name_time("", &from, &to));
}

int
main(void)
{
	RUN(a_variable_that_is_not_well_formed_says_where);
	RUN(variables_are_listed);
	RUN(a_name_is_the_shortest_run);
	RUN(wildcards_take_as_little_as_they_can);
	RUN(a_hidden_name_is_no_value);
	RUN(a_date_is_made_of_its_parts);
	RUN(a_date_is_written_in_its_form);
	RUN(dates_follow_one_another);
	RUN(aws_layouts_are_understood);
	RUN(a_directory_tells_what_is_known);
	RUN(values_of_hive_are_decoded);
	RUN(only_a_whole_value_after_a_name_is_decoded);
	RUN(a_default_partition_is_null);
	RUN(random_templates_give_what_the_plain_matcher_gives);
	RUN(many_variables_do_not_make_it_slow);
	RUN(the_time_in_a_name_is_found);
	return unit_done();
}
