/*-------------------------------------------------------------------------
 *
 * s3_page.c
 *	  Reads the answers of S3 and STS: lists of objects, failures, temporary
 *	  keys.
 *
 * A list that lacks objects looks like a complete one, so it is only accepted
 * if everything that it says about itself is true (Amazon S3 API Reference,
 * "ListObjectsV2").  With encoding-type=url, keys contain "%XX", and "+" for a
 * blank.
 *
 *-------------------------------------------------------------------------
 */
#include "s3.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define MAX_PAGE (8 * 1024 * 1024)
#define MAX_ANSWER (64 * 1024) /* for answers that are not lists */
#define MAX_KEY 1024           /* S3 allows no longer ones, nor has a path room for them */
#define TEXT_ROOM (64 * 1024)  /* size of a block of texts */
/*
 * Initial size.  A page of Amazon S3 has at most 1,000 keys, but those of
 * other servers may have more.
 */
#define FIRST_ITEMS 1024
#define LOOK_EVERY 1024 /* number of items between two checks for an interrupt */

#define SHOWN 100 /* maximum number of bytes shown of a key */

/* A block of texts, one after the other, which do not move. */
typedef struct TextBlock
{
	struct TextBlock *next;
	size_t used, room;
	char text[];
} TextBlock;

/* The elements of a Contents, as text.  NULL: not read yet. */
typedef struct RawEntry
{
	char *key;
	char *size;
	char *modified;
	char *etag;
	char *storage_class;
} RawEntry;

struct FlowS3PageReader
{
	const FlowHost *host;
	FlowXml *xml;
	TextBlock *texts;

	/* elements of the list, as text; NULL: not present */
	char *encoding;
	char *truncated;
	char *token;
	char *key_count;

	RawEntry entry; /* the Contents being read */
	char *prefix;   /* the CommonPrefixes being read */
	FlowS3Entry *entries;
	size_t nentries, entries_room;
	const char **prefixes;
	size_t nprefixes, prefixes_room;

	char problem[320]; /* a sentence about the first problem; empty: none */
};

/* ---------- texts ---------- */

/*
 * Copies as much as there is room for.  Bytes that are not printable ASCII
 * become "?".
 */
static void
copy_printable(const char *text, char *copy, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size && text[i] != '\0'; i++)
		copy[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	copy[i] = '\0';
}

/* A text for a message. */
typedef struct Shown
{
	char text[SHOWN + 4];
} Shown;

static Shown
show(const char *text)
{
	Shown shown;

	copy_printable(text, shown.text, SHOWN + 1);
	if (strnlen(text, SHOWN + 1) > SHOWN)
		strcpy(shown.text + SHOWN, "...");
	return shown;
}

/*
 * Copies a text into the current block.  Returns NULL if there is no memory.
 */
static char *
keep(FlowS3PageReader *reader, const char *text, size_t len)
{
	TextBlock *block = reader->texts;
	char *copy;

	if (block == NULL || block->room - block->used <= len)
	{
		size_t room = len < TEXT_ROOM ? TEXT_ROOM : len + 1;

		block = flow_allocate(reader->host, sizeof(TextBlock) + room);
		if (block == NULL)
			return NULL;
		*block = (TextBlock) {.next = reader->texts, .room = room};
		reader->texts = block;
	}
	copy = block->text + block->used;
	memcpy(copy, text, len);
	copy[len] = '\0';
	block->used += len + 1;
	return copy;
}

/* Reads a decimal number. */
static bool
read_number(const char *text, uint64_t *number)
{
	*number = 0;
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++)
	{
		uint64_t digit = (uint64_t) (unsigned char) *text - '0';

		if (digit > 9 || *number > (UINT64_MAX - digit) / 10)
			return false;
		*number = *number * 10 + digit;
	}
	return true;
}

/* Reads a time of an answer. */
bool
flow_s3_time_read(const char *text, int64_t *nanoseconds)
{
	static const char form[] = "0000-00-00T00:00:00";
	const char *p = text;
	int64_t microseconds;

	for (const char *f = form; *f != '\0'; f++, p++)
		if (*f == '0' ? (unsigned char) (*p - '0') > 9 : *p != *f)
			return false;
	if (*p == '.')
		p += 1 + strspn(p + 1, "0123456789");
	if (strcmp(p, "Z") != 0 ||
	    flow_value_iso8601(text, strlen(text), true, &microseconds) != FLOW_OK ||
	    microseconds > INT64_MAX / 1000 || microseconds < INT64_MIN / 1000)
		return false;
	*nanoseconds = microseconds * 1000;
	return true;
}

/* ---------- elements of a list ---------- */

/* Elements that may occur once, each with a member of its own. */
static const struct Member
{
	const char *path; /* below ListBucketResult */
	size_t offset;    /* in FlowS3PageReader */
} members[] = {{"Contents/Key", offsetof(FlowS3PageReader, entry.key)},
               {"Contents/LastModified", offsetof(FlowS3PageReader, entry.modified)},
               {"Contents/ETag", offsetof(FlowS3PageReader, entry.etag)},
               {"Contents/Size", offsetof(FlowS3PageReader, entry.size)},
               {"Contents/StorageClass", offsetof(FlowS3PageReader, entry.storage_class)},
               {"CommonPrefixes/Prefix", offsetof(FlowS3PageReader, prefix)},
               {"EncodingType", offsetof(FlowS3PageReader, encoding)},
               {"IsTruncated", offsetof(FlowS3PageReader, truncated)},
               {"NextContinuationToken", offsetof(FlowS3PageReader, token)},
               {"KeyCount", offsetof(FlowS3PageReader, key_count)}};

/* Stores the text of an element in its member. */
static bool
take_member(FlowS3PageReader *reader, const struct Member *member, const char *text, size_t len)
{
	char **place = (char **) ((char *) reader + member->offset);

	if (*place != NULL)
	{
		snprintf(reader->problem,
		         sizeof(reader->problem),
		         "The element \"%s\" occurs twice.",
		         member->path);
		return true;
	}
	*place = keep(reader, text, len);
	return *place != NULL;
}

/*
 * Returns the array, or a larger one in its place if it is full.  Returns NULL
 * if there is no memory; the array then stays.
 */
static void *
with_room(const FlowHost *host, void *items, size_t count, size_t *room, size_t size)
{
	size_t new_room = *room > 0 ? *room * 2 : FIRST_ITEMS;
	void *larger;

	if (count < *room)
		return items;
	larger = flow_allocate(host, new_room * size);
	if (larger == NULL)
		return NULL;
	if (count > 0)
		memcpy(larger, items, count * size);
	flow_free(host, items);
	*room = new_room;
	return larger;
}

static bool
is_archive(const char *storage_class)
{
	return strcmp(storage_class, "GLACIER") == 0 || strcmp(storage_class, "DEEP_ARCHIVE") == 0;
}

/* Adds the object of a Contents that has ended. */
static bool
take_entry(FlowS3PageReader *reader)
{
	RawEntry raw = reader->entry;
	FlowS3Entry *entries, *entry;

	reader->entry = (RawEntry) {.key = NULL};
	if (raw.key == NULL || *raw.key == '\0')
	{
		snprintf(reader->problem, sizeof(reader->problem), "An object has no key.");
		return true;
	}
	/* add it to the array */
	entries = with_room(reader->host,
	                    reader->entries,
	                    reader->nentries,
	                    &reader->entries_room,
	                    sizeof(FlowS3Entry));
	if (entries == NULL)
		return false;
	reader->entries = entries;
	entry = &entries[reader->nentries];
	*entry = (FlowS3Entry) {.key = raw.key,
	                        .etag = raw.etag != NULL ? raw.etag : "",
	                        .archived = raw.storage_class != NULL && is_archive(raw.storage_class)};
	/* check its values */
	if (raw.size == NULL || !read_number(raw.size, &entry->size))
		snprintf(reader->problem,
		         sizeof(reader->problem),
		         "The object \"%s\" has the size \"%s\".",
		         show(raw.key).text,
		         show(raw.size != NULL ? raw.size : "").text);
	else if (raw.modified == NULL || !flow_s3_time_read(raw.modified, &entry->modified))
		snprintf(reader->problem,
		         sizeof(reader->problem),
		         "The object \"%s\" was modified at \"%s\".",
		         show(raw.key).text,
		         show(raw.modified != NULL ? raw.modified : "").text);
	reader->nentries++;
	return true;
}

/* Adds the prefix of a CommonPrefixes that has ended. */
static bool
take_prefix(FlowS3PageReader *reader)
{
	const char *prefix = reader->prefix, **prefixes;

	reader->prefix = NULL;
	if (prefix == NULL)
	{
		snprintf(reader->problem, sizeof(reader->problem), "A common prefix is missing.");
		return true;
	}
	prefixes = with_room(reader->host,
	                     reader->prefixes,
	                     reader->nprefixes,
	                     &reader->prefixes_room,
	                     sizeof(char *));
	if (prefixes == NULL)
		return false;
	reader->prefixes = prefixes;
	prefixes[reader->nprefixes++] = prefix;
	return true;
}

/* FlowXmlSpec's element. */
static bool
take_element(void *arg, const char *path, const char *text, size_t len)
{
	static const char root[] = "ListBucketResult";
	FlowS3PageReader *reader = arg;
	const char *below = path + sizeof(root);

	if (reader->problem[0] != '\0')
		return true;
	if (strchr(path, '/') == NULL)
	{
		if (strcmp(path, root) != 0)
			snprintf(reader->problem,
			         sizeof(reader->problem),
			         "The answer is a \"%s\", not a \"%s\".",
			         show(path).text,
			         root);
		return true;
	}
	if (strncmp(path, "ListBucketResult/", sizeof(root)) != 0)
		return true;
	if (strcmp(below, "Contents") == 0)
		return take_entry(reader);
	if (strcmp(below, "CommonPrefixes") == 0)
		return take_prefix(reader);
	for (size_t i = 0; i < flow_countof(members); i++)
		if (strcmp(below, members[i].path) == 0)
			return take_member(reader, &members[i], text, len);
	return true;
}

/* ---------- pages ---------- */

/* Creates a reader for a page. */
FlowStatus
flow_s3_page_begin(const FlowHost *host, FlowS3PageReader **result, FlowError *error)
{
	FlowS3PageReader *reader = flow_allocate(host, sizeof(FlowS3PageReader));
	FlowXmlSpec spec = {host, take_element, reader, MAX_PAGE};
	FlowStatus status;

	if (reader == NULL)
		return flow_error_memory(error);
	*reader = (FlowS3PageReader) {.host = host};
	status = flow_xml_create(&spec, &reader->xml, error);
	if (status != FLOW_OK)
	{
		flow_s3_page_free(reader);
		return status;
	}
	*result = reader;
	return FLOW_OK;
}

void
flow_s3_page_free(FlowS3PageReader *reader)
{
	if (reader == NULL)
		return;
	flow_xml_free(reader->xml);
	for (TextBlock *block = reader->texts, *next; block != NULL; block = next)
	{
		next = block->next;
		flow_free(reader->host, block);
	}
	flow_free(reader->host, reader->entries);
	flow_free(reader->host, reader->prefixes);
	flow_free(reader->host, reader);
}

/* Sets the message to one about the list, and keeps the detail. */
static FlowStatus
rename_error(FlowError *error, const char *corrupt, const char *limit)
{
	if (error->status == FLOW_CORRUPT || error->status == FLOW_LIMIT)
		snprintf(error->message,
		         sizeof(error->message),
		         "%s",
		         error->status == FLOW_LIMIT ? limit : corrupt);
	return error->status;
}

/* Parses the next bytes of a page. */
FlowStatus
flow_s3_page_feed(FlowS3PageReader *reader, const char *data, size_t len, FlowError *error)
{
	if (flow_xml_feed(reader->xml, data, len, false, error) != FLOW_OK)
		return rename_error(error,
		                    "the list of objects is damaged",
		                    "the list of objects exceeds a limit");
	return FLOW_OK;
}

static FlowStatus
damaged(FlowError *error, const char *sentence)
{
	flow_error_set(error, FLOW_CORRUPT, "the list of objects is damaged");
	flow_error_detail(error, "%s", sentence);
	return FLOW_CORRUPT;
}

/* Returns the value of a hexadecimal digit, or -1. */
static int
digit_value(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	return -1;
}

/*
 * Decodes a text in place, because it only becomes shorter.  Returns false if
 * the encoding is invalid, or encodes a NUL.
 */
static bool
decode(char *text)
{
	char *out = text;

	for (const char *in = text; *in != '\0'; in++)
	{
		int high, low;

		if (*in == '+')
			*out++ = ' ';
		else if (*in != '%')
			*out++ = *in;
		else if ((high = digit_value(in[1])) >= 0 && (low = digit_value(in[2])) >= 0 &&
		         (high | low) != 0)
		{
			*out++ = (char) (high << 4 | low);
			in += 2;
		}
		else
			return false;
	}
	*out = '\0';
	return true;
}

/*
 * Decodes and checks a key or a common prefix.  "before" is the item after
 * which it must come.  "below" is the prefix with which it must begin.
 */
static FlowStatus
check_item(const FlowS3PageReader *reader, const char *what, const char *item, const char *before,
           const char *below, FlowError *error)
{
	/* the item points to memory of the reader, which is writable */
	if (reader->encoding != NULL && !decode((char *) item))
	{
		flow_error_set(error, FLOW_CORRUPT, "the list of objects is damaged");
		flow_error_detail(error, "A %s is not encoded correctly: \"%s\".", what, show(item).text);
		return FLOW_CORRUPT;
	}
	if (strlen(item) > MAX_KEY)
	{
		flow_error_set(error, FLOW_CORRUPT, "the list of objects is damaged");
		flow_error_detail(error,
		                  "The %s \"%s\" is longer than %d bytes.",
		                  what,
		                  show(item).text,
		                  MAX_KEY);
		return FLOW_CORRUPT;
	}
	if (strncmp(item, below, strlen(below)) != 0)
	{
		flow_error_set(error,
		               FLOW_CORRUPT,
		               "the list of objects has entries that were not requested");
		flow_error_detail(error,
		                  "The %s \"%s\" does not begin with \"%s\".",
		                  what,
		                  show(item).text,
		                  show(below).text);
		return FLOW_CORRUPT;
	}
	if (before != NULL && strcmp(before, item) >= 0)
	{
		flow_error_set(error, FLOW_CORRUPT, "the list of objects is not in order");
		flow_error_detail(error,
		                  "The %s \"%s\" comes after \"%s\".",
		                  what,
		                  show(item).text,
		                  show(before).text);
		return FLOW_CORRUPT;
	}
	return FLOW_OK;
}

/* Checks the order and the prefix of all keys. */
static FlowStatus
check_keys(FlowS3PageReader *reader, const FlowS3PageAfter *after, FlowError *error)
{
	const char *before = after->last;

	for (size_t i = 0; i < reader->nentries; i++)
	{
		FlowStatus status =
			check_item(reader, "key", reader->entries[i].key, before, after->prefix, error);

		if (status != FLOW_OK)
			return status;
		before = reader->entries[i].key;
		if (i % LOOK_EVERY == LOOK_EVERY - 1 && flow_interrupted(reader->host))
			return flow_error_interrupted(error);
	}
	return FLOW_OK;
}

/* Checks the order and the prefix of all common prefixes. */
static FlowStatus
check_prefixes(FlowS3PageReader *reader, const FlowS3PageAfter *after, FlowError *error)
{
	const char *before = after->last;

	for (size_t i = 0; i < reader->nprefixes; i++)
	{
		const char *prefix = reader->prefixes[i];
		FlowStatus status =
			check_item(reader, "common prefix", prefix, before, after->prefix, error);

		if (status != FLOW_OK)
			return status;
		/* listing below each of them would never end */
		if (strcmp(prefix, after->prefix) == 0)
			return damaged(error, "A common prefix is the requested prefix itself.");
		before = prefix;
		if (i % LOOK_EVERY == LOOK_EVERY - 1 && flow_interrupted(reader->host))
			return flow_error_interrupted(error);
	}
	return FLOW_OK;
}

/* Checks that the page says whether more follows, and where. */
static FlowStatus
check_truncated(const FlowS3PageReader *reader, const FlowS3PageAfter *after, FlowError *error)
{
	const char *problem = NULL;

	/* check "IsTruncated" */
	if (reader->truncated == NULL ||
	    (strcmp(reader->truncated, "true") != 0 && strcmp(reader->truncated, "false") != 0))
	{
		flow_error_set(error,
		               FLOW_CORRUPT,
		               "the list of objects does not say whether it is complete");
		if (reader->truncated == NULL)
			flow_error_detail(error, "The element \"IsTruncated\" is missing.");
		else
			flow_error_detail(error,
			                  "The element \"IsTruncated\" is \"%s\".",
			                  show(reader->truncated).text);
		return FLOW_CORRUPT;
	}
	if (strcmp(reader->truncated, "false") == 0)
		return FLOW_OK;

	/* check the token */
	if (reader->token == NULL)
		problem = "is missing";
	else if (*reader->token == '\0')
		problem = "is empty";
	else if (after->token != NULL && strcmp(reader->token, after->token) == 0)
		problem = "is the one with which this page was requested";
	else if (after->mark != NULL && strcmp(reader->token, after->mark) == 0)
		problem = "is the one after an earlier page, and there was no object in between";
	if (problem != NULL)
	{
		flow_error_set(error, FLOW_CORRUPT, "the list of objects does not say where it continues");
		flow_error_detail(error,
		                  "It is truncated, but the element \"NextContinuationToken\" %s.",
		                  problem);
		return FLOW_CORRUPT;
	}
	return FLOW_OK;
}

/* Checks the number of keys and common prefixes. */
static FlowStatus
check_count(const FlowS3PageReader *reader, FlowError *error)
{
	uint64_t count;

	if (reader->key_count == NULL ||
	    (read_number(reader->key_count, &count) && count == reader->nentries + reader->nprefixes))
		return FLOW_OK;
	flow_error_set(error, FLOW_CORRUPT, "the list of objects is not complete");
	flow_error_detail(
		error,
		"The element \"KeyCount\" is \"%s\", but there are %zu keys and %zu common prefixes.",
		show(reader->key_count).text,
		reader->nentries,
		reader->nprefixes);
	return FLOW_CORRUPT;
}

/* Checks that a page is complete and consistent. */
FlowStatus
flow_s3_page_end(FlowS3PageReader *reader, const FlowS3PageAfter *after, FlowS3Page *page,
                 FlowError *error)
{
	FlowStatus status = flow_xml_feed(reader->xml, NULL, 0, true, error);

	if (status != FLOW_OK)
		return rename_error(error,
		                    "the list of objects ends too early",
		                    "the list of objects exceeds a limit");
	if (reader->problem[0] != '\0')
		return damaged(error, reader->problem);
	if (reader->encoding != NULL && strcmp(reader->encoding, "url") != 0)
		return damaged(error, "The element \"EncodingType\" is not \"url\".");

	if ((status = check_truncated(reader, after, error)) != FLOW_OK ||
	    (status = check_count(reader, error)) != FLOW_OK ||
	    (status = check_keys(reader, after, error)) != FLOW_OK ||
	    (status = check_prefixes(reader, after, error)) != FLOW_OK)
		return status;
	*page = (FlowS3Page) {.entries = reader->entries,
	                      .nentries = reader->nentries,
	                      .prefixes = reader->prefixes,
	                      .nprefixes = reader->nprefixes,
	                      .truncated = strcmp(reader->truncated, "true") == 0};
	if (page->truncated)
		page->token = reader->token;
	return FLOW_OK;
}

/* ---------- error answers ---------- */

/* FlowXmlSpec's element. */
static bool
take_failure(void *arg, const char *path, const char *text, size_t len)
{
	FlowS3Failure *failure = arg;

	(void) len;
	if (strncmp(path, "ErrorResponse/", strlen("ErrorResponse/")) == 0) /* STS */
		path += strlen("ErrorResponse/");
	if (strcmp(path, "Error/Code") == 0)
		copy_printable(text, failure->code, sizeof(failure->code));
	else if (strcmp(path, "Error/Message") == 0)
		copy_printable(text, failure->message, sizeof(failure->message));
	else if (strcmp(path, "Error/Region") == 0)
		copy_printable(text, failure->region, sizeof(failure->region));
	return true;
}

/* Reads the body of an error. */
FlowStatus
flow_s3_failure_read(const FlowHost *host, const char *body, size_t len, FlowS3Failure *failure,
                     FlowError *error)
{
	FlowXmlSpec spec = {host, take_failure, failure, MAX_ANSWER};
	FlowStatus status;
	FlowXml *xml;

	*failure = (FlowS3Failure) {.code = ""};
	status = flow_xml_create(&spec, &xml, error);
	if (status != FLOW_OK)
		return status;
	status = flow_xml_feed(xml, body, len, true, error);
	flow_xml_free(xml);
	return status == FLOW_NO_MEMORY || status == FLOW_INTERRUPTED ? status : FLOW_OK;
}

/* ---------- temporary keys ---------- */

typedef struct StsAnswer
{
	FlowS3Keys *keys;
	bool has_expiration;
	int64_t expires; /* nanoseconds since 1970 */
} StsAnswer;

#define KEY_MEMBER(member) offsetof(FlowS3Keys, member), sizeof(((FlowS3Keys *) NULL)->member)

static const struct
{
	const char *name;
	size_t offset, size; /* in FlowS3Keys */
} sts_members[] = {{"AccessKeyId", KEY_MEMBER(access_key_id)},
                   {"SecretAccessKey", KEY_MEMBER(secret_access_key)},
                   {"SessionToken", KEY_MEMBER(session_token)}};

/* FlowXmlSpec's element. */
static bool
take_sts(void *arg, const char *path, const char *text, size_t len)
{
	static const char above[] =
		"AssumeRoleWithWebIdentityResponse/AssumeRoleWithWebIdentityResult/Credentials/";
	StsAnswer *answer = arg;

	if (strncmp(path, above, strlen(above)) != 0)
		return true;
	path += strlen(above);
	if (strcmp(path, "Expiration") == 0)
		answer->has_expiration = flow_s3_time_read(text, &answer->expires);
	for (size_t i = 0; i < flow_countof(sts_members); i++)
		if (strcmp(path, sts_members[i].name) == 0 && len < sts_members[i].size)
			memcpy((char *) answer->keys + sts_members[i].offset, text, len + 1);
	return true;
}

/*
 * Returns the name of an element that is missing or invalid, or NULL if there
 * is none.
 */
static const char *
missing_member(const StsAnswer *answer)
{
	for (size_t i = 0; i < flow_countof(sts_members); i++)
		if (*((const char *) answer->keys + sts_members[i].offset) == '\0')
			return sts_members[i].name;
	return answer->has_expiration ? NULL : "Expiration";
}

/* Reads temporary keys. */
FlowStatus
flow_s3_sts_read(const FlowHost *host, const char *body, size_t len, FlowS3Keys *keys,
                 int64_t *expires, FlowError *error)
{
	StsAnswer answer = {.keys = keys};
	FlowXmlSpec spec = {host, take_sts, &answer, MAX_ANSWER};
	FlowXml *xml;
	FlowStatus status = flow_xml_create(&spec, &xml, error);

	if (status != FLOW_OK)
		return status;
	*keys = (FlowS3Keys) {.access_key_id = ""};
	status = flow_xml_feed(xml, body, len, true, error);
	flow_xml_free(xml);
	if (status == FLOW_OK && missing_member(&answer) != NULL)
	{
		status = flow_error_set(error, FLOW_CORRUPT, "XML is damaged");
		flow_error_detail(error,
		                  "The element \"%s\" is missing or invalid.",
		                  missing_member(&answer));
	}
	if (status != FLOW_OK)
	{
		flow_s3_keys_wipe(keys);
		if (status == FLOW_LIMIT)
			error->status = FLOW_CORRUPT;
		return rename_error(error, "the answer of AWS STS holds no keys", NULL);
	}
	*expires = answer.expires / 1000000000;
	return FLOW_OK;
}
