/*-------------------------------------------------------------------------
 *
 * location.h
 *	  Parsed locations, as the location_*.c files share them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_LOCATION_H
#define FLOW_LOCATION_H

#include "internal.h"

/* from the first wildcard on: FlowSegments has a bit for each, and one more */
#define FLOW_LOCATION_SEGMENTS 63
#define FLOW_LOCATION_PIECES 100 /* of variables */
/* of a path below the fixed part; a walk is less deep than that */
#define FLOW_LOCATION_NAMES 128

#define FLOW_STRAY_BYTE 0x110000 /* added to a byte that is not UTF-8: above every character */

/* The role of a piece of a path in the value of a variable. */
typedef enum FlowPieceKind
{
	FLOW_PIECE_NAME, /* all of it */
	FLOW_PIECE_YEAR,
	FLOW_PIECE_MONTH,
	FLOW_PIECE_DAY,
	FLOW_PIECE_HOUR
} FlowPieceKind;

/*
 * A run of characters of a path that is a variable's value, or a part of it.
 * In the pattern it is three bytes: "\", "/", which no location can contain in
 * that position, and FLOW_PIECE_CODE plus its number.
 */
typedef struct FlowPiece
{
	FlowPieceKind kind;
	int variable;
} FlowPiece;

/*
 * A pair of offsets: from here on, the pattern's text comes from the
 * location's text at "source".
 */
typedef struct FlowMark
{
	size_t pattern, source;
} FlowMark;

#define FLOW_LOCATION_MARKS (FLOW_LOCATION_PIECES + 3 * FLOW_MAX_VARIABLES + 1)

#define FLOW_PIECE_LENGTH 3
#define FLOW_PIECE_CODE 0x80

/*
 * A location in which variables are replaced by their pieces; see
 * location_template.c.
 */
typedef struct FlowTemplate
{
	char *pattern; /* NUL-terminated */
	FlowPiece *pieces;
	int npieces;
	FlowMark *marks; /* in order; NULL once the location is parsed */
	int nmarks;
	FlowVariable variables[FLOW_MAX_VARIABLES];
	/*
	 * by variable: where it begins in the pattern, if it is the whole value in
	 * a name "name=value"; otherwise 0
	 */
	size_t hive_at[FLOW_MAX_VARIABLES];
	int nvariables;
} FlowTemplate;

typedef enum FlowItemKind
{
	FLOW_ITEM_CHARACTER, /* value: the character */
	FLOW_ITEM_ANY,
	FLOW_ITEM_CLASS, /* value: offset of its "[" in the pattern */
	/*
	 * value: the piece of which it is the first character; followed by a star
	 * for the others
	 */
	FLOW_ITEM_NAME,
	FLOW_ITEM_DIGITS, /* value: the piece that they form */
	FLOW_ITEM_STAR
} FlowItemKind;

typedef struct FlowItem
{
	FlowItemKind kind;
	uint32_t value;
} FlowItem;

/* A pattern without "{". */
typedef struct FlowAlternative
{
	uint32_t first, count; /* of items */
	uint32_t least;        /* minimum characters of a name */
} FlowAlternative;

typedef struct FlowSegment
{
	const char *begin, *end; /* in the pattern */
	bool deep;               /* it is "**" */
	bool binds;              /* it contains a piece of a variable */
	size_t hive_at;          /* of a variable in it; 0: none */
	uint32_t first, count;   /* of alternatives; none if deep */
} FlowSegment;

/* The variables that are the day of a folder (see location_day.c). */
typedef struct FlowDayVariables
{
	bool known;                    /* false: the location has no folders of days */
	int date;                      /* the variable that is a date; -1: keys are the day */
	int keys[FLOW_PIECE_HOUR + 1]; /* by the part of a date that they are */
} FlowDayVariables;

struct FlowLocation
{
	const FlowHost *host;
	/*
	 * the location as given; like segments and pieces it lies after this
	 * struct
	 */
	char *text;
	size_t root_len; /* of its "s3://bucket", which is not part of the template; 0 for a path */
	FlowTemplate path_template;
	char *fixed; /* lies after text and pattern */
	size_t fixed_len;
	FlowShard shard;
	FlowDayVariables day;
	int nsegments; /* 0: no wildcard */
	FlowSegment *segments;
	FlowItem *items;
	uint32_t nitems;
	FlowAlternative *alternatives;
	uint32_t nalternatives;
	uint32_t longest; /* maximum items of an alternative */
	/* cost of matching: maximum steps for each character of a name */
	uint32_t weight;
};

/* ---------- location_class.c ---------- */

/*
 * Returns the end of a class, after its "]", or NULL if it is not closed
 * within its segment. p is at the "[".  A "]" in first place is a member.
 */
extern const char *flow_location_class_end(const char *p);

/*
 * Reads the next member of a closed class, a range of one or more characters,
 * and moves *p past it; false at the end.  "first": where its members begin.
 */
extern bool flow_location_class_member(const char *first, const char **p, const char *end,
                                       uint32_t *low, uint32_t *high);

/* ---------- location_day.c ---------- */

/*
 * Finds the variables that are the day of a folder; a location may have none.
 */
extern void flow_location_find_day(FlowLocation *location);

/* ---------- location_template.c ---------- */

/*
 * Replaces the variables of a location, which begins at "from", by their
 * pieces.  There is room for the location's length in template->pattern, and
 * in "names", which receives the names of variables; for FLOW_LOCATION_MARKS
 * marks; and for as many pieces as the location has bytes, or
 * FLOW_LOCATION_PIECES.  FLOW_BAD_LOCATION or FLOW_LIMIT.
 */
extern FlowStatus flow_template_read(const char *text, size_t from, char *names,
                                     FlowTemplate *path_template, FlowError *error);

/*
 * Returns the offset in the location of what is at an offset of the pattern.
 */
extern size_t flow_template_source(const FlowTemplate *path_template, size_t offset);

/*
 * Returns the number of characters of a piece that is not a FLOW_PIECE_NAME.
 */
extern size_t flow_piece_width(FlowPieceKind kind);

/*
 * Returns true if these digits are a valid piece; there must be as many as the
 * piece has.
 */
extern bool flow_piece_fits(FlowPieceKind kind, const char *digits);

/* Returns true if a value in "name=value" is the one by which Hive means NULL. */
extern bool flow_template_is_null(const char *value, size_t len);

/*
 * Sets the variables' values from the pieces that are known (the others have
 * data NULL).  Returns false if a date does not exist in the calendar.
 */
extern bool flow_template_values(const FlowTemplate *path_template, const FlowSlice *pieces,
                                 FlowPathValue *values);

/* ---------- inline ---------- */

/*
 * Reads the character at p, which is before end, and returns the position of
 * the next one.
 */
static inline const char *
flow_next_character(const char *p, const char *end, uint32_t *character)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	const unsigned char *u = (const unsigned char *) p;
	uint32_t value = u[0];
	int more;

	if (value < 0x80)
	{
		*character = value;
		return p + 1;
	}

	*character = FLOW_STRAY_BYTE + value;
	more = 1 + (value >= 0xE0) + (value >= 0xF0);
	if (value < 0xC2 || value > 0xF4 || end - p <= more)
		return p + 1;
	value &= 0x3F >> more;
	for (int i = 1; i <= more; i++)
	{
		if ((u[i] & 0xC0) != 0x80)
			return p + 1;
		value = value << 6 | (u[i] & 0x3F);
	}
	if (value < least[more] || value >= FLOW_STRAY_BYTE || (value >= 0xD800 && value < 0xE000))
		return p + 1;
	*character = value;
	return p + more + 1;
}

#endif /* FLOW_LOCATION_H */
