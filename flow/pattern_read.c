/*-------------------------------------------------------------------------
 *
 * pattern_read.c
 *	  Reads the part of PCRE2's syntax in which splitters are written.
 *
 * Patterns are read as regex.c compiles them: bytes, in the C locale, case
 * matters, a dot is any byte.  Anything that is not certainly understood is
 * refused, because PCRE2 can match every pattern anyway.
 *
 *-------------------------------------------------------------------------
 */
#include "pattern.h"

#define MAX_REPEAT 65535 /* PCRE2's own limit */

typedef struct Parser
{
	const char *next;
	FlowToken *tokens;
	int ntokens;
	int ngroups;
	int depth; /* groups not yet closed */
} Parser;

/*
 * Classes by their POSIX name and the letter of their escape, as in PCRE2's
 * own tables.
 */
static const struct
{
	const char *name;
	char letter;
	int nranges;
	uint8_t ranges[4][2];
} classes[] = {
	{"digit", 'd', 1, {{'0', '9'}}},
	{"space", 's', 2, {{'\t', '\r'}, {' ', ' '}}},
	{"word", 'w', 4, {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
	{"", 'h', 3, {{'\t', '\t'}, {' ', ' '}, {0xA0, 0xA0}}},
	{"", 'v', 2, {{'\n', '\r'}, {0x85, 0x85}}},
	{"alnum", 0, 3, {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
	{"alpha", 0, 2, {{'A', 'Z'}, {'a', 'z'}}},
	{"ascii", 0, 1, {{0, 0x7F}}},
	{"blank", 0, 2, {{'\t', '\t'}, {' ', ' '}}},
	{"cntrl", 0, 2, {{0, 0x1F}, {0x7F, 0x7F}}},
	{"graph", 0, 1, {{'!', '~'}}},
	{"lower", 0, 1, {{'a', 'z'}}},
	{"print", 0, 1, {{' ', '~'}}},
	{"punct", 0, 4, {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
	{"upper", 0, 1, {{'A', 'Z'}}},
	{"xdigit", 0, 3, {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
};

/* Adds the bytes of a class, or all other bytes, to a set. */
static void
add_class(FlowByteSet *set, size_t byte_class, bool complement)
{
	FlowByteSet bytes = {{0}};

	for (int i = 0; i < classes[byte_class].nranges; i++)
		flow_set_add(&bytes, classes[byte_class].ranges[i][0], classes[byte_class].ranges[i][1]);
	flow_set_add_all(set, &bytes, complement);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/*
 * Adds the class of an escape such as \s; returns false if the letter has
 * none.
 */
static bool
add_escaped_class(char letter, FlowByteSet *set)
{
	char lower = (char) (letter | 0x20);

	for (size_t i = 0; is_letter(letter) && i < flow_countof(classes); i++)
		if (classes[i].letter == lower)
		{
			add_class(set, i, letter != lower);
			return true;
		}
	return false;
}

/*
 * Reads an escape, after its backslash, and adds its bytes to the set.  *byte
 * is set to the byte, or to -1 if it is a class.
 */
static bool
read_escape(Parser *parser, FlowByteSet *set, int *byte)
{
	static const char letters[] = "tnrfea";
	static const char meanings[] = "\t\n\r\f\x1B\a";
	char c = *parser->next;
	const char *found;

	if (c < ' ' || c > '~') /* the end of the pattern, too */
		return false;
	parser->next++;

	*byte = -1;
	if (add_escaped_class(c, set))
		return true;

	if (c == 'x')
	{
		int high = flow_hex_value(parser->next[0]);
		int low = high < 0 ? -1 : flow_hex_value(parser->next[1]);

		if (low < 0)
			return false;
		parser->next += 2;
		*byte = high * 16 + low;
	}
	else if ((found = strchr(letters, c)) != NULL)
		*byte = meanings[found - letters];
	else if (is_letter(c) || is_digit(c))
		return false;
	else
		*byte = c;
	flow_set_add(set, (unsigned) *byte, (unsigned) *byte);
	return true;
}

/* Reads "[:name:]" or "[:^name:]". */
static bool
read_posix_class(Parser *parser, FlowByteSet *set)
{
	const char *name = parser->next + 2;
	bool complement = *name == '^';
	size_t len;

	name += complement;
	for (len = 0; name[len] >= 'a' && name[len] <= 'z';)
		len++;
	if (len == 0 || name[len] != ':' || name[len + 1] != ']')
		return false;

	for (size_t i = 0; i < flow_countof(classes); i++)
		if (strlen(classes[i].name) == len && memcmp(classes[i].name, name, len) == 0)
		{
			add_class(set, i, complement);
			parser->next = name + len + 2;
			return true;
		}
	return false;
}

/*
 * Reads one element between brackets, not a range.  *byte is set as in
 * read_escape.
 */
static bool
read_element(Parser *parser, FlowByteSet *set, int *byte)
{
	*byte = -1;
	if (*parser->next == '\0')
		return false;
	if (parser->next[0] == '[' && parser->next[1] == ':')
		return read_posix_class(parser, set);
	if (parser->next[0] == '[' && (parser->next[1] == '.' || parser->next[1] == '='))
		return false;
	if (*parser->next == '\\')
	{
		parser->next++;
		return read_escape(parser, set, byte);
	}
	*byte = (uint8_t) *parser->next++;
	flow_set_add(set, (unsigned) *byte, (unsigned) *byte);
	return true;
}

/*
 * Reads a bracketed class.  A hyphen that does not form a range is accepted
 * only as the first or the last element: elsewhere it may be literal, or a
 * mistake.
 */
static bool
read_bracket(Parser *parser, FlowByteSet *set)
{
	FlowByteSet listed = {{0}};
	bool complement = parser->next[1] == '^';
	const char *first;

	parser->next += 1 + complement;
	first = parser->next;
	while (*parser->next != ']' || parser->next == first)
	{
		const char *element = parser->next;
		int low, high;

		if (!read_element(parser, &listed, &low))
			return false;
		if (*element == '-' && element != first && *parser->next != ']')
			return false;
		if (parser->next[0] != '-' || parser->next[1] == ']')
			continue;

		parser->next++;
		if (low < 0 || *element == '-' || !read_element(parser, &listed, &high) || high < low)
			return false;
		flow_set_add(&listed, (unsigned) low, (unsigned) high);
	}
	parser->next++;
	flow_set_add_all(set, &listed, complement);
	return true;
}

static bool
read_number(Parser *parser, uint32_t *number)
{
	if (!is_digit(*parser->next))
		return false;
	for (*number = 0; is_digit(*parser->next); parser->next++)
	{
		*number = *number * 10 + (uint32_t) (*parser->next - '0');
		if (*number > MAX_REPEAT)
			return false;
	}
	return true;
}

/*
 * Reads "{n}", "{n,}" and "{n,m}"; only some versions of PCRE2 take other
 * braces as text.
 */
static bool
read_braces(Parser *parser, uint32_t *min, uint32_t *max)
{
	parser->next++;
	if (!read_number(parser, min))
		return false;
	*max = *min;
	if (*parser->next == ',')
	{
		parser->next++;
		*max = FLOW_UNBOUNDED;
		if (*parser->next != '}' && !read_number(parser, max))
			return false;
	}
	return *parser->next++ == '}' && *min <= *max && *max > 0;
}

/* Reads the quantifier that may follow a run or a group. */
static bool
read_quantifier(Parser *parser, FlowToken *token)
{
	char c = *parser->next;

	token->manner = FLOW_GREEDY;
	token->min = token->max = 1;
	if (c == '{')
	{
		if (!read_braces(parser, &token->min, &token->max))
			return false;
	}
	else if (c == '*' || c == '+' || c == '?')
	{
		parser->next++;
		token->min = c == '+';
		token->max = c == '?' ? 1 : FLOW_UNBOUNDED;
	}
	else
		return true;

	if (*parser->next == '?' || *parser->next == '+')
		token->manner = *parser->next++ == '?' ? FLOW_LAZY : FLOW_POSSESSIVE;
	return true;
}

/* Reads a byte or class and its quantifier. */
static bool
read_run(Parser *parser, FlowToken *token)
{
	char c = *parser->next;
	int byte;

	token->kind = FLOW_TOKEN_RUN;
	if (c == '[')
	{
		if (!read_bracket(parser, &token->bytes))
			return false;
	}
	else if (c == '\\')
	{
		parser->next++;
		if (!read_escape(parser, &token->bytes, &byte))
			return false;
	}
	else if (strchr("^$*+?{}]", c) != NULL)
		return false;
	else
	{
		parser->next++;
		flow_set_add(&token->bytes, c == '.' ? 0 : (uint8_t) c, c == '.' ? 255 : (uint8_t) c);
	}
	return read_quantifier(parser, token);
}

/* Skips the name of a group and the character that ends it. */
static bool
skip_name(Parser *parser, char end)
{
	const char *name = parser->next;

	while (is_letter(*parser->next) || is_digit(*parser->next) || *parser->next == '_')
		parser->next++;
	return parser->next > name && !is_digit(*name) && *parser->next++ == end;
}

/* Reads the beginning of a group. */
static bool
read_open(Parser *parser, FlowToken *token)
{
	token->kind = FLOW_TOKEN_OPEN;
	parser->depth++;
	parser->next++;
	if (*parser->next == '*')
		return false;
	if (*parser->next != '?')
	{
		token->group = ++parser->ngroups;
		return true;
	}

	parser->next++;
	if (*parser->next == ':')
	{
		parser->next++;
		return true;
	}
	token->group = ++parser->ngroups;
	if (parser->next[0] == 'P' && parser->next[1] == '<')
		parser->next++;
	if (*parser->next != '<' && *parser->next != '\'')
		return false;
	return skip_name(parser, *parser->next++ == '<' ? '>' : '\'');
}

/* Reads the next token. */
static bool
read_token(Parser *parser)
{
	FlowToken *token = &parser->tokens[parser->ntokens];

	if (parser->ntokens == FLOW_PATTERN_TOKENS)
		return false;
	parser->ntokens++;
	memset(token, 0, sizeof(*token));

	switch (*parser->next)
	{
		case '(':
			return read_open(parser, token);
		case '|':
			token->kind = FLOW_TOKEN_BAR;
			parser->next++;
			return true;
		case ')':
			token->kind = FLOW_TOKEN_CLOSE;
			parser->next++;
			return parser->depth-- > 0 && read_quantifier(parser, token);
		default:
			return read_run(parser, token);
	}
}

/*
 * Reads the whole pattern.  Anchors at its ends are skipped, because matches
 * are anchored anyway; "\Z" differs from "$" only before a newline, and the
 * match has to reach the end.
 */
static bool
read_pattern(Parser *parser)
{
	if (*parser->next == '^')
		parser->next++;
	while (*parser->next != '\0' && strcmp(parser->next, "$") != 0 &&
	       strcmp(parser->next, "\\z") != 0 && strcmp(parser->next, "\\Z") != 0)
		if (!read_token(parser))
			return false;
	return parser->depth == 0;
}

/* Reads a pattern into tokens. */
int
flow_pattern_read(const char *pattern, FlowToken *tokens)
{
	Parser parser = {.next = pattern, .tokens = tokens};

	return read_pattern(&parser) ? parser.ntokens : -1;
}
