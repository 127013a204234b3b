/*-------------------------------------------------------------------------
 *
 * s3_profile.c
 *	  Reads the files in which AWS's tools keep profiles.
 *
 * Their format is described in the AWS SDKs and Tools Reference Guide, "Shared
 * config and credentials files".  Where the guide does not specify something,
 * this file does as AWS's command line does: a line that is indented more than
 * the property before it belongs to that property, so that a whole profile may
 * be indented.
 *
 *-------------------------------------------------------------------------
 */
#include "s3.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (64 * 1024)
#define MAX_PATH 4096

/* ---------- small files ---------- */

static FlowStatus
file_error(FlowError *error, FlowStatus status, int os_errno, const char *path, const char *problem)
{
	flow_error_set(error, status, "could not read \"%s\"", path);
	flow_error_detail(error, "The file \"%s\" %s.", path, problem);
	error->os_errno = os_errno;
	return status;
}

/*
 * Reads the whole file.  Rejects files that are too large or have NUL bytes.
 */
static FlowStatus
read_all(int fd, const char *path, char *text, FlowError *error)
{
	size_t len = 0;

	for (;;)
	{
		ssize_t count = read(fd, text + len, MAX_FILE + 1 - len);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return file_error(error, flow_status_of_errno(errno), errno, path, "could not be read");
		len += (size_t) count;
		if (len > MAX_FILE)
			return file_error(error, FLOW_LIMIT, 0, path, "has more than 64 KiB");
		if (count == 0)
			break;
	}
	text[len] = '\0';
	if (strlen(text) < len)
		return file_error(error, FLOW_CORRUPT, 0, path, "has a zero byte");
	return FLOW_OK;
}

/* Reads the text of a small regular file. */
FlowStatus
flow_s3_file_read(const FlowHost *host, const char *path, char **result, FlowError *error)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	FlowStatus status;
	struct stat st;
	char *text;

	/* check that it is a regular file */
	if (fd < 0)
		return file_error(error, flow_status_of_errno(errno), errno, path, "could not be opened");
	if (fstat(fd, &st) != 0)
	{
		file_error(error, flow_status_of_errno(errno), errno, path, "could not be read");
		close(fd);
		return error->status;
	}
	if (!S_ISREG(st.st_mode))
	{
		close(fd);
		return file_error(error, FLOW_NOT_REGULAR, 0, path, "is not a regular file");
	}
	/* read it */
	text = flow_allocate(host, MAX_FILE + 1);
	if (text == NULL)
	{
		close(fd);
		return flow_error_memory(error);
	}
	status = read_all(fd, path, text, error);
	close(fd);
	if (status != FLOW_OK)
		flow_s3_file_free(host, text);
	else
		*result = text;
	return status;
}

void
flow_s3_file_free(const FlowHost *host, char *text)
{
	if (text != NULL)
		explicit_bzero(text, MAX_FILE + 1);
	flow_free(host, text);
}

/* ---------- properties ---------- */

#define MEMBER(member) offsetof(FlowS3Profile, member), sizeof(((FlowS3Profile *) NULL)->member)

static const struct
{
	const char *name;
	/* in FlowS3Profile; size 0: the property names an unsupported source */
	size_t offset, size;
} properties[] = {{"aws_access_key_id", MEMBER(keys.access_key_id)},
                  {"aws_secret_access_key", MEMBER(keys.secret_access_key)},
                  {"aws_session_token", MEMBER(keys.session_token)},
                  {"role_arn", MEMBER(role_arn)},
                  {"role_session_name", MEMBER(role_session_name)},
                  {"web_identity_token_file", MEMBER(token_file)},
                  {"region", MEMBER(region)},
                  {"credential_process", 0, 0},
                  {"credential_source", 0, 0},
                  {"source_profile", 0, 0},
                  {"sso_session", 0, 0},
                  {"sso_start_url", 0, 0},
                  {"sso_account_id", 0, 0},
                  {"sso_role_name", 0, 0}};

/* A piece of a line. */
typedef struct Piece
{
	const char *begin;
	const char *end;
} Piece;

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r';
}

static Piece
trim(Piece piece)
{
	while (piece.begin < piece.end && is_blank(*piece.begin))
		piece.begin++;
	while (piece.begin < piece.end && is_blank(piece.end[-1]))
		piece.end--;
	return piece;
}

static bool
piece_is(Piece piece, const char *text)
{
	size_t len = (size_t) (piece.end - piece.begin);

	return len == strlen(text) && memcmp(piece.begin, text, len) == 0;
}

/* The state of reading a file. */
typedef struct Reading
{
	const char *name; /* of the profile */
	bool is_config;   /* a section is "profile NAME" */
	bool wanted;      /* the current section is the profile's */
	bool in_property; /* there was a property in the section */
	size_t indent;    /* of the last section or property */
	FlowS3Profile *profile;
	const char *too_long; /* a property whose value is too long; NULL: none */
} Reading;

/* Returns true if this is the name of the profile's section. */
static bool
is_section(const Reading *reading, Piece name)
{
	static const char word[] = "profile";
	size_t len = strlen(word);

	name = trim(name);
	if (!reading->is_config)
		return piece_is(name, reading->name);
	if (piece_is(name, "default"))
		return strcmp(reading->name, "default") == 0;
	if ((size_t) (name.end - name.begin) <= len || memcmp(name.begin, word, len) != 0 ||
	    !is_blank(name.begin[len]))
		return false;
	name.begin += len;
	name = trim(name);
	if (name.end - name.begin >= 2 && (*name.begin == '"' || *name.begin == '\'') &&
	    name.end[-1] == *name.begin)
		name = (Piece) {name.begin + 1, name.end - 1};
	return piece_is(name, reading->name);
}

/* Removes a comment and blanks from a value. */
static Piece
trim_value(Piece value)
{
	for (const char *p = value.begin; p < value.end; p++)
		if ((*p == '#' || *p == ';') && is_blank(p[-1]))
			value.end = p;
	return trim(value);
}

/* Stores the value of a property that is used. */
static void
take_property(Reading *reading, Piece name, Piece value)
{
	FlowS3Profile *profile = reading->profile;
	size_t name_len, len;

	name = trim(name);
	value = trim_value(value);
	name_len = (size_t) (name.end - name.begin);
	len = (size_t) (value.end - value.begin);
	for (size_t i = 0; i < flow_countof(properties); i++)
	{
		char *place = (char *) profile + properties[i].offset;

		if (strlen(properties[i].name) != name_len ||
		    strncasecmp(properties[i].name, name.begin, name_len) != 0)
			continue;
		if (properties[i].size == 0)
			profile->elsewhere = len > 0 ? properties[i].name : profile->elsewhere;
		else if (len >= properties[i].size)
			reading->too_long = properties[i].name;
		else
		{
			memcpy(place, value.begin, len);
			place[len] = '\0';
		}
	}
}

/* Processes a line. */
static void
take_line(Reading *reading, Piece line)
{
	const char *before = line.begin, *mark;
	size_t indent;

	line = trim(line);
	indent = (size_t) (line.begin - before);
	if (line.begin == line.end || *line.begin == '#' || *line.begin == ';')
		return;
	if (reading->in_property && indent > reading->indent)
		return; /* it is nested in the property, or continues it */
	reading->indent = indent;

	/* a section begins */
	if (*line.begin == '[')
	{
		mark = memchr(line.begin, ']', (size_t) (line.end - line.begin));
		reading->in_property = false;
		reading->wanted = mark != NULL && is_section(reading, (Piece) {line.begin + 1, mark});
		reading->profile->found |= reading->wanted;
		return;
	}
	/* a property */
	reading->in_property = true;
	mark = memchr(line.begin, '=', (size_t) (line.end - line.begin));
	if (reading->wanted && mark != NULL)
		take_property(reading, (Piece) {line.begin, mark}, (Piece) {mark + 1, line.end});
}

/* ---------- files ---------- */

/*
 * Reads a profile's section of a file.  It is empty if there is no such file.
 */
static FlowStatus
read_section(const FlowHost *host, const char *path, bool is_config, const char *name,
             FlowS3Profile *profile, FlowError *error)
{
	Reading reading = {.name = name, .is_config = is_config, .profile = profile};
	char *text;
	FlowStatus status;

	memset(profile, 0, sizeof(*profile));
	status = flow_s3_file_read(host, path, &text, error);
	if (status == FLOW_NOT_FOUND)
		return FLOW_OK;
	if (status != FLOW_OK)
		return status;
	for (const char *p = text; *p != '\0';)
	{
		const char *end = p + strcspn(p, "\n");

		take_line(&reading, (Piece) {p, end});
		p = *end == '\0' ? end : end + 1;
	}
	flow_s3_file_free(host, text);
	if (reading.too_long != NULL)
	{
		flow_error_set(error, FLOW_LIMIT, "could not read \"%s\"", path);
		flow_error_detail(error,
		                  "The property \"%s\" of profile \"%s\" in \"%s\" is too long.",
		                  reading.too_long,
		                  name,
		                  path);
		return FLOW_LIMIT;
	}
	return FLOW_OK;
}

/*
 * Finds a file's path: the value of a variable, or a path below the home
 * directory.  Returns false if neither is set, or the path is too long.
 */
static bool
find_file(const FlowS3CredentialsSpec *spec, const char *variable, const char *below_home,
          char path[MAX_PATH])
{
	const char *set = spec->environment(spec->environment_arg, variable);
	const char *home = spec->environment(spec->environment_arg, "HOME");
	int len;

	if (set != NULL && *set != '\0')
		len = snprintf(path, MAX_PATH, "%s", set);
	else if (home != NULL && *home != '\0')
		len = snprintf(path, MAX_PATH, "%s/%s", home, below_home);
	else
		return false;
	return len < MAX_PATH;
}

/*
 * Adds the properties of the credentials file, which take precedence.  Keys of
 * both files are not mixed.
 */
static void
add_credentials(FlowS3Profile *profile, const FlowS3Profile *credentials)
{
	profile->found |= credentials->found;
	if (credentials->keys.access_key_id[0] != '\0')
		profile->keys = credentials->keys;
	if (credentials->role_arn[0] != '\0')
		memcpy(profile->role_arn, credentials->role_arn, sizeof(profile->role_arn));
	if (credentials->role_session_name[0] != '\0')
		memcpy(profile->role_session_name,
		       credentials->role_session_name,
		       sizeof(profile->role_session_name));
	if (credentials->token_file[0] != '\0')
		memcpy(profile->token_file, credentials->token_file, sizeof(profile->token_file));
	if (credentials->region[0] != '\0')
		memcpy(profile->region, credentials->region, sizeof(profile->region));
	if (credentials->elsewhere != NULL)
		profile->elsewhere = credentials->elsewhere;
}

/* Reads a profile from both files. */
FlowStatus
flow_s3_profile_read(const FlowS3CredentialsSpec *spec, FlowS3Profile *profile, FlowError *error)
{
	char credentials_path[MAX_PATH], config_path[MAX_PATH];
	const char *name = spec->environment(spec->environment_arg, "AWS_PROFILE");
	FlowS3Profile credentials;
	FlowStatus status;

	/* find the files */
	if (name == NULL || *name == '\0')
		name = "default";
	if (!find_file(spec, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", credentials_path) ||
	    !find_file(spec, "AWS_CONFIG_FILE", ".aws/config", config_path))
	{
		flow_error_set(error, FLOW_NOT_FOUND, "could not find the profile");
		flow_error_detail(
			error,
			"The environment does not say where the files are: \"HOME\" is not set, or too long.");
		return FLOW_NOT_FOUND;
	}
	/* read them */
	status = read_section(spec->host, config_path, true, name, profile, error);
	if (status == FLOW_OK)
	{
		status = read_section(spec->host, credentials_path, false, name, &credentials, error);
		if (status == FLOW_OK)
			add_credentials(profile, &credentials);
		flow_s3_keys_wipe(&credentials.keys);
	}
	/* check that the profile exists and can be used */
	if (status == FLOW_OK && !profile->found)
	{
		status = flow_error_set(error, FLOW_NOT_FOUND, "could not find the profile");
		flow_error_detail(error,
		                  "There is no profile \"%.64s\", neither in \"%.200s\" nor in \"%.200s\".",
		                  name,
		                  credentials_path,
		                  config_path);
	}
	else if (status == FLOW_OK && profile->elsewhere == NULL && profile->role_arn[0] != '\0' &&
	         profile->token_file[0] == '\0')
		profile->elsewhere = "role_arn";
	if (status != FLOW_OK)
		flow_s3_keys_wipe(&profile->keys);
	return status;
}
