/*-------------------------------------------------------------------------
 *
 * import_layout.c
 *	  Finds the layout of directories in which AWS delivers flow logs.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "import.h"

#include "miscadmin.h"

/*
 * The layouts in which AWS delivers to S3 (Amazon VPC User Guide, "Flow log
 * files"), as the segments of a path between "AWSLogs" and the file.  Segments
 * that vary become columns.
 */
typedef struct Segment
{
	const char *literal; /* the beginning of the directory's name */
	/*
	 * number of digits that follow; 0: any text if there is a column, else
	 * none
	 */
	int digits;
	bool begins;         /* true if a location may begin with this segment */
	const char *pattern; /* what a location has in its place */
	const char *column;  /* known with this segment; or NULL */
	const char *type;
} Segment;

typedef struct Layout
{
	Segment segments[FLOWLOG_IMPORT_SEGMENTS];
	int count;
} Layout;

#define DIRECTORY(name)                                                                            \
	{                                                                                              \
		name, 0, true, name, NULL, NULL                                                            \
	}
#define HIVE(key, column, type, digits)                                                            \
	{                                                                                              \
		key "=", digits, true, key "=${" column "}", column, type                                  \
	}
#define ACCOUNT                                                                                    \
	{                                                                                              \
		"", 12, true, "${account}", "account", "text"                                              \
	}
#define REGION                                                                                     \
	{                                                                                              \
		"", 0, true, "${region}", "region", "text"                                                 \
	}

static const Layout layouts[] = {
	{{ACCOUNT,
      DIRECTORY("vpcflowlogs"),
      REGION,
      {"", 4, true, "${day:yyyy", NULL, NULL},
      {"", 2, false, "MM", NULL, NULL},
      {"", 2, false, "dd}", "day", "date"}},
     6},
	{{ACCOUNT,
      DIRECTORY("vpcflowlogs"),
      REGION,
      {"", 4, true, "${hour:yyyy", NULL, NULL},
      {"", 2, false, "MM", NULL, NULL},
      {"", 2, false, "dd", NULL, NULL},
      {"", 2, false, "HH}", "hour", "timestamptz"}},
     7},
	{{HIVE("aws-account-id", "account", "text", 12),
      DIRECTORY("aws-service=vpcflowlogs"),
      HIVE("aws-region", "region", "text", 0),
      HIVE("year", "year", "integer", 4),
      HIVE("month", "month", "integer", 2),
      HIVE("day", "day", "integer", 2)},
     6},
	{{HIVE("aws-account-id", "account", "text", 12),
      DIRECTORY("aws-service=vpcflowlogs"),
      HIVE("aws-region", "region", "text", 0),
      HIVE("year", "year", "integer", 4),
      HIVE("month", "month", "integer", 2),
      HIVE("day", "day", "integer", 2),
      HIVE("hour", "hour", "integer", 2)},
     7},
};

/*
 * Returns true if a directory's name, which ends at the next slash, fits the
 * segment.
 */
static bool
fits_segment(const Segment *segment, const char *name, size_t len)
{
	size_t literal = strlen(segment->literal);

	if (len < literal || strncmp(name, segment->literal, literal) != 0)
		return false;
	if (segment->digits == 0)
		return segment->column == NULL ? len == literal : len > literal;
	return len - literal == (size_t) segment->digits &&
	       strspn(name + literal, "0123456789") >= (size_t) segment->digits;
}

/*
 * Returns true if a path, after "AWSLogs/", fits the layout.  An
 * organization's ID may come before the account (*organization).
 */
static bool
fits_layout(const Layout *layout, const char *path, bool *organization)
{
	int i = 0;

	*organization = strncmp(path, "o-", 2) == 0;
	if (*organization)
	{
		path = strchr(path, '/');
		if (path == NULL)
			return false;
		path++;
	}
	for (; i < layout->count; i++)
	{
		const char *slash = strchr(path, '/');

		if (slash == NULL || !fits_segment(&layout->segments[i], path, slash - path))
			return false;
		path = slash + 1;
	}
	return strchr(path, '/') == NULL; /* the rest is the file */
}

/*
 * The place of a file in one of AWS's layouts, relative to a directory above
 * it.
 */
typedef struct Place
{
	const Layout *layout;
	bool organization;
	/*
	 * number of directories from that directory down to "AWSLogs"; 0: the
	 * directory is "AWSLogs" or below it
	 */
	int above;
	/* number of the layout's segments in the directory's own path */
	int inside;
} Place;

/*
 * Finds the place of a file relative to a directory, whose path has the length
 * "prefix".  Returns false if the file is not in one of the layouts.
 */
static bool
find_place(const char *path, size_t prefix, Place *place)
{
	const char *directory = path + prefix;
	const char *logs = strstr(path, "/AWSLogs/");
	const char *first;

	if (logs == NULL || *directory != '/')
		return false;
	place->above = place->inside = 0;
	for (const char *c = directory; c <= logs; c++)
		place->above += *c == '/';

	/* find the layout, and how much of it is in the directory's path */
	first = logs + strlen("/AWSLogs/");
	for (size_t i = 0; i < lengthof(layouts); i++)
	{
		place->layout = &layouts[i];
		if (!fits_layout(place->layout, first, &place->organization))
			continue;
		if (place->organization)
			first = strchr(first, '/') + 1;
		place->organization &= first > directory;
		for (const char *c = first; c < directory; c++)
			place->inside += *c == '/';
		place->inside += first < directory;
		/*
		 * a date is one column, so the directory's path cannot have a part of
		 * it
		 */
		return place->inside == 0 || place->inside == place->layout->count ||
		       place->layout->segments[place->inside].begins;
	}
	return false;
}

/*
 * Finds the place that all files have; returns false if they differ, or if the
 * location is not simply a directory above them.
 */
static bool
find_common_place(const char *root, const FlowObjects *objects, size_t prefix, Place *place)
{
	for (size_t i = 0; i < objects->count; i++)
	{
		const char *path = objects->items[i].path;
		Place other;

		CHECK_FOR_INTERRUPTS();
		if (strncmp(path, root, prefix) != 0 || !find_place(path, prefix, &other))
			return false;
		if (i == 0)
			*place = other;
		else if (other.layout != place->layout || other.organization != place->organization ||
		         other.above != place->above || other.inside != place->inside)
			return false;
	}
	return true;
}

/*
 * Returns the location for the table, and the columns that its directories
 * fill.
 */
char *
flowlog_import_location(const char *root, const FlowObjects *objects, FlowlogPathColumn *columns,
                        int *ncolumns)
{
	size_t prefix = strlen(root);
	StringInfoData location;
	Place place = {0};

	/* a pattern, or another layout, is taken as it is */
	*ncolumns = 0;
	while (prefix > 1 && root[prefix - 1] == '/')
		prefix--;
	if (strpbrk(root, "*?[{\\$") != NULL || !find_common_place(root, objects, prefix, &place))
		return pstrdup(root);

	/* write the part of the layout that is below the directory as patterns */
	initStringInfo(&location);
	appendBinaryStringInfo(&location, root, prefix);
	for (int i = 1; i < place.above; i++)
		appendStringInfoString(&location, "/*");
	appendStringInfoString(&location, place.above > 0 ? "/AWSLogs/" : "/");
	if (place.organization)
		appendStringInfoString(&location, "*/");
	for (int i = place.inside; i < place.layout->count; i++)
	{
		const Segment *segment = &place.layout->segments[i];

		appendStringInfo(&location, "%s/", segment->pattern);
		if (segment->column != NULL)
			columns[(*ncolumns)++] = (FlowlogPathColumn) {segment->column, segment->type};
	}
	return location.data;
}
