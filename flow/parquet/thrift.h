/*-------------------------------------------------------------------------
 *
 * thrift.h
 *	  Reads structs in Thrift's compact protocol, in which Parquet's footer and
 *	  page headers are written (thrift-compact-protocol.md in Apache Thrift).
 *
 * Errors are sticky: after the first one everything reads as 0 or empty, no
 * struct has another field, and "what" says what is wrong.  So a caller reads
 * a whole struct and then checks once.
 *
 * 	flow_thrift_begin(&thrift);
 * 	while (flow_thrift_field(&thrift))
 * 		switch (thrift.field)
 * 		{
 * 			case 1:
 * 				number = flow_thrift_int32(&thrift);
 * 				break;
 * 			default:
 * 				flow_thrift_skip(&thrift);
 * 		}
 *
 * Every field must be read or skipped.  A field whose type is not the one that
 * is read is an error.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_THRIFT_H
#define FLOW_THRIFT_H

#include "parquet.h"

/* types of fields and of elements */
typedef enum FlowThriftType
{
	FLOW_THRIFT_STOP = 0,
	FLOW_THRIFT_TRUE = 1, /* as the type of an element: a boolean in a byte */
	FLOW_THRIFT_FALSE = 2,
	FLOW_THRIFT_BYTE = 3,
	FLOW_THRIFT_INT16 = 4,
	FLOW_THRIFT_INT32 = 5,
	FLOW_THRIFT_INT64 = 6,
	FLOW_THRIFT_DOUBLE = 7,
	FLOW_THRIFT_BINARY = 8,
	FLOW_THRIFT_LIST = 9,
	FLOW_THRIFT_SET = 10,
	FLOW_THRIFT_MAP = 11,
	FLOW_THRIFT_STRUCT = 12,
	FLOW_THRIFT_UUID = 13
} FlowThriftType;

typedef struct FlowThrift
{
	const FlowHost *host;
	const uint8_t *start, *at, *end;

	/* the error, if any */
	const char *what; /* "has ...", such as "a negative size"; or NULL */
	bool ended;       /* the error is that the data end too early */
	bool interrupted; /* the host wants to stop; "what" is set, too */

	/* the current struct */
	int field;        /* id of the current field */
	uint8_t type;     /* of the current field, or of the elements of the current list */
	bool value;       /* of a boolean field */
	uint32_t checked; /* bytes read when the host was asked last */

	/* the structs around it */
	int depth;
	int outer[FLOW_PARQUET_MAX_DEPTH]; /* their current fields */
} FlowThrift;

extern void flow_thrift_init(FlowThrift *thrift, const FlowHost *host, const uint8_t *data,
                             size_t len);

/* Makes an error, unless there is one. */
extern void flow_thrift_fail(FlowThrift *thrift, const char *what);

/*
 * Begins a struct: the outermost, the value of the current field, or the next
 * element of a list.  Its fields must then be read until there is none.
 */
extern void flow_thrift_begin(FlowThrift *thrift);

/* Goes to the next field.  Returns false at the struct's end. */
extern bool flow_thrift_field(FlowThrift *thrift);

/* Skips the value of the current field. */
extern void flow_thrift_skip(FlowThrift *thrift);

/* Read the value of the current field. */
extern bool flow_thrift_bool(FlowThrift *thrift);
extern int32_t flow_thrift_int32(FlowThrift *thrift);
extern int64_t flow_thrift_int64(FlowThrift *thrift);
extern FlowSlice flow_thrift_binary(FlowThrift *thrift);

/*
 * Reads the value of a field that nobody has to write, as flow_thrift_int64
 * does.  One of another type is skipped and reads as 0, as Thrift itself has
 * it: some writers have used such fields for other things.
 */
extern int64_t flow_thrift_optional_int64(FlowThrift *thrift);

/*
 * Begins the list that is the value of the current field and whose elements
 * have the type.  Returns their number, which is not above that of the bytes
 * left.  Structs are then read with flow_thrift_begin and so on.
 */
extern size_t flow_thrift_list(FlowThrift *thrift, FlowThriftType element);

/* Read the next element of a list. */
extern bool flow_thrift_next_bool(FlowThrift *thrift);
extern int32_t flow_thrift_next_int32(FlowThrift *thrift);
extern int64_t flow_thrift_next_int64(FlowThrift *thrift);
extern FlowSlice flow_thrift_next_binary(FlowThrift *thrift);

#endif /* FLOW_THRIFT_H */
