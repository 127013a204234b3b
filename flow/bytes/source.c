/*-------------------------------------------------------------------------
 *
 * source.c
 *	  Reads the bytes of an object, decompressed, and its records without their
 *	  wrapper.
 *
 * A compression is a row of compressions[], a wrapper is a row of wrappers[].
 * Each layer to undo is a stage.  Bytes are pulled through the stages,
 * beginning with the file.  The file belongs to a storage: local files
 * (file.c) or a FlowStore of the host.
 *
 *-------------------------------------------------------------------------
 */
#include "file.h"
#include "source.h"

#include <string.h>

/*
 * Number of stored bytes read at once if they are compressed.  They can expand
 * to 1000 times as many.
 */
#define INPUT_SIZE (64 * 1024)

/*
 * Number of stored bytes read when a source is opened, to detect their format.
 * A small file is then in memory after one system call (100,000 files of 2 kB:
 * 10 % less time than with a separate read of the magic bytes).  The following
 * bytes are read from a page boundary, and into one if the caller's buffer
 * begins there.
 */
#define FIRST_SIZE FLOW_HEAD_SIZE

/*
 * Files are prefetched in groups, of at most AHEAD_FILES files and about
 * AHEAD_BYTES bytes, when half of the last group has been read.
 */
#define AHEAD_FILES 32
#define AHEAD_BYTES (4 * 1024 * 1024)

/*
 * A file may be compressed twice (such as a gzip file inside a gzip file), and
 * then have a wrapper.
 */
#define MAX_COMPRESSIONS 2
#define MAX_STAGES (MAX_COMPRESSIONS + 1)

/* One layer to undo. */
typedef struct Stage
{
	const FlowCodec *codec;
	void *state;
	/* bytes read and not yet consumed, first in "first", then in "input" */
	const uint8_t *in, *in_end;
	uint8_t *input; /* INPUT_SIZE bytes; NULL until needed */
	bool last;      /* no input follows in_end */
	bool ended;     /* and the codec has no more output */
} Stage;

/* A format in which records are wrapped, with a time before each. */
typedef struct Wrapper
{
	const char *name;
	/* recognizes the beginning of the decompressed data */
	bool (*recognizes)(const uint8_t *data, size_t len);
	/* converts it to lines "TIME RECORD"; NULL if it already is */
	const FlowCodec *codec;
} Wrapper;

struct FlowSource
{
	const FlowHost *host;
	const FlowObject *object;
	const FlowStorage *storage;
	void *file;                   /* belongs to "storage" */
	uint64_t most;                /* maximum number of stored bytes to read */
	const FlowCodec *compression; /* the outermost compression; NULL: not known */
	const FlowUnread *unread;     /* what cannot be read, outermost or inside; or NULL */
	bool examined;                /* its beginning was read */
	bool is_parquet;              /* it is read by ranges */
	bool wrapper_known;           /* it was looked for */
	const Wrapper *wrapper;       /* NULL if there is none */

	Stage stages[MAX_STAGES];
	int nstages;

	/*
	 * output of the last stage, or of the file, from opening the source, that
	 * was not read yet
	 */
	const uint8_t *ready, *ready_end;

	/* by stage, the file first: the beginning of its output */
	uint8_t first[MAX_STAGES + 1][FIRST_SIZE];
};

static bool
recognizes_anything(const uint8_t *data, size_t len)
{
	(void) data;
	(void) len;
	return true;
}

/* Uncompressed data, for which there is no stage. */
static const FlowCodec none_codec = {.name = "none", .recognizes = recognizes_anything};

/* "auto" chooses the first one that recognizes the beginning of the file. */
static const FlowCodec *const compressions[] = {&flow_gzip_codec,
                                                &flow_zstd_codec,
                                                &flow_bzip2_codec,
                                                &flow_xz_codec,
                                                &none_codec};

/*
 * Returns true if the data are lines of a CloudWatch export, which begin with
 * the time of an event and a blank.
 */
static bool
recognizes_export(const uint8_t *data, size_t len)
{
	const uint8_t *blank;

	for (; len > 0 && (*data == '\r' || *data == '\n'); len--)
		data++; /* skip empty lines */
	blank = len > 0 ? memchr(data, ' ', len) : NULL;
	return blank != NULL &&
	       flow_printed_is_time((FlowSlice) {(const char *) data, (size_t) (blank - data)});
}

static const Wrapper wrappers[] = {{"printed", flow_printed_recognizes, &flow_printed_codec},
                                   {"export", recognizes_export, NULL},
                                   {"json", flow_json_recognizes, &flow_json_codec},
                                   {"csv", flow_csv_recognizes, &flow_csv_codec}};

/* Parquet files begin and end with this. */
#define PARQUET_MAGIC "PAR1"
static const char parquet_name[] = "parquet";

static const FlowCodec *
find_compression(const char *name)
{
	for (size_t i = 0; i < flow_countof(compressions); i++)
		if (strcmp(compressions[i]->name, name) == 0)
			return compressions[i];
	return NULL;
}

/* Returns true if "name" is a valid value for the compression. */
bool
flow_source_knows_compression(const char *name)
{
	return strcmp(name, "auto") == 0 || find_compression(name) != NULL;
}

/* Returns true if a path ends with a suffix, and has a name before it. */
static bool
has_suffix(const char *path, const char *suffix)
{
	size_t len = strlen(path);

	return len > strlen(suffix) && strcmp(path + len - strlen(suffix), suffix) == 0;
}

/* Returns the name of the compression that a file's name suggests. */
const char *
flow_source_compression_by_name(const char *path)
{
	for (size_t i = 0; i < flow_countof(compressions); i++)
		if (compressions[i]->suffix != NULL && has_suffix(path, compressions[i]->suffix))
			return compressions[i]->name;
	return none_codec.name;
}

bool
flow_source_is_parquet_by_name(const char *path)
{
	return has_suffix(path, ".parquet");
}

/* ---------- reading ---------- */

/* Completes a codec's error, which does not have the file's name yet. */
static FlowStatus
codec_error(FlowSource *source, FlowStatus status, FlowError *error)
{
	FlowError changed;

	/* data that are being overwritten look like damaged ones */
	if (status == FLOW_CORRUPT && source->storage->unchanged(source->file, &changed) != FLOW_OK)
	{
		*error = changed;
		return changed.status;
	}
	if (status == FLOW_CORRUPT && error->hint[0] == '\0')
		flow_error_hint(
			error, "Copy the file again if it is not complete, or give a location without it.");
	if (status == FLOW_CORRUPT || status == FLOW_UNSUPPORTED || status == FLOW_LIMIT)
		flow_file_name_error(error, source->object->path);
	return status;
}

static FlowStatus read_stage(FlowSource *source, int number, uint8_t *buffer, size_t capacity,
                             size_t *len, FlowError *error);

/*
 * Reads the output of the first "number" stages, or the file itself if that is
 * 0.
 */
static inline FlowStatus
read_through(FlowSource *source, int number, uint8_t *buffer, size_t capacity, size_t *len,
             FlowError *error)
{
	if (number > 0)
		return read_stage(source, number - 1, buffer, capacity, len, error);
	if (flow_unlikely(source->most != UINT64_MAX))
	{
		uint64_t position = source->storage->position(source->file);
		uint64_t left = position < source->most ? source->most - position : 0;

		if (capacity > left)
			capacity = (size_t) left;
		if (capacity == 0)
		{
			*len = 0;
			return FLOW_OK;
		}
	}
	return source->storage->read(source->file, buffer, capacity, len, error);
}

/* Returns true if the maximum was read, although the file goes on. */
static bool
has_enough(const FlowSource *source)
{
	return source->object->size > source->most &&
	       source->storage->position(source->file) >= source->most;
}

/* Reads the next input of a stage. */
static FlowStatus
fill_input(FlowSource *source, int number, FlowError *error)
{
	Stage *stage = &source->stages[number];
	FlowStatus status;
	size_t len;

	if (stage->input == NULL && (stage->input = flow_allocate(source->host, INPUT_SIZE)) == NULL)
		return flow_error_memory(error);
	status = read_through(source, number, stage->input, INPUT_SIZE, &len, error);
	if (status != FLOW_OK)
		return status;
	stage->in = stage->input;
	stage->in_end = stage->input + len;
	stage->last = len == 0 && !has_enough(source);
	stage->ended = len == 0 && !stage->last;
	return FLOW_OK;
}

/* Fills the buffer with the output of a stage, unless that ends. */
static FlowStatus
read_stage(FlowSource *source, int number, uint8_t *buffer, size_t capacity, size_t *len,
           FlowError *error)
{
	Stage *stage = &source->stages[number];
	uint8_t *out = buffer, *out_end = out + capacity;
	FlowStatus status = FLOW_OK;

	while (status == FLOW_OK && out < out_end && !stage->ended)
	{
		if (flow_interrupted(source->host))
			return flow_error_interrupted(error);

		if (stage->in == stage->in_end && !stage->last)
			status = fill_input(source, number, error);
		else
		{
			uint64_t offset =
				source->storage->position(source->file) - (uint64_t) (stage->in_end - stage->in);

			status = stage->codec->step(
				stage->state, &stage->in, stage->in_end, stage->last, &out, out_end, offset, error);
			if (status == FLOW_END)
				stage->ended = true;
			else if (status != FLOW_OK)
				status = codec_error(source, status, error);
		}
	}

	*len = (size_t) (out - buffer);
	return status == FLOW_END ? FLOW_OK : status;
}

/*
 * Reads more data after those that are ready.  Does not read at the end of the
 * file, which would check whether the file has changed: the next call does
 * that.
 */
static FlowStatus
read_more(FlowSource *source, uint8_t *buffer, size_t capacity, size_t have, size_t *len,
          FlowError *error)
{
	*len = 0;
	if (have > 0 &&
	    (have == capacity ||
	     (source->nstages == 0 && source->storage->position(source->file) >= source->object->size)))
		return FLOW_OK;
	return read_through(source, source->nstages, buffer + have, capacity - have, len, error);
}

/* Reads the next decompressed bytes. */
FlowStatus
flow_source_read(FlowSource *source, char *buffer, size_t capacity, size_t *len, FlowError *error)
{
	size_t have = (size_t) (source->ready_end - source->ready);
	FlowStatus status;

	if (have > capacity)
		have = capacity;
	if (have > 0)
		memcpy(buffer, source->ready, have);
	status = read_more(source, (uint8_t *) buffer, capacity, have, len, error);
	/* the stages may have reached the end of a small file at opening */
	if (status == FLOW_OK && have == 0 && *len == 0 && source->nstages > 0)
		status = source->storage->unchanged(source->file, error);
	if (status != FLOW_OK)
	{
		flow_error_at(error, source->object->path, 0);
		return status;
	}
	source->ready += have;
	*len += have;
	return FLOW_OK;
}

bool
flow_source_is_plain(const FlowSource *source)
{
	return source->nstages == 0;
}

/* Continues at an offset of the file. */
void
flow_source_seek(FlowSource *source, uint64_t offset)
{
	source->ready = source->ready_end; /* the data read at opening are not needed */
	source->storage->seek(source->file, offset);
}

bool
flow_source_is_parquet(const FlowSource *source)
{
	return source->is_parquet;
}

/* Reads a range of the object as it is stored. */
FlowStatus
flow_source_read_range(FlowSource *source, uint64_t offset, void *buffer, size_t len,
                       FlowError *error)
{
	size_t first = (size_t) (source->ready_end - source->first[0]);
	char *to = buffer;

	/* what was read at opening */
	if (offset < first && len <= first - offset)
	{
		memcpy(buffer, source->first[0] + offset, len);
		return FLOW_OK;
	}

	while (len > 0)
	{
		size_t most = len < FLOW_BLOCK_SIZE ? len : FLOW_BLOCK_SIZE;
		FlowStatus status = FLOW_INTERRUPTED;

		if (!flow_interrupted(source->host))
			status = source->storage->read_range(source->file, offset, to, most, error);
		else
			flow_error_interrupted(error);
		if (status != FLOW_OK)
		{
			flow_error_at(error, source->object->path, 0);
			return status;
		}
		offset += most;
		to += most;
		len -= most;
	}
	return FLOW_OK;
}

size_t
flow_source_tail_size(const FlowSource *source)
{
	return source->storage->tail_size;
}

bool
flow_source_has_plan(const FlowSource *source)
{
	return source->storage->plan != NULL;
}

/* Announces ranges that will probably be read. */
FlowStatus
flow_source_plan(FlowSource *source, const FlowRange *ranges, size_t count, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	if (source->storage->plan != NULL)
		status = source->storage->plan(source->file, ranges, count, error);
	if (status != FLOW_OK)
		flow_error_at(error, source->object->path, 0);
	return status;
}

uint64_t
flow_source_bytes_fetched(const FlowSource *source)
{
	return source->storage->bytes_read(source->file);
}

/* Checks that the object is still the one that was listed. */
FlowStatus
flow_source_unchanged(FlowSource *source, FlowError *error)
{
	return source->storage->unchanged(source->file, error);
}

/* Returns the stored offset up to which the source was read. */
uint64_t
flow_source_bytes_read(const FlowSource *source)
{
	uint64_t position = source->storage->position(source->file);

	return flow_source_is_plain(source) ? position - (uint64_t) (source->ready_end - source->ready)
	                                    : position;
}

const char *
flow_source_compression(const FlowSource *source)
{
	if (source->compression != NULL)
		return source->compression->name;
	if (source->unread == NULL)
		return NULL;
	return source->unread->is_compression ? source->unread->name : none_codec.name;
}

const char *
flow_source_wrapper(const FlowSource *source)
{
	if (source->wrapper != NULL)
		return source->wrapper->name;
	if (source->is_parquet)
		return parquet_name;
	if (source->wrapper_known)
		return none_codec.name;
	/* a compression that is not read may have anything in it */
	return source->unread != NULL &&
	               (source->compression != NULL || !source->unread->is_compression)
	           ? source->unread->name
	           : NULL;
}

/* Returns the stage that undoes the wrapper; NULL if none has to. */
static const Stage *
wrapper_stage(const FlowSource *source)
{
	return source->wrapper != NULL && source->wrapper->codec != NULL
	           ? &source->stages[source->nstages - 1]
	           : NULL;
}

const char *
flow_source_not_event(const FlowSource *source)
{
	const Stage *last = wrapper_stage(source);

	return last != NULL && last->codec->not_event != NULL ? last->codec->not_event
	                                                      : "The event has no message.";
}

FlowFraming
flow_source_framing(const FlowSource *source)
{
	const Stage *last = wrapper_stage(source);

	if (source->wrapper == NULL)
		return FLOW_BARE;
	return last != NULL && last->codec->framing != NULL ? last->codec->framing(last->state)
	                                                    : FLOW_TIMED;
}

/* Returns true if the wrapper makes the lines. */
bool
flow_source_has_marks(const FlowSource *source)
{
	return wrapper_stage(source) != NULL;
}

/* Returns the line that a repeated header of the wrapper becomes. */
const char *
flow_source_header(const FlowSource *source)
{
	const Stage *last = wrapper_stage(source);

	return last != NULL && last->codec->header != NULL ? last->codec->header(last->state) : NULL;
}

const FlowKeysSeen *
flow_source_keys(const FlowSource *source)
{
	const Stage *last = wrapper_stage(source);

	return last != NULL && last->codec->keys != NULL ? last->codec->keys(last->state) : NULL;
}

uint64_t
flow_source_skipped(const FlowSource *source)
{
	const Stage *last;

	if (source->nstages == 0)
		return 0;
	last = &source->stages[source->nstages - 1];
	return last->codec->skipped != NULL ? last->codec->skipped(last->state) : 0;
}

/* ---------- opening ---------- */

/*
 * Adds a stage: the ready data become its input, and the beginning of its
 * output becomes ready.
 */
static FlowStatus
add_stage(FlowSource *source, const FlowCodec *codec, const FlowUnwrap *unwrap, FlowError *error)
{
	Stage *stage = &source->stages[source->nstages];
	uint8_t *first = source->first[source->nstages + 1];
	FlowStatus status;
	size_t len;

	stage->codec = codec;
	stage->in = source->ready;
	stage->in_end = source->ready_end;
	status = codec->create(source->host, unwrap, &stage->state, error);
	if (status != FLOW_OK)
		return status;
	source->nstages++;
	status = read_stage(source, source->nstages - 1, first, FIRST_SIZE, &len, error);
	if (status != FLOW_OK)
		return status;
	source->ready = first;
	source->ready_end = first + len;
	return FLOW_OK;
}

static bool
is_uncompressed(const char *compression)
{
	return strcmp(compression, "auto") == 0 || strcmp(compression, none_codec.name) == 0;
}

/* Chooses the compression by the ready data, unless it is given. */
static FlowStatus
choose_codec(FlowSource *source, const char *compression, const FlowCodec **codec, FlowError *error)
{
	const uint8_t *magic = source->ready;
	size_t len = (size_t) (source->ready_end - source->ready);

	/* the file itself may be a Parquet file; its pages have their own compression */
	source->is_parquet = source->nstages == 0 && len >= FLOW_MAGIC_SIZE &&
	                     memcmp(magic, PARQUET_MAGIC, FLOW_MAGIC_SIZE) == 0;
	if (source->is_parquet && is_uncompressed(compression))
	{
		*codec = &none_codec;
		return FLOW_OK;
	}

	/* what is not read has a name */
	if (!source->is_parquet)
		source->unread = flow_unread_find(magic, len);
	if (source->unread != NULL)
	{
		flow_error_set(error, FLOW_UNSUPPORTED, "is %s", source->unread->what);
		flow_error_hint(error, "%s", source->unread->hint);
		flow_file_name_error(error, source->object->path);
		return FLOW_UNSUPPORTED;
	}

	/* a given compression must fit */
	if (strcmp(compression, "auto") != 0)
	{
		*codec = find_compression(compression);
		if (*codec == NULL)
			return flow_error_set(error,
			                      FLOW_UNSUPPORTED,
			                      "compression \"%s\" is not known",
			                      compression);
		if (len == 0 || (*codec)->recognizes(magic, len))
			return FLOW_OK;
		flow_error_set(error, FLOW_CORRUPT, "is not %s data", (*codec)->name);
		flow_file_name_error(error, source->object->path);
		return FLOW_CORRUPT;
	}

	/* find the compression */
	*codec = NULL;
	for (size_t i = 0; *codec == NULL; i++)
		if (compressions[i]->recognizes(magic, len))
			*codec = compressions[i];
	return FLOW_OK;
}

/*
 * Adds a stage for each compression, from the outermost on.  A given
 * compression only applies to the outermost.
 */
static FlowStatus
add_compressions(FlowSource *source, const char *compression, FlowError *error)
{
	const FlowCodec *codec;
	FlowStatus status = choose_codec(source, compression, &codec, error);

	if (status != FLOW_OK)
		return status;
	source->compression = codec;
	while (codec->step != NULL)
	{
		if (source->nstages == MAX_COMPRESSIONS)
		{
			flow_error_set(error,
			               FLOW_UNSUPPORTED,
			               "is compressed more than %d times",
			               MAX_COMPRESSIONS);
			flow_file_name_error(error, source->object->path);
			return FLOW_UNSUPPORTED;
		}
		if ((status = add_stage(source, codec, NULL, error)) != FLOW_OK ||
		    (status = choose_codec(source, "auto", &codec, error)) != FLOW_OK)
			return status;
		/* a given compression is the only one */
		if (strcmp(compression, "auto") != 0)
			break;
	}
	return FLOW_OK;
}

/* Detects the wrapper and adds a stage for it. */
static FlowStatus
add_wrapper(FlowSource *source, const FlowUnwrap *unwrap, FlowError *error)
{
	const uint8_t *data = source->ready;
	size_t len = (size_t) (source->ready_end - source->ready);
	FlowUnwrap how = *unwrap;

	if (len >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
	{
		data += 3; /* a byte order mark */
		len -= 3;
	}
	for (size_t i = 0; i < flow_countof(wrappers) && source->wrapper == NULL; i++)
		if (wrappers[i].recognizes(data, len))
			source->wrapper = &wrappers[i];
	source->wrapper_known = true;
	if (source->wrapper == NULL || source->wrapper->codec == NULL)
		return FLOW_OK;
	source->ready = how.begin = data;
	how.begin_len = len;
	return add_stage(source, source->wrapper->codec, &how, error);
}

/* A pattern is matched against lines, and a Parquet file has none. */
static FlowStatus
refuse_parquet(const FlowSource *source, FlowError *error)
{
	flow_error_set(error, FLOW_UNSUPPORTED, "is a Parquet file");
	flow_error_hint(error, "Option \"regex\" is for text: a table without it reads the file.");
	flow_file_name_error(error, source->object->path);
	return error->status;
}

/* Opens the file, reads its beginning and adds the stages. */
static FlowStatus
open_source(FlowSource *source, const FlowAccess *access, const char *compression,
            const FlowUnwrap *unwrap, FlowError *error)
{
	FlowStatus status;
	size_t len = 0;

	source->storage = access->store != NULL ? access->store->storage : &flow_file_storage;
	source->most = access->glance ? FLOW_PROBE_SIZE : UINT64_MAX;
	status = source->storage->open(source->host, access, source->object, &source->file, error);
	if (status == FLOW_OK && source->object->size > 0)
		status = source->storage->read(source->file, source->first[0], FIRST_SIZE, &len, error);
	if (status != FLOW_OK)
		return status;
	source->ready = source->first[0];
	source->ready_end = source->first[0] + len;
	source->examined = true;

	status = add_compressions(source, compression, error);
	if (status == FLOW_OK && source->is_parquet)
		return unwrap != NULL ? FLOW_OK : refuse_parquet(source, error);
	if (status == FLOW_OK && unwrap != NULL)
		return add_wrapper(source, unwrap, error);
	source->wrapper_known = status == FLOW_OK;
	return status;
}

/* Opens an object as a source, also to find out what it is. */
FlowStatus
flow_source_examine(const FlowHost *host, const FlowObject *object, const FlowAccess *access,
                    const char *compression, const FlowUnwrap *unwrap, FlowSource **result,
                    FlowError *error)
{
	FlowSource *source = flow_allocate(host, sizeof(FlowSource));
	FlowStatus status;

	*result = NULL;
	if (source == NULL)
	{
		status = flow_error_memory(error);
		flow_error_at(error, object->path, 0);
		return status;
	}
	memset(source, 0, offsetof(FlowSource, first));
	source->host = host;
	source->object = object;

	status = open_source(source, access, compression, unwrap, error);
	if (status != FLOW_OK)
		flow_error_at(error, object->path, 0);
	if (status == FLOW_OK || (source->examined && (status == FLOW_UNSUPPORTED ||
	                                               status == FLOW_CORRUPT || status == FLOW_LIMIT)))
		*result = source;
	else
		flow_source_close(source);
	return status;
}

/* Opens an object as a source. */
FlowStatus
flow_source_open(const FlowHost *host, const FlowObject *object, const FlowAccess *access,
                 const char *compression, const FlowUnwrap *unwrap, FlowSource **result,
                 FlowError *error)
{
	FlowSource *source;
	FlowStatus status =
		flow_source_examine(host, object, access, compression, unwrap, &source, error);

	if (status == FLOW_OK)
		*result = source;
	else
		flow_source_close(source);
	return status;
}

void
flow_source_close(FlowSource *source)
{
	if (source == NULL)
		return;
	for (int i = 0; i < source->nstages; i++)
	{
		source->stages[i].codec->free(source->stages[i].state);
		flow_free(source->host, source->stages[i].input);
	}
	if (source->file != NULL)
		source->storage->close(source->file);
	flow_free(source->host, source);
}

/* ---------- prefetch ---------- */

/* Prefetches the files after an opened one. */
void
flow_source_prefetch(const FlowSource *source, FlowAhead *ahead, const FlowObjects *objects,
                     size_t index, const FlowAccess *access)
{
	uint64_t bytes = 0;

	if (source->storage != &flow_file_storage || (!ahead->cold && !flow_file_is_cold(source->file)))
		return;

	/*
	 * the index jumps if files are shared with other processes or read again
	 */
	if (ahead->next <= index || ahead->next > index + 1 + AHEAD_FILES)
		ahead->next = index + 1;
	if (ahead->next > index + AHEAD_FILES / 2)
		return;

	ahead->cold = false;
	for (;
	     ahead->next < objects->count && ahead->next <= index + AHEAD_FILES && bytes < AHEAD_BYTES;
	     ahead->next++)
	{
		const FlowObject *object = &objects->items[ahead->next];

		if (flow_interrupted(source->host))
			return;
		if (flow_file_prefetch(source->host, object, access))
		{
			ahead->cold = true;
			bytes += object->size < FLOW_BLOCK_SIZE ? object->size : FLOW_BLOCK_SIZE;
		}
	}
}
