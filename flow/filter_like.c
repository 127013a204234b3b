/*-------------------------------------------------------------------------
 *
 * filter_like.c
 *	  LIKE: texts that match a pattern.
 *
 * A pattern is cut at its percent signs.  The text begins with the first
 * segment and ends with the last; each segment between is searched for after
 * the one before it, and the first place is as good as any other.
 *
 *-------------------------------------------------------------------------
 */
#include "filter.h"
#include "lines.h"

#include <string.h>

#define ANY_CHARACTER 256 /* "_" */

/* Bytes, or bytes and ANY_CHARACTER. */
typedef struct Segment
{
	const char *bytes; /* NULL: it has an ANY_CHARACTER */
	const uint16_t *elements;
	size_t count;
} Segment;

typedef struct LikePredicate
{
	FlowPredicate base;
	const char *null_text;
	size_t null_len; /* SIZE_MAX: no text means NULL */
	const Segment *segments;
	size_t count; /* one more than percent signs in a row */
	bool utf8;
	FlowSlice prefix; /* the bytes before the first "%" or "_" */
	/* the only segment before a percent sign, if it has at most 16 bytes: these, and a mask */
	uint64_t low[2], mask[2];
	size_t prefix_len;
} LikePredicate;

/* ---------- matching ---------- */

/* Returns the bytes of the character at the beginning of a text, which is not empty. */
static size_t
character_size(const LikePredicate *p, const char *text, size_t len)
{
	unsigned char first = (unsigned char) text[0];
	size_t size = !p->utf8 || first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;

	return size < len ? size : len;
}

/*
 * Returns true if the text begins with the segment, and sets *used to its
 * bytes.
 */
static bool
begins_with(const LikePredicate *p, const Segment *segment, const char *text, size_t len,
            size_t *used)
{
	size_t at = 0;

	if (segment->bytes != NULL)
	{
		*used = segment->count;
		return segment->count <= len && memcmp(text, segment->bytes, segment->count) == 0;
	}
	for (size_t i = 0; i < segment->count; i++)
	{
		if (at == len)
			return false;
		if (segment->elements[i] == ANY_CHARACTER)
			at += character_size(p, text + at, len - at);
		else if ((unsigned char) text[at++] != segment->elements[i])
			return false;
	}
	*used = at;
	return true;
}

/*
 * Finds the first place of a segment; with "to_end", the one that the text
 * ends with.  Returns false if there is none, else sets *after to its end.
 */
static bool
find_segment(const LikePredicate *p, const Segment *segment, const char *text, size_t len,
             bool to_end, size_t *after)
{
	size_t used;

	*after = len;
	if (to_end && segment->bytes != NULL)
		return segment->count <= len &&
		       memcmp(text + len - segment->count, segment->bytes, segment->count) == 0;
	for (size_t at = 0; at <= len; at += at < len ? character_size(p, text + at, len - at) : 1)
	{
		if (!begins_with(p, segment, text + at, len - at, &used) || (to_end && at + used != len))
			continue;
		*after = at + used;
		return true;
	}
	return false;
}

static bool
matches(const LikePredicate *p, const char *text, size_t len)
{
	size_t used;

	if (!begins_with(p, &p->segments[0], text, len, &used))
		return false;
	if (p->count == 1)
		return used == len;
	for (size_t i = 1; i < p->count; i++)
	{
		text += used;
		len -= used;
		if (!find_segment(p, &p->segments[i], text, len, i == p->count - 1, &used))
			return false;
	}
	return true;
}

/* ---------- tests ---------- */

static FlowTruth
test_like(const FlowPredicate *predicate, const FlowSlice *fields, FlowBadField *bad)
{
	FlowValue value;
	FlowStatus status = flow_filter_read(predicate, fields[predicate->column], &value);

	if (status != FLOW_OK)
		return flow_filter_without_value(predicate, status, bad);
	return predicate
	    ->verdict[matches((const LikePredicate *) predicate, value.text.data, value.text.len)];
}

/*
 * The same for many records.  Their fields are ASCII, so each is a value
 * unless it is the null text.  16 bytes after a field are readable.
 */
static inline __attribute__((always_inline)) size_t
select_rows(const FlowPredicate *predicate, const FlowBatch *batch, uint32_t *rows, size_t count,
            bool by_prefix)
{
	const LikePredicate *p = (const LikePredicate *) predicate;
	const uint32_t *next = batch->next + batch->place[predicate->column];
	bool want = predicate->verdict[true] == FLOW_TRUE;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
	{
		uint32_t row = rows[i];
		const char *text;
		size_t len;
		bool match;

		rows[kept] = row;
		if (flow_unlikely(row & FLOW_ROW_DOUBTFUL))
		{
			kept++;
			continue;
		}
		text = batch->data + next[(ptrdiff_t) row - 1];
		len = next[row] - 1 - next[(ptrdiff_t) row - 1];
		if (by_prefix)
			match = (len >= p->prefix_len) &
			        ((((flow_filter_load_word(text) ^ p->low[0]) & p->mask[0]) |
			          ((flow_filter_load_word(text + 8) ^ p->low[1]) & p->mask[1])) == 0);
		else
			match = matches(p, text, len);
		kept +=
			match == want && (len != p->null_len || memcmp(text, p->null_text, p->null_len) != 0);
	}
	return kept;
}

static size_t
select_like(const FlowPredicate *predicate, const FlowBatch *batch, FlowSlice *fields,
            uint32_t *rows, size_t count)
{
	(void) fields;
	return select_rows(predicate, batch, rows, count, false);
}

static size_t
select_prefix(const FlowPredicate *predicate, const FlowBatch *batch, FlowSlice *fields,
              uint32_t *rows, size_t count)
{
	(void) fields;
	return select_rows(predicate, batch, rows, count, true);
}

/* ---------- building ---------- */

/* Finds the texts that begin like the pattern. */
static bool
find_prefix(const FlowPredicate *predicate, FlowIndexRanges *ranges)
{
	const LikePredicate *p = (const LikePredicate *) predicate;

	if (ranges == NULL)
		return p->prefix.len > 0;
	if (p->count == 1 && p->segments[0].bytes != NULL)
		flow_index_ranges_add_text(ranges, p->prefix);
	else
		flow_index_ranges_add_prefix(ranges, p->prefix);
	return true;
}

bool
flow_filter_like_fits(FlowSlice pattern)
{
	size_t any = 0;
	bool escaped = false;

	for (size_t i = 0; i < pattern.len; i++)
	{
		any += !escaped && pattern.data[i] == '_';
		escaped = !escaped && pattern.data[i] == '\\';
	}
	return !escaped && pattern.len <= FLOW_LIKE_MAX && any <= FLOW_LIKE_MAX_ANY;
}

/* Ends a segment whose elements were collected. */
static void
end_segment(Segment *segment, uint16_t *elements, char *bytes, size_t count)
{
	*segment = (Segment) {bytes, elements, count};
	for (size_t i = 0; i < count; i++)
	{
		if (elements[i] == ANY_CHARACTER)
			segment->bytes = NULL;
		else
			bytes[i] = (char) elements[i];
	}
}

/* Cuts the pattern into segments, for which there is room. */
static size_t
cut_pattern(FlowSlice pattern, Segment *segments, uint16_t *elements, char *bytes)
{
	size_t nsegments = 0, begin = 0, end = 0;

	for (size_t i = 0; i < pattern.len; i++)
	{
		char c = pattern.data[i];

		if (c == '%')
		{
			end_segment(&segments[nsegments++], elements + begin, bytes + begin, end - begin);
			begin = end;
			continue;
		}
		if (c == '\\')
			c = pattern.data[++i];
		else if (c == '_')
		{
			elements[end++] = ANY_CHARACTER;
			continue;
		}
		elements[end++] = (unsigned char) c;
	}
	end_segment(&segments[nsegments++], elements + begin, bytes + begin, end - begin);
	return nsegments;
}

/* Chooses how batches are evaluated. */
static void
set_select(LikePredicate *p, const FlowColumn *column)
{
	const Segment *first = &p->segments[0];

	if (column->max_chars >= 0)
		return; /* a field that is too long must be noticed */
	p->base.select = select_like;
	if (p->count != 2 || p->segments[1].count != 0 || first->bytes == NULL ||
	    first->count > sizeof(p->low))
		return;
	memcpy(p->low, first->bytes, first->count);
	memset(p->mask, 0xFF, first->count);
	p->prefix_len = first->count;
	p->base.select = select_prefix;
}

FlowPredicate *
flow_filter_like(FlowFilter *filter, int column, FlowSlice pattern, bool utf8, bool negated)
{
	LikePredicate *p =
		(LikePredicate *) flow_filter_new_leaf(filter, column, test_like, sizeof(LikePredicate));
	Segment *segments = flow_filter_allocate(filter, pattern.len + 1, sizeof(Segment));
	uint16_t *elements = flow_filter_allocate(filter, pattern.len + 1, sizeof(uint16_t));
	char *bytes = flow_filter_allocate(filter, pattern.len + 1, 1);

	if (p == NULL || segments == NULL || elements == NULL || bytes == NULL)
		return NULL;
	p->null_text = filter->columns[column].null_text;
	p->null_len =
		filter->columns[column].null_text == NULL ? SIZE_MAX : filter->columns[column].null_len;
	p->utf8 = utf8;
	p->segments = segments;
	p->count = cut_pattern(pattern, segments, elements, bytes);
	p->prefix.data = bytes;
	while (p->prefix.len < segments[0].count && elements[p->prefix.len] != ANY_CHARACTER)
		p->prefix.len++;
	p->base.find_values = find_prefix;
	p->base.cost += FLOW_FILTER_COST_SET;
	p->base.verdict[negated] = FLOW_FALSE;
	p->base.verdict[!negated] = FLOW_TRUE;
	set_select(p, &filter->columns[column]);
	return &p->base;
}
