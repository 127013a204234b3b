/*-------------------------------------------------------------------------
 *
 * location.c
 *	  Parses locations with wildcards.
 *
 * A location is split at "/" into segments.  Those before the first wildcard
 * are its fixed part; each of the others is "**" (any number of directories;
 * at the end everything below) or a pattern for one name:
 *
 *		*			any run of characters, also none
 *		?			one character
 *		[a-z] [!a]	one character of, or not of, a set ("^" is like "!")
 *		{a,b}		either of some patterns, which may contain "{" again
 *		\x			the character x itself
 *		${name}		a variable; see location_template.c
 *
 * A character is a UTF-8 sequence, or a byte that belongs to none: names have
 * no declared encoding, but in practice they are UTF-8, and "?" should match
 * what the user sees as one letter.
 *
 * Alternatives are expanded when a location is parsed, so that a name is
 * compared with plain sequences of items, in time bounded by the product of
 * both lengths, whatever the pattern.
 *
 *-------------------------------------------------------------------------
 */
#include "location.h"
#include "location_match.h"

#include <string.h>
#include <strings.h>

#define S3_SCHEME "s3://"
#define MAX_NESTING 8   /* of "{" */
#define MAX_ITEMS 32768 /* with alternatives expanded: a quarter of a megabyte */

/* Counts for the alternative being made. */
typedef struct Emitted
{
	uint32_t count;
	uint32_t least;
	uint32_t weight; /* as limited by MAX_ITEMS: a class counts for each of its members */
	bool after_star;
} Emitted;

/* A segment whose alternatives are being expanded. */
typedef struct Expansion
{
	FlowLocation *location;
	const FlowSegment *segment;
	FlowItem *items; /* of the alternative being made; NULL: only count */
	Emitted emitted; /* counts so far */
	FlowError *error;
} Expansion;

/* The text that follows an alternative: from p to end, and then "rest". */
typedef struct Rest
{
	const char *p, *end;
	int open; /* open groups with a single alternative */
	const struct Rest *rest;
} Rest;

/* ---------- the text: classes and groups ---------- */

static bool
is_piece(const char *p)
{
	return *p == '\\' && p[1] == '/';
}

/* Returns the end of the character or of the piece of a variable at p. */
static const char *
character_end(const char *p)
{
	if (is_piece(p))
		return p + FLOW_PIECE_LENGTH;
	return p + (*p == '\\' ? 2 : 1);
}

/*
 * Returns the end of the character, piece, class or group at p; the text is
 * known to be well-formed.
 */
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
		p = *p == '[' ? flow_location_class_end(p) : character_end(p);
	} while (depth > 0);
	return p;
}

/* Returns the end of the alternative at p: its "," or the group's "}". */
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

/*
 * Returns, for messages, which byte of the location, from 1, is at a place of
 * the pattern.
 */
static size_t
byte_of(const FlowLocation *location, const char *p)
{
	return flow_template_source(&location->path_template,
	                            (size_t) (p - location->path_template.pattern)) +
	       1;
}

static FlowStatus
not_closed(const FlowLocation *location, const char *p, FlowError *error)
{
	invalid(location, error);
	flow_error_detail(error,
	                  "The \"%c\" at byte %zu is not closed before the next \"/\" or the end.",
	                  *p,
	                  byte_of(location, p));
	flow_error_hint(error, "Put \"\\\" before a character that stands for itself.");
	return error->status;
}

/* Checks the class at p. */
static FlowStatus
check_class(const FlowLocation *location, const char *p, FlowError *error)
{
	const char *end = flow_location_class_end(p);
	const char *first = p + 1 + (p[1] == '!' || p[1] == '^');
	size_t byte = byte_of(location, p);
	uint32_t low, high;

	if (end == NULL)
		return not_closed(location, p, error);

	/* check its members */
	p = first;
	for (const char *member = p; flow_location_class_member(first, &p, end, &low, &high);
	     member = p)
	{
		if (low > high)
		{
			invalid(location, error);
			flow_error_detail(error,
			                  "A range in the \"[\" at byte %zu ends before it begins.",
			                  byte);
			return error->status;
		}

		/* POSIX's [:alpha:] would silently be read as some of its letters */
		if (*member == '[' && (member[1] == ':' || member[1] == '.' || member[1] == '='))
		{
			invalid(location, error);
			flow_error_detail(error,
			                  "The \"[\" at byte %zu has a named set, \"[%c\"; only characters and "
			                  "ranges can be in it.",
			                  byte,
			                  member[1]);
			return error->status;
		}
	}
	return FLOW_OK;
}

/* Checks a "*" at p. */
static FlowStatus
check_star(const FlowLocation *location, const char *p, FlowError *error)
{
	/* the text begins with "/", so there is a byte before p */
	if (p[1] == '*' && (p[-1] != '/' || (p[2] != '/' && p[2] != '\0')))
	{
		invalid(location, error);
		flow_error_detail(error,
		                  "The \"**\" at byte %zu is not alone between two \"/\".",
		                  byte_of(location, p));
		flow_error_hint(
			error,
			"Write \"/**/*.gz\" for the files of that kind in a directory and all below it.");
		return error->status;
	}
	return FLOW_OK;
}

/*
 * Checks the whole pattern in one pass, so that the code that reads it later
 * needs no errors.  Mistakes in variables and escapes were found by
 * location_template.c.
 */
static FlowStatus
check_text(const FlowLocation *location, FlowError *error)
{
	const char *open[MAX_NESTING];
	int depth = 0;
	FlowStatus status = FLOW_OK;

	for (const char *p = location->path_template.pattern; *p != '\0';)
	{
		if (*p == '[')
			status = check_class(location, p, error);
		else if (*p == '*')
			status = check_star(location, p, error);
		else if (*p == '/' && depth > 0)
			status = not_closed(location, open[depth - 1], error);
		else if (*p == '{' && depth == MAX_NESTING)
		{
			flow_error_set(error,
			               FLOW_LIMIT,
			               "alternatives in location \"%s\" are nested too deeply",
			               location->text);
			flow_error_detail(error, "At most %d \"{\" may be open at a time.", MAX_NESTING);
			status = error->status;
		}
		else if (*p == '{')
			open[depth++] = p;
		else if (*p == '}' && depth > 0)
			depth--;

		if (status != FLOW_OK)
			return status;
		p = *p == '[' ? flow_location_class_end(p) : character_end(p);
	}

	return depth == 0 ? FLOW_OK : not_closed(location, open[depth - 1], error);
}

/* ---------- compiling ---------- */

static bool
has_wildcard(const char *p, const char *end)
{
	for (; p < end; p = character_end(p))
		if (strchr("*?[{", *p) != NULL || is_piece(p))
			return true;
	return false;
}

static bool
has_piece(const char *p, const char *end)
{
	for (; p < end; p = element_end(p))
		if (is_piece(p))
			return true;
	return false;
}

/* Adds a segment without wildcards to the fixed part. */
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

/* Adds a segment from the first wildcard on. */
static FlowStatus
add_segment(FlowLocation *location, const char *begin, const char *end, bool deep, FlowError *error)
{
	const FlowTemplate *path_template = &location->path_template;
	FlowSegment *segment = &location->segments[location->nsegments];

	/* "**" after "**" adds nothing */
	if (deep && location->nsegments > 0 && segment[-1].deep)
		return FLOW_OK;

	if (location->nsegments == FLOW_LOCATION_SEGMENTS)
	{
		flow_error_set(error, FLOW_LIMIT, "location \"%s\" has too many parts", location->text);
		flow_error_detail(error,
		                  "At most %d names may follow from the first wildcard on.",
		                  FLOW_LOCATION_SEGMENTS);
		return error->status;
	}

	*segment = (FlowSegment) {begin, end, deep, has_piece(begin, end), 0, 0, 0};
	for (int i = 0; i < path_template->nvariables; i++)
		if (path_template->hive_at[i] > (size_t) (begin - path_template->pattern) &&
		    path_template->hive_at[i] < (size_t) (end - path_template->pattern))
			segment->hive_at = path_template->hive_at[i];
	location->nsegments++;
	return FLOW_OK;
}

/* Splits the text into the fixed part and segments. */
static FlowStatus
split(FlowLocation *location, FlowError *error)
{
	const char *p = location->path_template.pattern;
	bool ends_in_slash = true;
	FlowStatus status = FLOW_OK;

	memcpy(location->fixed, location->text, location->root_len);
	location->fixed_len = location->root_len;

	while (*p != '\0' && status == FLOW_OK)
	{
		const char *begin = ++p;

		while (*p != '\0' && *p != '/')
			p = element_end(p);

		/*
		 * "//" and "/./" are "/", except in the fixed part of a key, which is
		 * not a path
		 */
		ends_in_slash = p == begin || (p == begin + 1 && *begin == '.' && location->nsegments == 0);
		if (ends_in_slash && (location->root_len == 0 || location->nsegments > 0 || *p == '\0'))
			continue;
		if (location->nsegments == 0 && !has_wildcard(begin, p))
			add_fixed(location, begin, p);
		else
			status = add_segment(location,
			                     begin,
			                     p,
			                     p == begin + 2 && memcmp(begin, "**", 2) == 0,
			                     error);
	}
	if (status != FLOW_OK)
		return status;

	/* a "/" at the end shows that a key's last name may be empty */
	if (location->fixed_len == location->root_len || (ends_in_slash && location->nsegments == 0) ||
	    (location->root_len > 0 && location->nsegments > 0))
		location->fixed[location->fixed_len++] = '/';
	location->fixed[location->fixed_len] = '\0';

	/*
	 * with a "/" at its end a pattern matches only directories, and means all
	 * files in them
	 */
	if (ends_in_slash && location->nsegments > 0)
		return add_segment(location, p, p, true, error);
	return FLOW_OK;
}

/*
 * Returns the number of ways in which alternatives can be chosen between p and
 * end, or MAX_ITEMS + 1 if there are more than MAX_ITEMS.
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

/* Emits an item of the alternative; of adjacent stars only one. */
static void
emit_item(Expansion *x, FlowItemKind kind, uint32_t value)
{
	bool star = kind == FLOW_ITEM_STAR;

	if (star && x->emitted.after_star)
		return;
	if (x->items != NULL)
		x->items[x->emitted.count] = (FlowItem) {kind, value};
	x->emitted.count++;
	x->emitted.weight++;
	x->emitted.least += !star;
	x->emitted.after_star = star;
}

/* Emits the items of a piece of a variable. */
static void
emit_piece(Expansion *x, const char *p)
{
	uint32_t number = (uint32_t) (unsigned char) p[2] - FLOW_PIECE_CODE;
	FlowPieceKind kind = x->location->path_template.pieces[number].kind;

	if (kind != FLOW_PIECE_NAME)
	{
		emit_item(x, FLOW_ITEM_DIGITS, number);
		x->emitted.least += (uint32_t) flow_piece_width(kind) - 1;
		return;
	}
	emit_item(x, FLOW_ITEM_NAME, number);
	emit_item(x, FLOW_ITEM_STAR, 0);
	x->emitted.after_star = false; /* another star after it is a separate one */
}

/*
 * Emits a class.  Its weight is the number of its members, because a character
 * may be compared with all of them.
 */
static void
emit_class(Expansion *x, const char *p, const char *end)
{
	const char *first = p + 1 + (p[1] == '!' || p[1] == '^');
	const char *member = first;
	uint32_t low, high;

	emit_item(x, FLOW_ITEM_CLASS, (uint32_t) (p - x->location->path_template.pattern));
	while (x->emitted.weight <= MAX_ITEMS &&
	       flow_location_class_member(first, &member, end, &low, &high))
		x->emitted.weight += member != first;
}

/* Emits the element at p, which is not a group; returns its end. */
static const char *
emit(Expansion *x, const char *p, const char *end)
{
	const char *next = element_end(p);
	uint32_t character;

	if (*p == '*')
		emit_item(x, FLOW_ITEM_STAR, 0);
	else if (*p == '?')
		emit_item(x, FLOW_ITEM_ANY, 0);
	else if (*p == '[')
		emit_class(x, p, next);
	else if (is_piece(p))
		emit_piece(x, p);
	else
	{
		next = flow_next_character(*p == '\\' ? p + 1 : p, end, &character);
		emit_item(x, FLOW_ITEM_CHARACTER, character);
	}
	return next;
}

/*
 * Returns true if the items are an empty name, "." or "..", which no directory
 * has as an entry.
 */
static bool
is_no_name(const FlowItem *items, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (items[i].kind != FLOW_ITEM_CHARACTER || items[i].value != '.')
			return false;
	return count <= 2;
}

static FlowStatus
too_many(const Expansion *x)
{
	flow_error_set(x->error,
	               FLOW_LIMIT,
	               "location \"%s\" has too many alternatives",
	               x->location->text);
	flow_error_detail(x->error, "The expanded alternatives exceed %d characters.", MAX_ITEMS);
	return x->error->status;
}

/*
 * Checks the alternative that was emitted, counts it, and adds it if its items
 * are kept.
 */
static FlowStatus
finish_alternative(Expansion *x)
{
	FlowLocation *location = x->location;
	const Emitted *emitted = &x->emitted;

	if (location->weight + emitted->weight + 1 > MAX_ITEMS)
		return too_many(x);
	if (emitted->count == 0 || (x->items != NULL && is_no_name(x->items, emitted->count)))
	{
		invalid(location, x->error);
		flow_error_detail(x->error,
		                  "The name at byte %zu can be empty, \".\" or \"..\", which is not "
		                  "possible after a wildcard.",
		                  byte_of(location, x->segment->begin));
		return x->error->status;
	}
	if (x->items != NULL)
	{
		memcpy(location->items + location->nitems, x->items, emitted->count * sizeof(FlowItem));
		location->alternatives[location->nalternatives] =
			(FlowAlternative) {location->nitems, emitted->count, emitted->least};
	}
	location->nalternatives++;
	location->nitems += emitted->count;
	location->weight += emitted->weight + 1;
	if (emitted->count > location->longest)
		location->longest = emitted->count;
	if (location->nalternatives % 64 == 63 && flow_interrupted(location->host))
		return flow_error_interrupted(x->error);
	return FLOW_OK;
}

/*
 * Expands the alternatives of the text between p and end, followed by "rest".
 * Each of them begins with the items emitted so far.  A group with a single
 * alternative offers no choice and takes no level of recursion; the number of
 * alternatives bounds the recursion for other groups.
 */
static FlowStatus
expand(Expansion *x, const char *p, const char *end, const Rest *rest)
{
	FlowStatus status = FLOW_OK;
	Emitted before;
	Rest behind;
	int open = 0;

	for (;;)
	{
		if (p == end && rest == NULL)
			return finish_alternative(x);
		if (p == end)
		{
			p = rest->p;
			end = rest->end;
			open = rest->open;
			rest = rest->rest;
		}
		else if (*p == '}' && open > 0)
		{
			open--;
			p++;
		}
		else if (*p == '{' && *alternative_end(p + 1) == '}')
		{
			open++;
			p++;
		}
		else if (*p == '{')
			break;
		else
			p = emit(x, p, end);

		/* longer than that is too long, whatever follows */
		if (x->emitted.weight > MAX_ITEMS)
			return too_many(x);
	}

	/* each alternative of the group at p, followed by the text after it */
	behind = (Rest) {element_end(p), end, open, rest};
	before = x->emitted;
	for (p++; status == FLOW_OK; p++)
	{
		const char *alternative = p;

		p = alternative_end(p);
		x->emitted = before;
		status = expand(x, alternative, p, &behind);
		if (*p == '}')
			break;
	}
	return status;
}

/*
 * Expands a segment's alternatives.  With "items" NULL, only counts them and
 * their items; otherwise "items" has room for the longest one.
 */
static FlowStatus
compile_segment(FlowLocation *location, FlowSegment *segment, FlowItem *items, FlowError *error)
{
	Expansion x = {.location = location, .segment = segment, .items = items, .error = error};
	FlowStatus status;

	if (count_choices(segment->begin, segment->end) > MAX_ITEMS)
		return too_many(&x);
	segment->first = location->nalternatives;
	status = expand(&x, segment->begin, segment->end, NULL);
	segment->count = location->nalternatives - segment->first;
	return status;
}

/* Expands the alternatives of all segments, or only counts them. */
static FlowStatus
compile(FlowLocation *location, FlowItem *items, FlowError *error)
{
	location->nitems = location->nalternatives = location->weight = 0;
	for (int i = 0; i < location->nsegments; i++)
	{
		FlowStatus status = FLOW_OK;

		if (!location->segments[i].deep)
			status = compile_segment(location, &location->segments[i], items, error);
		if (status != FLOW_OK)
			return status;
	}
	return FLOW_OK;
}

/* ---------- parsing ---------- */

/* Parses a location whose memory is laid out. */
static FlowStatus
parse(FlowLocation *location, char *names, FlowError *error)
{
	const FlowHost *host = location->host;
	FlowItem *items;
	FlowStatus status;

	if ((status = flow_template_read(location->text,
	                                 location->root_len,
	                                 names,
	                                 &location->path_template,
	                                 error)) != FLOW_OK ||
	    (status = check_text(location, error)) != FLOW_OK ||
	    (status = split(location, error)) != FLOW_OK ||
	    (status = compile(location, NULL, error)) != FLOW_OK)
		return status;

	/* expand again to keep the items, now that their number is known */
	location->items = flow_allocate(host, (location->nitems + 1) * sizeof(FlowItem));
	location->alternatives =
		flow_allocate(host, (location->nalternatives + 1) * sizeof(FlowAlternative));
	items = flow_allocate(host, (location->longest + 1) * sizeof(FlowItem));
	if (location->items == NULL || location->alternatives == NULL || items == NULL)
		status = flow_error_memory(error);
	else
		status = compile(location, items, error);
	flow_free(host, items);
	return status;
}

#define WHOLE_PATH "write the whole path, such as '/var/log/flow'."
#define IN_BUCKET                                                                                  \
	"Write the bucket and the beginning of the keys in this form: 's3://my-flow-logs/AWSLogs/'."

/*
 * Beginnings of locations that people give, and what to write instead.  Capitals
 * make no difference.
 */
static const struct
{
	const char *begin;
	const char *hint;
} slips[] = {
	{"~", "The server does not know your home directory: " WHOLE_PATH},
	{"$", "The server has no variables of a shell: " WHOLE_PATH},
	{"file:", "Write only the path, such as '/var/log/flow'."},
	{"s3:", IN_BUCKET},
	{"s3a:", IN_BUCKET},
	{"s3n:", IN_BUCKET},
	{"arn:", IN_BUCKET},
	{"http",
     IN_BUCKET " A store that is not AWS's has its URL in option \"endpoint\" of the server."},
	{" ", "Remove the blank at its beginning."},
	{"", "It is not relative to a directory: " WHOLE_PATH},
};

/* Adds what to do about a location that is neither a path nor in a bucket. */
static void
hint_at_slip(const char *text, FlowError *error)
{
	bool has_drive = text[0] != '\0' && text[1] == ':';
	size_t i = 0;

	while (strncasecmp(text, slips[i].begin, strlen(slips[i].begin)) != 0)
		i++;
	flow_error_hint(error,
	                "%s",
	                has_drive ? "Write the path as a program of the server has it, with \"/\" "
	                            "between names."
	                          : slips[i].hint);
}

/*
 * Sets the length of "s3://bucket", or 0 for a path.  The bucket's name is
 * checked by the rules for names of buckets (AWS: "General purpose bucket
 * naming rules"; other stores also allow upper case and "_"), which exclude
 * everything that could change the meaning of a URL.
 */
static FlowStatus
read_root(const char *text, size_t *len, FlowError *error)
{
	const char *bucket = text + strlen(S3_SCHEME);
	const char *dots;
	size_t bucket_len;

	*len = 0;
	if (text[0] == '/')
		return FLOW_OK;
	flow_error_set(error, FLOW_BAD_LOCATION, "invalid location \"%s\"", text);
	if (strncmp(text, S3_SCHEME, strlen(S3_SCHEME)) != 0)
	{
		flow_error_detail(
			error,
			"A location is an absolute path, which begins with \"/\", or begins with \"s3://\".");
		hint_at_slip(text, error);
		return error->status;
	}
	bucket_len =
		strspn(bucket, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
	dots = strstr(bucket, "..");
	if (bucket_len < 3 || bucket_len > 63 ||
	    (bucket[bucket_len] != '/' && bucket[bucket_len] != '\0') ||
	    strchr(".-", bucket[0]) != NULL || strchr(".-", bucket[bucket_len - 1]) != NULL ||
	    (dots != NULL && dots < bucket + bucket_len))
	{
		flow_error_detail(error,
		                  "A bucket name must follow \"s3://\": 3 to 63 letters, digits, "
		                  "\".\", \"-\" and \"_\", without wildcards.");
		flow_error_hint(error, "%s", IN_BUCKET);
		return error->status;
	}
	*len = strlen(S3_SCHEME) + bucket_len;
	return FLOW_OK;
}

static size_t
count_bytes(const char *text, char byte)
{
	size_t count = 0;

	while ((text = strchr(text, byte)) != NULL)
	{
		count++;
		text++;
	}
	return count;
}

/* Parses a location. */
FlowStatus
flow_location_parse(const FlowHost *host, const char *text, FlowLocation **parsed, FlowError *error)
{
	FlowMark marks[FLOW_LOCATION_MARKS];
	size_t len = strlen(text);
	size_t nsegments, npieces;
	FlowLocation *location;
	FlowStatus status;
	size_t root_len;

	*parsed = NULL;
	status = read_root(text, &root_len, error);
	if (status != FLOW_OK)
		return status;

	/* a segment begins after a "/", and another one may follow the last "/" */
	nsegments = count_bytes(text, '/') + 1;
	if (nsegments > FLOW_LOCATION_SEGMENTS)
		nsegments = FLOW_LOCATION_SEGMENTS;
	npieces = strchr(text, '$') == NULL    ? 0
	          : len < FLOW_LOCATION_PIECES ? len
	                                       : FLOW_LOCATION_PIECES;

	/*
	 * the pattern is at most as long as the text and a "/", the fixed part as
	 * long as that and a "/"; names of variables follow
	 */
	location =
		flow_allocate(host,
	                  sizeof(FlowLocation) + nsegments * sizeof(FlowSegment) +
	                      npieces * sizeof(FlowPiece) + (len + 1) + (len + 2) + (len + 3) + len);
	if (location == NULL)
		return flow_error_memory(error);
	memset(location, 0, sizeof(FlowLocation));
	location->host = host;
	location->segments = (FlowSegment *) (location + 1);
	location->path_template.pieces = (FlowPiece *) (location->segments + nsegments);
	location->path_template.marks = marks;
	location->text = (char *) (location->path_template.pieces + npieces);
	location->path_template.pattern = location->text + len + 1;
	location->fixed = location->path_template.pattern + len + 2;
	location->root_len = root_len;
	memcpy(location->text, text, len + 1);

	status = parse(location, location->fixed + len + 3, error);
	location->path_template.marks = NULL;
	if (status != FLOW_OK)
		flow_location_free(location);
	else
	{
		flow_location_find_day(location);
		*parsed = location;
	}
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

/* Checks that a location can be parsed. */
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
flow_location_is_local(const FlowLocation *location)
{
	return location->root_len == 0;
}

const char *
flow_location_bucket(const FlowLocation *location, size_t *len)
{
	*len = location->root_len - strlen(S3_SCHEME);
	return location->text + strlen(S3_SCHEME);
}

/* Returns the fixed part after "s3://bucket/". */
const char *
flow_location_key(const FlowLocation *location)
{
	return location->fixed + location->root_len + 1;
}

bool
flow_location_has_wildcard(const FlowLocation *location)
{
	return location->nsegments > 0;
}
