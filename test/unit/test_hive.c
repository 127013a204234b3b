/*-------------------------------------------------------------------------
 *
 * test_hive.c
 *	  Tests flow/hive.c and flow/java_regex.c: Athena's statements and
 *	  patterns.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"
#include "../../flow/flow_hive.h"

static FlowError error;
static size_t at;

/* Writes the names of the structs that have a column, and returns their length. */
static size_t
write_group(char *to, const FlowHive *hive, int group)
{
	const FlowHiveColumn *column = &hive->groups.items[group - 1];
	size_t used;

	if (group == 0)
		return 0;
	CHECK(group <= hive->groups.count && column->group < group);
	CHECK_STRING(column->type, "struct");
	used = write_group(to, hive, column->group);
	return used + (size_t) sprintf(to + used, "%s.", column->name);
}

/*
 * Returns a statement as one line: kind, table, columns, partitions, pairs.
 * Or what was expected instead, and where.
 */
static const char *
read_as(const char *text)
{
	static char result[4000];
	static const char *const kinds[] = {"create", "repair", "add"};
	const FlowHiveColumns *columns[2];
	const FlowHivePairs *lists[3];
	FlowHive *hive = NULL;
	size_t len = strlen(text);
	char *copy = strdup(text);
	size_t used = 0;

	if (flow_hive_read(&unit_host, copy, &hive, &at, &error) != FLOW_OK)
	{
		free(copy);
		CHECK(error.message[0] != '\0' && at <= len && unit_state.outstanding == 0);
		snprintf(result, sizeof(result), "%s at \"%.10s\"", error.detail, text + at);
		return result;
	}
	free(copy); /* nothing uses it from here on */
	CHECK_INT(hive->is_spark, strstr(text, "using") != NULL || strstr(text, "USING") != NULL);
	columns[0] = &hive->columns;
	columns[1] = &hive->partitions;
	lists[0] = &hive->serde_properties;
	lists[1] = &hive->table_properties;
	lists[2] = &hive->partition_values;
	used += (size_t) sprintf(result,
	                         "%s%s %s.%s",
	                         kinds[hive->kind],
	                         hive->if_not_exists ? "?" : "",
	                         hive->database ? hive->database : "",
	                         hive->table);
	for (int i = 0; i < 2; i++)
		for (int j = 0; j < columns[i]->count; j++)
		{
			const FlowHiveColumn *column = &columns[i]->items[j];

			used += (size_t) sprintf(result + used, "%s", j > 0 ? "," : " |");
			used += write_group(result + used, hive, column->group);
			used += (size_t) sprintf(result + used, "%s:%s", column->name, column->type);
			for (int k = 0; k < column->narguments; k++)
				used += (size_t) sprintf(result + used, "/%d", column->arguments[k]);
			if (column->comment)
				used += (size_t) sprintf(result + used, "#%s", column->comment);
		}
	if (hive->comment)
		used += (size_t) sprintf(result + used, " #%s", hive->comment);
	if (hive->serde)
		used += (size_t) sprintf(result + used, " serde=%s", hive->serde);
	if (hive->stored_as)
		used += (size_t) sprintf(result + used, " as=%s", hive->stored_as);
	if (hive->location)
		used += (size_t) sprintf(result + used, " at=%s", hive->location);
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < lists[i]->count; j++)
			used += (size_t)
				sprintf(result + used, " %s=%s", lists[i]->items[j].name, lists[i]->items[j].value);
	flow_hive_free(&unit_host, hive);
	CHECK_INT(unit_state.outstanding, 0);
	return result;
}

static void
it_reads_tables(void)
{
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a int)"), "create .t |a:int");
	CHECK_STRING(read_as("create external table if not exists Db.T(`A b``c` STRING,b decimal ( 10 "
	                     ", 2 ) comment 'x')comment \"y\"location's3://b/' ;-- end"),
	             "create? db.t |a b`c:string,b:decimal/10/2#x #y at=s3://b/");
	CHECK_STRING(read_as("/* a */CREATE -- b\nEXTERNAL TABLE 2t (3a int, b "
	                     "array<map<int,struct<x:int>>>, c double precision)"),
	             "create .2t |3a:int,b:array,c:double");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a int) LOCATION 'l' STORED AS INPUTFORMAT 'i' "
	                     "OUTPUTFORMAT 'o' TBLPROPERTIES () PARTITIONED BY (p date)"),
	             "create .t |a:int |p:date as=i at=l");
	CHECK_STRING(read_as(
					 "CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE 'x.S' WITH SERDEPROPERTIES "
					 "('a'='1', \"b\" = '2') STORED AS orc TBLPROPERTIES('c'='3')"),
	             "create .t |a:int serde=x.S as=orc a=1 b=2 c=3");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a int) ROW FORMAT DELIMITED NULL DEFINED AS '-' "
	                     "MAP KEYS TERMINATED BY ':' FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\'"),
	             "create .t |a:int serialization.null.format=- mapkey.delim=: field.delim=\t "
	             "escape.delim=\\");
}

static void
it_reads_partitions(void)
{
	CHECK_STRING(read_as("MSCK REPAIR TABLE a.b;"), "repair a.b");
	CHECK_STRING(read_as("ALTER TABLE t ADD PARTITION (Y=2020, m='01') LOCATION 'l' PARTITION "
	                     "(y='2021', m='02') LOCATION 'k'"),
	             "add .t at=l y=2020 m=01");
	CHECK_STRING(
		read_as(
			"ALTER TABLE t ADD IF NOT EXISTS PARTITION (y='1'), PARTITION (y='2') LOCATION 'k'"),
		"add? .t y=1");
}

static void
it_says_where_it_stopped(void)
{
	CHECK_STRING(read_as(""),
	             "Expected CREATE EXTERNAL TABLE, MSCK REPAIR TABLE or ALTER TABLE. at \"\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t a int)"), "Expected \"(\". at \"a int)\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a int b int)"), "Expected \")\". at \"b int)\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a)"), "Expected a type. at \")\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a array<int"), "Expected \">\". at \"\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a decimal(1,2,3))"),
	             "Expected \")\". at \"3))\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a varchar(9999999999))"),
	             "Expected a number. at \"9999999999\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE `` (a int)"), "Expected a name. at \"`` (a int)\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE \"d\".\"t\" (a int)"),
	             "Expected a name, for which Athena has backticks and no other quotes. at "
	             "\"\"d\".\"t\" (a\"");
	CHECK_STRING(read_as("CREATE"), "Expected EXTERNAL. at \"\"");
	CHECK_STRING(read_as("CREATE TABLE t (a int)"), "Expected EXTERNAL. at \"TABLE t (a\"");
	CHECK_STRING(read_as("CREATE TABLE t WITH (format = 'x') AS SELECT 1"),
	             "Expected EXTERNAL. at \"TABLE t WI\"");
	CHECK_STRING(read_as("CREATE TABLE t (a int) /* open"), "Expected EXTERNAL. at \"TABLE t (a\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a int) LOCATION s3"),
	             "Expected a string in quotes. at \"s3\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a int) LOCATION 'a\\0b'"),
	             "Expected a string of Unicode characters other than NUL. at \"'a\\0b'\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a int) LOCATION 'a\\'"),
	             "Expected a string in quotes. at \"'a\\'\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a int) ROW FORMAT x"),
	             "Expected DELIMITED or SERDE. at \"x\"");
	CHECK_STRING(
		read_as("CREATE EXTERNAL TABLE t (a int) CLUSTERED BY (a, b) SORTED BY (a DESC, b ASC, "
	            "`c`) INTO 3 BUCKETS; MSCK REPAIR TABLE d.t;"),
		"create .t |a:int");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a int) CLUSTERED BY (a) INTO BUCKETS"),
	             "Expected a number. at \"BUCKETS\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a int); ALTER TABLE t"),
	             "Expected the end of the statement. at \"ALTER TABL\"");
	CHECK_STRING(read_as("CREATE OR REPLACE VIEW v AS SELECT 1"),
	             "Expected EXTERNAL TABLE. at \"OR REPLACE\"");
	CHECK_STRING(read_as("ALTER TABLE t DROP PARTITION (a='1')"),
	             "Expected ADD. at \"DROP PARTI\"");
	CHECK_STRING(read_as("ALTER TABLE t ADD PARTITION (a > '1')"), "Expected \"=\". at \"> '1')\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a int) /* no end"),
	             "Expected the end of the statement. at \"/* no end\"");
}

static void
it_reads_structs(void)
{
	char text[4000];
	size_t used = (size_t) sprintf(text, "CREATE EXTERNAL TABLE t (a ");

	CHECK_STRING(read_as(
					 "CREATE EXTERNAL TABLE t (a struct<b:int,`C`:struct<d:decimal(3,1) comment "
					 "'x',e:array<int>>>, f struct < g string > comment 'y', h int)"),
	             "create .t |a.b:int,a.c.d:decimal/3/1#x,a.c.e:array,f.g:string,h:int");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a struct<>)"), "Expected a name. at \">)\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a struct)"), "Expected \"<\". at \")\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a struct<b:int)"), "Expected \">\". at \")\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a struct<b:int,>)"),
	             "Expected a name. at \">)\"");
	for (int i = 0; i <= FLOW_HIVE_MAX_DEPTH; i++)
		used += (size_t) sprintf(text + used, "struct<a:");
	sprintf(text + used, "int");
	(void) read_as(text);
	CHECK_INT(error.status, FLOW_LIMIT);
}

static void
it_reads_tables_of_spark(void)
{
	CHECK_STRING(read_as("CREATE TABLE t (a int) USING parquet LOCATION 'l'"),
	             "create .t |a:int as=parquet at=l");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a int) COMMENT 'c' USING `Parquet`"),
	             "create .t |a:int #c as=parquet");
	CHECK_STRING(read_as(
					 "create table if not exists d.t (a int, Day string comment 'c', b int) using "
					 "PARQUET options (path 'p', mergeSchema true, 'x'='y', a.b.c = 'z') "
					 "partitioned by (day, region string)"),
	             "create? d.t |a:int,b:int |day:string#c,region:string as=parquet at=p "
	             "mergeschema=true x=y a.b.c=z");
	CHECK_STRING(read_as("CREATE TABLE t (a int) USING parquet PARTITIONED BY (b)"),
	             "Expected a column of the table. at \"b)\"");
	CHECK_STRING(read_as("CREATE TABLE t (a int) USING parquet PARTITIONED BY (a, a)"),
	             "Expected a column of the table. at \"a)\"");
	CHECK_STRING(read_as("CREATE TABLE t (a int) USING parquet OPTIONS (path)"),
	             "Expected a name. at \")\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (b)"),
	             "Expected a type. at \")\"");
	CHECK_STRING(read_as("CREATE EXTERNAL TABLE t (a int) OPTIONS (path 'p')"),
	             "Expected the end of the statement. at \"OPTIONS (p\"");
}

static void
it_refuses_other_tables_of_spark(void)
{
	static const char *const texts[] = {"CREATE TABLE t (a int) USING csv LOCATION 'l'",
	                                    "CREATE EXTERNAL TABLE t (a int) COMMENT 'c' USING csv",
	                                    "create table if not exists d.t (a int) using csv "
	                                    "options (path 'p') partitioned by (day)"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		CHECK(strncmp(read_as(texts[i]), "USING names a format", 20) == 0);
		CHECK_INT(error.status, FLOW_UNSUPPORTED);
		CHECK_STRING(error.message, "cannot read a table that is declared with USING csv");
	}
}

static void
it_bounds_lists(void)
{
	size_t size = 100000;
	char *text = malloc(size);
	size_t used = (size_t) sprintf(text, "CREATE EXTERNAL TABLE t (c int");
	FlowHive *hive;

	for (int i = 1; i < 1600; i++)
		used += (size_t) sprintf(text + used, ",c%d int", i);
	sprintf(text + used, ")");
	CHECK(flow_hive_read(&unit_host, text, &hive, &at, &error) == FLOW_OK &&
	      hive->columns.count == 1600);
	flow_hive_free(&unit_host, hive);
	sprintf(text + used, ",d int)");
	CHECK_INT(flow_hive_read(&unit_host, text, &hive, &at, &error), FLOW_LIMIT);
	free(text);
	CHECK_INT(unit_state.outstanding, 0);
}

static const char *
unescaped(const char *text)
{
	static char result[100];

	memset(result, 'x', sizeof(result));
	return flow_hive_unescape(&unit_host, text, strlen(text), result) != NULL ? result : "NUL";
}

/*
 * The cases are those of Hive's TestSemanticAnalyzer and of the Language
 * Manual.
 */
static void
it_unescapes_as_hive(void)
{
	CHECK_STRING(unescaped("\\\\s+\\\\d"), "\\s+\\d");
	CHECK_STRING(unescaped("\\s\\(\\."), "s(.");
	CHECK_STRING(unescaped("\\%\\_%_"), "\\%\\_%_");
	CHECK_STRING(unescaped("\\n\\r\\t\\b\\Z\\'\\\""), "\n\r\t\b\032'\"");
	CHECK_STRING(unescaped("\\u0041\\u00e9\\u20AC\\u12"), "A\xC3\xA9\xE2\x82\xACu12");
	CHECK_STRING(unescaped("\\101\\0021\\201"), "A\0021201");
	CHECK_STRING(unescaped("\\0"), "NUL");
	CHECK_STRING(unescaped("\\000"), "NUL");
	CHECK_STRING(unescaped("\\u0000"), "NUL");
	CHECK_STRING(unescaped("\\ud83d\\uDE00\\u0080\\uFFFF\\udbff\\udfff"),
	             "\xF0\x9F\x98\x80\xC2\x80\xEF\xBF\xBF\xF4\x8F\xBF\xBF");
	CHECK_STRING(unescaped("\\ud83d"), "NUL");
	CHECK_STRING(unescaped("\\ud83dx"), "NUL");
	CHECK_STRING(unescaped("\\ud83d\\ud83d"), "NUL");
	CHECK_STRING(unescaped("\\uDE00\\ud83d"), "NUL");
	CHECK_STRING(unescaped("a\\"), "a\\");
	CHECK_STRING(unescaped(""), "");
}

/*
 * Returns the number of groups, followed by "n" if one has a name, or what is
 * refused.
 */
static const char *
java(const char *regex)
{
	static char result[500];
	bool named;
	int ngroups;

	if (flow_java_regex_check(regex, &ngroups, &named, &error) == FLOW_OK)
		sprintf(result, "%d%s", ngroups, named ? "n" : "");
	else
	{
		const char *quote = strchr(error.message, '"');

		CHECK_INT(error.status, FLOW_UNSUPPORTED);
		sprintf(result, "%s", quote ? quote : "?");
	}
	return result;
}

static void
it_knows_javas_patterns(void)
{
	CHECK_STRING(java("^([^ ]+)\\s+([0-9]+)(?:a|(b))$"), "3");
	CHECK_STRING(java("(?<a>x)(?<!y)(?<=z)(?=1)(?!2)(?>3)(?i)(?s-m:4)\\(\\Q((\\E()"), "2n");
	CHECK_STRING(java("[](][^](\\]\\Q[&&\\E(]\\[&&("), "1");
	CHECK_STRING(java("[a-z&&[^b]]"), "\"&&\"");
	CHECK_STRING(java("[[:alpha:]]"), "\"[\"");
	CHECK_STRING(java("a\\u0041"), "\"\\u\"");
	CHECK_STRING(java("[\\u0041]"), "\"\\u\"");
	CHECK_STRING(java("\\\\u0041"), "0");
	CHECK_STRING(java("\\p{L}"), "\"\\p\"");
	CHECK_STRING(java("(?x) a"), "\"(?x\"");
	CHECK_STRING(java("(?-U:a)"), "\"(?-U\"");
	CHECK_STRING(java("(a)\\10"), "\"\\10\"");
	CHECK_STRING(java("(a)\\1x0"), "1");
	CHECK_STRING(java("\\0101"), "\"\\0101\"");
	CHECK_STRING(java("\\012"), "0");
	CHECK_STRING(java("\\"), "0");
	CHECK_STRING(java("["), "0");
	CHECK_STRING(java("\\Qa"), "0");
}

/*
 * Returns the processor time to read a statement with a number of comments
 * that are not closed: the minimum of some attempts.
 */
static int64_t
time_to_read(size_t comments)
{
	static const char begin[] = "CREATE EXTERNAL TABLE t (a array<";
	char *text = malloc(sizeof(begin) + comments * 3);
	FlowHive *hive = NULL;
	int64_t best = INT64_MAX;

	strcpy(text, begin);
	for (size_t i = 0; i < comments; i++)
		memcpy(text + sizeof(begin) - 1 + i * 3, "/* ", 4);
	for (int try = 0; try < 3; try++)
	{
		int64_t time = unit_cpu_time();

		CHECK_INT(flow_hive_read(&unit_host, text, &hive, &at, &error), FLOW_BAD_FORMAT);
		time = unit_cpu_time() - time;
		best = time < best ? time : best;
	}
	free(text);
	return best;
}

static void
it_looks_once_for_the_end_of_comments(void)
{
	int64_t time = time_to_read(320000);

	/*
	 * some milliseconds of processor time; minutes if each comment's end was
	 * searched for
	 */
	printf("# %" PRId64 " ns\n", time);
	CHECK(time < INT64_C(5000000000));
}

int
main(void)
{
	RUN(it_reads_tables);
	RUN(it_reads_partitions);
	RUN(it_says_where_it_stopped);
	RUN(it_reads_structs);
	RUN(it_reads_tables_of_spark);
	RUN(it_refuses_other_tables_of_spark);
	RUN(it_bounds_lists);
	RUN(it_looks_once_for_the_end_of_comments);
	RUN(it_unescapes_as_hive);
	RUN(it_knows_javas_patterns);
	return unit_done();
}
