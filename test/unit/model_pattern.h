/*-------------------------------------------------------------------------
 *
 * model_pattern.h
 *	  Compares splitters with PCRE2: patterns that are splitters or nearly so,
 *	  lines that have their shape or nearly so, and the plain check of a shape.
 *	  For test_pattern.c and fuzz_pattern.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MODEL_PATTERN_H
#define MODEL_PATTERN_H

#include "../../flow/regex.h"
#include "../../flow/shape.h"
#include "unit.h"

#define MODEL_GROUPS 256

/* ---------- choices ---------- */

/* A source of choices: bytes as long as there are any, then random numbers. */
typedef struct ModelSource
{
	const uint8_t *next, *end;
	uint64_t seed;
} ModelSource;

static inline unsigned
model_choose(ModelSource *source, unsigned count)
{
	return source->next < source->end ? *source->next++ % count
	                                  : (unsigned) (unit_random(&source->seed) >> 32) % count;
}

static inline bool
model_chance(ModelSource *source, unsigned percent)
{
	return model_choose(source, 100) < percent;
}

/* ---------- patterns ---------- */

typedef struct ModelPattern
{
	ModelSource *source;
	unsigned separator; /* row of model_separators */
	unsigned ngroups;
	char *end;
	char text[4096];
} ModelPattern;

/* By row.  The later ones are not separators, or not always. */
static const char *const model_separators[][16] = {
	{" ",
     " +",
     "\\s+",
     "\\s",
     "[ \\t]+",
     "[[:space:]]+",
     "\\h+",
     "\\x20",
     " +?",
     "\\s++",
     " {1,2}",
     "[ \\x80-\\xff]",
     " *",
     " {2}",
     " ?",
     "\\s*"},
	{"\\t",
     "\\t+",
     "\t",
     "[\\t]",
     "\\x09",
     "\t{1,}",
     "[\\t\\n]+",
     "\\t+?",
     "\\t",
     "\\t",
     "\\t",
     "\\t",
     "\\t*",
     "\\s+",
     "\\t ",
     "\\t?"},
	{",",
     ",+",
     "[,]",
     "\\,",
     "\\x2c",
     ",{1,3}",
     ",++",
     ",+?",
     ",",
     ",",
     ",",
     ",",
     ", ",
     " *, *",
     ",*",
     "[, ]"},
	{"\\|",
     "[|]",
     "\\|+",
     "\\x7c",
     "[|\\x01]",
     "\\|",
     "\\|",
     "\\|",
     "\\|",
     "\\|",
     "\\|",
     "\\|",
     "|",
     "\\|?",
     "\\|\\|",
     "[|,]"},
};

static const char *const model_classes[] =
	{"[^ ]",   "\\S",       "\\S",          "\\d",    "[0-9]", "[[:digit:]]", ".",
     "\\w",    "[a-f]",     "[a-z0-9.:-]",  "[^\\t]", "[^,]",  "[^|]",        "\\D",
     "[^\\s]", "[^ ,|\\t]", "[^ ,|\\t]",    "\\H",    "[ -~]", "-",           "x",
     "\\.",    "[^a]",      "[[:graph:]]",  "[^,;]",  "\\W",   "[\\d.]",      "[^\\x00-\\x20]",
     "[ab]",   "[^\\d ]",   "[[:^space:]]", "\\s"};

static const char *const model_quantifiers[] = {"+",     "+",      "+",      "+",    "+",
                                                "+",     "+",      "*",      "*",    "*",
                                                "{1,3}", "{2}",    "{2,}",   "{5,}", "?",
                                                "",      "+?",     "*?",     "++",   "*+",
                                                "{0,2}", "{1,3}?", "{1,2}+", "??",   "{3}?"};

static const char *const model_texts[] =
	{"OK", "ACCEPT", "A", "AB", "-", "a", "ab", "1", "12", "a1", "\\-", "b"};

static const char *const model_junk[] = {"\\b",   "^",    "$",   "(",     "|",       ")", "\\1",
                                         "(?=x)", "(?i)", "\\K", "(?>a)", "\\Qa\\E", "*", "{",
                                         "[",     "?",    "+",   "()",    "a",       " ", ".*",
                                         "\\s+",  "(?:",  ")?",  "|a)"};

static const char *const model_edges[] =
	{"\\s*", "\\s*", " *", "\\r?", "\\t*", ",*", "[\r\n]*", "\\s*?", "\\s*+", ".?", "-?", "\\|?"};

static inline void
model_put(ModelPattern *pattern, const char *text)
{
	size_t len = strlen(text);

	if (pattern->end + len >= pattern->text + sizeof(pattern->text))
		return;
	memcpy(pattern->end, text, len + 1);
	pattern->end += len;
}

#define MODEL_PUT_ONE(pattern, texts)                                                              \
	model_put(pattern, (texts)[model_choose((pattern)->source, flow_countof(texts))])

static inline void
model_put_separator(ModelPattern *pattern)
{
	unsigned row = pattern->separator;

	if (model_chance(pattern->source, 2))
		row = model_choose(pattern->source, flow_countof(model_separators));
	model_put(pattern,
	          model_separators[row][model_choose(pattern->source,
	                                             model_chance(pattern->source, 4) ? 16 : 12)]);
}

/*
 * Appends a class with a quantifier.  Often the class is one that excludes the
 * separator, after which options and ".*" may follow.
 */
static inline void
model_put_run(ModelPattern *pattern)
{
	static const char *const without[] = {"\\S", "[^\\t]", "[^,]", "[^|]"};

	if (model_chance(pattern->source, 40))
		model_put(pattern, without[pattern->separator]);
	else
		MODEL_PUT_ONE(pattern, model_classes);
	MODEL_PUT_ONE(pattern, model_quantifiers);
}

static inline void
model_put_alternative(ModelPattern *pattern)
{
	unsigned kind = model_choose(pattern->source, 64);

	if (kind < 40)
		model_put_run(pattern);
	if (kind >= 39 && kind < 63)
		MODEL_PUT_ONE(pattern, model_texts);
}

static inline void
model_put_field(ModelPattern *pattern)
{
	static const char *const opens[] =
		{"(", "(", "(", "(", "(", "(", "(?:", "(?:", "", "", "", "(?<a%u>", "(?P<b%u>", "(?'c%u'"};
	unsigned open = model_choose(pattern->source, flow_countof(opens));
	char text[32];

	if (model_chance(pattern->source, 1))
		MODEL_PUT_ONE(pattern, model_junk);
	sprintf(text, opens[open], pattern->ngroups++);
	model_put(pattern, text);
	if (*text == '\0' || model_chance(pattern->source, 70))
		model_put_run(pattern);
	else
	{
		model_put_alternative(pattern);
		while (model_chance(pattern->source, 60))
		{
			model_put(pattern, "|");
			model_put_alternative(pattern);
		}
	}
	model_put(pattern, *text == '\0' ? "" : ")");
	if (model_chance(pattern->source, 1))
		MODEL_PUT_ONE(pattern, model_quantifiers);
}

static inline void
model_put_optional(ModelPattern *pattern, int depth)
{
	static const char *const ends[] =
		{")?", ")?", ")?", ")?", ")?", ")?", ")?", ")?", "){0,1}", ")??", ")?+", ")*", ")"};

	while (depth < 4 && model_chance(pattern->source, 50))
	{
		model_put(pattern, model_chance(pattern->source, 2) ? "(" : "(?:");
		model_put_separator(pattern);
		if (model_chance(pattern->source, 10))
			model_put(pattern, ".*");
		else
			model_put_field(pattern);
		model_put_optional(pattern, depth + 1);
		if (model_chance(pattern->source, 3))
		{
			model_put_separator(pattern);
			model_put_field(pattern);
		}
		model_put(pattern,
		          ends[model_choose(pattern->source,
		                            model_chance(pattern->source, 25) ? flow_countof(ends) : 9)]);
	}
}

static inline void
model_make_pattern(ModelPattern *pattern, ModelSource *source)
{
	static const char *const rests[] =
		{".*", ".*?", ".*+", ".+", "[^\\n]*", "\\S*", "(?:OK|.{7,})", "(?:.*|a)"};
	unsigned fields;

	memset(pattern, 0, offsetof(ModelPattern, text) + 1);
	pattern->source = source;
	pattern->end = pattern->text;
	pattern->separator = model_choose(source, flow_countof(model_separators));

	model_put(pattern, model_chance(source, 30) ? "^" : "");
	if (model_chance(source, 8))
		MODEL_PUT_ONE(pattern, model_edges);
	fields = model_choose(source, 8);
	model_put_field(pattern);
	for (unsigned i = 0; i < fields; i++)
	{
		model_put_separator(pattern);
		model_put_field(pattern);
	}
	if (model_chance(source, 40))
		model_put_optional(pattern, 0);
	if (model_chance(source, 30))
	{
		if (model_chance(source, 40))
			model_put_separator(pattern);
		MODEL_PUT_ONE(pattern, rests);
	}
	if (model_chance(source, 12))
		MODEL_PUT_ONE(pattern, model_edges);
	model_put(pattern, model_chance(source, 30) ? "$" : model_chance(source, 5) ? "\\Z" : "");
}

/* ---------- lines ---------- */

typedef struct ModelLines
{
	const FlowShape *shape;
	uint64_t seed;
	const FlowShapeCheck *check[FLOW_SHAPE_FIELDS];
	uint8_t choices[FLOW_SHAPE_FIELDS][256]; /* the bytes of its class */
	unsigned nchoices[FLOW_SHAPE_FIELDS];
	char *end;
	char text[4096];
} ModelLines;

static inline unsigned
model_random(ModelLines *lines, unsigned count)
{
	return (unsigned) (unit_random(&lines->seed) >> 32) % count;
}

static inline void
model_lines_of(ModelLines *lines, const FlowShape *shape, uint64_t seed)
{
	lines->shape = shape;
	lines->seed = seed | 1;
	memset(lines->check, 0, sizeof(lines->check));
	memset(lines->nchoices, 0, sizeof(lines->nchoices));
	for (int i = 0; i < shape->nchecks; i++)
	{
		const FlowShapeCheck *check = &shape->checks[i];
		int f = check->field;

		lines->check[f] = check;
		for (int byte = 0; check->byte_class != NULL && byte < 256; byte++)
			if (check->byte_class[byte] && byte != shape->separator)
				lines->choices[f][lines->nchoices[f]++] = (uint8_t) byte;
	}
}

/* Returns a byte that field f may have, or if f is -1, any field. */
static inline char
model_byte(ModelLines *lines, int f)
{
	static const char usual[] = "aab1-AOK ,| \x7F.\t";
	char byte;

	if (f >= 0 && (lines->shape->digits >> f & 1) != 0)
		return (char) ('0' + model_random(lines, 10));
	if (f >= 0 && lines->nchoices[f] > 0)
		return (char) lines->choices[f][model_random(lines, lines->nchoices[f])];
	do
		byte = model_random(lines, 2) ? usual[model_random(lines, sizeof(usual) - 2)]
		                              : (char) (0x20 + model_random(lines, 0x60));
	while (byte == lines->shape->separator);
	return byte;
}

static inline void
model_put_text_of(ModelLines *lines, const char *literals)
{
	unsigned count = 0, choice;

	for (const char *literal = literals; *literal != '\0'; literal += strlen(literal) + 1)
		count++;
	for (choice = model_random(lines, count); choice > 0; choice--)
		literals += strlen(literals) + 1;
	lines->end = stpcpy(lines->end, literals);
}

static inline void
model_put_value(ModelLines *lines, int f)
{
	const FlowShapeCheck *check = f < 0 ? NULL : lines->check[f];
	unsigned min = check != NULL && check->min > 1 ? check->min : 1;
	unsigned len = min + model_random(lines, 4);

	if (check != NULL && check->literals != NULL &&
	    (check->max == 0 || model_random(lines, 3) == 0))
	{
		model_put_text_of(lines, check->literals);
		return;
	}
	if (check != NULL && len > check->max)
		len = check->max;
	if (len > 40)
		len = 40;
	if (model_random(lines, 64) == 0)
		len += model_random(lines, 2) ? 1 : -1u;
	while (len-- > 0)
		*lines->end++ = model_byte(lines, f);
}

/* Changes something that may make the line not match. */
static inline void
model_spoil(ModelLines *lines)
{
	static const char special[] = "\0\t\n\r\x1F \x80\xA0\xFF,-0a|";
	size_t len = (size_t) (lines->end - lines->text);
	char *at = lines->text + (len > 0 ? model_random(lines, (unsigned) len) : 0);
	char byte = model_random(lines, 3) == 0 ? lines->shape->separator
	            : model_random(lines, 2)    ? special[model_random(lines, sizeof(special) - 1)]
	                                        : model_byte(lines, -1);

	switch (model_random(lines, 4))
	{
		case 0:
			if (len > 0)
				*at = byte;
			break;
		case 1:
			if (len > 0)
				memmove(at, at + 1, (size_t) (--lines->end - at));
			break;
		case 2:
			*lines->end++ = byte;
			break;
		default:
			memmove(at + 1, at, (size_t) (lines->end++ - at));
			*at = byte;
	}
}

/* Makes the next line in lines->text, up to lines->end. */
static inline void
model_make_line(ModelLines *lines)
{
	const FlowShape *shape = lines->shape;
	int count = shape->nrequired +
	            (int) model_random(lines, (unsigned) (shape->nfields - shape->nrequired) + 1);

	if (model_random(lines, 4) == 0)
		count =
			model_random(lines, 3) == 0 ? count - 1 : shape->nfields + (int) model_random(lines, 4);
	lines->end = lines->text;
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			*lines->end++ = shape->separator;
		model_put_value(lines, i >= shape->nfields || model_random(lines, 100) == 0 ? -1 : i);
	}
	while (model_random(lines, 5) == 0)
		model_spoil(lines);
}

/* ---------- the meaning of a shape ---------- */

static inline bool
model_is_literal(const char *literals, const char *data, size_t len)
{
	for (; literals != NULL && *literals != '\0'; literals += strlen(literals) + 1)
		if (strlen(literals) == len && strncmp(literals, data, len) == 0)
			return true;
	return false;
}

static inline bool
model_field_fits(const FlowShape *shape, int f, FlowSlice field)
{
	for (size_t i = 0; i < field.len && (shape->digits >> f & 1) != 0; i++)
		if (field.data[i] < '0' || field.data[i] > '9')
			return false;

	for (int i = 0; i < shape->nchecks; i++)
	{
		const FlowShapeCheck *check = &shape->checks[i];
		bool fits = field.len >= check->min && field.len <= check->max;
		bool digits = true;

		if (check->field != f)
			continue;
		for (size_t j = 0; j < field.len; j++)
		{
			fits &= check->byte_class == NULL || check->byte_class[(uint8_t) field.data[j]] == 1;
			digits &= field.data[j] >= '0' && field.data[j] <= '9';
		}

		/* a field of digits may skip the class */
		if (check->digits && digits && field.len >= check->min && field.len <= check->max && !fits)
			abort();
		fits |= model_is_literal(check->literals, field.data, field.len);
		if (fits != flow_shape_passes(check, field.data, field.len))
			abort();
		if (!fits)
			return false;
	}
	return true;
}

/*
 * Returns true if the line has the shape.  fields[] are set to its first
 * fields; data is NULL for missing ones.
 */
static inline bool
model_fits(const FlowShape *shape, const char *line, size_t len, FlowSlice *fields)
{
	int count = 0;
	size_t from = 0;

	for (int i = 0; i < shape->nfields; i++)
		fields[i] = (FlowSlice) {NULL, 0};
	for (size_t i = 0; i <= len; i++)
	{
		if (i < len && line[i] != shape->separator)
		{
			if ((uint8_t) line[i] < 0x20 || (uint8_t) line[i] >= 0x80)
				return false;
			continue;
		}
		if (i == from)
			return false;
		if (count < shape->nfields)
		{
			fields[count] = (FlowSlice) {line + from, i - from};
			if (!model_field_fits(shape, count, fields[count]))
				return false;
		}
		count++;
		from = i + 1;
	}
	return count >= shape->nrequired && (shape->open || count <= shape->nfields);
}

/* ---------- comparing ---------- */

typedef struct ModelCount
{
	uint64_t patterns, shapes, pairs, accepted, limits;
} ModelCount;

/* Returns true if PCRE2's groups are the fields of the shape. */
static inline bool
model_agrees(const FlowShape *shape, FlowRegex *regex, ModelLines *lines, ModelCount *count)
{
	static const int wanted[MODEL_GROUPS] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
	                                         12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
	                                         23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
	FlowSlice fields[FLOW_SHAPE_FIELDS], groups[MODEL_GROUPS];
	int ngroups = flow_regex_group_count(regex);
	FlowError error;
	FlowStatus status;

	count->pairs++;
	if (ngroups > 32 ||
	    !model_fits(shape, lines->text, (size_t) (lines->end - lines->text), fields))
		return true;
	count->accepted++;

	status = flow_regex_match(
		regex, lines->text, (size_t) (lines->end - lines->text), wanted, ngroups, groups, &error);
	if (status == FLOW_LIMIT)
	{
		count->limits++;
		return true;
	}
	if (status != FLOW_OK)
		return false;
	for (int i = 0; i < shape->nfields; i++)
	{
		int group = shape->group[i];

		if (group < 0 || group > ngroups)
			return false;
		if (group > 0 &&
		    (groups[group - 1].data != fields[i].data || groups[group - 1].len != fields[i].len))
			return false;
		if (group > 0)
			groups[group - 1].len = SIZE_MAX; /* mark as seen */
	}
	for (int i = 0; i < ngroups; i++)
		if (groups[i].len != SIZE_MAX) /* each group must be a field */
			return false;
	return true;
}

/*
 * Compares a pattern's shape with PCRE2 on "nlines" lines.  Returns false if
 * they differ, and prints the line.
 */
static inline bool
model_compare(const FlowHost *host, const char *pattern, bool jit, int nlines, uint64_t seed,
              ModelCount *count)
{
	static ModelLines lines;
	FlowShape *shape = NULL;
	FlowRegex *regex = NULL;
	FlowError error;
	uint64_t limits = count->limits;
	bool agrees = true;

	count->patterns++;
	if (flow_pattern_shape(host, pattern, &shape) != FLOW_OK)
		return true;
	if (flow_regex_compile(host, pattern, jit, &regex, &error) == FLOW_OK)
	{
		count->shapes++;
		model_lines_of(&lines, shape, seed);
		/* lines that exceed limits take time */
		for (int i = 0; i < nlines && agrees && count->limits < limits + 3; i++)
		{
			model_make_line(&lines);
			agrees = model_agrees(shape, regex, &lines, count);
		}
		if (!agrees)
		{
			printf("# \"%s\" on \"%.*s\"\n", pattern, (int) (lines.end - lines.text), lines.text);
			fflush(stdout);
		}
		flow_regex_free(regex);
	}
	flow_shape_free(host, shape);
	return agrees;
}

#endif /* MODEL_PATTERN_H */
