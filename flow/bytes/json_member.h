/*-------------------------------------------------------------------------
 *
 * json_member.h
 *	  Members of JSON that is not a log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_JSON_MEMBER_H
#define FLOW_JSON_MEMBER_H

#include "internal.h"

/*
 * Copies the text of a member of an object, which is all of the JSON, and
 * terminates it with a NUL.  Returns false, with all of text[0..size) 0, if
 * the JSON is not an object, has no such member or more than one, or if the
 * member is not a text, has a NUL in it, or is too long.
 */
extern bool flow_json_member(const char *json, size_t len, const char *name, char *text,
                             size_t size);

#endif /* FLOW_JSON_MEMBER_H */
