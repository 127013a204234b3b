/*-------------------------------------------------------------------------
 *
 * location_class.c
 *	  Character classes of a location's wildcards, such as "[a-z]".
 *
 *-------------------------------------------------------------------------
 */
#include "location.h"

/*
 * Returns the end of a class, after its "]", or NULL if it is not closed
 * within its segment.  p is at the "[".  A "]" in first place is a member.
 */
const char *
flow_location_class_end(const char *p)
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
 * Reads the next member of a closed class, a range of one or more characters,
 * and moves *p to the byte after it.  Returns false at the end of the class.
 * "first" is where its members begin.
 */
bool
flow_location_class_member(const char *first, const char **p, const char *end, uint32_t *low,
                           uint32_t *high)
{
	if (**p == ']' && *p != first)
		return false;

	*p = flow_next_character(**p == '\\' ? *p + 1 : *p, end, low);
	*high = *low;
	if ((*p)[0] == '-' && (*p)[1] != ']')
	{
		++*p;
		*p = flow_next_character(**p == '\\' ? *p + 1 : *p, end, high);
	}
	return true;
}
