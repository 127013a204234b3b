/*-------------------------------------------------------------------------
 *
 * json_member.h
 *	  Members of JSON that is no log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_JSON_MEMBER_H
#define FLOW_JSON_MEMBER_H

#include "internal.h"

/*
 * Copies the text of a member of an object, which is all of the JSON, with a
 * NUL after it.  Returns false, with all of text[0..size) 0, if the JSON is
 * anything else, or the object has no such member or two, or the member is no
 * text, has a NUL in it, or is too long.
 */
extern bool flow_json_member(const char *json, size_t len, const char *name, char *text,
                             size_t size);

#endif /* FLOW_JSON_MEMBER_H */
