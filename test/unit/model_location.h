/*-------------------------------------------------------------------------
 *
 * model_location.h
 *	  The obvious matcher of locations, with which flow/location.c is compared.
 *
 * It tries everything, copies and recurses freely, and could take forever, so
 * it counts its steps and gives up.  Locations must be well-formed and shorter
 * than MODEL_MAX bytes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MODEL_LOCATION_H
#define MODEL_LOCATION_H

#include "../../flow/location_match.h"
#include "unit.h"

#define MODEL_MAX 512
#define MODEL_SEGMENTS 64

typedef struct ModelPath
{
	int count;
	char names[MODEL_SEGMENTS][MODEL_MAX];
} ModelPath;

static long model_steps; /* number of steps left; below 0: gave up */

/*
 * Returns the length of the character at p: a valid UTF-8 sequence, or one
 * byte.
 */
static inline size_t
model_char(const char *p, uint64_t *value)
{
	size_t left = strlen(p);

	*value = (unsigned char) *p;
	if (*value < 0x80)
		return 1;
	for (size_t n = 2; n <= 4 && n <= left; n++)
		if (unit_text_valid(&unit_state, p, n) && unit_text_length(&unit_state, p, n) == 1)
		{
			*value = 0;
			for (size_t i = 0; i < n; i++)
				*value = *value << 8 | (unsigned char) p[i];
			return n;
		}
	*value += (uint64_t) 1 << 40; /* a stray byte: above all characters */
	return 1;
}

/* Returns the end of the class at p, and sets whether it has the character. */
static inline const char *
model_class(const char *p, uint64_t value, bool *has)
{
	bool negated = p[1] == '!' || p[1] == '^', found = false;
	const char *first = p + 1 + negated;

	for (p = first; *p != ']' || p == first;)
	{
		uint64_t low, high;

		p += *p == '\\';
		p += model_char(p, &low);
		high = low;
		if (*p == '-' && p[1] != ']')
		{
			p++;
			p += *p == '\\';
			p += model_char(p, &high);
		}
		if (value >= low && value <= high)
			found = true;
	}
	*has = found != negated;
	return p + 1;
}

/* Matches a name with a pattern without "{". */
static inline bool
model_glob(const char *pattern, const char *name)
{
	uint64_t want, got;
	size_t len;
	bool has;

	if (model_steps-- < 0)
		return false;
	if (*pattern == '\0')
		return *name == '\0';
	if (*pattern == '*')
	{
		for (; *name != '\0'; name += model_char(name, &got))
			if (model_glob(pattern + 1, name))
				return true;
		return model_glob(pattern + 1, name);
	}
	if (*name == '\0')
		return false;
	len = model_char(name, &got);
	if (*pattern == '?')
		return model_glob(pattern + 1, name + len);
	if (*pattern == '[')
	{
		pattern = model_class(pattern, got, &has);
		return has && model_glob(pattern, name + len);
	}
	pattern += *pattern == '\\';
	pattern += model_char(pattern, &want);
	return want == got && model_glob(pattern, name + len);
}

/* Returns the end of the escape, class or byte at p. */
static inline const char *
model_next(const char *p)
{
	bool ignored;

	return *p == '[' ? model_class(p, 0, &ignored) : *p == '\\' ? p + 2 : p + 1;
}

/*
 * Matches a name with a pattern by writing it out for each alternative of its
 * first "{".  A hidden name only matches if the pattern has its first byte,
 * unless "any" is set.
 */
static inline bool
model_name(const char *pattern, const char *name, bool any)
{
	const char *open = pattern, *from, *close;
	int depth;

	while (*open != '\0' && *open != '{')
		open = model_next(open);
	if (*open == '\0')
	{
		if (!any && (*name == '.' || *name == '_') && strchr("*?[", *pattern) != NULL)
			return false;
		return model_glob(pattern, name);
	}

	for (close = open, depth = 0; depth > 0 || close == open; close = model_next(close))
		depth += *close == '{' ? 1 : *close == '}' ? -1 : 0;
	from = open + 1;
	depth = 0;
	for (const char *p = from; p < close; p = model_next(p))
	{
		char one[MODEL_MAX];

		if (model_steps-- < 0)
			return false;
		if (depth == 0 && (*p == ',' || p == close - 1))
		{
			snprintf(one,
			         sizeof(one),
			         "%.*s%.*s%s",
			         (int) (open - pattern),
			         pattern,
			         (int) (p - from),
			         from,
			         close);
			if (model_name(one, name, any))
				return true;
			from = p + 1;
		}
		depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
	}
	return false;
}

/* Splits a path, or a location, at "/". */
static inline void
model_split(const char *text, ModelPath *path)
{
	path->count = 0;
	while (*text != '\0')
	{
		const char *begin = ++text;

		/* in a well-formed location no "/" is within a class or a group */
		while (*text != '\0' && *text != '/')
			text++;
		if (text > begin && path->count < MODEL_SEGMENTS)
			snprintf(path->names[path->count++], MODEL_MAX, "%.*s", (int) (text - begin), begin);
	}
}

/*
 * Matches the path from name j on with the location from segment i on.  If
 * "last_any" is set, the last name may be hidden.
 */
static inline bool
model_from(const ModelPath *location, int i, const ModelPath *path, int j, bool last_any)
{
	bool last = j + 1 == path->count;
	bool any = last && last_any;
	const char *name = path->names[j];
	bool deep = i == location->count || strcmp(location->names[i], "**") == 0;

	if (model_steps-- < 0)
		return false;
	if (deep)
	{
		bool shown = any || (*name != '.' && *name != '_');

		if (i + 1 < location->count && model_from(location, i + 1, path, j, last_any))
			return true;
		return shown &&
		       (last ? i + 1 >= location->count : model_from(location, i, path, j + 1, last_any));
	}
	if (!model_name(location->names[i], name, any))
		return false;
	return last ? i + 1 == location->count : model_from(location, i + 1, path, j + 1, last_any);
}

/*
 * Returns whether the location matches the file of that path, or -1 if it gave
 * up.
 */
static inline int
model_takes(const char *text, const char *file, bool last_any)
{
	static ModelPath location, path;
	int kept = 0;
	bool wild = false;
	size_t len = strlen(text);
	bool takes;

	model_split(text, &location);
	model_split(file, &path);
	if (path.count == 0 || location.count == MODEL_SEGMENTS || path.count == MODEL_SEGMENTS ||
	    len >= MODEL_MAX)
		return -1;

	/*
	 * "/./" is "/", except after a wildcard, where it is an error.  "." at the
	 * end is "/".
	 */
	for (int i = 0; i < location.count; i++)
	{
		for (const char *p = location.names[i]; *p != '\0'; p += *p == '\\' ? 2 : 1)
			wild |= strchr("*?[{", *p) != NULL;
		if (strcmp(location.names[i], ".") == 0 && !wild)
			continue;
		memmove(location.names[kept++], location.names[i], MODEL_MAX);
	}
	if (kept < location.count && strcmp(text + len - 2, "/.") == 0 && !wild)
		len = 1;
	location.count = kept;
	if (len == 1 || text[len - 1] == '/')
		strcpy(location.names[location.count++], "**");

	model_steps = 20000;
	takes = model_from(&location, 0, &path, 0, last_any);
	return model_steps < 0 ? -1 : takes;
}

/*
 * Matches with flow/location.c, walking the path like a directory tree.
 * *hidden is set if the last name is one that listings leave out and count.
 */
static inline bool
walked_takes(const FlowLocation *location, const char *file, bool *hidden)
{
	const char *fixed = flow_location_fixed(location);
	size_t len = strlen(fixed);
	FlowSegments segments = flow_location_start(location);
	FlowNameMatch match = {0, false, false};

	*hidden = false;
	if (!flow_location_has_wildcard(location) && strcmp(file, fixed) == 0)
		return len == 0 || fixed[len - 1] != '/';
	if (fixed[len - 1] == '/')
		len--;
	if (strncmp(file, fixed, len) != 0 || file[len] != '/')
		return false;

	for (const char *p = file + len; *p == '/' && segments != 0 && !match.hidden;
	     segments = match.below)
	{
		size_t name_len = strcspn(++p, "/");

		match = flow_location_match(location, segments, unit_at_edge(p, name_len), name_len);
		p += name_len;
		if (*p == '\0')
		{
			*hidden = match.hidden && match.file;
			return match.file && !match.hidden;
		}
	}
	return false;
}

/*
 * Returns true if both give the same result for a path that has no "//" and no
 * "/" at its end.
 */
static inline bool
same_answer(const FlowLocation *location, const char *text, const char *file)
{
	bool hidden;
	bool got = walked_takes(location, file, &hidden);
	int want = model_takes(text, file, false);
	int want_any;

	if (want >= 0 && got != (bool) want)
		return false;
	want_any = model_takes(text, file, true);
	return !hidden || want < 0 || want_any < 0 || (want_any == 1 && want == 0);
}

#endif /* MODEL_LOCATION_H */
