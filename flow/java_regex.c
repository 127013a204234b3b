/*-------------------------------------------------------------------------
 *
 * java_regex.c
 *	  Finds constructs that java.util.regex understands and PCRE2 does not, or
 *	  understands differently.
 *
 * Athena's RegexSerDe matches by Java.  Nearly all patterns mean the same to
 * PCRE2; the others must not silently match other lines.  See
 * java.util.regex.Pattern's documentation, and pcre2pattern(3).
 *
 *-------------------------------------------------------------------------
 */
#include "internal.h"
#include "flow_hive.h"

#include <string.h>

#define JAVA_FLAGS "idmsuxU"

/* Fills the error for a construct that is refused. */
static FlowStatus
refuse(FlowError *error, const char *construct, size_t len, const char *detail)
{
	flow_error_set(error,
	               FLOW_UNSUPPORTED,
	               "regular expression has a construct specific to Java: \"%.*s\"",
	               (int) len,
	               construct);
	flow_error_detail(error, "%s", detail);
	flow_error_hint(error, "Write it in PCRE2's syntax; see pcre2pattern(3).");
	return error->status;
}

/* Escapes, after their "\", that PCRE2 does not have. */
static const struct
{
	const char *begin;
	const char *detail;
} escapes[] = {
	{"u", "PCRE2 has no escape of four hexadecimal digits."},
	{"N{", "PCRE2 has no characters by name."},
	{"b{", "PCRE2 has no boundaries of that kind."},
	{"p", "Here patterns match bytes, which have no properties of characters."},
	{"P", "Here patterns match bytes, which have no properties of characters."},
};

/* Checks an escape; *next is after the "\" and is moved past the escape. */
static FlowStatus
check_escape(const char **next, FlowError *error)
{
	const char *p = *next;

	for (size_t i = 0; i < flow_countof(escapes); i++)
		if (strncmp(p, escapes[i].begin, strlen(escapes[i].begin)) == 0)
			return refuse(error, p - 1, strlen(escapes[i].begin) + 1, escapes[i].detail);
	if (p[0] == '0' && strspn(p + 1, "01234567") >= 3)
		return refuse(error, p - 1, 5, "PCRE2 takes two octal digits after \"\\0\".");
	if (p[0] >= '1' && p[0] <= '9' && p[1] >= '0' && p[1] <= '9')
		return refuse(error,
		              p - 1,
		              3,
		              "Java takes only the digits that name an existing group, PCRE2 takes all.");
	if (*p == 'Q')
	{
		const char *end = strstr(p, "\\E");

		*next = end != NULL ? end + 2 : p + strlen(p);
	}
	else if (*p != '\0')
		*next = p + 1;
	return FLOW_OK;
}

/* Checks a class; *next is after the "[" and is moved past the "]". */
static FlowStatus
check_class(const char **next, FlowError *error)
{
	const char *p = *next;
	FlowStatus status = FLOW_OK;

	p += *p == '^';
	p += *p == ']'; /* in first place it is a member */
	while (status == FLOW_OK && *p != '\0' && *p != ']')
	{
		if (*p == '\\')
		{
			p++;
			status = check_escape(&p, error);
		}
		else if (*p == '[')
			status = refuse(error, p, 1, "In Java a \"[\" within a class begins another class.");
		else if (strncmp(p, "&&", 2) == 0)
			status = refuse(error, p, 2, "In Java this is the intersection of classes.");
		else
			p++;
	}
	*next = *p == ']' ? p + 1 : p;
	return status;
}

/*
 * Checks the beginning of a group; *next is after the "(" and is moved past a
 * "?" and any flags.
 */
static FlowStatus
check_group(const char **next, int *ngroups, bool *named, FlowError *error)
{
	const char *p = *next;
	size_t flags;

	if (*p != '?')
	{
		(*ngroups)++;
		return FLOW_OK;
	}
	p++;
	if (*p == '<' && p[1] != '=' && p[1] != '!')
	{
		*named = true;
		(*ngroups)++;
	}
	flags = strspn(p, JAVA_FLAGS "-");
	if (flags > 0 && (p[flags] == ')' || p[flags] == ':'))
	{
		for (size_t i = 0; i < flags; i++)
			if (strchr("duxU", p[i]) != NULL)
				return refuse(error,
				              p - 2,
				              flags + 2,
				              "Of Java's flags only i, m and s mean the same to PCRE2.");
		p += flags;
	}
	*next = p;
	return FLOW_OK;
}

/* Checks that PCRE2 can take the place of java.util.regex for a pattern. */
FlowStatus
flow_java_regex_check(const char *regex, int *ngroups, bool *named, FlowError *error)
{
	FlowStatus status = FLOW_OK;
	const char *next = regex;

	*ngroups = 0;
	*named = false;
	while (status == FLOW_OK && *next != '\0')
	{
		char c = *next++;

		if (c == '\\')
			status = check_escape(&next, error);
		else if (c == '[')
			status = check_class(&next, error);
		else if (c == '(')
			status = check_group(&next, ngroups, named, error);
	}
	return status;
}
