/*-------------------------------------------------------------------------
 *
 * pattern.c
 *	  Finds the shape of a pattern that does nothing but split lines at a
 *	  separator.
 *
 * Such a pattern is a chain: field, separator, field, separator and so on.  A
 * separator is a class of bytes that occurs once or more, such as "\s+".  A
 * field is anything that is a whole group or not part of any group.  The last
 * field may be followed by optional groups of a separator and a field each,
 * such as "(?:\s+(\S+))?", nested or side by side, and by ".*".  See
 * read_chain.
 *
 * Claim.  Let s be the shape's separator.  Let a line, cut at every s, have k
 * fields, none of them empty, where k is at least nrequired, and at most
 * nfields unless the shape is open.  Let its bytes be s and 0x20 to 0x7F, and
 * let the first nfields fields pass their checks.  Then the pattern matches,
 * and the groups are the fields; groups of fields that the line does not have
 * take no part in the match.
 *
 * Proof.  Let A be the set of bytes that such lines may have.
 *
 * 1. Of the bytes in A, a separator of the pattern matches only s
 *    (is_separator).  In the line no two s are adjacent, so when a separator
 *    matches, it takes one s.
 *
 * 2. There is a match in which the groups are the fields.  A field passes its
 *    check only if one of the field's alternatives matches all of it
 *    (test_alternative), and PCRE2 tries everything that is not possessive.  A
 *    possessive run takes as much as it can, which is all of the field and no
 *    more: its class does not have s, or it is in the last field and takes the
 *    rest of the line (test_chain).
 *
 * 3. If all fields are required and the shape is not open, there is no other
 *    match.  The line has k - 1 separators, and each of the k - 1 separators
 *    of the pattern takes one of them, so no field takes any, and a field is
 *    the text between two of them.
 *
 * 4. Otherwise no field but the last can take s.  So in any match, a field
 *    that is followed by a separator in the pattern ends before the next s of
 *    the line.  A field that is followed only by optional groups ends there or
 *    at the line's end.  The last field begins after some s and ends at the
 *    line's end.  The only remaining choice is which optional groups take
 *    part.  PCRE2 takes the first match in the order of its choices, and each
 *    choice tries first to take the group.  Taking the first k - nrequired (or
 *    all) of them leads to the match of 2, and taking more is impossible,
 *    because each needs an s.
 *
 * 5. A ".*" directly after the last field could leave it less than its full
 *    text.  So in that case the last required field and the optional ones must
 *    each be a single run of a class without s that first takes as much as it
 *    can, or a single literal (is_firm).  PCRE2's first choices then lead to
 *    the match of 2.
 *
 * 6. Without a group, ".*" may also be the last field ("open").  As in 4, the
 *    fields before it cannot have s, and it takes the rest of the line,
 *    however many fields that is.
 *
 * 7. A "\s*" or "\r?" at the very beginning or end of the pattern takes
 *    nothing: what it took would be in A, hence an s at the beginning or end
 *    of the line.
 *
 * On such a line PCRE2 may need so many steps that regex.c gives up, as with
 * thirty times "(.+)"; the shape gives the answer that PCRE2 would have found.
 *
 * Any other pattern has no shape and is matched by PCRE2.
 *
 *-------------------------------------------------------------------------
 */
#include "pattern.h"
#include "shape.h"

/* Separators, in the order in which they are tried. */
static const char separators[] = " \t,|;:!\"#$%&'()*+-./<=>?@[\\]^_`{}~";

/* ---------- reading a chain of fields ---------- */

typedef struct Field
{
	int group;                    /* capture group, or 0 */
	const FlowToken *first, *end; /* its tokens: runs, and bars between them */
	int nalternatives;
	int nliterals;        /* alternatives that are a literal text */
	size_t literals;      /* their bytes, each with a NUL */
	const FlowToken *run; /* an alternative that is a single run; NULL: none */
	bool is_strict;       /* true if another alternative is neither */
	bool may_separate;    /* true if a part of it can match the separator */
	bool keeps_separator; /* true if such a part is possessive */
} Field;

typedef struct Chain
{
	const FlowToken *next, *end;
	char separator;
	FlowByteSet line;  /* bytes that lines may have */
	FlowByteSet field; /* bytes that fields may have: without the separator */
	int nfields;
	int nrequired;
	bool rest; /* ".*" directly after the last field */
	bool open;
	Field fields[FLOW_SHAPE_FIELDS];
} Chain;

static bool
chain_at(const Chain *chain, FlowTokenKind kind)
{
	return chain->next < chain->end && chain->next->kind == kind;
}

/*
 * Returns true if the token is a separator; see point 1 of the head comment.
 */
static bool
is_separator(const Chain *chain, const FlowToken *token)
{
	FlowByteSet bytes = flow_set_common(&token->bytes, &chain->line);

	return token->kind == FLOW_TOKEN_RUN && token->min == 1 &&
	       flow_set_single(&bytes) == (uint8_t) chain->separator;
}

/* Returns true if the token matches any bytes without limit, such as ".*". */
static bool
is_anything(const Chain *chain, const FlowToken *token)
{
	return token->kind == FLOW_TOKEN_RUN && token->max == FLOW_UNBOUNDED &&
	       flow_set_covers(&token->bytes, &chain->line);
}

/* Returns true if the token takes any rest of a line, also an empty one. */
static bool
is_rest(const Chain *chain, const FlowToken *token)
{
	return token->min == 0 && is_anything(chain, token);
}

/*
 * Returns true if the token takes nothing at either end of a line; see point 7
 * of the head comment.
 */
static bool
is_idle(const Chain *chain, const FlowToken *token)
{
	FlowByteSet separator = {{0}}, bytes = flow_set_common(&token->bytes, &chain->line);

	flow_set_add(&separator, (uint8_t) chain->separator, (uint8_t) chain->separator);
	return token->kind == FLOW_TOKEN_RUN && token->min == 0 && flow_set_covers(&separator, &bytes);
}

/* Returns true if the tokens are a literal text that a field can be. */
static bool
is_literal(const Chain *chain, const FlowToken *first, const FlowToken *end)
{
	for (const FlowToken *token = first; token < end; token++)
	{
		int byte = flow_set_single(&token->bytes);

		if (byte < 0 || !flow_set_has(&chain->field, (uint8_t) byte) || token->min != 1 ||
		    token->max != 1)
			return false;
	}
	return first < end;
}

/*
 * Classifies an alternative of a field.  One that is neither the first single
 * run nor a literal lets nothing pass; PCRE2 then finds whether it matches.
 * If such an alternative leaves only literals to check, the field is refused,
 * because hardly a line would pass.
 */
static void
test_alternative(const Chain *chain, const FlowToken *first, const FlowToken *end, Field *field)
{
	field->nalternatives++;
	for (const FlowToken *token = first; token < end; token++)
		if (flow_set_has(&token->bytes, (uint8_t) chain->separator))
		{
			field->may_separate = true;
			field->keeps_separator |= token->manner == FLOW_POSSESSIVE;
		}

	if (is_literal(chain, first, end))
	{
		field->nliterals++;
		field->literals += (size_t) (end - first) + 1;
	}
	else if (end - first == 1 && field->run == NULL)
		field->run = first;
	else if (end - first > 1)
		field->is_strict = true;
}

static const FlowToken *
alternative_end(const FlowToken *first, const FlowToken *end)
{
	while (first < end && first->kind != FLOW_TOKEN_BAR)
		first++;
	return first;
}

/* Classifies all alternatives of a field; returns false if it is refused. */
static bool
judge_field(const Chain *chain, Field *field)
{
	const FlowToken *first = field->first, *end;

	for (;; first = end + 1)
	{
		end = alternative_end(first, field->end);
		test_alternative(chain, first, end, field);
		if (end == field->end)
			break;
	}
	return field->run != NULL || (field->nliterals > 0 && !field->is_strict);
}

/*
 * Reads a field: a group that has only runs and bars, or runs outside of any
 * group up to the end of the field.
 */
static bool
read_field(Chain *chain)
{
	Field *field = &chain->fields[chain->nfields];

	if (chain->nfields == FLOW_SHAPE_FIELDS)
		return false;
	chain->nfields++;
	memset(field, 0, sizeof(*field));

	if (chain_at(chain, FLOW_TOKEN_OPEN))
	{
		field->group = chain->next->group;
		field->first = ++chain->next;
		while (chain_at(chain, FLOW_TOKEN_RUN) || chain_at(chain, FLOW_TOKEN_BAR))
			chain->next++;
		field->end = chain->next;
		if (!chain_at(chain, FLOW_TOKEN_CLOSE) || chain->next->min != 1 || chain->next->max != 1)
			return false;
		chain->next++;
	}
	else
	{
		field->first = chain->next;
		while (chain_at(chain, FLOW_TOKEN_RUN) && !is_separator(chain, chain->next) &&
		       !(chain->next > field->first && is_rest(chain, chain->next)))
			chain->next++;
		field->end = chain->next;
	}
	return judge_field(chain, field);
}

/* Skips a separator; returns false if there is none. */
static bool
skip_separator(Chain *chain)
{
	if (chain->next == chain->end || !is_separator(chain, chain->next))
		return false;
	chain->next++;
	return true;
}

/*
 * Reads optional groups: "(?:", separator, field, nested optional groups,
 * ")?", any number of times.
 */
static bool
read_optional(Chain *chain)
{
	while (chain_at(chain, FLOW_TOKEN_OPEN))
	{
		if (chain->next++->group != 0)
			return false;
		if (!skip_separator(chain) || !read_field(chain) || !read_optional(chain))
			return false;
		if (!chain_at(chain, FLOW_TOKEN_CLOSE) || chain->next->min != 0 || chain->next->max != 1 ||
		    chain->next->manner != FLOW_GREEDY)
			return false;
		chain->next++;
	}
	return true;
}

/*
 * Reads the whole chain: field, separator, field, ..., optional fields, and
 * perhaps ".*".
 */
static bool
read_chain(Chain *chain)
{
	while (chain->next < chain->end && is_idle(chain, chain->next))
		chain->next++;
	while (chain->next < chain->end && is_idle(chain, chain->end - 1))
		chain->end--;

	do
	{
		if (!read_field(chain))
			return false;
	} while (skip_separator(chain));

	chain->nrequired = chain->nfields;
	if (!read_optional(chain))
		return false;
	if (chain->next < chain->end && is_rest(chain, chain->next))
	{
		chain->rest = true;
		chain->next++;
	}
	return chain->next == chain->end && chain->nfields > 1;
}

/*
 * Returns true if a field takes its full text even before ".*"; see point 5 of
 * the head comment.
 */
static bool
is_firm(const Field *field)
{
	return field->nalternatives == 1 && !field->may_separate &&
	       (field->run == NULL || field->run->manner != FLOW_LAZY);
}

/*
 * Sets "open".  Returns false if a line might match otherwise than by its
 * fields; see points 2 to 6 of the head comment.
 */
static bool
test_chain(Chain *chain)
{
	const Field *last = &chain->fields[chain->nfields - 1];
	bool optional = chain->nrequired < chain->nfields;
	bool may_separate = false; /* any field but the last */

	for (const Field *field = chain->fields; field < last; field++)
	{
		may_separate |= field->may_separate;
		if (field->keeps_separator)
			return false;
	}
	if (may_separate && (optional || chain->rest))
		return false;
	for (int i = chain->nrequired - 1; chain->rest && i < chain->nfields; i++)
		if (!is_firm(&chain->fields[i]))
			return false;

	/*
	 * with only one alternative: a literal might match the field, and not the
	 * rest of the line
	 */
	chain->open = chain->rest || (!may_separate && last->group == 0 && last->nalternatives == 1 &&
	                              last->run != NULL && is_anything(chain, last->run));
	return true;
}

/* ---------- making the shape ---------- */

/* Copies the literals of a field, each with a NUL, and a final NUL. */
static void
copy_literals(const Chain *chain, const Field *field, char *text)
{
	for (const FlowToken *first = field->first, *end; first < field->end; first = end + 1)
	{
		end = alternative_end(first, field->end);
		if (!is_literal(chain, first, end))
			continue;
		for (const FlowToken *token = first; token < end; token++)
			*text++ = (char) flow_set_single(&token->bytes);
		*text++ = '\0';
	}
	*text = '\0';
}

/*
 * Adds the checks of field f to the shape.  *room points to free space for
 * tables and texts.
 */
static void
add_check(const Chain *chain, int f, uint8_t **room, FlowShape *shape)
{
	const Field *field = &chain->fields[f];
	FlowShapeCheck check = {.field = f, .min = 1};
	FlowByteSet digits = {{0}}, bytes = {{0}};

	flow_set_add(&digits, '0', '9');

	/* the lengths and bytes of the run */
	if (field->run != NULL)
	{
		check.min = field->run->min;
		check.max = field->run->max;
		bytes = flow_set_common(&field->run->bytes, &chain->field);
	}

	/* a table of bytes, unless the splitter's bits for digits suffice */
	check.digits = flow_set_covers(&bytes, &digits);
	if (field->nliterals == 0 && flow_set_equal(&bytes, &digits))
		shape->digits |= UINT64_C(1) << f;
	else if (field->run != NULL && !flow_set_equal(&bytes, &chain->field))
	{
		for (int byte = 0; byte < 256; byte++)
			(*room)[byte] = flow_set_has(&bytes, (uint8_t) byte);
		check.byte_class = *room;
		*room += 256;
	}
	if (check.byte_class == NULL && check.min <= 1 && check.max == FLOW_UNBOUNDED)
		return;

	/* the literals */
	if (field->nliterals > 0)
	{
		copy_literals(chain, field, (char *) *room);
		check.literals = (char *) *room;
		*room += field->literals + 1;
	}
	shape->checks[shape->nchecks++] = check;
}

/* Makes the shape of a chain that passed all tests. */
static FlowStatus
make_shape(const FlowHost *host, const Chain *chain, FlowShape **result)
{
	size_t room_size = 0;
	uint8_t *room;
	FlowShape *shape;

	for (int i = 0; i < chain->nfields; i++)
		room_size += 256 + chain->fields[i].literals + 1;
	shape = flow_allocate(host, sizeof(*shape) + room_size);
	if (shape == NULL)
		return FLOW_NO_MEMORY;
	memset(shape, 0, sizeof(*shape));
	room = (uint8_t *) (shape + 1);

	shape->separator = chain->separator;
	shape->nfields = chain->nfields;
	shape->nrequired = chain->nrequired;
	shape->open = chain->open;
	for (int i = 0; i < chain->nfields; i++)
	{
		shape->group[i] = chain->fields[i].group;
		add_check(chain, i, &room, shape);
	}
	*result = shape;
	return FLOW_OK;
}

/* Makes the shape for the first separator by which the tokens are a chain. */
static FlowStatus
shape_of(const FlowHost *host, const FlowToken *tokens, int ntokens, FlowShape **shape)
{
	Chain chain;

	for (const char *separator = separators; *separator != '\0'; separator++)
	{
		memset(&chain, 0, sizeof(chain));
		chain.next = tokens;
		chain.end = tokens + ntokens;
		chain.separator = *separator;
		flow_set_add(&chain.line, 0x20, 0x7F);
		chain.field = chain.line;
		flow_set_add(&chain.line, (uint8_t) *separator, (uint8_t) *separator);
		chain.field.bits[*separator / 64] &= ~(UINT64_C(1) << (*separator % 64));

		if (read_chain(&chain) && test_chain(&chain))
			return make_shape(host, &chain, shape);
	}
	return FLOW_END;
}

/* Finds the shape of the lines that a pattern only splits. */
FlowStatus
flow_pattern_shape(const FlowHost *host, const char *pattern, FlowShape **shape)
{
	FlowToken *tokens = flow_allocate(host, FLOW_PATTERN_TOKENS * sizeof(*tokens));
	FlowStatus status = FLOW_END;
	int ntokens;

	*shape = NULL;
	if (tokens == NULL)
		return FLOW_NO_MEMORY;
	ntokens = flow_pattern_read(pattern, tokens);
	if (ntokens >= 0)
		status = shape_of(host, tokens, ntokens, shape);
	flow_free(host, tokens);
	return status;
}

void
flow_shape_free(const FlowHost *host, FlowShape *shape)
{
	flow_free(host, shape);
}

/* Returns true if a field passes a check. */
bool
flow_shape_passes(const FlowShapeCheck *check, const char *data, size_t len)
{
	const char *literal = check->literals;

	if (len >= check->min && len <= check->max)
	{
		size_t i = 0;

		while (check->byte_class != NULL && i < len && check->byte_class[(uint8_t) data[i]] != 0)
			i++;
		if (check->byte_class == NULL || i == len)
			return true;
	}
	for (; literal != NULL && *literal != '\0'; literal += strlen(literal) + 1)
		if (strlen(literal) == len && memcmp(literal, data, len) == 0)
			return true;
	return false;
}
