/*-------------------------------------------------------------------------
 *
 * location.h
 *	  What the files of a location share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_LOCATION_H
#define FLOW_LOCATION_H

#include "internal.h"

/* from the first wildcard on: FlowSegments has a bit for each and one more */
#define FLOW_LOCATION_SEGMENTS 63
#define FLOW_LOCATION_PIECES 100 /* of variables */
#define FLOW_LOCATION_NAMES 128  /* of a path below the fixed part; a walk goes less deep */

#define FLOW_STRAY_BYTE 0x110000 /* added to a byte that is no UTF-8: above every character */

/* What a piece of a path is in the value of a variable. */
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
 * In the pattern it is three bytes: "\", "/", which nobody else can write
 * there, and FLOW_PIECE_CODE plus its number.
 */
typedef struct FlowPiece
{
	FlowPieceKind kind;
	int variable;
} FlowPiece;

/* From here on, the pattern is what the location is from there on. */
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
	FlowMark *marks; /* in their order; NULL once the location is parsed */
	int nmarks;
	FlowVariable variables[FLOW_MAX_VARIABLES];
	int nvariables;
} FlowTemplate;

typedef enum FlowItemKind
{
	FLOW_ITEM_CHARACTER, /* value: the character */
	FLOW_ITEM_ANY,
	FLOW_ITEM_CLASS, /* value: offset of its "[" in the pattern */
	/*
	 * value: the piece of which it is the first character; a star for the
	 * others follows
	 */
	FLOW_ITEM_NAME,
	FLOW_ITEM_DIGITS, /* value: the piece that they are */
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
	uint32_t least;        /* characters a name must have */
} FlowAlternative;

typedef struct FlowSegment
{
	const char *begin, *end; /* in the pattern */
	bool deep;               /* it is "**" */
	bool binds;              /* it has a piece of a variable */
	uint32_t first, count;   /* of alternatives; none if deep */
} FlowSegment;

struct FlowLocation
{
	const FlowHost *host;
	/*
	 * the location as given; like segments and pieces it lies behind this
	 * struct
	 */
	char *text;
	size_t root_len; /* of its "s3://bucket", which is no part of the template; 0 for a path */
	FlowTemplate path_template;
	char *fixed; /* behind text and pattern */
	size_t fixed_len;
	FlowShard shard;
	int nsegments; /* 0: no wildcard */
	FlowSegment *segments;
	FlowItem *items;
	uint32_t nitems;
	FlowAlternative *alternatives;
	uint32_t nalternatives;
	uint32_t longest; /* items of an alternative, at most */
	/*
	 * what matching a name may cost: at most as many steps for each of its
	 * characters
	 */
	uint32_t weight;
};

/* ---------- location_class.c ---------- */

/*
 * The end of a class, behind its "]", or NULL if it is not closed within its
 * segment.  p is at the "[".  A "]" in first place is a member.
 */
extern const char *flow_location_class_end(const char *p);

/*
 * Reads the next member of a closed class, a range of one or more characters,
 * and moves *p behind it; false at the end.  first: where its members begin.
 */
extern bool flow_location_class_member(const char *first, const char **p, const char *end,
                                       uint32_t *low, uint32_t *high);

/* ---------- location_template.c ---------- */

/*
 * Takes the variables out of a location, which begins at "from".  There is
 * room for the location's length in template->pattern, and in "names", where
 * those of variables go; for FLOW_LOCATION_MARKS marks; and for as many pieces
 * as the location has bytes, or FLOW_LOCATION_PIECES.  FLOW_BAD_LOCATION or
 * FLOW_LIMIT.
 */
extern FlowStatus flow_template_read(const char *text, size_t from, char *names,
                                     FlowTemplate *path_template, FlowError *error);

/* Where in the location is what stands at an offset of the pattern? */
extern size_t flow_template_source(const FlowTemplate *path_template, size_t offset);

/* How many characters has a piece that is not a FLOW_PIECE_NAME? */
extern size_t flow_piece_width(FlowPieceKind kind);

/* Are these digits one?  There are as many as it has. */
extern bool flow_piece_fits(FlowPieceKind kind, const char *digits);

/*
 * Makes values of the pieces that are known (the others have data NULL).
 * False if a date is none of the calendar's.
 */
extern bool flow_template_values(const FlowTemplate *path_template, const FlowSlice *pieces,
                                 FlowPathValue *values);

/* ---------- inline ---------- */

/*
 * Reads the character at p, which is before end, and returns where the next
 * one begins.
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
