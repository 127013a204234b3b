/*-------------------------------------------------------------------------
 *
 * option.c
 *	  The options of foreign tables, columns, servers, user mappings and
 *	  IMPORT FOREIGN SCHEMA: their names, where they may stand, and what they
 *	  mean.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#define DEFAULT_MAX_LINE_LENGTH (1024 * 1024)
#define MIN_LINE_LENGTH_LIMIT 64
#define MAX_LINE_LENGTH_LIMIT (64 * 1024 * 1024)
#define MAX_INTERVAL_DAYS 1000
#define DEFAULT_CONNECTIONS 256
#define MAX_CONNECTIONS 1000
#define MAX_REGION 40
#define MAX_ENDPOINT 255

/*
 * An option; parse checks its value and stores it.  One name may have several
 * rows, for different kinds of objects.
 */
typedef struct FlowlogOption
{
	const char *name;
	Oid catalog; /* of the objects that may have it */
	void (*parse)(FlowlogOptions *options, DefElem *def);
} FlowlogOption;

/* One of the words that an option may be set to. */
typedef struct FlowlogWord
{
	const char *word;
	int value;
} FlowlogWord;

static void parse_location(FlowlogOptions *options, DefElem *def);
static void parse_regex(FlowlogOptions *options, DefElem *def);
static void parse_log_format(FlowlogOptions *options, DefElem *def);
static void parse_header(FlowlogOptions *options, DefElem *def);
static void parse_null(FlowlogOptions *options, DefElem *def);
static void parse_null_off(FlowlogOptions *options, DefElem *def);
static void parse_on_error(FlowlogOptions *options, DefElem *def);
static void parse_reject_limit(FlowlogOptions *options, DefElem *def);
static void parse_log_verbosity(FlowlogOptions *options, DefElem *def);
static void parse_compression(FlowlogOptions *options, DefElem *def);
static void parse_max_line_length(FlowlogOptions *options, DefElem *def);
static void parse_name_time_slack(FlowlogOptions *options, DefElem *def);
static void parse_settled_after(FlowlogOptions *options, DefElem *def);
static void parse_shard(FlowlogOptions *options, DefElem *def);
static void parse_mpp_execute(FlowlogOptions *options, DefElem *def);
static void parse_table(FlowlogOptions *options, DefElem *def);
static void parse_times(FlowlogOptions *options, DefElem *def);
static void parse_field(FlowlogOptions *options, DefElem *def);
static void parse_region(FlowlogOptions *options, DefElem *def);
static void parse_endpoint(FlowlogOptions *options, DefElem *def);
static void parse_url_style(FlowlogOptions *options, DefElem *def);
static void parse_requester_pays(FlowlogOptions *options, DefElem *def);
static void parse_ca_file(FlowlogOptions *options, DefElem *def);
static void parse_max_connections(FlowlogOptions *options, DefElem *def);
static void parse_access_key_id(FlowlogOptions *options, DefElem *def);
static void parse_secret_access_key(FlowlogOptions *options, DefElem *def);
static void parse_session_token(FlowlogOptions *options, DefElem *def);
static void parse_credential_source(FlowlogOptions *options, DefElem *def);

static const FlowlogOption flowlog_options[] = {
	{"location", ForeignTableRelationId, parse_location},
	{"regex", ForeignTableRelationId, parse_regex},
	{"log_format", ForeignTableRelationId, parse_log_format},
	{"header", ForeignTableRelationId, parse_header},
	{"null", ForeignTableRelationId, parse_null},
	{"null_off", ForeignTableRelationId, parse_null_off},
	{"on_error", ForeignTableRelationId, parse_on_error},
	{"reject_limit", ForeignTableRelationId, parse_reject_limit},
	{"log_verbosity", ForeignTableRelationId, parse_log_verbosity},
	{"compression", ForeignTableRelationId, parse_compression},
	{"max_line_length", ForeignTableRelationId, parse_max_line_length},
	{"name_time_slack", ForeignTableRelationId, parse_name_time_slack},
	{"settled_after", ForeignTableRelationId, parse_settled_after},
	{"shard", ForeignTableRelationId, parse_shard},
	{"mpp_execute", ForeignTableRelationId, parse_mpp_execute},

	{"table", FLOWLOG_OPTIONS_OF_IMPORT, parse_table},
	{"times", FLOWLOG_OPTIONS_OF_IMPORT, parse_times},

	{"field", AttributeRelationId, parse_field},
	{"null", AttributeRelationId, parse_null},
	{"null_off", AttributeRelationId, parse_null_off},

	{"region", ForeignServerRelationId, parse_region},
	{"endpoint", ForeignServerRelationId, parse_endpoint},
	{"url_style", ForeignServerRelationId, parse_url_style},
	{"requester_pays", ForeignServerRelationId, parse_requester_pays},
	{"ca_file", ForeignServerRelationId, parse_ca_file},
	{"max_connections", ForeignServerRelationId, parse_max_connections},
	{"shard", ForeignServerRelationId, parse_shard},
	{"mpp_execute", ForeignServerRelationId, parse_mpp_execute},

	{"access_key_id", UserMappingRelationId, parse_access_key_id},
	{"secret_access_key", UserMappingRelationId, parse_secret_access_key},
	{"session_token", UserMappingRelationId, parse_session_token},
	{"credential_source", UserMappingRelationId, parse_credential_source},
};

/* ---------- the meaning of each option ---------- */

/* Raises an error for the value of an option. */
static void
invalid_value(DefElem *def, const char *hint)
{
	ereport(ERROR,
	        errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
	        errmsg("invalid value for option \"%s\": \"%s\"", def->defname, defGetString(def)),
	        errhint("%s", hint));
}

/* Returns the value of the word that the option is set to. */
static int
parse_word(DefElem *def, const FlowlogWord *words, int nwords)
{
	const char *value = defGetString(def);
	StringInfoData hint;

	for (int i = 0; i < nwords; i++)
		if (pg_strcasecmp(value, words[i].word) == 0)
			return words[i].value;

	initStringInfo(&hint);
	appendStringInfoString(&hint, "Valid values are ");
	for (int i = 0; i < nwords; i++)
		appendStringInfo(&hint,
		                 "%s\"%s\"",
		                 i == 0            ? ""
		                 : i == nwords - 1 ? " and "
		                                   : ", ",
		                 words[i].word);
	appendStringInfoChar(&hint, '.');
	invalid_value(def, hint.data);
	return 0; /* not reached */
}

static void
parse_location(FlowlogOptions *options, DefElem *def)
{
	options->location = defGetString(def);
}

static void
parse_regex(FlowlogOptions *options, DefElem *def)
{
	options->regex = defGetString(def);
}

static void
parse_log_format(FlowlogOptions *options, DefElem *def)
{
	options->log_format = defGetString(def);
}

static void
parse_header(FlowlogOptions *options, DefElem *def)
{
	static const FlowlogWord words[] = {
		{"auto", FLOW_HEADER_AUTO},
		{"true", FLOW_HEADER_TRUE},
		{"match", FLOW_HEADER_MATCH},
		{"false", FLOW_HEADER_FALSE},
	};

	options->header = parse_word(def, words, lengthof(words));
}

static void
parse_null(FlowlogOptions *options, DefElem *def)
{
	options->null_text = defGetString(def);
	if (strpbrk(options->null_text, "\r\n") != NULL)
		invalid_value(def, "A null text cannot contain line breaks.");
}

static void
parse_null_off(FlowlogOptions *options, DefElem *def)
{
	options->null_off = defGetBoolean(def);
}

static void
parse_on_error(FlowlogOptions *options, DefElem *def)
{
	static const FlowlogWord words[] = {
		{"stop", FLOW_ON_ERROR_STOP},
		{"ignore", FLOW_ON_ERROR_IGNORE},
		{"set_null", FLOW_ON_ERROR_SET_NULL},
	};

	options->on_error = parse_word(def, words, lengthof(words));
}

static void
parse_reject_limit(FlowlogOptions *options, DefElem *def)
{
	char *value = defGetString(def);
	char *end;
	long long limit;

	errno = 0;
	limit = strtoll(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || limit < 0)
		invalid_value(def, "It is a number of lines, 0 or more.");
	options->reject_limit = limit;
}

static void
parse_log_verbosity(FlowlogOptions *options, DefElem *def)
{
	static const FlowlogWord words[] = {
		{"silent", FLOWLOG_VERBOSITY_SILENT},
		{"default", FLOWLOG_VERBOSITY_DEFAULT},
		{"verbose", FLOWLOG_VERBOSITY_VERBOSE},
	};

	options->log_verbosity = parse_word(def, words, lengthof(words));
}

static void
parse_compression(FlowlogOptions *options, DefElem *def)
{
	options->compression = defGetString(def);
	if (!flow_source_knows_compression(options->compression))
		invalid_value(
			def, "Valid values are \"auto\", \"none\", \"gzip\", \"zstd\", \"bzip2\" and \"xz\".");
}

static void
parse_max_line_length(FlowlogOptions *options, DefElem *def)
{
	const char *hint = NULL;
	int bytes;

	if (!parse_int(defGetString(def), &bytes, GUC_UNIT_BYTE, &hint) ||
	    bytes < MIN_LINE_LENGTH_LIMIT || bytes > MAX_LINE_LENGTH_LIMIT)
		invalid_value(def, hint ? hint : "It is a size from 64 bytes to 64 MB, such as \"1MB\".");
	options->max_line_length = bytes;
}

/* Returns an interval of up to MAX_INTERVAL_DAYS, in microseconds. */
static int64
parse_interval(DefElem *def)
{
	Interval *interval = DatumGetIntervalP(DirectFunctionCall3(interval_in,
	                                                           CStringGetDatum(defGetString(def)),
	                                                           ObjectIdGetDatum(InvalidOid),
	                                                           Int32GetDatum(-1)));

	/* infinity has months, too */
	if (interval->month != 0 || interval->day < 0 || interval->day > MAX_INTERVAL_DAYS ||
	    interval->time < 0 || interval->time > MAX_INTERVAL_DAYS * USECS_PER_DAY)
		invalid_value(def, "It is an interval of up to 1000 days, such as \"15 minutes\".");
	return interval->day * USECS_PER_DAY + interval->time;
}

static void
parse_name_time_slack(FlowlogOptions *options, DefElem *def)
{
	options->name_time_slack = parse_interval(def);
}

static void
parse_settled_after(FlowlogOptions *options, DefElem *def)
{
	options->settled_after = parse_interval(def);
}

/* Parses k/n: two decimal numbers with nothing around them. */
static void
parse_shard(FlowlogOptions *options, DefElem *def)
{
	const char *value = defGetString(def);
	uint32 numbers[2];

	for (int i = 0; i < 2; i++)
	{
		size_t digits = strspn(value, "0123456789");

		if (digits < 1 || digits > 5 || value[digits] != (i == 0 ? '/' : '\0'))
			invalid_value(def, "Use \"k/n\" with 1 <= k <= n <= 10000.");
		numbers[i] = strtoul(value, NULL, 10);
		value += digits + 1;
	}
	if (numbers[0] < 1 || numbers[0] > numbers[1] || numbers[1] > FLOW_MAX_SHARDS)
		invalid_value(def, "Use \"k/n\" with 1 <= k <= n <= 10000.");
	options->shard = (FlowShard) {numbers[0], numbers[1]};
}

/*
 * Parses an option of Greenplum and Cloudberry, which says where a scan runs.
 * In PostgreSQL it has no effect.
 */
static void
parse_mpp_execute(FlowlogOptions *options, DefElem *def)
{
	static const FlowlogWord words[] = {{"any", 0},
	                                    {"coordinator", 0},
	                                    {"master", 0},
	                                    {"all segments", 0}};

	(void) parse_word(def, words, lengthof(words));
}

static void
parse_table(FlowlogOptions *options, DefElem *def)
{
	options->table = defGetString(def);
}

static void
parse_times(FlowlogOptions *options, DefElem *def)
{
	static const FlowlogWord words[] = {{"timestamptz", false}, {"bigint", true}};

	options->times_as_numbers = parse_word(def, words, lengthof(words));
}

/* The sources of columns that are not fields of a record. */
static const struct
{
	const char *name;
	FlowColumnSource source;
} sources[] = {
	{"$path", FLOW_FROM_PATH},
	{"$line", FLOW_FROM_LINE},
	{"$size", FLOW_FROM_SIZE},
	{"$modified", FLOW_FROM_MODIFIED},
};

/* Returns the source of a column whose field has this name. */
FlowColumnSource
flowlog_find_source(const char *name)
{
	for (size_t i = 0; i < lengthof(sources); i++)
		if (strcmp(name, sources[i].name) == 0)
			return sources[i].source;
	return FLOW_FROM_RECORD;
}

static void
parse_field(FlowlogOptions *options, DefElem *def)
{
	options->field = defGetString(def);
	if (options->field[0] == '\0')
		invalid_value(def,
		              "It is the name of a field, or the name or number of a group of the regular "
		              "expression.");
	if (options->field[0] == '$' && flowlog_find_source(options->field) == FLOW_FROM_RECORD)
		invalid_value(def,
		              "Valid names that begin with \"$\" are \"$path\", \"$line\", \"$size\" and "
		              "\"$modified\".");
}

/* ---------- the meaning of each option: servers ---------- */

static void
parse_region(FlowlogOptions *options, DefElem *def)
{
	options->region = defGetString(def);
	/* it becomes part of a host name */
	if (options->region[0] == '\0' || strlen(options->region) > MAX_REGION ||
	    strspn(options->region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(options->region))
		invalid_value(def, "It is the name of a region, such as \"eu-central-1\".");
}

/* Parses a URL of a host and a port, which may be left out. */
static void
parse_endpoint(FlowlogOptions *options, DefElem *def)
{
	const char *url = defGetString(def);
	const char *host = strstr(url, "://");
	size_t len;

	options->endpoint_plain = strncmp(url, "http://", 7) == 0;
	if (host == NULL || (!options->endpoint_plain && strncmp(url, "https://", 8) != 0))
		invalid_value(
			def, "It is a URL such as \"https://s3.example.com\" or \"http://10.0.0.7:9000\".");
	host += 3;
	len = strlen(host);
	if (len > 0 && host[len - 1] == '/')
		len--;
	if (len == 0 || len > MAX_ENDPOINT ||
	    strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") < len)
		invalid_value(def,
		              "It is a URL of a host and perhaps a port, without user, path or query.");
	options->endpoint_host = pnstrdup(host, len);
}

static void
parse_url_style(FlowlogOptions *options, DefElem *def)
{
	static const FlowlogWord words[] = {
		{"virtual", FLOWLOG_URL_VIRTUAL},
		{"path", FLOWLOG_URL_PATH},
	};

	options->url_style = parse_word(def, words, lengthof(words));
}

static void
parse_requester_pays(FlowlogOptions *options, DefElem *def)
{
	options->requester_pays = defGetBoolean(def);
}

static void
parse_ca_file(FlowlogOptions *options, DefElem *def)
{
	options->ca_file = defGetString(def);
	if (!is_absolute_path(options->ca_file))
		invalid_value(def, "It is the absolute path of a file with certificates in PEM format.");
}

static void
parse_max_connections(FlowlogOptions *options, DefElem *def)
{
	if (!parse_int(defGetString(def), &options->max_connections, 0, NULL) ||
	    options->max_connections < 1 || options->max_connections > MAX_CONNECTIONS)
		invalid_value(def, "It is a number from 1 to 1000.");
}

/* ---------- the meaning of each option: user mappings ---------- */

/*
 * Returns the value of an option that goes into the headers of requests:
 * characters that could end a header are not allowed.
 */
static const char *
parse_secret(DefElem *def, size_t most)
{
	const char *value = defGetString(def);
	bool good = value[0] != '\0' && strlen(value) < most;

	for (const unsigned char *p = (const unsigned char *) value; *p != '\0'; p++)
		good = good && *p > 0x20 && *p < 0x7F;
	/* the value is not shown */
	if (!good)
		ereport(
			ERROR,
			errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			errmsg("invalid value for option \"%s\"", def->defname),
			errdetail(
				"It is empty or too long, or contains blanks or characters that are not ASCII."));
	return value;
}

static void
parse_access_key_id(FlowlogOptions *options, DefElem *def)
{
	options->access_key_id = parse_secret(def, sizeof(((FlowS3Keys *) 0)->access_key_id));
}

static void
parse_secret_access_key(FlowlogOptions *options, DefElem *def)
{
	options->secret_access_key = parse_secret(def, sizeof(((FlowS3Keys *) 0)->secret_access_key));
}

static void
parse_session_token(FlowlogOptions *options, DefElem *def)
{
	options->session_token = parse_secret(def, sizeof(((FlowS3Keys *) 0)->session_token));
}

static void
parse_credential_source(FlowlogOptions *options, DefElem *def)
{
	static const FlowlogWord words[] = {
		{"static", FLOW_S3_STATIC},
		{"anonymous", FLOW_S3_ANONYMOUS},
		{"environment", FLOW_S3_ENVIRONMENT},
		{"profile", FLOW_S3_PROFILE},
		{"instance", FLOW_S3_INSTANCE},
		{"container", FLOW_S3_CONTAINER},
		{"web_identity", FLOW_S3_WEB_IDENTITY},
	};

	options->credential_source = parse_word(def, words, lengthof(words));
}

/* ---------- parsing ---------- */

/* Sets all options to their defaults. */
static void
set_defaults(FlowlogOptions *options)
{
	*options = (FlowlogOptions) {
		.header = FLOW_HEADER_AUTO,
		.on_error = FLOW_ON_ERROR_STOP,
		.reject_limit = -1,
		.log_verbosity = FLOWLOG_VERBOSITY_DEFAULT,
		.compression = "auto",
		.max_line_length = DEFAULT_MAX_LINE_LENGTH,
		.name_time_slack = -1,
		.settled_after = -1,
		.url_style = FLOWLOG_URL_DEFAULT,
		.max_connections = DEFAULT_CONNECTIONS,
		.credential_source = FLOW_S3_STATIC,
	};
}

/* Returns what an error calls the objects of a catalog. */
static const char *
object_kind(Oid catalog)
{
	switch (catalog)
	{
		case ForeignTableRelationId:
			return "foreign tables";
		case AttributeRelationId:
			return "columns of foreign tables";
		case ForeignServerRelationId:
			return "servers";
		case UserMappingRelationId:
			return "user mappings";
		case FLOWLOG_OPTIONS_OF_IMPORT:
			return "IMPORT FOREIGN SCHEMA";
		default:
			return "foreign-data wrappers";
	}
}

/* Returns true if an object of the catalog may have the option. */
static bool
is_option_of(const FlowlogOption *option, Oid catalog)
{
	return option->catalog == catalog ||
	       (catalog == FLOWLOG_OPTIONS_OF_IMPORT && option->catalog == ForeignTableRelationId);
}

/*
 * Raises an error for an unknown option.  The hint is a similar name, or all
 * valid ones.
 */
static void
unknown_option(const char *name, Oid catalog)
{
	const char *nearest = NULL;
	const char *elsewhere = NULL; /* the objects that have an option of that name */
	int least = 4;                /* maximum number of changed letters, plus 1 */
	StringInfoData names;

	initStringInfo(&names);
	for (size_t i = 0; i < lengthof(flowlog_options); i++)
	{
		const char *other = flowlog_options[i].name;
		int distance;

		if (!is_option_of(&flowlog_options[i], catalog))
		{
			if (elsewhere == NULL && strcmp(other, name) == 0)
				elsewhere = object_kind(flowlog_options[i].catalog);
			continue;
		}
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", other);

		if (strlen(name) >= NAMEDATALEN)
			continue;
		distance = varstr_levenshtein_less_equal(
			name, strlen(name), other, strlen(other), 1, 1, 1, least, true);
		if (distance < least && distance <= (int) strlen(name) / 2)
		{
			least = distance;
			nearest = other;
		}
	}

	ereport(ERROR,
	        errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
	        errmsg("invalid option \"%s\" for %s", name, object_kind(catalog)),
	        elsewhere       ? errhint("\"%s\" is an option of %s.", name, elsewhere)
	        : nearest       ? errhint("Perhaps you meant the option \"%s\".", nearest)
	        : names.len > 0 ? errhint("Valid options are: %s.", names.data)
	                        : errhint("There are no valid options in this context."));
}

/* Sets the defaults, and reads the options of an object. */
void
flowlog_options_parse(FlowlogOptions *options, List *list, Oid catalog)
{
	ListCell *cell;

	set_defaults(options);
	foreach(cell, list)
	{
		DefElem *def = lfirst_node(DefElem, cell);
		const FlowlogOption *option = NULL;

		for (size_t i = 0; i < lengthof(flowlog_options); i++)
			if (is_option_of(&flowlog_options[i], catalog) &&
			    strcmp(flowlog_options[i].name, def->defname) == 0)
				option = &flowlog_options[i];
		if (option == NULL)
			unknown_option(def->defname, catalog);
		option->parse(options, def);
	}

	if (options->regex != NULL && options->log_format != NULL)
		ereport(ERROR,
		        errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
		        errmsg("options \"regex\" and \"log_format\" exclude each other"));
	if (options->null_off && options->null_text != NULL)
		ereport(ERROR,
		        errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
		        errmsg("options \"null\" and \"null_off\" exclude each other"));
}

/* ---------- the validator ---------- */

/*
 * Warns of a pattern that was copied from a Hive string: it compiles, but
 * matches nothing.
 */
static void
warn_of_escaped_regex(const FlowlogOptions *options)
{
	if (flow_format_regex_is_escaped(options->regex))
		ereport(WARNING,
		        errmsg("option \"regex\" contains doubled backslashes"),
		        errdetail("They match backslashes in the log, which flow logs do not have."),
		        errhint("A Hive string needs them, an SQL string does not: write \\s, not \\\\s."));
}

/* Checks that the pattern compiles. */
static void
validate_regex(FlowlogBackend *backend, const FlowlogOptions *options)
{
	FlowError error;

	if (flow_format_check_regex(&backend->host, options->regex, &error) != FLOW_OK)
		flowlog_raise(backend, &error, NULL);
	warn_of_escaped_regex(options);
}

/*
 * Checks a log format.  An unknown field is only warned of, as AWS adds
 * fields.
 */
static void
validate_log_format(FlowlogBackend *backend, const FlowlogOptions *options)
{
	char unknown[64];
	char nearest[64];
	FlowError error;

	if (flow_format_check_log_format(options->log_format, unknown, nearest, &error) != FLOW_OK)
		flowlog_raise(backend, &error, NULL);
	if (unknown[0] != '\0')
		ereport(WARNING,
		        errmsg("option \"log_format\" names a field \"%s\", which is not a known field of "
		               "flow logs",
		               unknown),
		        nearest[0] != '\0' ? errhint("Perhaps you meant the field \"%s\".", nearest) : 0);
}

/*
 * Checks who sets the options that decide which addresses a server sends
 * requests to and which files it trusts.
 */
static void
validate_server(const FlowlogOptions *options)
{
	if (options->endpoint_host != NULL && !superuser())
		ereport(ERROR,
		        errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		        errmsg("permission denied to set the \"%s\" option of a flowlog_fdw server",
		               "endpoint"),
		        errdetail("Only superusers may set this option."));
	if (options->ca_file != NULL && !has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
		        errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		        errmsg("permission denied to set the \"%s\" option of a flowlog_fdw server",
		               "ca_file"),
		        errdetail("Only roles with privileges of the \"%s\" role may set this option.",
		                  "pg_read_server_files"));
}

/*
 * Checks that only superusers let a user act with an identity of the server
 * itself (see postgres_fdw's "password_required"), and that keys are complete.
 */
static void
validate_user_mapping(const FlowlogOptions *options)
{
	bool has_keys = options->access_key_id != NULL || options->secret_access_key != NULL ||
	                options->session_token != NULL;

	if (options->credential_source != FLOW_S3_STATIC &&
	    options->credential_source != FLOW_S3_ANONYMOUS && !superuser())
		ereport(ERROR,
		        errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		        errmsg("permission denied to set the \"%s\" option of a flowlog_fdw user mapping",
		               "credential_source"),
		        errdetail("Only superusers may set it to a value other than \"static\" and "
		                  "\"anonymous\", as the user then acts with an identity of the server."));
	if (options->credential_source != FLOW_S3_STATIC && has_keys)
		ereport(ERROR,
		        errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
		        errmsg("keys in a user mapping require option \"%s\" to be \"%s\"",
		               "credential_source",
		               "static"));
	if (options->credential_source == FLOW_S3_STATIC &&
	    (options->access_key_id == NULL) != (options->secret_access_key == NULL))
		ereport(ERROR,
		        errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
		        errmsg("options \"%s\" and \"%s\" must be set together",
		               "access_key_id",
		               "secret_access_key"));
}

/*
 * Checks that option "settled_after" stands at a location that has folders of
 * days.
 */
static void
validate_settled_after(FlowlogBackend *backend, const FlowlogOptions *options)
{
	FlowLocation *location;
	FlowError error;
	bool has_days;

	if (flow_location_parse(&backend->host, options->location, &location, &error) != FLOW_OK)
		flowlog_raise(backend, &error, NULL);
	has_days = flow_location_has_days(location);
	flow_location_free(location);
	if (!has_days)
		ereport(ERROR,
		        errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
		        errmsg("option \"settled_after\" needs a location with folders of days"),
		        errdetail("In \"%s\" no folder has a day.", flowlog_message(options->location)),
		        errhint("Name the day in it, as in '.../${day:yyyy/MM/dd}/' or "
		                "'.../year=${year}/month=${month}/day=${day}/'."));
}

/*
 * Checks the location, the pattern and the log format, and who sets the
 * location.
 */
static void
validate_table(const FlowlogOptions *options)
{
	FlowlogBackend backend;
	FlowError error;

	if (options->location == NULL)
		ereport(ERROR,
		        errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
		        errmsg("option \"location\" is required for flowlog_fdw foreign tables"),
		        errhint("Set it to the absolute path of a file, a directory or a pattern such as "
		                "'/var/log/flow/*.gz'."));

	/*
	 * As in file_fdw, a role that may read the server's files decides which of
	 * them a table shows; SELECT on the table is then enough to read them.
	 * ALTER passes all options of the table, so it needs the same right
	 * whatever it changes.  Access to a bucket depends on the keys of the user
	 * mapping instead.
	 */
	if (strncmp(options->location, "s3://", 5) != 0 &&
	    !has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(
			ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg(
				"permission denied to set the \"location\" option of a flowlog_fdw foreign table"),
			errdetail("Only roles with privileges of the \"%s\" role may set this option.",
		              "pg_read_server_files"),
			errhint("A superuser can give them by: GRANT pg_read_server_files TO %s;",
		            quote_identifier(GetUserNameFromId(GetUserId(), false))));

	flowlog_backend_init(&backend, CurrentMemoryContext);
	if (flow_location_check(&backend.host, options->location, &error) != FLOW_OK)
		flowlog_raise(&backend, &error, NULL);
	if (options->settled_after >= 0)
		validate_settled_after(&backend, options);
	if (options->regex != NULL)
		validate_regex(&backend, options);
	if (options->log_format != NULL)
		validate_log_format(&backend, options);
}

/* Checks the options of an object for the validator. */
void
flowlog_options_validate(List *list, Oid catalog)
{
	FlowlogOptions options;

	flowlog_options_parse(&options, list, catalog);
	if (catalog == ForeignTableRelationId)
		validate_table(&options);
	if (catalog == ForeignServerRelationId)
		validate_server(&options);
	if (catalog == UserMappingRelationId)
		validate_user_mapping(&options);
}
