/*-------------------------------------------------------------------------
 *
 * json_member.c
 *	  Reads a text from a JSON object that is wholly in memory.
 *
 *-------------------------------------------------------------------------
 */
#include "json_member.h"
#include "json_token.h"

typedef struct Member
{
	const char *name;
	size_t matched; /* number of its bytes with which the key being read begins */
	bool differs;   /* true if this key is another one */
	bool is_next;   /* true if the next value is the member's */
	int times;      /* how often the member was found */

	/* its text */
	char *text;
	size_t size;
	size_t len;
	bool bad; /* true if it is not a text, has a NUL byte or is too long */
} Member;

/* Compares a piece of a key with the member's name. */
static void
take_key(Member *member, FlowSlice piece, bool ends)
{
	size_t missing = strlen(member->name) - member->matched;

	member->differs |=
		piece.len > missing || memcmp(member->name + member->matched, piece.data, piece.len) != 0;
	member->matched += member->differs ? 0 : piece.len;
	if (!ends)
		return;
	member->is_next = !member->differs && piece.len == missing;
	member->times += member->is_next;
	member->matched = 0;
	member->differs = false;
}

/* Appends a piece of the member's text. */
static void
take_text(Member *member, FlowSlice piece)
{
	member->bad |=
		piece.len >= member->size - member->len || memchr(piece.data, '\0', piece.len) != NULL;
	if (member->bad)
		return;
	memcpy(member->text + member->len, piece.data, piece.len);
	member->len += piece.len;
}

/* Reads the member.  Returns true if the JSON is an object. */
static bool
read_object(FlowJsonTokenizer *tokens, const char *json, size_t len, Member *member)
{
	const uint8_t *in = (const uint8_t *) json, *end = in + len;
	FlowJsonToken token;

	flow_json_start(tokens);
	if (flow_json_next(tokens, &in, end) != FLOW_JSON_OBJECT)
		return false;
	while ((token = flow_json_next(tokens, &in, end)) != FLOW_JSON_MORE)
	{
		if (token == FLOW_JSON_ERROR)
			return false;
		if (tokens->depth != 1)
			continue;
		if (token == FLOW_JSON_KEY)
			take_key(member, tokens->text, tokens->ends);
		else if (token == FLOW_JSON_STRING && member->is_next)
			take_text(member, tokens->text);
		else
			member->bad |= member->is_next;
	}
	return flow_json_may_end(tokens);
}

/* Copies the text of a member of a JSON object. */
bool
flow_json_member(const char *json, size_t len, const char *name, char *text, size_t size)
{
	Member member = {.name = name, .text = text, .size = size};
	FlowJsonTokenizer tokens;
	bool found = read_object(&tokens, json, len, &member) && member.times == 1 && !member.bad;

	/* it may be a secret key */
	explicit_bzero(tokens.room, sizeof(tokens.room));
	if (found)
		text[member.len] = '\0';
	else
		explicit_bzero(text, size);
	return found;
}
