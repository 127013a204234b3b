/*-------------------------------------------------------------------------
 *
 * regex.c
 *	  Splits a line into fields by a pattern; the only file that uses PCRE2.
 *
 * Patterns come from the owner of a table and lines from anywhere, so a match
 * may take any time, and PCRE2 can stop a match only by its limits.  A line is
 * therefore tried at most twice.  The first try runs the plain code with
 * limits so low that it ends within some 20 ms whatever the pattern; a usual
 * line needs 12 to 114 of the 10,000 steps.  If the first try reaches a limit,
 * or the line is long, the second try runs the same pattern compiled with a
 * callout before each item, which checks for interrupts and the time now and
 * then.  It can be stopped at any time, but is slow: 1,070 ns instead of 155
 * for a line of 15 fields.
 *
 * A match that is given up is an error, never "does not match": otherwise a
 * line could be hidden by making it expensive.
 *
 *-------------------------------------------------------------------------
 */
#include "regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <string.h>

/*
 * Options for matching whole lines as Hive's RegexSerDe does, and bytes rather
 * than characters, because a log may hold any bytes.  The anchors are set here
 * and not when matching, where they would turn off the JIT.
 */
#define COMPILE_OPTIONS                                                                            \
	(PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |                      \
	 PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY | PCRE2_DOTALL)

#define MAX_PATTERN_LENGTH 8192
#define MAX_NESTING 50
#define MAX_GROUPS 256
#define MAX_CODE_SIZE (64 * 1024)
#define MAX_JIT_SIZE (1024 * 1024)

/*
 * A callout takes 6 bytes and an item at least 1: with larger code, callouts
 * may not fit into PCRE2's 64 KiB.
 */
#define WATCHED_SURELY_FITS 8192

#define JIT_STACK_START (32 * 1024)
#define JIT_STACK_MAX (512 * 1024)
#define HEAP_LIMIT_KIB 65536
#define DEPTH_LIMIT 10000

/* the first try */
#define SHORT_LINE 512
#define LONG_LINE 4096
#define QUICK_STEPS 10000
#define QUICK_STEPS_WORTH_IT 50
#define QUICK_COST 20000000 /* nanoseconds, by the estimate in quick_steps */

/* the second try */
#define WATCHED_STEPS 10000000
#define WATCHED_SECONDS 1
#define CALLOUTS_PER_LOOK 256
#define LINE_OF_QUICK_ITEMS (64 * 1024)

/* One compiled form of the pattern. */
typedef struct Code
{
	pcre2_code *code;
	uint32_t match_options; /* PCRE2_NO_JIT if machine code was not wanted or is too large */
	bool jit;
} Code;

struct FlowRegex
{
	const FlowHost *host;
	bool want_jit;

	/*
	 * PCRE2's memory, all of it from the host except machine code and its
	 * stack
	 */
	pcre2_general_context *general;
	pcre2_compile_context *compile;
	pcre2_jit_stack *jit_stack;
	pcre2_match_data *match;

	/* the first try; a context is NULL if lines of that length skip it */
	Code quick;
	pcre2_match_context *quick_short;
	pcre2_match_context *quick_long;

	/* the second try, compiled at its first use */
	Code watched;
	pcre2_match_context *watched_context;

	/* of the running second try */
	int callouts_left; /* until the next check */
	int callouts_per_check;
	int64_t deadline;
	bool interrupted; /* at the last check */

	size_t pattern_length;
	char pattern[]; /* NUL-terminated */
};

/* What a pattern's text shows about how long a step may take. */
typedef struct Shape
{
	bool loops;   /* a group is repeated without bound */
	size_t reach; /* the largest number of a {n,m} */
} Shape;

/* ---------- what is refused ---------- */

/*
 * Constructs that PCRE2 may know but that are refused here.  After (*ACCEPT),
 * machine code of PCRE2 10.42 forgets that a match must reach the end of the
 * line.
 */
static const struct
{
	const char *text;
	const char *complaint;
} refused[] = {
	{"(?C", "callouts are not allowed"},
	{"(*ACCEPT", "(*ACCEPT) is not allowed"},
	{"(*scs:", "substring scans are not allowed"},
	{"(*scan_substring:", "substring scans are not allowed"},
};

/* Returns the character after a bracketed class that begins at "next". */
static const char *
skip_class(const char *next)
{
	next++;
	if (*next == '^')
		next++;
	if (*next == ']') /* stands for itself in first place */
		next++;

	while (*next != '\0' && *next != ']')
	{
		const char *end;

		if (next[0] == '\\' && next[1] == 'Q')
			next = (end = strstr(next, "\\E")) != NULL ? end + 2 : next + strlen(next);
		else if (next[0] == '\\' && next[1] != '\0')
			next += 2;
		else if (next[0] == '[' && next[1] == ':' && (end = strstr(next, ":]")) != NULL)
			next = end + 2;
		else
			next++;
	}
	return *next != '\0' ? next + 1 : next;
}

/*
 * Finds the first refused construct outside of classes and quotes; -1 if there
 * is none.  A comment of extended mode may mislead it, which is harmless:
 * these constructs are refused only because no table needs them.
 */
static int
find_refused(const char *pattern, const char **where)
{
	const char *next = pattern;

	while (*next != '\0')
	{
		const char *end;

		if (next[0] == '\\' && next[1] == 'Q')
			next = (end = strstr(next, "\\E")) != NULL ? end + 2 : next + strlen(next);
		else if (next[0] == '\\' && next[1] != '\0')
			next += 2;
		else if (next[0] == '[')
			next = skip_class(next);
		else if (strncmp(next, "(?#", 3) == 0)
			next += strcspn(next, ")");
		else
		{
			for (size_t i = 0; i < flow_countof(refused); i++)
				if (strncmp(next, refused[i].text, strlen(refused[i].text)) == 0)
				{
					*where = next;
					return (int) i;
				}
			next++;
		}
	}
	return -1;
}

/*
 * Fills the error for a pattern.  "offset" is the number of bytes before the
 * mistake.  The detail shows the text after it up to the first byte that is
 * not ASCII, so that no character is cut in two.
 */
static FlowStatus
bad_pattern(FlowError *error, const char *pattern, size_t offset, const char *complaint)
{
	const char *rest = pattern + offset;
	int shown = 0;

	while (shown < 20 && rest[shown] != '\0' && (rest[shown] & 0x80) == 0)
		shown++;

	flow_error_set(error, FLOW_BAD_PATTERN, "invalid regular expression: %s", complaint);
	if (*rest == '\0')
		flow_error_detail(error, "At byte %zu, the end.", offset);
	else
		flow_error_detail(error, "At byte %zu: \"%.*s\".", offset, shown, rest);
	return error->status;
}

/* Checks a pattern's text before it is compiled. */
static FlowStatus
check_text(const char *pattern, size_t len, FlowError *error)
{
	const char *where;
	int found;

	if (len > MAX_PATTERN_LENGTH)
	{
		flow_error_set(error, FLOW_BAD_PATTERN, "invalid regular expression: too long");
		flow_error_detail(error,
		                  "It has %zu bytes, but at most %d are allowed.",
		                  len,
		                  MAX_PATTERN_LENGTH);
		return error->status;
	}

	/* (*UTF), (*LIMIT_MATCH=...) and such would change the settings */
	if (strncmp(pattern, "(*", 2) == 0)
		return bad_pattern(error, pattern, 0, "\"(*\" is not allowed at the start");

	found = find_refused(pattern, &where);
	if (found >= 0)
		return bad_pattern(error, pattern, (size_t) (where - pattern), refused[found].complaint);
	return FLOW_OK;
}

/* Returns true if a pattern has doubled backslashes. */
bool
flow_regex_is_escaped(const char *pattern)
{
	for (const char *next = pattern; *next != '\0'; next++)
	{
		if (*next != '\\' || next[1] == '\0')
			continue;
		if (next[1] == '\\' && next[2] != '\0' && strchr("sSdDwWtb.", next[2]) != NULL)
			return true;
		next++; /* the escaped character */
	}
	return false;
}

/* ---------- the cost of a step ---------- */

/*
 * Returns true if white space may come before a quantifier, because option x
 * is set anywhere.
 */
static bool
may_be_extended(const char *pattern)
{
	for (const char *next = pattern; (next = strstr(next, "(?")) != NULL; next += 2)
	{
		size_t len = strspn(next + 2, "^-imsxnJUadrDSTPW");

		if (memchr(next + 2, 'x', len) != NULL)
			return true;
	}
	return false;
}

/*
 * Returns the number at "digits", but at least "least" and at most LONG_LINE.
 */
static size_t
number_at(const char *digits, size_t least)
{
	size_t number = 0;

	digits += strspn(digits, " \t");
	for (; *digits >= '0' && *digits <= '9' && number < LONG_LINE; digits++)
		number = number * 10 + (size_t) (*digits - '0');
	if (number > LONG_LINE)
		number = LONG_LINE;
	return number > least ? number : least;
}

/*
 * Estimates the cost of a pattern without regard for escapes and classes.  It
 * may see repetitions that do not exist, as in "\)+", which costs such a
 * pattern some speed; but it overlooks none.
 */
static Shape
shape_of(const char *pattern)
{
	bool extended = may_be_extended(pattern);
	Shape shape = {false, 0};

	for (const char *next = pattern; *next != '\0'; next++)
	{
		char before = next > pattern ? next[-1] : '\0';
		bool group = before == ')' || (before == 'E' && next - pattern >= 2 && next[-2] == '\\') ||
		             (extended && (before == ' ' || (before >= '\t' && before <= '\r')));

		if ((*next == '*' || *next == '+') && group)
			shape.loops = true;
		if (*next == '{' && group)
		{
			const char *end = next + strcspn(next, "}");

			while (end[-1] == ' ' || end[-1] == '\t')
				end--;
			if (end[-1] == ',')
				shape.loops = true;
		}
		if (*next == '{' || *next == ',')
			shape.reach = number_at(next + 1, shape.reach);
	}
	return shape;
}

/*
 * Returns the maximum number of steps of the first try, for lines of a given
 * length.
 *
 * PCRE2's machine code counts a step whenever it leaves a repetition, takes
 * one up again, or calls a group.  Between two steps it may run along the line
 * once, at about 2 ns per byte, and through all of the code once, at 1 ns per
 * byte.  It does not count what a back reference or x{n} compares in vain, nor
 * how often a group is repeated before it is left: with 10,000 steps,
 * "(?:(?:b|c|d|e ...|a)*+!|a)*" takes minutes on 4 KiB.  By this estimate the
 * slowest of 100,000 random patterns made of such parts took 6 ms.
 *
 * The interpreter counts all of those, but its steps are slower.
 */
static uint32_t
quick_steps(const FlowRegex *regex, size_t line_length)
{
	Shape shape = shape_of(regex->pattern);
	size_t size = 0;
	uint32_t back_references = 0;
	double cost, steps;

	pcre2_pattern_info(regex->quick.code, PCRE2_INFO_SIZE, &size);
	pcre2_pattern_info(regex->quick.code, PCRE2_INFO_BACKREFMAX, &back_references);

	if (!regex->quick.jit)
		cost = 3.0 * (double) size + 4.0 * (double) line_length;
	else
	{
		if (back_references > 0 || shape.reach > line_length)
			shape.reach = line_length;
		/* such an item takes 7 bytes of code */
		cost = (double) size * (1 + (double) shape.reach / 7);
		if (shape.loops)
			cost *= (double) line_length;
		cost += 2.0 * (double) line_length;
	}

	steps = QUICK_COST / cost;
	return steps < QUICK_STEPS_WORTH_IT ? 0 : steps < QUICK_STEPS ? (uint32_t) steps : QUICK_STEPS;
}

/* ---------- compiling ---------- */

/*
 * Returns true if the pattern may call a group, or itself: "(?R)", "(?1)",
 * "(?&name)", "\g<1>".
 */
static bool
may_call(const char *pattern)
{
	for (const char *next = pattern; (next = strstr(next, "(?")) != NULL; next += 2)
	{
		const char *what = next + 2;

		if (*what == '+' || *what == '-')
			what++;
		if (*what == 'R' || *what == '&' || (*what >= '0' && *what <= '9') ||
		    strncmp(what, "P>", 2) == 0)
			return true;
	}
	return strstr(pattern, "\\g<") != NULL || strstr(pattern, "\\g'") != NULL;
}

static void *
allocate(size_t size, void *host)
{
	return flow_allocate(host, size);
}

static void
release(void *ptr, void *host)
{
	flow_free(host, ptr);
}

/*
 * Compiles the pattern to machine code if that is wanted and possible: a
 * system that forbids executable memory leaves only the interpreter.
 */
static void
compile_jit(const FlowRegex *regex, Code *code)
{
	size_t size = 0;

	code->match_options = PCRE2_NO_JIT;
	if (!regex->want_jit || pcre2_jit_compile(code->code, PCRE2_JIT_COMPLETE) != 0 ||
	    pcre2_pattern_info(code->code, PCRE2_INFO_JITSIZE, &size) != 0 || size > MAX_JIT_SIZE)
		return;

	code->jit = true;
	code->match_options = 0;
}

/* Compiles the pattern for one of the tries. */
static FlowStatus
compile_code(const FlowRegex *regex, uint32_t options, Code *code, FlowError *error)
{
	PCRE2_UCHAR text[256];
	PCRE2_SIZE offset, size = 0;
	int number;

	code->code = pcre2_compile((PCRE2_SPTR) regex->pattern,
	                           regex->pattern_length,
	                           COMPILE_OPTIONS | options,
	                           &number,
	                           &offset,
	                           regex->compile);
	if (code->code == NULL)
	{
		if (number == PCRE2_ERROR_HEAP_FAILED)
			return flow_error_memory(error);
		pcre2_get_error_message(number, text, sizeof(text));
		return bad_pattern(error, regex->pattern, offset, (const char *) text);
	}

	pcre2_pattern_info(code->code, PCRE2_INFO_SIZE, &size);
	if (size > MAX_CODE_SIZE)
		return flow_error_set(error, FLOW_BAD_PATTERN, "invalid regular expression: too large");

	compile_jit(regex, code);
	return FLOW_OK;
}

/*
 * Checks the number of groups, and that no two have the same name.  The table
 * of names is sorted, and PCRE2 allows equal names if the pattern has (?J).
 */
static FlowStatus
check_groups(const FlowRegex *regex, FlowError *error)
{
	uint32_t groups = 0, names = 0, entry_size = 0;
	PCRE2_SPTR table = NULL;

	pcre2_pattern_info(regex->quick.code, PCRE2_INFO_CAPTURECOUNT, &groups);
	pcre2_pattern_info(regex->quick.code, PCRE2_INFO_NAMECOUNT, &names);
	pcre2_pattern_info(regex->quick.code, PCRE2_INFO_NAMEENTRYSIZE, &entry_size);
	pcre2_pattern_info(regex->quick.code, PCRE2_INFO_NAMETABLE, &table);

	if (groups > MAX_GROUPS)
	{
		flow_error_set(error, FLOW_BAD_PATTERN, "invalid regular expression: too many groups");
		flow_error_detail(error,
		                  "It has %u capture groups, but at most %d are allowed.",
		                  groups,
		                  MAX_GROUPS);
		return error->status;
	}

	/* an entry is the group's number in two bytes, and its name */
	for (uint32_t i = 1; i < names; i++)
	{
		const char *name = (const char *) table + i * entry_size + 2;

		if (strcmp(name, name - entry_size) == 0)
			return flow_error_set(error,
			                      FLOW_BAD_PATTERN,
			                      "invalid regular expression: two groups have the name \"%s\"",
			                      name);
	}
	return FLOW_OK;
}

/* Makes a match context with limits; NULL if memory is short. */
static pcre2_match_context *
create_context(const FlowRegex *regex, uint32_t steps)
{
	pcre2_match_context *context = pcre2_match_context_create(regex->general);

	if (context == NULL)
		return NULL;
	pcre2_set_match_limit(context, steps);
	pcre2_set_depth_limit(context, DEPTH_LIMIT);
	pcre2_set_heap_limit(context, HEAP_LIMIT_KIB);
	if (regex->jit_stack != NULL)
		pcre2_jit_stack_assign(context, NULL, regex->jit_stack);
	return context;
}

/* Prepares the first try, for short and for long lines. */
static FlowStatus
prepare_quick(FlowRegex *regex, FlowError *error)
{
	uint32_t short_steps = quick_steps(regex, SHORT_LINE);
	uint32_t long_steps = quick_steps(regex, LONG_LINE);

	if (short_steps > 0 && (regex->quick_short = create_context(regex, short_steps)) == NULL)
		return flow_error_memory(error);
	if (long_steps > 0 && (regex->quick_long = create_context(regex, long_steps)) == NULL)
		return flow_error_memory(error);
	return FLOW_OK;
}

/*
 * Checks for interrupts and the time; called before each item of the pattern.
 * An item may look at the rest of the line, so on very long lines there are
 * fewer items between two checks.
 */
static int
check_interrupts(pcre2_callout_block *block, void *data)
{
	FlowRegex *regex = data;

	(void) block;
	if (--regex->callouts_left > 0)
		return 0;
	regex->callouts_left = regex->callouts_per_check;

	regex->interrupted = flow_interrupted(regex->host);
	if (regex->interrupted || regex->host->clock(regex->host->arg) >= regex->deadline)
		return PCRE2_ERROR_CALLOUT;
	return 0;
}

/* Prepares the second try, unless that was done. */
static FlowStatus
prepare_watched(FlowRegex *regex, FlowError *error)
{
	FlowStatus status;

	if (regex->watched.code == NULL)
	{
		status = compile_code(regex, PCRE2_AUTO_CALLOUT, &regex->watched, error);
		if (status != FLOW_OK)
			return status;
	}
	if (regex->watched_context == NULL)
	{
		regex->watched_context = create_context(regex, WATCHED_STEPS);
		if (regex->watched_context == NULL)
			return flow_error_memory(error);
		pcre2_set_callout(regex->watched_context, check_interrupts, regex);
	}
	return FLOW_OK;
}

/*
 * Compiles the second form of a pattern that is so large that it might not
 * compile with callouts, so that this shows now and not at some line.
 */
static FlowStatus
check_size(FlowRegex *regex, FlowError *error)
{
	size_t size = 0;

	pcre2_pattern_info(regex->quick.code, PCRE2_INFO_SIZE, &size);
	return size > WATCHED_SURELY_FITS ? prepare_watched(regex, error) : FLOW_OK;
}

/* Compiles the pattern and makes all that matching needs. */
static FlowStatus
prepare(FlowRegex *regex, FlowError *error)
{
	FlowStatus status;

	regex->general = pcre2_general_context_create(allocate, release, (void *) regex->host);
	if (regex->general == NULL)
		return flow_error_memory(error);
	regex->compile = pcre2_compile_context_create(regex->general);
	if (regex->compile == NULL)
		return flow_error_memory(error);
	pcre2_set_parens_nest_limit(regex->compile, MAX_NESTING);

	/* independent of how the library was built */
	pcre2_set_newline(regex->compile, PCRE2_NEWLINE_LF);

	status = compile_code(regex, 0, &regex->quick, error);
	if (status != FLOW_OK || (status = check_groups(regex, error)) != FLOW_OK)
		return status;

	regex->want_jit = regex->quick.jit; /* both tries run the same kind of code */
	if (regex->want_jit &&
	    (regex->jit_stack =
	         pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, regex->general)) == NULL)
		return flow_error_memory(error);
	regex->match = pcre2_match_data_create_from_pattern(regex->quick.code, regex->general);
	if (regex->match == NULL)
		return flow_error_memory(error);

	status = prepare_quick(regex, error);
	return status == FLOW_OK ? check_size(regex, error) : status;
}

/* Compiles a pattern. */
FlowStatus
flow_regex_compile(const FlowHost *host, const char *pattern, bool jit, FlowRegex **regex,
                   FlowError *error)
{
	size_t len = strlen(pattern);
	FlowStatus status = check_text(pattern, len, error);
	FlowRegex *self;

	if (status != FLOW_OK)
		return status;

	self = flow_allocate(host, sizeof(*self) + len + 1);
	if (self == NULL)
		return flow_error_memory(error);
	memset(self, 0, sizeof(*self));
	self->host = host;

	/*
	 * "a|(?R)b" matches "abb" in machine code only (PCRE2 10.42): no result
	 * may depend on a setting
	 */
	self->want_jit = jit && !may_call(pattern);
	self->pattern_length = len;
	memcpy(self->pattern, pattern, len + 1);

	status = prepare(self, error);
	if (status != FLOW_OK)
	{
		flow_regex_free(self);
		return status;
	}
	*regex = self;
	return FLOW_OK;
}

/* Frees a pattern, also a partly built one: PCRE2's functions accept NULL. */
void
flow_regex_free(FlowRegex *regex)
{
	if (regex == NULL)
		return;
	pcre2_match_data_free(regex->match);
	pcre2_match_context_free(regex->quick_short);
	pcre2_match_context_free(regex->quick_long);
	pcre2_match_context_free(regex->watched_context);
	pcre2_jit_stack_free(regex->jit_stack);
	pcre2_code_free(regex->quick.code);
	pcre2_code_free(regex->watched.code);
	pcre2_compile_context_free(regex->compile);
	pcre2_general_context_free(regex->general);
	flow_free(regex->host, regex);
}

/* ---------- what a pattern holds ---------- */

bool
flow_regex_is_jit(const FlowRegex *regex)
{
	return regex->quick.jit;
}

int
flow_regex_group_count(const FlowRegex *regex)
{
	uint32_t count = 0;

	pcre2_pattern_info(regex->quick.code, PCRE2_INFO_CAPTURECOUNT, &count);
	return (int) count;
}

bool
flow_regex_has_names(const FlowRegex *regex)
{
	uint32_t count = 0;

	pcre2_pattern_info(regex->quick.code, PCRE2_INFO_NAMECOUNT, &count);
	return count > 0;
}

/* Returns the number of a named group, or 0. */
int
flow_regex_group_number(const FlowRegex *regex, const char *name)
{
	int number = pcre2_substring_number_from_name(regex->quick.code, (PCRE2_SPTR) name);

	return number > 0 ? number : 0;
}

/* ---------- matching ---------- */

static bool
is_limit(int result)
{
	return result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT ||
	       result == PCRE2_ERROR_HEAPLIMIT || result == PCRE2_ERROR_JIT_STACKLIMIT;
}

/* Runs the second try on a line. */
static int
match_watched(FlowRegex *regex, const char *line, size_t len)
{
	regex->callouts_per_check = CALLOUTS_PER_LOOK;
	if (len > LINE_OF_QUICK_ITEMS)
		regex->callouts_per_check /=
			(int) (len / LINE_OF_QUICK_ITEMS < CALLOUTS_PER_LOOK ? len / LINE_OF_QUICK_ITEMS
		                                                         : CALLOUTS_PER_LOOK);
	regex->callouts_left = regex->callouts_per_check;
	regex->deadline = regex->host->clock(regex->host->arg) + WATCHED_SECONDS * INT64_C(1000000);

	return pcre2_match(regex->watched.code,
	                   (PCRE2_SPTR) line,
	                   len,
	                   0,
	                   regex->watched.match_options,
	                   regex->match,
	                   regex->watched_context);
}

/* Fills the error for a match that PCRE2 did not finish. */
static FlowStatus
match_failed(const FlowRegex *regex, int result, size_t len, FlowError *error)
{
	PCRE2_UCHAR text[256];

	if (result == PCRE2_ERROR_NOMEMORY)
		return flow_error_memory(error);
	if (result == PCRE2_ERROR_CALLOUT && regex->interrupted)
		return flow_error_interrupted(error);

	flow_error_set(error, FLOW_LIMIT, "regular expression took too long on a line");
	if (result == PCRE2_ERROR_CALLOUT)
		flow_error_detail(error,
		                  "Matching a line of %zu bytes was given up after %d second.",
		                  len,
		                  WATCHED_SECONDS);
	else if (result == PCRE2_ERROR_MATCHLIMIT)
		flow_error_detail(error,
		                  "Matching a line of %zu bytes was given up after %d steps.",
		                  len,
		                  WATCHED_STEPS);
	else if (is_limit(result))
		flow_error_detail(error,
		                  "Matching a line of %zu bytes needs more memory than is allowed.",
		                  len);
	else
	{
		/* for example an infinite recursion */
		pcre2_get_error_message(result, text, sizeof(text));
		flow_error_set(error,
		               FLOW_LIMIT,
		               "regular expression failed on a line: %s",
		               (const char *) text);
	}
	flow_error_hint(error,
	                "Let each part of the regular expression match only its own field, for example "
	                "with [^ ]+ instead of .*.");
	return FLOW_LIMIT;
}

/* Matches a line and returns the wanted groups. */
FlowStatus
flow_regex_match(FlowRegex *regex, const char *line, size_t len, const int *wanted, int nwanted,
                 FlowSlice *groups, FlowError *error)
{
	pcre2_match_context *quick = len <= SHORT_LINE  ? regex->quick_short
	                             : len <= LONG_LINE ? regex->quick_long
	                                                : NULL;
	int result = PCRE2_ERROR_MATCHLIMIT;
	const PCRE2_SIZE *ends;

	/* a block of lines that each take a first try's maximum takes seconds */
	if (flow_unlikely(flow_interrupted(regex->host)))
		return flow_error_interrupted(error);

	/* the first try, and the second if that reached a limit */
	if (flow_likely(quick != NULL))
		result = pcre2_match(regex->quick.code,
		                     (PCRE2_SPTR) line,
		                     len,
		                     0,
		                     regex->quick.match_options,
		                     regex->match,
		                     quick);
	if (flow_unlikely(is_limit(result)))
	{
		FlowStatus status = prepare_watched(regex, error);

		if (status != FLOW_OK)
			return status;
		result = match_watched(regex, line, len);
	}

	if (result == PCRE2_ERROR_NOMATCH)
		return FLOW_END;
	if (flow_unlikely(result <= 0))
		return match_failed(regex, result, len, error);

	/* the wanted groups */
	ends = pcre2_get_ovector_pointer(regex->match);
	for (int i = 0; i < nwanted; i++)
	{
		PCRE2_SIZE start = ends[2 * wanted[i]], end = ends[2 * wanted[i] + 1];

		if (start == PCRE2_UNSET)
			groups[i] = (FlowSlice) {NULL, 0};
		else
			groups[i] = (FlowSlice) {line + start, end - start};
	}
	return FLOW_OK;
}
