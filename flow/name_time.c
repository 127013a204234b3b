/*-------------------------------------------------------------------------
 *
 * name_time.c
 *	  The time in the names of the files that AWS delivers.
 *
 * A name is account_vpcflowlogs_region_flow-log-id_YYYYMMDDThhmmZ_hash.log.gz
 * (Amazon VPC User Guide, "Flow log files"): "16:20 means records with an end
 * time between 16:20:00 and 16:24:59".  Records outside of that have been
 * seen.
 *
 *-------------------------------------------------------------------------
 */
#include "internal.h"

#include <string.h>

#define WINDOW (INT64_C(300) * 1000000)

/* "0" stands for a digit */
static const char form[] = "_00000000T0000Z_";

/* Returns true if a text begins with the form of a time in a name. */
static bool
has_form(const char *p)
{
	for (size_t i = 0; form[i] != '\0'; i++)
		if (form[i] == '0' ? (unsigned char) (p[i] - '0') > 9 : p[i] != form[i])
			return false;
	return true;
}

/* Reads the time in the name of a file that AWS delivers. */
bool
flow_name_time(const char *path, int64_t *from, int64_t *to)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	size_t len = strlen(name);

	/* use the last one: the user may have chosen the part before it */
	for (size_t i = len; i-- > 0;)
		if (name[i] == '_' && len - i >= sizeof(form) - 1 && has_form(name + i))
		{
			if (flow_value_iso8601(name + i + 1, sizeof(form) - 3, true, from) != FLOW_OK)
				return false;
			*to = *from + WINDOW;
			return true;
		}
	return false;
}
