/*-------------------------------------------------------------------------
 *
 * printable.c
 *	  Names of files, and bytes of logs, as text for SQL and for messages.
 *
 * Names and logs are bytes.  A value of type text must be valid in the
 * database's encoding.  A message must also be convertible to the client's
 * encoding, or the client is told of a failed conversion in its place, and a
 * warning becomes an error.  What is neither is written as "\x" and two
 * hexadecimal digits for each byte; in messages and lines shown by functions,
 * so are control characters.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"

/* The server's conversion of messages to the client's encoding. */
typedef struct Conversion
{
	int client; /* the encoding that it is for; -1: none was looked up */
	bool exists;
	FmgrInfo function;
} Conversion;

static Conversion conversion = {.client = -1};

/*
 * What the client wants.  A worker writes messages in the database's encoding,
 * which its leader converts, but has the setting of the leader.
 */
static int
client_encoding(void)
{
	const char *name = GetConfigOption("client_encoding", true, false);
	int encoding = name != NULL ? pg_char_to_encoding(name) : -1;

	return encoding >= 0 ? encoding : pg_get_client_encoding();
}

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
 * Is a character that is valid in the database's encoding convertible to the
 * client's?
 */
static bool
can_be_sent(const char *character, int len)
{
	int client = client_encoding();
	int server = GetDatabaseEncoding();
	char converted[MAX_MULTIBYTE_CHAR_LEN * MAX_CONVERSION_GROWTH + 1];

	/* as pg_server_to_any has it */
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

/*
 * The bytes of the character at "data" in an encoding, 0 if it is not valid.
 */
static int
valid_width(int encoding, const char *data, const char *end)
{
	int width;

	if (!IS_HIGHBIT_SET(*data))
		return 1;
	width = pg_encoding_mblen(encoding, data);
	return width <= end - data && pg_verify_mbstr(encoding, data, width, true) ? width : 0;
}

static void
append_text(StringInfo out, const char *data, const char *end, bool controls, bool for_client)
{
	int encoding = GetDatabaseEncoding();

	/*
	 * what a database without an encoding sends is not converted, but must be
	 * valid in the client's
	 */
	if (for_client && encoding == PG_SQL_ASCII)
		encoding = client_encoding();
	while (data < end)
	{
		unsigned char c = (unsigned char) *data;
		int width = valid_width(encoding, data, end);

		if (controls && (c < 0x20 || c == 0x7F))
			width = 0;
		if (width == 0 || (for_client && IS_HIGHBIT_SET(c) && !can_be_sent(data, width)))
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

char *
flowlog_printable(const char *data, size_t len, size_t most)
{
	StringInfoData text;

	initStringInfo(&text);
	append_text(&text, data, data + Min(len, most), true, false);
	if (len > most)
		appendStringInfoString(&text, "...");
	return text.data;
}

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

const char *
flowlog_message(const char *bytes)
{
	flowlog_message_prepare();
	return flowlog_message_prepared(bytes);
}
