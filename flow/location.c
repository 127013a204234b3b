/*-------------------------------------------------------------------------
 *
 * location.c
 *	  Templates and wildcards of a location: which paths it means.
 *
 * A location is split at "/" into segments.  Those before the first wildcard are
 * its fixed part; each of the others is "**" (any number of directories; at the
 * end everything below) or a pattern for one name:
 *
 *		*			any run of characters, also none
 *		?			one character
 *		[a-z] [!a]	one character of, or not of, a set ("^" is like "!")
 *		{a,b}		either of some patterns, which may hold "{" again
 *		\x			the character x itself
 *
 * A character is a UTF-8 sequence, or a byte that belongs to none: names have no
 * declared encoding, but in practice they are UTF-8, and "?" should match what a
 * reader sees as one letter.
 *
 * Alternatives are multiplied out when a location is parsed, so that a name is
 * compared with plain sequences of items, in time bounded by the product of both
 * lengths, whatever the pattern.
 *
 *-------------------------------------------------------------------------
 */
#include "internal.h"

#include <string.h>

#define MAX_SEGMENTS 63 /* from the first wildcard on: FlowSegments has a bit for each and one more */
#define MAX_NESTING 8   /* of "{" */
#define MAX_ITEMS 32768 /* with alternatives multiplied out: a quarter of a megabyte */

#define STRAY_BYTE 0x110000 /* added to a byte that is no UTF-8: above every character */

typedef enum ItemKind
{
	ITEM_CHARACTER, /* value: the character */
	ITEM_ANY,
	ITEM_CLASS, /* value: offset of its "[" in the text */
	ITEM_STAR
} ItemKind;

typedef struct Item
{
	ItemKind kind;
	uint32_t value;
} Item;

/* A pattern without "{". */
typedef struct Alternative
{
	uint32_t first, count; /* of items */
	uint32_t least;        /* characters a name must have */
} Alternative;

typedef struct Segment
{
	const char *begin, *end; /* in the text */
	bool deep;               /* it is "**" */
	uint32_t first, count;   /* of alternatives; none if deep */
} Segment;

struct FlowLocation
{
	const FlowHost *host;
	char *text;  /* the location as given; lies behind this struct */
	char *fixed; /* behind text */
	size_t fixed_len;
	int nsegments; /* 0: no wildcard */
	Segment segments[MAX_SEGMENTS];
	Item *items;
	uint32_t nitems;
	Alternative *alternatives;
	uint32_t nalternatives;
};

/* Where the items of an alternative go. */
typedef struct Emitter
{
	const FlowLocation *location;
	Item *items; /* NULL: only count */
	uint32_t count;
	uint32_t least;
	bool after_star;
} Emitter;

/*
 * Reads the character at p, which is before end, and returns where the next one
 * begins.
 */
static inline const char *
next_character(const char *p, const char *end, uint32_t *character)
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

	*character = STRAY_BYTE + value;
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
	if (value < least[more] || value >= STRAY_BYTE || (value >= 0xD800 && value < 0xE000))
		return p + 1;
	*character = value;
	return p + more + 1;
}

/* ---------- the text: classes and groups ---------- */

/*
 * The end of a class, behind its "]", or NULL if it is not closed within its
 * segment.  p is at the "[".  A "]" in first place is a member.
 */
static const char *
class_end(const char *p)
{
	const char *first;

	p++;
	if (*p == '!' || *p == '^')
		p++;
	for (first = p; *p != '\0' && *p != '/'; p++)
	{
		if (*p == ']' && p != first)
			return p + 1;
		if (*p == '\\' && p[1] != '\0' && p[1] != '/')
			p++;
	}
	return NULL;
}

/*
 * Reads the next member of a closed class, a range of one or more characters, and
 * moves *p behind it; false at the end.  first: where its members begin.
 */
static bool
class_member(const char *first, const char **p, const char *end, uint32_t *low, uint32_t *high)
{
	if (**p == ']' && *p != first)
		return false;

	*p = next_character(**p == '\\' ? *p + 1 : *p, end, low);
	*high = *low;
	if ((*p)[0] == '-' && (*p)[1] != ']')
	{
		++*p;
		*p = next_character(**p == '\\' ? *p + 1 : *p, end, high);
	}
	return true;
}

static bool
class_has(const char *p, const char *end, uint32_t character)
{
	bool negated = p[1] == '!' || p[1] == '^';
	const char *first = p + 1 + negated;
	uint32_t low, high;

	p = first;
	while (class_member(first, &p, end, &low, &high))
		if (character >= low && character <= high)
			return !negated;
	return negated;
}

/* Behind the character, class or group at p; the text is known to be well-formed. */
static const char *
element_end(const char *p)
{
	int depth = 0;

	do
	{
		if (*p == '{')
			depth++;
		else if (*p == '}' && depth > 0)
			depth--;
		p = *p == '[' ? class_end(p) : p + (*p == '\\' ? 2 : 1);
	} while (depth > 0);
	return p;
}

/* The end of the alternative at p: its "," or the group's "}". */
static const char *
alternative_end(const char *p)
{
	while (*p != ',' && *p != '}')
		p = element_end(p);
	return p;
}

/* ---------- checking the text ---------- */

static FlowStatus
invalid(const FlowLocation *location, FlowError *error)
{
	return flow_error_set(error, FLOW_BAD_LOCATION, "invalid location \"%s\"", location->text);
}

static FlowStatus
not_closed(const FlowLocation *location, const char *p, FlowError *error)
{
	invalid(location, error);
	flow_error_detail(error, "The \"%c\" at byte %zu is not closed before the next \"/\" or the end.",
	                  *p, (size_t) (p - location->text) + 1);
	flow_error_hint(error, "Put \"\\\" before a character that stands for itself.");
	return error->status;
}

static FlowStatus
check_class(const FlowLocation *location, const char *p, FlowError *error)
{
	const char *end = class_end(p);
	const char *first = p + 1 + (p[1] == '!' || p[1] == '^');
	size_t byte = (size_t) (p - location->text) + 1;
	uint32_t low, high;

	if (end == NULL)
		return not_closed(location, p, error);

	p = first;
	for (const char *member = p; class_member(first, &p, end, &low, &high); member = p)
	{
		if (low > high)
		{
			invalid(location, error);
			flow_error_detail(error, "A range in the \"[\" at byte %zu ends before it begins.", byte);
			return error->status;
		}

		/* POSIX's [:alpha:] would be read as some of its letters, silently */
		if (*member == '[' && (member[1] == ':' || member[1] == '.' || member[1] == '='))
		{
			invalid(location, error);
			flow_error_detail(error, "The \"[\" at byte %zu has a named set, \"[%c\"; only characters and ranges can be in it.",
			                  byte, member[1]);
			return error->status;
		}
	}
	return FLOW_OK;
}

/* Checks a "\" or a "*" at p. */
static FlowStatus
check_escape_or_star(const FlowLocation *location, const char *p, FlowError *error)
{
	size_t byte = (size_t) (p - location->text) + 1;

	if (*p == '\\' && (p[1] == '\0' || p[1] == '/'))
	{
		invalid(location, error);
		flow_error_detail(error, "The \"\\\" at byte %zu has no character to escape.", byte);
		return error->status;
	}

	/* the text begins with "/", so there is a byte before p */
	if (*p == '*' && p[1] == '*' && (p[-1] != '/' || (p[2] != '/' && p[2] != '\0')))
	{
		invalid(location, error);
		flow_error_detail(error, "The \"**\" at byte %zu is not alone between two \"/\".", byte);
		flow_error_hint(error, "Write \"/**/*.gz\" for the files of that kind in a directory and all below it.");
		return error->status;
	}
	return FLOW_OK;
}

/*
 * Everything that can be wrong with the text is found here, in one pass, so that
 * whoever reads it later needs no errors.
 */
static FlowStatus
check_text(const FlowLocation *location, FlowError *error)
{
	const char *open[MAX_NESTING];
	int depth = 0;
	FlowStatus status = FLOW_OK;

	for (const char *p = location->text; *p != '\0';)
	{
		if (*p == '[')
			status = check_class(location, p, error);
		else if (*p == '\\' || *p == '*')
			status = check_escape_or_star(location, p, error);
		else if (*p == '/' && depth > 0)
			status = not_closed(location, open[depth - 1], error);
		else if (*p == '{' && depth == MAX_NESTING)
		{
			flow_error_set(error, FLOW_LIMIT, "alternatives in location \"%s\" are nested too deeply", location->text);
			flow_error_detail(error, "At most %d \"{\" may be open at a time.", MAX_NESTING);
			status = error->status;
		}
		else if (*p == '{')
			open[depth++] = p;
		else if (*p == '}' && depth > 0)
			depth--;
		else if (*p == '$' && p[1] == '{')
		{
			flow_error_set(error, FLOW_UNSUPPORTED, "\"${name}\" in a location is not supported");
			flow_error_detail(error, "There is a \"${\" at byte %zu of location \"%s\".",
			                  (size_t) (p - location->text) + 1, location->text);
			flow_error_hint(error, "Write \"\\$\\{\" if these characters stand for themselves.");
			status = error->status;
		}

		if (status != FLOW_OK)
			return status;
		p = *p == '[' ? class_end(p) : p + (*p == '\\' ? 2 : 1);
	}

	return depth == 0 ? FLOW_OK : not_closed(location, open[depth - 1], error);
}

/* ---------- compiling ---------- */

static bool
has_wildcard(const char *p, const char *end)
{
	for (; p < end; p += *p == '\\' ? 2 : 1)
		if (strchr("*?[{", *p) != NULL)
			return true;
	return false;
}

static void
add_fixed(FlowLocation *location, const char *p, const char *end)
{
	location->fixed[location->fixed_len++] = '/';
	while (p < end)
	{
		p += *p == '\\';
		location->fixed[location->fixed_len++] = *p++;
	}
}

static FlowStatus
add_segment(FlowLocation *location, const char *begin, const char *end, bool deep, FlowError *error)
{
	Segment *segment = &location->segments[location->nsegments];

	/* "**" after "**" adds nothing */
	if (deep && location->nsegments > 0 && segment[-1].deep)
		return FLOW_OK;

	if (location->nsegments == MAX_SEGMENTS)
	{
		flow_error_set(error, FLOW_LIMIT, "location \"%s\" has too many parts", location->text);
		flow_error_detail(error, "At most %d names may follow from the first wildcard on.", MAX_SEGMENTS);
		return error->status;
	}

	*segment = (Segment) {begin, end, deep, 0, 0};
	location->nsegments++;
	return FLOW_OK;
}

/* Splits the text into the fixed part and segments. */
static FlowStatus
split(FlowLocation *location, FlowError *error)
{
	const char *p = location->text;
	bool ends_in_slash = true;
	FlowStatus status = FLOW_OK;

	while (*p != '\0' && status == FLOW_OK)
	{
		const char *begin = ++p;

		while (*p != '\0' && *p != '/')
			p = element_end(p);

		/* "//" and "/./" are "/" */
		ends_in_slash = p == begin || (p == begin + 1 && *begin == '.' && location->nsegments == 0);
		if (ends_in_slash)
			continue;
		if (location->nsegments == 0 && !has_wildcard(begin, p))
			add_fixed(location, begin, p);
		else
			status = add_segment(location, begin, p, p == begin + 2 && memcmp(begin, "**", 2) == 0, error);
	}
	if (status != FLOW_OK)
		return status;

	if (location->fixed_len == 0 || (ends_in_slash && location->nsegments == 0))
		location->fixed[location->fixed_len++] = '/';
	location->fixed[location->fixed_len] = '\0';

	/* with a "/" behind it a pattern means directories only, and all in them */
	if (ends_in_slash && location->nsegments > 0)
		return add_segment(location, p, p, true, error);
	return FLOW_OK;
}

/*
 * In how many ways can alternatives be chosen between p and end?  Not more than
 * MAX_ITEMS + 1.
 */
static uint64_t
count_choices(const char *p, const char *end)
{
	uint64_t product = 1;

	for (; p < end && product <= MAX_ITEMS; p = element_end(p))
	{
		const char *a = p, *a_end;
		uint64_t sum = 0;

		if (*p != '{')
			continue;
		do
		{
			a_end = alternative_end(++a);
			sum += count_choices(a, a_end);
			a = a_end;
		} while (*a == ',');
		product *= sum;
	}
	return product <= MAX_ITEMS ? product : MAX_ITEMS + 1;
}

static void
emit_item(Emitter *emitter, ItemKind kind, uint32_t value)
{
	bool star = kind == ITEM_STAR;

	if (star && emitter->after_star)
		return;
	if (emitter->items != NULL)
		emitter->items[emitter->count] = (Item) {kind, value};
	emitter->count++;
	emitter->least += !star;
	emitter->after_star = star;
}

/*
 * Emits what is between p and end when alternatives are chosen by the number
 * "choice": each group takes its digit from it, with its own number of choices as
 * the base.
 */
static void
emit(Emitter *emitter, const char *p, const char *end, uint64_t choice)
{
	const char *text = emitter->location->text;

	for (const char *next; p < end; p = next)
	{
		uint32_t character;

		next = element_end(p);
		if (*p == '*')
			emit_item(emitter, ITEM_STAR, 0);
		else if (*p == '?')
			emit_item(emitter, ITEM_ANY, 0);
		else if (*p == '[')
			emit_item(emitter, ITEM_CLASS, (uint32_t) (p - text));
		else if (*p == '{')
		{
			uint64_t base = count_choices(p, next);
			uint64_t digit = choice % base, choices;
			const char *a = p + 1;

			choice /= base;
			while (digit >= (choices = count_choices(a, alternative_end(a))))
			{
				digit -= choices;
				a = alternative_end(a) + 1;
			}
			emit(emitter, a, alternative_end(a), digit);
		}
		else
		{
			next = next_character(*p == '\\' ? p + 1 : p, end, &character);
			emit_item(emitter, ITEM_CHARACTER, character);
		}
	}
}

/* Is it nothing, "." or "..": no name that reading a directory yields? */
static bool
is_no_name(const Item *items, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (items[i].kind != ITEM_CHARACTER || items[i].value != '.')
			return false;
	return count <= 2;
}

/*
 * Multiplies out a segment's alternatives.  With location->items NULL, only counts
 * them and their items.
 */
static FlowStatus
compile_segment(FlowLocation *location, Segment *segment, FlowError *error)
{
	uint64_t choices = count_choices(segment->begin, segment->end);

	segment->first = location->nalternatives;
	for (uint64_t choice = 0; choice < choices; choice++)
	{
		Emitter emitter = {location, NULL, 0, 0, false};

		if (choice % 64 == 63 && flow_interrupted(location->host))
			return flow_error_interrupted(error);
		if (location->items != NULL)
			emitter.items = location->items + location->nitems;
		emit(&emitter, segment->begin, segment->end, choice);

		if (choices > MAX_ITEMS || location->nitems + emitter.count + location->nalternatives + 1 > MAX_ITEMS)
		{
			flow_error_set(error, FLOW_LIMIT, "location \"%s\" has too many alternatives", location->text);
			flow_error_detail(error, "Multiplied out, its patterns are longer than %d characters.", MAX_ITEMS);
			return error->status;
		}
		if (emitter.count == 0 || (emitter.items != NULL && is_no_name(emitter.items, emitter.count)))
		{
			invalid(location, error);
			flow_error_detail(error, "The name at byte %zu can be empty, \".\" or \"..\", which is not possible after a wildcard.",
			                  (size_t) (segment->begin - location->text) + 1);
			return error->status;
		}

		if (location->alternatives != NULL)
			location->alternatives[location->nalternatives] =
				(Alternative) {location->nitems, emitter.count, emitter.least};
		location->nalternatives++;
		location->nitems += emitter.count;
	}
	segment->count = location->nalternatives - segment->first;
	return FLOW_OK;
}

static FlowStatus
compile(FlowLocation *location, FlowError *error)
{
	location->nitems = location->nalternatives = 0;
	for (int i = 0; i < location->nsegments; i++)
	{
		FlowStatus status = FLOW_OK;

		if (!location->segments[i].deep)
			status = compile_segment(location, &location->segments[i], error);
		if (status != FLOW_OK)
			return status;
	}
	return FLOW_OK;
}

/* ---------- parsing ---------- */

static FlowStatus
parse(FlowLocation *location, FlowError *error)
{
	const FlowHost *host = location->host;
	FlowStatus status;

	if ((status = check_text(location, error)) != FLOW_OK ||
	    (status = split(location, error)) != FLOW_OK ||
	    (status = compile(location, error)) != FLOW_OK)
		return status;

	/* now that the numbers are known, once more, to keep the items */
	location->items = flow_allocate(host, (location->nitems + 1) * sizeof(Item));
	location->alternatives = flow_allocate(host, (location->nalternatives + 1) * sizeof(Alternative));
	if (location->items == NULL || location->alternatives == NULL)
		return flow_error_memory(error);
	return compile(location, error);
}

FlowStatus
flow_location_parse(const FlowHost *host, const char *text, FlowLocation **parsed, FlowError *error)
{
	size_t len = strlen(text);
	FlowLocation *location;
	FlowStatus status;

	*parsed = NULL;
	if (strncmp(text, "s3://", 5) == 0)
		return flow_error_set(error, FLOW_UNSUPPORTED, "S3 locations are not supported by this build");
	if (text[0] != '/')
	{
		flow_error_set(error, FLOW_BAD_LOCATION, "invalid location \"%s\"", text);
		flow_error_detail(error, "A location is an absolute path: it begins with \"/\".");
		return error->status;
	}

	/* the fixed part can be as long as the text, and a "/" */
	location = flow_allocate(host, sizeof(FlowLocation) + (len + 1) + (len + 2));
	if (location == NULL)
		return flow_error_memory(error);
	memset(location, 0, sizeof(FlowLocation));
	location->host = host;
	location->text = (char *) (location + 1);
	location->fixed = location->text + len + 1;
	memcpy(location->text, text, len + 1);

	status = parse(location, error);
	if (status != FLOW_OK)
		flow_location_free(location);
	else
		*parsed = location;
	return status;
}

void
flow_location_free(FlowLocation *location)
{
	if (location == NULL)
		return;
	flow_free(location->host, location->items);
	flow_free(location->host, location->alternatives);
	flow_free(location->host, location);
}

FlowStatus
flow_location_check(const FlowHost *host, const char *text, FlowError *error)
{
	FlowLocation *location;
	FlowStatus status = flow_location_parse(host, text, &location, error);

	flow_location_free(location);
	return status;
}

const char *
flow_location_fixed(const FlowLocation *location)
{
	return location->fixed;
}

bool
flow_location_has_wildcard(const FlowLocation *location)
{
	return location->nsegments > 0;
}

/* ---------- matching ---------- */

/* Behind the character at p if the item matches it, else NULL. */
static inline const char *
match_item(const FlowLocation *location, const Item *item, const char *p, const char *end)
{
	uint32_t character;

	p = next_character(p, end, &character);
	switch (item->kind)
	{
		case ITEM_CHARACTER:
			return character == item->value ? p : NULL;
		case ITEM_ANY:
			return p;
		case ITEM_CLASS:
			return class_has(location->text + item->value, location->fixed, character) ? p : NULL;
		case ITEM_STAR:
			break;
	}
	return NULL;
}

/*
 * When the items behind a star do not match, only the last star need take one
 * character more: any way that gives an earlier star more would do no better.
 */
static bool
match_items(const FlowLocation *location, const Alternative *alternative, const char *name, const char *end)
{
	const Item *item = location->items + alternative->first;
	const Item *stop = item + alternative->count;
	const Item *behind_star = NULL; /* the item after the last star */
	const char *retry = NULL;       /* where it was tried */
	const char *p = name, *next;
	uint32_t ignored;

	if ((size_t) (end - name) < alternative->least)
		return false;

	while (p < end)
	{
		if (item < stop && item->kind == ITEM_STAR)
		{
			behind_star = ++item;
			if (item == stop)
				return true;
			retry = p;
		}
		else if (item < stop && (next = match_item(location, item, p, end)) != NULL)
		{
			item++;
			p = next;
		}
		else if (behind_star != NULL)
		{
			item = behind_star;
			p = retry = next_character(retry, end, &ignored);
		}
		else
			return false;
	}

	return item == stop || (item + 1 == stop && item->kind == ITEM_STAR);
}

/*
 * Does a segment match a name?  One that listings leave out it matches only where
 * it has the "." or "_" itself in first place; *hidden tells that it would match.
 */
static bool
match_segment(const FlowLocation *location, const Segment *segment, const char *name, size_t len, bool *hidden)
{
	bool hide = name[0] == '.' || name[0] == '_';

	*hidden = segment->deep && hide;
	if (segment->deep)
		return !hide;

	for (uint32_t i = 0; i < segment->count; i++)
	{
		const Alternative *alternative = &location->alternatives[segment->first + i];

		if (!match_items(location, alternative, name, name + len))
			continue;
		if (!hide || location->items[alternative->first].kind == ITEM_CHARACTER)
		{
			*hidden = false;
			return true;
		}
		*hidden = true;
	}
	return false;
}

/*
 * The set of segment i, and of those behind it if it is "**", which may also stand
 * for no directory.  The bit behind the last segment means everything.
 */
static FlowSegments
segments_from(const FlowLocation *location, int i)
{
	FlowSegments set = (FlowSegments) 1 << i;

	for (; i + 1 < location->nsegments && location->segments[i].deep; i++)
		set |= (FlowSegments) 1 << (i + 1);
	return set;
}

FlowSegments
flow_location_start(const FlowLocation *location)
{
	return segments_from(location, 0);
}

FlowNameMatch
flow_location_match(const FlowLocation *location, FlowSegments segments, const char *name, size_t len)
{
	static const Segment everything = {.deep = true};
	FlowNameMatch shown = {0, false, false}, left_out = {0, false, true};

	if (len == 0)
		return shown;

	for (; segments != 0; segments &= segments - 1)
	{
		int i = __builtin_ctzll(segments);
		bool behind = i == location->nsegments, hidden;
		const Segment *segment = behind ? &everything : &location->segments[i];
		FlowNameMatch *match = &shown;

		if (!match_segment(location, segment, name, len, &hidden))
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
