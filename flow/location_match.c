/*-------------------------------------------------------------------------
 *
 * location_match.c
 *	  Matches paths against a location, and finds the values of variables.
 *
 *-------------------------------------------------------------------------
 */
#include "location.h"
#include "location_match.h"

#include <string.h>

/* ---------- a name ---------- */

/* Returns true if a class has a character. */
static bool
class_has(const char *p, const char *end, uint32_t character)
{
	bool negated = p[1] == '!' || p[1] == '^';
	const char *first = p + 1 + negated;
	uint32_t low, high;

	p = first;
	while (flow_location_class_member(first, &p, end, &low, &high))
		if (character >= low && character <= high)
			return !negated;
	return negated;
}

/*
 * Matches a piece of a date at p; returns its end, or NULL if it does not
 * match.
 */
static const char *
match_digits(const FlowLocation *location, const FlowItem *item, const char *p, const char *end)
{
	FlowPieceKind kind = location->path_template.pieces[item->value].kind;
	size_t len = flow_piece_width(kind);

	return (size_t) (end - p) >= len && flow_piece_fits(kind, p) ? p + len : NULL;
}

/* Returns the end of what the item matches at p, or NULL. */
static inline const char *
match_item(const FlowLocation *location, const FlowItem *item, const char *p, const char *end)
{
	uint32_t character;

	if (item->kind == FLOW_ITEM_DIGITS)
		return match_digits(location, item, p, end);
	p = flow_next_character(p, end, &character);
	switch (item->kind)
	{
		case FLOW_ITEM_CHARACTER:
			return character == item->value ? p : NULL;
		case FLOW_ITEM_ANY:
		case FLOW_ITEM_NAME:
			return p;
		case FLOW_ITEM_CLASS:
			return class_has(location->path_template.pattern + item->value,
			                 location->fixed,
			                 character)
			           ? p
			           : NULL;
		case FLOW_ITEM_DIGITS:
		case FLOW_ITEM_STAR:
			break;
	}
	return NULL;
}

/*
 * Records where the piece of an item begins and ends; a star that follows may
 * extend it.
 */
static inline void
begin_piece(const FlowItem *item, const char *p, const char *end, FlowSlice *pieces)
{
	if (pieces != NULL && (item->kind == FLOW_ITEM_NAME || item->kind == FLOW_ITEM_DIGITS))
		pieces[item->value] = (FlowSlice) {p, (size_t) (end - p)};
}

/*
 * Records that a star has taken the characters up to p, for the piece before
 * it if there is one.  NULL: there was no star yet.
 */
static inline void
end_star(const FlowItem *first, const FlowItem *star, const char *p, FlowSlice *pieces)
{
	if (pieces != NULL && star != NULL && star > first && star[-1].kind == FLOW_ITEM_NAME)
		pieces[star[-1].value].len = (size_t) (p - pieces[star[-1].value].data);
}

/*
 * Matches a name with the items of an alternative.  When the items after a
 * star do not match, only the last star needs to take one character more:
 * giving an earlier star more would not help.  In the match that is found each
 * star therefore takes as little as it can, the first one first; "pieces" (or
 * NULL) are set to what it gives to variables.
 */
static bool
match_items(const FlowLocation *location, const FlowAlternative *alternative, const char *name,
            const char *end, FlowSlice *pieces)
{
	const FlowItem *first = location->items + alternative->first;
	const FlowItem *item = first;
	const FlowItem *stop = item + alternative->count;
	const FlowItem *star = NULL; /* the last one so far */
	const char *retry = NULL;    /* where it ends */
	const char *p = name, *next;
	uint32_t ignored;

	if ((size_t) (end - name) < alternative->least)
		return false;

	while (p < end)
	{
		/*
		 * a star begins, an item matches, or the last star takes one character
		 * more
		 */
		if (item < stop && item->kind == FLOW_ITEM_STAR)
		{
			end_star(first, star, retry, pieces);
			star = item++;
			retry = item == stop ? end : p;
			p = retry;
		}
		else if (item < stop && (next = match_item(location, item, p, end)) != NULL)
		{
			begin_piece(item, p, next, pieces);
			item++;
			p = next;
		}
		else if (star != NULL)
		{
			item = star + 1;
			p = retry = flow_next_character(retry, end, &ignored);
		}
		else
			return false;
	}

	/* at the end of the name only stars may be left */
	for (; item < stop && item->kind == FLOW_ITEM_STAR; item++)
	{
		end_star(first, star, retry, pieces);
		star = item;
		retry = end;
	}
	end_star(first, star, retry, pieces);
	return item == stop;
}

/*
 * Returns true if a segment matches a name because its variable is NULL there,
 * which a date would not match.  All of its pieces are then the value.
 */
static bool
match_null(const FlowLocation *location, const FlowSegment *segment, const char *name,
           const char *end, FlowSlice *pieces)
{
	const FlowAlternative *alternative = &location->alternatives[segment->first];
	const FlowItem *items = location->items + alternative->first;
	const char *value = location->path_template.pattern + segment->hive_at;

	if (segment->hive_at == 0)
		return false;

	/* compare "name=" and the value */
	for (const char *p = segment->begin; p < value; p++)
	{
		p += *p == '\\';
		if (name == end || *name++ != *p)
			return false;
	}
	if (!flow_template_is_null(name, (size_t) (end - name)))
		return false;

	for (uint32_t i = 0; i < alternative->count && pieces != NULL; i++)
		if (items[i].kind == FLOW_ITEM_DIGITS)
			pieces[items[i].value] = (FlowSlice) {name, (size_t) (end - name)};
	return true;
}

/*
 * Returns true if a segment matches a name.  A name that listings leave out
 * matches only a segment that has the "." or "_" itself in first place;
 * *hidden is set if it would match otherwise.  "pieces" may be NULL.
 */
static bool
match_segment(const FlowLocation *location, const FlowSegment *segment, const char *name,
              size_t len, bool *hidden, FlowSlice *pieces)
{
	bool hide = name[0] == '.' || name[0] == '_';

	*hidden = segment->deep && hide;
	if (segment->deep)
		return !hide;

	for (uint32_t i = 0; i < segment->count; i++)
	{
		const FlowAlternative *alternative = &location->alternatives[segment->first + i];

		if (!match_items(location, alternative, name, name + len, pieces))
			continue;
		if (!hide || location->items[alternative->first].kind == FLOW_ITEM_CHARACTER)
		{
			*hidden = false;
			return true;
		}
		*hidden = true;
	}
	if (!match_null(location, segment, name, name + len, pieces))
		return false;
	*hidden = false;
	return true;
}

/* ---------- names on the way down ---------- */

#define NAMES_A_LOOK 64
#define LIGHT 512 /* up to this number of steps for a character of a name is fast */

/*
 * Returns how many names may be matched between two checks for an interrupt.
 */
size_t
flow_location_names_per_check(const FlowLocation *location)
{
	size_t names = NAMES_A_LOOK / (1 + location->weight / LIGHT);

	return names > 0 ? names : 1;
}

/*
 * Returns the set of segment i, and of those after it while they follow a
 * "**", which may also match no directory.  The bit after the last segment
 * means everything.
 */
static FlowSegments
segments_from(const FlowLocation *location, int i)
{
	FlowSegments set = (FlowSegments) 1 << i;

	for (; i + 1 < location->nsegments && location->segments[i].deep; i++)
		set |= (FlowSegments) 1 << (i + 1);
	return set;
}

/* Returns the segments that names in the fixed part may match. */
FlowSegments
flow_location_start(const FlowLocation *location)
{
	return segments_from(location, 0);
}

/* Returns true if names may match at any depth. */
bool
flow_location_is_deep(const FlowLocation *location, FlowSegments segments)
{
	for (; segments != 0; segments &= segments - 1)
	{
		int i = __builtin_ctzll(segments);

		if (i == location->nsegments || location->segments[i].deep)
			return true;
	}
	return false;
}

/* Matches a name in a directory. */
FlowNameMatch
flow_location_match(const FlowLocation *location, FlowSegments segments, const char *name,
                    size_t len)
{
	static const FlowSegment everything = {.deep = true};
	FlowNameMatch shown = {0, false, false}, left_out = {0, false, true};

	if (len == 0)
		return shown;

	for (; segments != 0; segments &= segments - 1)
	{
		int i = __builtin_ctzll(segments);
		bool behind = i == location->nsegments, hidden;
		const FlowSegment *segment = behind ? &everything : &location->segments[i];
		FlowNameMatch *match = &shown;

		if (!match_segment(location, segment, name, len, &hidden, NULL))
		{
			if (!hidden)
				continue;
			match = &left_out;
		}

		match->file |= i + 1 >= location->nsegments;
		match->below |= segments_from(location, segment->deep ? i : i + 1);
	}

	return shown.below == 0 && left_out.below != 0 ? left_out : shown;
}

/* ---------- values of variables ---------- */

/* The names of a path below the fixed part. */
typedef struct Names
{
	const FlowLocation *location;
	FlowSlice *pieces;
	FlowSlice names[FLOW_LOCATION_NAMES];
	int count;

	/* by segment, a bit for each name: known not to match from there on */
	uint64_t failed[FLOW_LOCATION_SEGMENTS + 1][(FLOW_LOCATION_NAMES + 63) / 64];
} Names;

/*
 * Splits a path into names; returns false if it is not below the fixed part,
 * or has too many names.
 */
static bool
split_path(const FlowLocation *location, const char *path, Names *names)
{
	size_t len = location->fixed_len;

	len -= location->fixed[len - 1] == '/';
	if (strncmp(path, location->fixed, len) != 0)
		return false;
	names->count = 0;
	for (const char *p = path + len; *p != '\0';)
	{
		size_t name_len = strcspn(p + 1, "/");

		if (*p != '/' || name_len == 0 || names->count == FLOW_LOCATION_NAMES)
			return false;
		names->names[names->count++] = (FlowSlice) {p + 1, name_len};
		p += 1 + name_len;
	}
	return true;
}

/* Returns true if a segment matches a name of the path. */
static bool
match_name(const Names *names, int segment, int name, FlowSlice *pieces)
{
	const FlowSlice *text = &names->names[name];
	bool hidden;

	return match_segment(names->location,
	                     &names->location->segments[segment],
	                     text->data,
	                     text->len,
	                     &hidden,
	                     pieces);
}

static bool
is_hidden(const FlowSlice *name)
{
	return name->data[0] == '.' || name->data[0] == '_';
}

static bool match_from(Names *names, int segment, int name);

/* Does the work of match_from, for a pair that is not yet known to fail. */
static bool
try_from(Names *names, int segment, int name)
{
	const FlowLocation *location = names->location;

	/*
	 * after the last segment, or in a "**" at the end: everything that is not
	 * hidden
	 */
	if (segment == location->nsegments)
		return name == names->count ||
		       (!is_hidden(&names->names[name]) && match_from(names, segment, name + 1));
	if (name == names->count)
		return false;
	if (!location->segments[segment].deep)
		return match_name(names, segment, name, names->pieces) &&
		       match_from(names, segment + 1, name + 1);

	/* as few directories as possible; at the end at least one */
	if (segment + 1 < location->nsegments && match_from(names, segment + 1, name))
		return true;
	if (is_hidden(&names->names[name]))
		return false;
	return match_from(names, segment + 1 < location->nsegments ? segment : segment + 1, name + 1);
}

/*
 * Returns true if the segments from one on match the names from one on.  The
 * first match found is taken.
 */
static bool
match_from(Names *names, int segment, int name)
{
	uint64_t *failed = &names->failed[segment][name / 64];
	uint64_t bit = UINT64_C(1) << (name % 64);

	if (name < names->count && (*failed & bit) != 0)
		return false;
	if (try_from(names, segment, name))
		return true;
	if (name < names->count)
		*failed |= bit;
	return false;
}

/*
 * Sets the values of variables in the path of a file.  Names are matched one
 * by one, so the match of one name does not depend on the next: if the parts
 * of a date in that match are not a date, the path does not match.
 */
bool
flow_location_values(const FlowLocation *location, const char *path, FlowPathValue *values)
{
	FlowSlice pieces[FLOW_LOCATION_PIECES];
	Names names = {.location = location, .pieces = pieces};

	if (location->path_template.nvariables == 0)
		return true;
	memset(pieces, 0, sizeof(pieces));
	return split_path(location, path, &names) && match_from(&names, 0, 0) &&
	       flow_template_values(&location->path_template, pieces, values);
}

/*
 * Sets the values of variables that the path of a directory determines.
 * Before a "**" the segment of each name is known, and so are the values of
 * variables in it.
 */
bool
flow_location_directory_values(const FlowLocation *location, const char *path,
                               FlowPathValue *values, bool *more)
{
	FlowSlice pieces[FLOW_LOCATION_PIECES];
	Names names = {.location = location};

	*more = false;
	memset(pieces, 0, sizeof(pieces));
	if (!split_path(location, path, &names))
		return false;
	for (int i = 0; i < names.count && i < location->nsegments && !location->segments[i].deep; i++)
	{
		*more = location->segments[i].binds && i == names.count - 1;
		if (location->segments[i].binds && !match_name(&names, i, i, pieces))
			return false;
	}
	return flow_template_values(&location->path_template, pieces, values);
}
