/*-------------------------------------------------------------------------
 *
 * source.c
 *	  An object's bytes, decompressed.
 *
 * A compression is a row of compressions[].  Local files are the only storage.
 *
 *-------------------------------------------------------------------------
 */
#include "internal.h"

#include <string.h>

/* Stored bytes read at once, if they are compressed; up to 1000 times as many come out. */
#define INPUT_SIZE (64 * 1024)

/*
 * Stored bytes read at the opening, to see what they are; a small file is then in
 * memory with one system call (100,000 files of 2 kB: 10 % less time than with
 * another one for the magic bytes alone).  What follows them is read from a page's
 * beginning, and into one if the caller's buffer begins there.
 */
#define FIRST_SIZE 4096

/*
 * Files are fetched ahead so many at a time, when half of the last ones have been
 * read, and about so many bytes of them.
 */
#define AHEAD_FILES 32
#define AHEAD_BYTES (4 * 1024 * 1024)

struct FlowSource
{
	const FlowHost *host;
	const FlowObject *object;
	FlowFile *file;
	const FlowCodec *codec;
	FlowStatus (*read)(FlowSource *source, char *buffer, size_t capacity, size_t *len, FlowError *error);

	const uint8_t *in, *in_end; /* what was read and not yet taken: of "first", then of "input" */

	/* only if the codec does anything */
	void *state;
	uint8_t *input; /* INPUT_SIZE; NULL until "first" is used up */
	bool last;      /* the file holds no more than what is between in and in_end */
	bool ended;     /* nor does the codec */

	uint8_t first[FIRST_SIZE]; /* the file's beginning */
};

static bool
recognizes_anything(const uint8_t *data, size_t len)
{
	(void) data;
	(void) len;
	return true;
}

/* Bytes as they are: there is nothing to step through. */
static const FlowCodec none_codec = {
	.name = "none",
	.recognizes = recognizes_anything};

/* The first that recognizes a file's first bytes is "auto"'s choice. */
static const FlowCodec *const compressions[] = {
	&flow_gzip_codec,
	&flow_zstd_codec,
	&none_codec};

static const FlowCodec *
find_compression(const char *name)
{
	for (size_t i = 0; i < flow_countof(compressions); i++)
		if (strcmp(compressions[i]->name, name) == 0)
			return compressions[i];
	return NULL;
}

bool
flow_source_knows_compression(const char *name)
{
	return strcmp(name, "auto") == 0 || find_compression(name) != NULL;
}

const char *
flow_source_compression_by_name(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < flow_countof(compressions); i++)
	{
		const char *suffix = compressions[i]->suffix;

		if (suffix != NULL && len > strlen(suffix) && strcmp(path + len - strlen(suffix), suffix) == 0)
			return compressions[i]->name;
	}
	return none_codec.name;
}

/* ---------- reading ---------- */

/* Straight from the file into the caller's buffer, but for what was read at the opening. */
static FlowStatus
read_as_is(FlowSource *source, char *buffer, size_t capacity, size_t *len, FlowError *error)
{
	size_t have = (size_t) (source->in_end - source->in);
	FlowStatus status = FLOW_OK;

	if (have == 0)
		return flow_file_read(source->file, buffer, capacity, len, error);

	if (have > capacity)
		have = capacity;
	memcpy(buffer, source->in, have);

	/* a read at the end would look whether the file has changed, for which the next call is */
	*len = 0;
	if (have < capacity && flow_file_position(source->file) < source->object->size)
		status = flow_file_read(source->file, buffer + have, capacity - have, len, error);
	if (status == FLOW_OK)
	{
		source->in += have;
		*len += have;
	}
	return status;
}

static FlowStatus
fill_input(FlowSource *source, FlowError *error)
{
	FlowStatus status;
	size_t len;

	if (source->input == NULL && (source->input = flow_allocate(source->host, INPUT_SIZE)) == NULL)
		return flow_error_memory(error);
	status = flow_file_read(source->file, source->input, INPUT_SIZE, &len, error);
	if (status != FLOW_OK)
		return status;
	source->in = source->input;
	source->in_end = source->input + len;
	source->last = len == 0;
	return FLOW_OK;
}

/* A codec's complaint, to which it could not put the file's name. */
static FlowStatus
codec_error(FlowSource *source, FlowStatus status, FlowError *error)
{
	FlowError changed;

	/* data that are being overwritten look like damaged ones */
	if (status == FLOW_CORRUPT && flow_file_unchanged(source->file, &changed) != FLOW_OK)
	{
		*error = changed;
		return changed.status;
	}
	if (status == FLOW_CORRUPT || status == FLOW_UNSUPPORTED || status == FLOW_LIMIT)
		flow_file_name_error(error, source->object->path);
	return status;
}

static FlowStatus
read_decompressed(FlowSource *source, char *buffer, size_t capacity, size_t *len, FlowError *error)
{
	uint8_t *out = (uint8_t *) buffer, *out_end = out + capacity;
	FlowStatus status = FLOW_OK;

	while (status == FLOW_OK && out < out_end && !source->ended)
	{
		if (flow_interrupted(source->host))
			return flow_error_interrupted(error);

		if (source->in == source->in_end && !source->last)
			status = fill_input(source, error);
		else
		{
			uint64_t offset = flow_file_position(source->file) - (uint64_t) (source->in_end - source->in);

			status = source->codec->step(source->state, &source->in, source->in_end, source->last,
			                             &out, out_end, offset, error);
			if (status == FLOW_END)
				source->ended = true;
			else if (status != FLOW_OK)
				status = codec_error(source, status, error);
		}
	}

	*len = (size_t) (out - (uint8_t *) buffer);
	return status == FLOW_END ? FLOW_OK : status;
}

FlowStatus
flow_source_read(FlowSource *source, char *buffer, size_t capacity, size_t *len, FlowError *error)
{
	FlowStatus status = source->read(source, buffer, capacity, len, error);

	if (status != FLOW_OK)
		flow_error_at(error, source->object->path, 0);
	return status;
}

bool
flow_source_is_plain(const FlowSource *source)
{
	return source->codec->step == NULL;
}

void
flow_source_seek(FlowSource *source, uint64_t offset)
{
	source->in = source->in_end; /* what was read at the opening is of no use now */
	flow_file_seek(source->file, offset);
}

FlowStatus
flow_source_unchanged(FlowSource *source, FlowError *error)
{
	return flow_file_unchanged(source->file, error);
}

uint64_t
flow_source_bytes_read(const FlowSource *source)
{
	uint64_t position = flow_file_position(source->file);

	return flow_source_is_plain(source) ? position - (uint64_t) (source->in_end - source->in) : position;
}

const char *
flow_source_compression(const FlowSource *source)
{
	return source->codec->name;
}

/* ---------- opening ---------- */

/* Chooses by the bytes that were read. */
static FlowStatus
choose_codec(FlowSource *source, const char *compression, FlowError *error)
{
	const uint8_t *magic = source->first;
	size_t len = (size_t) (source->in_end - source->in);

	if (len > FLOW_MAGIC_SIZE)
		len = FLOW_MAGIC_SIZE;

	if (len == 4 && memcmp(magic, "PAR1", 4) == 0)
	{
		flow_error_set(error, FLOW_UNSUPPORTED, "is a Parquet file");
		flow_error_hint(error, "Only flow logs in text form can be read: have them delivered as text, or convert the file.");
		flow_file_name_error(error, source->object->path);
		return FLOW_UNSUPPORTED;
	}

	if (strcmp(compression, "auto") != 0)
	{
		source->codec = find_compression(compression);
		if (source->codec == NULL)
			return flow_error_set(error, FLOW_UNSUPPORTED, "compression \"%s\" is not known", compression);
		if (len == 0 || source->codec->recognizes(magic, len))
			return FLOW_OK;
		flow_error_set(error, FLOW_CORRUPT, "is not %s data", source->codec->name);
		flow_file_name_error(error, source->object->path);
		return FLOW_CORRUPT;
	}

	for (size_t i = 0; source->codec == NULL; i++)
		if (compressions[i]->recognizes(magic, len))
			source->codec = compressions[i];
	return FLOW_OK;
}

static FlowStatus
open_source(FlowSource *source, const FlowAllowedPaths *allowed, const char *compression, FlowError *error)
{
	FlowStatus status;
	size_t len = 0;

	status = flow_file_open(source->host, source->object, allowed, &source->file, error);
	if (status == FLOW_OK && source->object->size > 0)
		status = flow_file_read(source->file, source->first, sizeof(source->first), &len, error);
	if (status != FLOW_OK)
		return status;
	source->in = source->first;
	source->in_end = source->first + len;

	status = choose_codec(source, compression, error);
	if (status != FLOW_OK)
		return status;

	source->read = read_as_is;
	if (source->codec->step == NULL)
		return FLOW_OK;

	source->read = read_decompressed;
	return source->codec->create(source->host, &source->state, error);
}

FlowStatus
flow_source_open(const FlowHost *host, const FlowObject *object, const FlowAllowedPaths *allowed,
                 const char *compression, FlowSource **result, FlowError *error)
{
	FlowSource *source = flow_allocate(host, sizeof(FlowSource));
	FlowStatus status;

	if (source == NULL)
	{
		status = flow_error_memory(error);
		flow_error_at(error, object->path, 0);
		return status;
	}
	memset(source, 0, offsetof(FlowSource, first));
	source->host = host;
	source->object = object;

	status = open_source(source, allowed, compression, error);
	if (status != FLOW_OK)
	{
		flow_error_at(error, object->path, 0);
		flow_source_close(source);
		return status;
	}

	*result = source;
	return FLOW_OK;
}

void
flow_source_close(FlowSource *source)
{
	if (source == NULL)
		return;
	if (source->state != NULL)
		source->codec->free(source->state);
	flow_free(source->host, source->input);
	flow_file_close(source->file);
	flow_free(source->host, source);
}

/* ---------- before its turn ---------- */

void
flow_source_prefetch(const FlowSource *source, FlowAhead *ahead, const FlowObjects *objects, size_t index,
                     const FlowAllowedPaths *allowed)
{
	uint64_t bytes = 0;

	if (!ahead->cold && !flow_file_is_cold(source->file))
		return;

	/* who shares the files with others, or begins again, jumps */
	if (ahead->next <= index || ahead->next > index + 1 + AHEAD_FILES)
		ahead->next = index + 1;
	if (ahead->next > index + AHEAD_FILES / 2)
		return;

	ahead->cold = false;
	for (; ahead->next < objects->count && ahead->next <= index + AHEAD_FILES && bytes < AHEAD_BYTES; ahead->next++)
	{
		const FlowObject *object = &objects->items[ahead->next];

		if (flow_interrupted(source->host))
			return;
		if (flow_file_prefetch(source->host, object, allowed))
		{
			ahead->cold = true;
			bytes += object->size < FLOW_BLOCK_SIZE ? object->size : FLOW_BLOCK_SIZE;
		}
	}
}
