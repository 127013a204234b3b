/*-------------------------------------------------------------------------
 *
 * flow_value.h
 *	  Columns and the values of their fields.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_VALUE_H
#define FLOW_API_VALUE_H

#include "flow_host.h"

/*
 * Bytes in another owner's buffer, not NUL-terminated. data == NULL: no value.
 */
typedef struct FlowSlice
{
	const char *data;
	size_t len;
} FlowSlice;

/*
 * The types as which a field can be read.  Each accepts what PostgreSQL 15's
 * input function of the type in parentheses accepts, except that FLOW_TIME and
 * FLOW_DAY read only Unix seconds or ISO 8601, and integers are decimal.
 */
typedef enum FlowType
{
	FLOW_INT16,   /* (smallint) */
	FLOW_INT32,   /* (integer) */
	FLOW_INT64,   /* (bigint) */
	FLOW_FLOAT,   /* (real) */
	FLOW_DOUBLE,  /* (double precision) */
	FLOW_DECIMAL, /* (numeric), with precision and scale */
	FLOW_BOOLEAN, /* (boolean) */
	FLOW_TEXT,    /* (text, varchar), with max_chars */
	FLOW_PADDED,  /* (char), with max_chars; compares without trailing blanks */
	FLOW_ADDRESS, /* (inet) */
	FLOW_NETWORK, /* (cidr) */
	FLOW_TIME,    /* (timestamptz, timestamp in UTC), with scale */
	FLOW_DAY,     /* (date, the day in UTC) */
	FLOW_OPAQUE   /* a type that only the host can read; checked as text */
} FlowType;

/* The source of a column's value. */
typedef enum FlowColumnSource
{
	FLOW_FROM_RECORD,
	FLOW_FROM_VARIABLE, /* a variable of the location, in the file's path */
	FLOW_FROM_PATH,     /* the file's path */
	FLOW_FROM_SIZE,     /* the file's stored size in bytes */
	FLOW_FROM_MODIFIED, /* the file's modification time: ISO 8601, UTC, to the microsecond */
	FLOW_FROM_LINE      /* the record's line number in the file */
} FlowColumnSource;

/* A column of the host's table, as far as reading concerns it. */
typedef struct FlowColumn
{
	const char *name; /* for messages, and to find a group of that name */
	/*
	 * name of the field, or name or number of the group, that fills it; NULL:
	 * by position or name
	 */
	const char *field;
	FlowType type;
	int max_chars; /* FLOW_TEXT, FLOW_PADDED: maximum characters, -1: any number */
	int precision; /* FLOW_DECIMAL: digits in all, -1: any number */
	/*
	 * FLOW_DECIMAL: digits after the point (may be negative if precision is
	 * set); FLOW_TIME: digits of the second kept, -1: 6
	 */
	int scale;
	const char *null_text; /* the text that means NULL, or NULL */
	size_t null_len;
	bool not_null;         /* having no value is an error */
	const char *type_name; /* for messages; NULL: the name of the FlowType */
	FlowColumnSource source;
	int variable; /* FLOW_FROM_VARIABLE: its index among the location's */
} FlowColumn;

typedef struct FlowAddress
{
	uint8_t family;    /* 4 or 6 */
	uint8_t bits;      /* prefix length: 0..32 or 0..128 */
	uint8_t bytes[16]; /* network order; 4 or 16 are used, the others are 0 */
} FlowAddress;

typedef union FlowValue
{
	/*
	 * FLOW_INT*; FLOW_BOOLEAN 0 or 1; FLOW_TIME; FLOW_DAY: days since
	 * 1970-01-01
	 */
	int64_t integer;
	double real;         /* FLOW_FLOAT (rounded to float), FLOW_DOUBLE */
	FlowAddress address; /* FLOW_ADDRESS, FLOW_NETWORK */
	/*
	 * FLOW_TEXT, FLOW_PADDED (cut to max_chars, not padded), FLOW_DECIMAL
	 * (checked and trimmed, not yet rounded), FLOW_OPAQUE: points into the
	 * field.
	 */
	FlowSlice text;
} FlowValue;

/* in value.c */

/*
 * A time of digits alone is in Unix seconds up to this number, which is in
 * 2038; above, it is in milliseconds.
 */
#define FLOW_MAX_UNIX_SECONDS UINT64_C(2147483647)

/* 2100-01-01: larger numbers are refused */
#define FLOW_MAX_UNIX_MILLISECONDS UINT64_C(4102444800000)

/*
 * Reads a field as a value of its column.  Returns FLOW_OK; FLOW_END if it
 * means NULL (there is no field, or it is the column's null text);
 * FLOW_BAD_SYNTAX, FLOW_OUT_OF_RANGE, FLOW_TOO_LONG, FLOW_BAD_ENCODING,
 * FLOW_MISSING or FLOW_NO_MEMORY.  Fills no FlowError: rejected fields are too
 * frequent for that.
 */
extern FlowStatus flow_value_read(const FlowColumn *column, const FlowHost *host, FlowSlice field,
                                  FlowValue *value);

/* in value_write.c */

#define FLOW_FORM_SIZE 64 /* maximum bytes of a value other than text */

/* Returns true if a type has a canonical form for each of its values. */
extern bool flow_value_has_form(FlowType type);

/*
 * Writes a value in its canonical form, which flow_value_read reads as the
 * same value.  The result lies in the buffer, or is the value's own text.
 */
extern FlowSlice flow_value_write(FlowType type, const FlowValue *value,
                                  char buffer[FLOW_FORM_SIZE]);

/* in value_time.c */

/*
 * Reads ISO 8601 as microseconds since 1970: calendar, week or ordinal date,
 * alone or with "T" and a time of day, fraction and offset; no offset means
 * UTC.  The years are 0001 to 9999.  With "blank_separator" it reads the forms
 * that a column accepts: exactly the standard's, and a blank may replace the
 * "T" (RFC 3339, section 5.6).  Without it, it also reads all else that
 * Joda-Time's ISODateTimeFormat.dateTimeParser reads ("2018-1-3T4:5",
 * "2018-01-30TZ"), except times without a date.  FLOW_OK, FLOW_BAD_SYNTAX or
 * FLOW_OUT_OF_RANGE (a month 13, an hour 24).
 */
extern FlowStatus flow_value_iso8601(const char *data, size_t len, bool blank_separator,
                                     int64_t *microseconds);

/* in value_address.c */

/* Reads inet or cidr text; FLOW_OK or FLOW_BAD_SYNTAX. */
extern FlowStatus flow_value_address(const char *data, size_t len, bool network,
                                     FlowAddress *address);

/*
 * Compares as inet does, by family, common prefix, prefix length and all bits;
 * returns less than, equal to or greater than 0.
 */
extern int flow_address_compare(const FlowAddress *a, const FlowAddress *b);

#endif /* FLOW_API_VALUE_H */
