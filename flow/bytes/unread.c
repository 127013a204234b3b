/*-------------------------------------------------------------------------
 *
 * unread.c
 *	  Recognizes compressions and formats that are not read, to name them.
 *
 * Their bytes must not be taken for lines.  Each is a row of unread[].
 *
 *-------------------------------------------------------------------------
 */
#include "source.h"

#include <string.h>

#define TAR_BLOCK 512       /* bytes of the header of a member of a tar archive */
#define TAR_SUM 148         /* offset of its check sum */
#define TAR_SUM_SIZE 8      /* bytes of its check sum */
#define UTF_16_LOOKED_AT 64 /* bytes at the beginning of UTF-16 text without a mark */
#define UTF_16_LEAST 8      /* fewer bytes hold no record */

/* ---------- formats that a few bytes do not tell ---------- */

/*
 * Returns true if the data are an ORC file.  "ORC" may also begin a line of
 * text, but is not followed by control characters there.
 */
static bool
is_orc(const uint8_t *data, size_t len)
{
	if (len < 4 || memcmp(data, "ORC", 3) != 0)
		return false;
	for (size_t i = 3; i < len && i < 16; i++)
		if (data[i] < ' ' && data[i] != '\t' && data[i] != '\r' && data[i] != '\n')
			return true;
	return false;
}

/*
 * Returns true if the data begin with the header of a tar archive's member
 * (POSIX.1-1988 and later, and the format before it): only its check sum is
 * always there.  It counts as blanks in the sum.
 */
static bool
is_tar(const uint8_t *data, size_t len)
{
	uint32_t sum = TAR_SUM_SIZE * ' ', stored = 0;
	size_t i = TAR_SUM;

	if (len < TAR_BLOCK || data[0] == '\0')
		return false;
	for (size_t j = 0; j < TAR_BLOCK; j++)
		if (j < TAR_SUM || j >= TAR_SUM + TAR_SUM_SIZE)
			sum += data[j];
	while (i < TAR_SUM + TAR_SUM_SIZE && data[i] == ' ')
		i++;
	for (; i < TAR_SUM + TAR_SUM_SIZE && data[i] >= '0' && data[i] <= '7'; i++)
		stored = stored * 8 + (uint32_t) (data[i] - '0');
	return stored == sum;
}

/*
 * Returns true for a header of zlib's own format (RFC 1950), but not if it is
 * also text in UTF-8.
 */
static bool
is_zlib(const uint8_t *data, size_t len)
{
	if (len < 8 || data[0] != 0x78)
		return false;
	return data[1] == 0x01 || data[1] == 0x9C || (data[1] == 0xDA && (data[2] & 0xC0) != 0x80);
}

/*
 * Returns true if every other byte of the beginning is NUL, from "first" on,
 * and no other: text of ASCII characters in UTF-16.
 */
static bool
has_alternate_nuls(const uint8_t *data, size_t len, size_t first)
{
	if (len > UTF_16_LOOKED_AT)
		len = UTF_16_LOOKED_AT;
	if (len < UTF_16_LEAST)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((data[i] == '\0') != (i % 2 == first))
			return false;
	return true;
}

static bool
is_utf_16_le(const uint8_t *data, size_t len)
{
	return (len >= 2 && memcmp(data, "\xFF\xFE", 2) == 0) || has_alternate_nuls(data, len, 1);
}

static bool
is_utf_16_be(const uint8_t *data, size_t len)
{
	return (len >= 2 && memcmp(data, "\xFE\xFF", 2) == 0) || has_alternate_nuls(data, len, 0);
}

/* ---------- the table ---------- */

#define MAGIC(bytes) bytes, sizeof(bytes) - 1, NULL
#define BY(recognizes) NULL, 0, recognizes

#define COMPRESSED(program)                                                                        \
	"Only gzip, zstd, bzip2 and xz are read: compress the file anew, such as with \"" program      \
	" FILE | "                                                                                     \
	"gzip\"."
#define PACKED(program)                                                                            \
	"Only single files are read, plain or compressed with gzip, zstd, bzip2 or xz: unpack the "    \
	"archive, such "                                                                               \
	"as with \"" program " FILE\"."
#define BINARY "Only flow logs as text or as Parquet can be read: convert the file."
#define PARQUET "Decompress the file: a Parquet file has its own compression, and is read as it is."
#define RECODED(encoding) "Convert the file, such as with \"iconv -f " encoding " -t UTF-8 FILE\"."

static const struct
{
	FlowUnread unread;
	/* either the first bytes of the data, or a function */
	const char *magic;
	size_t magic_len;
	bool (*recognizes)(const uint8_t *data, size_t len);
} unread[] = {
	/* within a compression; a file that is not compressed is read */
	{{"parquet", "a compressed Parquet file", PARQUET, false}, MAGIC("PAR1")},
	{{"parquet", "an encrypted Parquet file", BINARY, false}, MAGIC("PARE")},
	{{"orc", "an ORC file", BINARY, false}, BY(is_orc)},
	{{"avro", "an Avro file", BINARY, false}, MAGIC("Obj\x01")},
	{{"lzma", "lzma data", COMPRESSED("xz -dc"), true}, MAGIC("\x5D\x00\x00?\x00")},
	{{"lzip", "lzip data", COMPRESSED("lzip -dc"), true}, MAGIC("LZIP\x01")},
	{{"lz4", "lz4 data", COMPRESSED("lz4 -dc"), true}, MAGIC("\x04\x22\x4D\x18")},
	{{"lz4", "lz4 data", COMPRESSED("lz4 -dc"), true}, MAGIC("\x02\x21\x4C\x18")},
	{{"lzop", "lzop data", COMPRESSED("lzop -dc"), true}, MAGIC("\x89LZO\x00\r\n\x1A\n")},
	{{"snappy", "snappy data", COMPRESSED("snzip -dc"), true}, MAGIC("\xFF\x06\x00\x00sNaPpY")},
	{{"snappy", "snappy data", COMPRESSED("snzip -dc"), true}, MAGIC("\x82SNAPPY\x00")},
	{{"compress", "data of compress (.Z)", COMPRESSED("gzip -dc"), true}, MAGIC("\x1F\x9D")},
	{{"compress", "data of compress (.Z)", COMPRESSED("gzip -dc"), true}, MAGIC("\x1F\xA0")},
	{{"zlib", "zlib data", COMPRESSED("zlib-flate -uncompress <"), true}, BY(is_zlib)},
	{{"zip", "a zip archive", PACKED("unzip"), true}, MAGIC("PK\x03\x04")},
	{{"zip", "a zip archive", PACKED("unzip"), true}, MAGIC("PK\x05\x06")},
	{{"zip", "a zip archive", PACKED("unzip"), true}, MAGIC("PK\x07\x08")},
	{{"7z", "a 7z archive", PACKED("7z x"), true}, MAGIC("7z\xBC\xAF\x27\x1C")},
	{{"rar", "a rar archive", PACKED("unrar x"), true}, MAGIC("Rar!\x1A\x07")},
	{{"tar", "a tar archive", PACKED("tar -xf"), false}, BY(is_tar)},
	{{"utf-32", "text in UTF-32", RECODED("UTF-32"), false}, MAGIC("\xFF\xFE\x00\x00")},
	{{"utf-32", "text in UTF-32", RECODED("UTF-32"), false}, MAGIC("\x00\x00\xFE\xFF")},
	{{"utf-16", "text in UTF-16", RECODED("UTF-16LE"), false}, BY(is_utf_16_le)},
	{{"utf-16", "text in UTF-16", RECODED("UTF-16BE"), false}, BY(is_utf_16_be)},
};

/* Returns true if the data begin with the bytes; "?" stands for any byte. */
static bool
begins_with(const uint8_t *data, size_t len, const char *magic, size_t magic_len)
{
	if (len < magic_len)
		return false;
	for (size_t i = 0; i < magic_len; i++)
		if (magic[i] != '?' && (uint8_t) magic[i] != data[i])
			return false;
	return true;
}

/* Returns the compression or format that is not read, or NULL. */
const FlowUnread *
flow_unread_find(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < flow_countof(unread); i++)
		if (unread[i].magic != NULL ? begins_with(data, len, unread[i].magic, unread[i].magic_len)
		                            : unread[i].recognizes(data, len))
			return &unread[i].unread;
	return NULL;
}
