/*-------------------------------------------------------------------------
 *
 * printable.c
 *	  File names and bytes of logs as text for SQL and for messages.
 *
 * Names and logs are bytes.  A value of type text must be valid in the
 * database's encoding.  A message must also be convertible to the client's
 * encoding; otherwise the client gets an error about the conversion instead,
 * and a warning becomes an error.  Bytes that are not valid or convertible are
 * written as "\x" and two hexadecimal digits each; so are control characters
 * in messages and in lines that functions return.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"

/*
 * The conversion from the database's encoding to the client's, for messages.
 */
typedef struct Conversion
{
	int client; /* the encoding it converts to; -1: none was looked up */
	bool exists;
	FmgrInfo function;
} Conversion;

static Conversion conversion = {.client = -1};

/*
 * Returns the client's encoding.  A worker writes messages in the database's
 * encoding, which its leader converts, but it has the leader's setting.
 */
static int
client_encoding(void)
{
	const char *name = GetConfigOption("client_encoding", true, false);
	int encoding = name != NULL ? pg_char_to_encoding(name) : -1;

	return encoding >= 0 ? encoding : pg_get_client_encoding();
}

/* Looks up the conversion, which may access catalogs. */
void
flowlog_message_prepare(void)
{
	int client = client_encoding();
	int server = GetDatabaseEncoding();
	Oid function;

	if (conversion.client == client)
		return;
	conversion.client = -1;
	conversion.exists = false;
	if (client != server && client != PG_SQL_ASCII && server != PG_SQL_ASCII)
	{
		function = FindDefaultConversionProc(server, client);
		if (OidIsValid(function))
		{
			fmgr_info_cxt(function, &conversion.function, TopMemoryContext);
			conversion.exists = true;
		}
	}
	conversion.client = client;
}

/*
 * Returns true if a character, which is valid in the database's encoding, is
 * convertible to the client's.
 */
static bool
can_be_sent(const char *character, int len)
{
	int client = client_encoding();
	int server = GetDatabaseEncoding();
	char converted[MAX_MULTIBYTE_CHAR_LEN * MAX_CONVERSION_GROWTH + 1];

	/* see pg_server_to_any */
	if (client == server || client == PG_SQL_ASCII || server == PG_SQL_ASCII)
		return true;
	if (conversion.client != client || !conversion.exists)
		return false;
	return DatumGetInt32(FunctionCall6(&conversion.function,
	                                   Int32GetDatum(server),
	                                   Int32GetDatum(client),
	                                   CStringGetDatum(pnstrdup(character, len)),
	                                   CStringGetDatum(converted),
	                                   Int32GetDatum(len),
	                                   BoolGetDatum(true))) == len;
}

/* Returns how many bytes the character at "data" has; 0 if it is not valid. */
static int
valid_width(int encoding, const char *data, const char *end)
{
	int width;

	if (!IS_HIGHBIT_SET(*data))
		return 1;
	width = pg_encoding_mblen(encoding, data);
	return width <= end - data && pg_verify_mbstr(encoding, data, width, true) ? width : 0;
}

/*
 * Returns true if a character of UTF-8 cannot be seen, or is easily taken for
 * a blank: C1 controls, the no-break space and other blanks, marks without
 * width.
 */
static bool
is_invisible(int encoding, const char *data, int width)
{
	static const struct
	{
		const char first[4], last[4];
	} ranges[] = {{"\xC2\x80", "\xC2\xA0"},
	              {"\xC2\xAD", "\xC2\xAD"},
	              {"\xE2\x80\x80", "\xE2\x80\x8F"},
	              {"\xE2\x80\xA8", "\xE2\x80\xAF"},
	              {"\xE2\x81\x9F", "\xE2\x81\xA4"},
	              {"\xE3\x80\x80", "\xE3\x80\x80"},
	              {"\xEF\xBB\xBF", "\xEF\xBB\xBF"}};

	if (encoding != PG_UTF8)
		return false;
	for (size_t i = 0; i < lengthof(ranges); i++)
		if ((size_t) width == strlen(ranges[i].first) &&
		    memcmp(data, ranges[i].first, width) >= 0 && memcmp(data, ranges[i].last, width) <= 0)
			return true;
	return false;
}

/*
 * Appends bytes as text.  "controls" escapes control characters; "for_client"
 * escapes characters that are not convertible to the client's encoding.
 */
static void
append_text(StringInfo out, const char *data, const char *end, bool controls, bool for_client)
{
	int encoding = GetDatabaseEncoding();

	/*
	 * text of a database without an encoding is sent unconverted, but must be
	 * valid in the client's encoding
	 */
	if (for_client && encoding == PG_SQL_ASCII)
		encoding = client_encoding();
	while (data < end)
	{
		unsigned char c = (unsigned char) *data;
		int width = valid_width(encoding, data, end);

		bool escaped = width == 0 ||
		               (controls && (c < 0x20 || c == 0x7F || is_invisible(encoding, data, width)));

		if (escaped || (for_client && IS_HIGHBIT_SET(c) && !can_be_sent(data, width)))
		{
			width = Max(width, 1);
			for (int i = 0; i < width; i++)
				appendStringInfo(out, "\\x%02X", (unsigned char) data[i]);
		}
		else
			appendBinaryStringInfo(out, data, width);
		data += width;
	}
}

/* Returns bytes of a log as valid text without control characters. */
char *
flowlog_printable(const char *data, size_t len, size_t most)
{
	StringInfoData text;

	initStringInfo(&text);
	append_text(&text, data, data + Min(len, most), true, false);
	if (len > most)
		appendStringInfoString(&text, flowlog_ellipsis());
	return text.data;
}

/* Returns an ellipsis, or three dots where the encoding has none. */
const char *
flowlog_ellipsis(void)
{
	int client = client_encoding();

	return GetDatabaseEncoding() == PG_UTF8 && (client == PG_UTF8 || client == PG_SQL_ASCII)
	           ? "\xE2\x80\xA6"
	           : "...";
}

/* Returns a file's name as valid text. */
const char *
flowlog_valid_text(const char *bytes)
{
	size_t len = strlen(bytes);
	StringInfoData text;

	if (pg_verify_mbstr(GetDatabaseEncoding(), bytes, (int) len, true))
		return bytes;
	initStringInfo(&text);
	append_text(&text, bytes, bytes + len, false, false);
	return text.data;
}

/* Does what flowlog_message does, without access to catalogs. */
const char *
flowlog_message_prepared(const char *bytes)
{
	const char *end = bytes;
	StringInfoData text;

	while (*end >= 0x20 && *end < 0x7F)
		end++;
	if (*end == '\0')
		return bytes;
	initStringInfo(&text);
	append_text(&text, bytes, bytes + strlen(bytes), true, true);
	return text.data;
}

/* Returns a text that contains file names as text for a message. */
const char *
flowlog_message(const char *bytes)
{
	flowlog_message_prepare();
	return flowlog_message_prepared(bytes);
}
