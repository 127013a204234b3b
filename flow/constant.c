/*-------------------------------------------------------------------------
 *
 * constant.c
 *	  The columns that are not filled from records, but have one value in all
 *	  of a file.
 *
 * Their values are texts, as fields are, so that the code that reads, compares
 * or groups fields need not know where they come from.
 *
 *-------------------------------------------------------------------------
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* readable bytes around each field, as FlowBatch and FlowRecord promise */
#define BEFORE 16
#define BEHIND FLOW_RECORD_SLACK

#define NUMBER_SIZE 48 /* of a size or a time as text */

/* bytes of a path in a message, so that a column's name fits after it */
#define MAX_PATH_SHOWN 200

struct FlowConstants
{
	const FlowHost *host;
	const FlowColumn *columns;
	int ncolumns;
	FlowSlice *fields; /* by column */
	char *buffer;      /* to which they point */
	size_t size;
};

/* Makes room for the constant fields of these columns. */
FlowStatus
flow_constants_create(const FlowHost *host, const FlowColumn *columns, int ncolumns,
                      FlowConstants **constants, FlowError *error)
{
	size_t size = sizeof(FlowConstants) + ((size_t) ncolumns + 1) * sizeof(FlowSlice);
	FlowConstants *made = flow_allocate(host, size);

	*constants = made;
	if (made == NULL)
		return flow_error_memory(error);
	memset(made, 0, size);
	made->host = host;
	made->columns = columns;
	made->ncolumns = ncolumns;
	made->fields = (FlowSlice *) (made + 1);
	return FLOW_OK;
}

void
flow_constants_free(FlowConstants *constants)
{
	if (constants == NULL)
		return;
	flow_free(constants->host, constants->buffer);
	flow_free(constants->host, constants);
}

/*
 * Prints a time as ISO 8601, in UTC, to the microsecond.  Returns its length.
 */
static size_t
print_time(int64_t nanoseconds, char *text)
{
	time_t seconds = (time_t) (nanoseconds / 1000000000 - (nanoseconds % 1000000000 < 0));
	int microseconds = (int) ((nanoseconds - (int64_t) seconds * 1000000000) / 1000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		return 0;
	return (size_t) snprintf(text,
	                         NUMBER_SIZE,
	                         "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
	                         tm.tm_year + 1900,
	                         tm.tm_mon + 1,
	                         tm.tm_mday,
	                         tm.tm_hour,
	                         tm.tm_min,
	                         tm.tm_sec,
	                         microseconds);
}

/*
 * Returns the form in which a column has a date of the path; NULL if it has
 * the date itself, as may a type that only the host knows.
 */
static const char *
form_of(const FlowColumn *column, const FlowPathValue *values)
{
	if (column->source != FLOW_FROM_VARIABLE || column->type == FLOW_TIME ||
	    column->type == FLOW_DAY || column->type == FLOW_OPAQUE)
		return NULL;
	return values[column->variable].form;
}

/* Returns how many bytes a column's value can need. */
static size_t
size_of(const FlowColumn *column, const FlowPathValue *values, FlowSlice value)
{
	const char *form = form_of(column, values);

	return form != NULL ? strlen(form) : value.len;
}

/* Copies the value of a variable to a column's field; returns its length. */
static size_t
copy_variable(const FlowColumn *column, const FlowPathValue *values, char *to)
{
	const char *form = form_of(column, values);

	if (form != NULL)
		return flow_date_write(form, values[column->variable].from, to);
	return flow_path_value_decode(&values[column->variable], to);
}

/*
 * Returns a column's value; data is NULL if it has none.  "number" has room
 * for a number or time as text.
 */
static FlowSlice
value_of(const FlowColumn *column, const FlowObject *file, const FlowPathValue *values,
         char *number)
{
	FlowSlice none = {NULL, 0};

	switch (column->source)
	{
		case FLOW_FROM_VARIABLE:
			return values[column->variable].text;
		case FLOW_FROM_PATH:
			return file == NULL ? none : (FlowSlice) {file->path, strlen(file->path)};
		case FLOW_FROM_SIZE:
			return file == NULL ? none
			                    : (FlowSlice) {number,
			                                   (size_t) snprintf(number,
			                                                     NUMBER_SIZE,
			                                                     "%llu",
			                                                     (unsigned long long) file->size)};
		case FLOW_FROM_MODIFIED:
			return file == NULL ? none : (FlowSlice) {number, print_time(file->modified, number)};
		case FLOW_FROM_RECORD:
		case FLOW_FROM_LINE:
			break;
	}
	return none;
}

/* Returns the constant fields of a file, by column. */
const FlowSlice *
flow_constants_fill(FlowConstants *constants, const FlowObject *file, const FlowPathValue *values)
{
	char number[NUMBER_SIZE];
	size_t need = 0;
	char *next;

	/* add up the sizes of all values */
	for (int i = 0; i < constants->ncolumns; i++)
	{
		FlowSlice value = value_of(&constants->columns[i], file, values, number);

		if (value.data != NULL)
			need += BEFORE + size_of(&constants->columns[i], values, value) + BEHIND;
	}

	/* make room for them */
	if (need > constants->size)
	{
		char *buffer = flow_allocate(constants->host, need * 2);

		if (buffer == NULL)
			return NULL;
		flow_free(constants->host, constants->buffer);
		constants->buffer = buffer;
		constants->size = need * 2;
		memset(buffer, 0, need * 2);
	}

	/* copy them, with the readable bytes around each */
	next = constants->buffer;
	for (int i = 0; i < constants->ncolumns; i++)
	{
		FlowSlice value = value_of(&constants->columns[i], file, values, number);

		constants->fields[i] = (FlowSlice) {NULL, 0};
		if (value.data == NULL)
			continue;
		if (constants->columns[i].source == FLOW_FROM_VARIABLE)
			value.len = copy_variable(&constants->columns[i], values, next + BEFORE);
		else
			memcpy(next + BEFORE, value.data, value.len);
		constants->fields[i] = (FlowSlice) {next + BEFORE, value.len};
		next += BEFORE + value.len + BEHIND;
	}
	return constants->fields;
}

/* Fills the error for a value that is not valid for its column. */
FlowStatus
flow_constant_error(const FlowColumn *column, int index, const FlowObject *file, FlowStatus status,
                    bool may_differ, FlowError *error)
{
	static const char *const properties[] = {[FLOW_FROM_VARIABLE] = "path",
	                                         [FLOW_FROM_PATH] = "path",
	                                         [FLOW_FROM_SIZE] = "size",
	                                         [FLOW_FROM_MODIFIED] = "time of modification"};
	const char *type = column->type_name != NULL ? column->type_name : "its type";
	const char *dots;
	const char *path = flow_error_tail(file->path, MAX_PATH_SHOWN, &dots);

	if (status == FLOW_NO_MEMORY)
		return flow_error_memory(error);
	flow_error_set(error,
	               status,
	               "flow log \"%s%s\" has an invalid value for column \"%s\"",
	               dots,
	               path,
	               column->name);
	flow_error_at(error, file->path, 0);

	/* what is wrong with the value */
	if (status == FLOW_MISSING)
		flow_error_detail(error, "The column is NOT NULL, but there is no value for it.");
	else if (status == FLOW_BAD_ENCODING)
		flow_error_detail(
			error,
			"The value from its %s is not valid text in the encoding of the database.",
			properties[column->source]);
	else if (status == FLOW_TOO_LONG)
		flow_error_detail(error,
		                  "The value from its %s has more than %d characters.",
		                  properties[column->source],
		                  column->max_chars);
	else if (status == FLOW_OUT_OF_RANGE)
		flow_error_detail(error,
		                  "The value from its %s is out of range for type %s.",
		                  properties[column->source],
		                  type);
	else
		flow_error_detail(error,
		                  "The value from its %s is not of type %s.",
		                  properties[column->source],
		                  type);

	/* what to do about it */
	if (may_differ)
		flow_error_hint(
			error,
			"Set option \"on_error\" to \"ignore\" to leave the lines of such files out, or %s.",
			status == FLOW_MISSING ? "drop the NOT NULL constraint"
								   : "to \"set_null\" to read such values as nulls");
	error->column = index;
	return status;
}
