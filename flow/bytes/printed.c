/*-------------------------------------------------------------------------
 *
 * printed.c
 *	  Reads events as command lines print them: "aws logs tail", awslogs, and
 *	  "aws logs" with "--output text".
 *
 * Before each record stands its time, its log stream, or both, and perhaps the
 * log group.  The first line decides which of forms[] that is, and all lines
 * must have it.  A stream must be one of those that flow logs are published
 * to, and a time complete, so that neither can be a field of a record.  A line
 * without what the first has becomes one that begins with a NUL byte, so that
 * it cannot be mistaken for a record.
 *
 *-------------------------------------------------------------------------
 */
#include "made.h"
#include "source.h"

#define MAX_BEFORE 2048 /* bytes before a record: a group and a stream may have 512 each */
#define MAX_TIME 40     /* bytes of a time */
#define MAX_WORDS 3     /* before a record */
#define FIELDS_LEAST 4  /* "EVENTS", another, the message and the time */

/* ---------- words ---------- */

static size_t
count_digits(const char *text, size_t len)
{
	size_t count = 0;

	while (count < len && text[count] >= '0' && text[count] <= '9')
		count++;
	return count;
}

/* Returns true if a text has a form in which "0" stands for a digit. */
static bool
has_form(const char *text, size_t len, const char *form)
{
	if (len < strlen(form))
		return false;
	for (size_t i = 0; form[i] != '\0'; i++)
		if (form[i] == '0' ? count_digits(text + i, 1) == 0 : text[i] != form[i])
			return false;
	return true;
}

/* Returns true if the text is a time of day, perhaps with an offset. */
static bool
is_clock(FlowSlice word)
{
	const char *text = word.data;
	size_t len = word.len, i = strlen("00:00:00");

	if (!has_form(text, len, "00:00:00"))
		return false;
	if (i < len && text[i] == '.')
	{
		size_t digits = count_digits(text + i + 1, len - i - 1);

		if (digits == 0)
			return false;
		i += 1 + digits;
	}
	text += i;
	len -= i;
	return len == 0 || (len == 1 && *text == 'Z') || (len == 6 && has_form(text, len, "+00:00")) ||
	       (len == 6 && has_form(text, len, "-00:00"));
}

static bool
is_date(FlowSlice word)
{
	return word.len == strlen("0000-00-00") && has_form(word.data, word.len, "0000-00-00");
}

/*
 * Returns true if the word is a time: ISO 8601, or milliseconds since 1970, in
 * this century before 2033.
 */
bool
flow_printed_is_time(FlowSlice word)
{
	size_t date = strlen("0000-00-00T");

	if (word.len == 13 && *word.data == '1')
		return count_digits(word.data, word.len) == word.len;
	return word.len <= MAX_TIME && has_form(word.data, word.len, "0000-00-00T") &&
	       is_clock((FlowSlice) {word.data + date, word.len - date});
}

/*
 * Returns true if the word is a log stream of flow logs: an interface or a
 * gateway, and which traffic is in it (Amazon VPC User Guide, "Publish flow
 * logs to CloudWatch Logs").
 */
static bool
is_stream(FlowSlice word)
{
	static const char *const ends[] = {"-all", "-accept", "-reject"};

	if (word.len < 4 || (memcmp(word.data, "eni-", 4) != 0 && memcmp(word.data, "tgw-", 4) != 0))
		return false;
	for (size_t i = 0; i < flow_countof(ends); i++)
	{
		size_t len = strlen(ends[i]);

		if (word.len > 4 + len && memcmp(word.data + word.len - len, ends[i], len) == 0)
			return true;
	}
	return false;
}

/* Returns true if the word may be a log group, and is no time of any kind. */
static bool
is_group(FlowSlice word)
{
	return word.len > 0 && count_digits(word.data, 1) == 0;
}

/* ---------- forms ---------- */

/* What stands before a record: a letter for each word. */
typedef struct Form
{
	const char *words; /* T: time, D: date, C: its time of day, S: stream, G: group */
	bool tab;          /* a tab must follow; otherwise it is an export's line */
} Form;

static const Form forms[] = {
	{"TS", false},  /* aws logs tail */
	{"GST", false}, /* awslogs get --timestamp */
	{"GS", false},  /* awslogs get */
	{"ST", false},  /* awslogs get --no-group --timestamp */
	{"S", false},   /* awslogs get --no-group */
	{"T", true},    /* aws logs --query 'events[].[timestamp,message]' --output text */
	{"DCS", false},
	{"DC", false},
};

static bool
is_word(char kind, FlowSlice word)
{
	switch (kind)
	{
		case 'T':
			return flow_printed_is_time(word);
		case 'D':
			return is_date(word);
		case 'C':
			return is_clock(word);
		case 'S':
			return is_stream(word);
		default:
			return is_group(word);
	}
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Returns the next word of a line and moves *next to what follows it. */
static FlowSlice
next_word(const char **next, const char *end)
{
	FlowSlice word = {*next, 0};

	while (*next < end && !is_blank(**next))
		++*next;
	word.len = (size_t) (*next - word.data);
	return word;
}

/*
 * Finds the words before a record, and the record; false if the line does not
 * have the form.
 */
static bool
match_form(const Form *form, FlowSlice line, FlowSlice words[MAX_WORDS], FlowSlice *record)
{
	const char *next = line.data, *end = line.data + line.len;

	for (int i = 0; form->words[i] != '\0'; i++)
	{
		words[i] = next_word(&next, end);
		if (!is_word(form->words[i], words[i]) || next == end || (form->tab && *next != '\t'))
			return false;
		while (next < end && is_blank(*next))
			next++;
	}
	*record = (FlowSlice) {next, (size_t) (end - next)};
	return next < end;
}

/* ---------- --output text ---------- */

static bool
begins_with(FlowSlice line, const char *text)
{
	return line.len >= strlen(text) && memcmp(line.data, text, strlen(text)) == 0;
}

/*
 * Returns true for a line of an answer that is none of its events: the streams
 * that were searched, and what the next page begins with.
 */
static bool
is_other_line(FlowSlice line)
{
	return begins_with(line, "SEARCHEDLOGSTREAMS\t") ||
	       ((begins_with(line, "b/") || begins_with(line, "f/")) &&
	        count_digits(line.data + 2, line.len - 2) >= 32);
}

/*
 * Finds the time and the record of a line "EVENTS", of fields with tabs between
 * them in the order of their names: the last are message and timestamp.
 */
static bool
match_event(FlowSlice line, FlowSlice *time, FlowSlice *record)
{
	const char *tabs[2] = {NULL, NULL}; /* the last ones */
	int fields = 1;

	for (size_t i = 0; i < line.len; i++)
		if (line.data[i] == '\t')
		{
			tabs[0] = tabs[1];
			tabs[1] = line.data + i;
			fields++;
		}
	if (!begins_with(line, "EVENTS\t") || fields < FIELDS_LEAST)
		return false;
	*record = (FlowSlice) {tabs[0] + 1, (size_t) (tabs[1] - tabs[0]) - 1};
	*time = (FlowSlice) {tabs[1] + 1, (size_t) (line.data + line.len - tabs[1]) - 1};
	return flow_printed_is_time(*time);
}

/* ---------- the first line ---------- */

/* Returns the first line that is not empty, without its end. */
static FlowSlice
first_line(const char *data, size_t len)
{
	const char *end = data + len;
	FlowSlice line = {data, 0};

	while (line.data < end && (*line.data == '\n' || *line.data == '\r'))
		line.data++;
	while (line.data + line.len < end && line.data[line.len] != '\n')
		line.len++;
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

/*
 * Finds the form of a first line; false if it has none.  *form is NULL if it is
 * one of an answer as text.
 */
static bool
find_form(FlowSlice line, const Form **form)
{
	FlowSlice words[MAX_WORDS], time, record;

	*form = NULL;
	if (is_other_line(line) || match_event(line, &time, &record))
		return true;
	for (size_t i = 0; i < flow_countof(forms); i++)
		if (match_form(&forms[i], line, words, &record))
		{
			*form = &forms[i];
			return true;
		}
	return false;
}

bool
flow_printed_recognizes(const uint8_t *data, size_t len)
{
	const Form *form;

	return find_form(first_line((const char *) data, len), &form);
}

/* ---------- the codec ---------- */

typedef struct Printed
{
	const FlowHost *host;
	const Form *form; /* NULL: an answer as text */
	FlowText line;    /* the current one, as far as it was read */
	bool any;         /* it has any byte */
	FlowMade made;
} Printed;

static void
printed_free(void *state)
{
	Printed *printed = state;

	if (printed == NULL)
		return;
	flow_free(printed->host, printed->line.data);
	flow_free(printed->host, printed);
}

static FlowStatus
printed_create(const FlowHost *host, const FlowUnwrap *unwrap, void **state, FlowError *error)
{
	Printed *printed = flow_allocate(host, sizeof(Printed));

	if (printed == NULL)
		return flow_error_memory(error);
	*printed = (Printed) {.host = host, .line = {.most = unwrap->max_line_length + MAX_BEFORE}};
	(void) find_form(first_line((const char *) unwrap->begin, unwrap->begin_len), &printed->form);
	*state = printed;
	return FLOW_OK;
}

/* Makes the line of an event; false if the line is none. */
static bool
make_event(Printed *printed, FlowSlice line)
{
	FlowSlice words[MAX_WORDS], time = {"-", 1}, clock = {NULL, 0}, record;
	const char *kinds = printed->form != NULL ? printed->form->words : "";

	if (printed->form == NULL)
	{
		if (!match_event(line, &time, &record))
			return false;
	}
	else if (!match_form(printed->form, line, words, &record))
		return false;
	for (int i = 0; kinds[i] != '\0'; i++)
		if (kinds[i] == 'T' || kinds[i] == 'D')
			time = words[i];
		else if (kinds[i] == 'C')
			clock = words[i];

	if (clock.len > 0)
	{
		char *blank = (char *) time.data + time.len;

		if (clock.data != blank + 1)
			return false;
		*blank = 'T';
		time.len += 1 + clock.len;
	}
	flow_made_add(&printed->made, time.data, time.len);
	flow_made_add(&printed->made, " ", 1);
	flow_made_add(&printed->made, record.data, record.len);
	return true;
}

/* Makes the line of a line that was read. */
static void
make_line(Printed *printed)
{
	FlowSlice line = {printed->line.data, printed->line.len};

	flow_made_clear(&printed->made);
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	if (flow_text_is_cut(&printed->line))
		flow_made_add(&printed->made, line.data, line.len);
	else if (line.len > 0 && !(printed->form == NULL && is_other_line(line)) &&
	         !make_event(printed, line))
	{
		flow_made_add(&printed->made, "", 1); /* a NUL byte */
		flow_made_add(&printed->made, line.data, line.len);
	}
	flow_made_add(&printed->made, "\n", 1);
	printed->line.len = 0;
	printed->any = false;
}

/* Reads input up to the end of a line, or of the input. */
static FlowStatus
read_line(Printed *printed, const uint8_t **in, const uint8_t *stop, FlowError *error)
{
	const uint8_t *newline = memchr(*in, '\n', (size_t) (stop - *in));
	size_t len = (size_t) ((newline != NULL ? newline : stop) - *in);
	size_t left = printed->line.most - printed->line.len, kept = len < left ? len : left;

	if (!flow_text_room(printed->host, &printed->line, kept))
		return flow_error_memory(error);
	if (kept > 0)
		memcpy(printed->line.data + printed->line.len, *in, kept);
	printed->line.len += kept;
	printed->any = true;
	*in += len + (newline != NULL);
	if (newline != NULL)
		make_line(printed);
	return FLOW_OK;
}

/* Converts the lines, see FlowCodec. */
static FlowStatus
printed_step(void *state, const uint8_t **in, const uint8_t *in_end, bool last, uint8_t **out,
             uint8_t *out_end, uint64_t offset, FlowError *error)
{
	Printed *printed = state;
	const uint8_t *stop = in_end - *in > FLOW_BLOCK_SIZE ? *in + FLOW_BLOCK_SIZE : in_end;

	(void) offset;
	while (flow_made_write(&printed->made, out, out_end) && *in < stop)
		if (read_line(printed, in, stop, error) != FLOW_OK)
			return error->status;
	if (!flow_made_is_written(&printed->made) || *in < in_end || !last)
		return FLOW_OK;
	if (!printed->any)
		return FLOW_END;
	make_line(printed); /* the last line has no newline */
	return FLOW_OK;
}

const FlowCodec flow_printed_codec = {.name = "printed",
                                      .recognizes = flow_printed_recognizes,
                                      .create = printed_create,
                                      .free = printed_free,
                                      .step = printed_step,
                                      .not_event =
                                          "The line does not begin with what stands before the "
                                          "first record: a time, a log group or a log stream."};
