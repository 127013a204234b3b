/*-------------------------------------------------------------------------
 *
 * store.c
 *	  Plays S3 with a latency, for benchmarks: one process serves thousands of
 *	  requests a second, and each answer begins so late as if the store were far.
 *
 * store [--latency MS] [--rate N] DIR
 *
 * Serves the files below DIR as the objects of any bucket, by path, on a port
 * of 127.0.0.1, which it prints: GET of an object or of a range of it, and
 * ListObjectsV2.  Signatures are not checked.  With a rate, requests beyond
 * that many in a second are answered with 503 SlowDown.  GET of /-/counts
 * returns "REQUESTS CONNECTIONS REFUSED" since the last time, where
 * CONNECTIONS is the most that were open at a time.  It ends with its standard
 * input.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAGE_KEYS 1000
#define HEAD_ROOM 16384 /* of a request, and of an answer's header */

typedef struct Object
{
	char *key;
	size_t size;
	time_t modified;
} Object;

/* A connection, and the answer that it waits for or gets. */
typedef struct Connection
{
	int fd;
	struct Connection *next; /* in the queue of answers that are not due yet */
	int64_t due;             /* microseconds; 0: no request is being answered */
	char request[HEAD_ROOM];
	size_t received;
	char *answer; /* header and, unless it is an object, body */
	size_t answer_len, sent;
	int file; /* of an object; -1: none */
	off_t from, to;
} Connection;

static const char *root;
static size_t root_len;
static Object *objects; /* sorted by key */
static size_t nobjects, objects_room;
static int64_t latency;
static long rate;

static int poll_fd;
static Connection *first_waiting, *last_waiting;
static long requests, refused, open_now, open_most;
static time_t second;
static long in_second;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t
now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * INT64_C(1000000) + at.tv_nsec / 1000;
}

/* ---------- objects ---------- */

static int
add_file(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void) where;
	if (type != FTW_F)
		return 0;
	if (nobjects == objects_room)
	{
		objects_room = objects_room * 2 + 1024;
		objects = realloc(objects, objects_room * sizeof(Object));
		if (objects == NULL)
			die("realloc");
	}
	objects[nobjects++] =
		(Object) {strdup(path + root_len + 1), (size_t) st->st_size, st->st_mtime};
	return 0;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const Object *) a)->key, ((const Object *) b)->key);
}

/* Returns the index of the first key that is not less than a text. */
static size_t
find(const char *text)
{
	size_t low = 0, high = nobjects;

	while (low < high)
	{
		size_t middle = low + (high - low) / 2;

		if (strcmp(objects[middle].key, text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---------- answers ---------- */

static int
hex(char c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* Decodes a part of a URL in place. */
static void
decode(char *text)
{
	char *out = text;

	for (const char *p = text; *p != '\0'; p++)
		if (*p == '%' && p[1] != '\0' && p[2] != '\0')
		{
			*out++ = (char) (hex(p[1]) * 16 + hex(p[2]));
			p += 2;
		}
		else
			*out++ = *p;
	*out = '\0';
}

static void
encode(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') ||
		    (text[i] >= '0' && text[i] <= '9') || strchr("/-._", text[i]) != NULL)
			fputc(text[i], out);
		else
			fprintf(out, "%%%02X", (unsigned char) text[i]);
}

/* Sets an answer whose body is a text. */
static void
answer_text(Connection *connection, const char *status, const char *body, size_t len)
{
	int count;

	connection->answer = malloc(len + 200);
	if (connection->answer == NULL)
		die("malloc");
	count = sprintf(connection->answer,
	                "HTTP/1.1 %s\r\nServer: store\r\nContent-Length: %zu\r\n\r\n",
	                status,
	                len);
	memcpy(connection->answer + count, body, len);
	connection->answer_len = (size_t) count + len;
}

static void
answer_error(Connection *connection, const char *status, const char *code)
{
	char body[200];

	sprintf(body, "<Error><Code>%s</Code><Message>It is so.</Message></Error>", code);
	answer_text(connection, status, body, strlen(body));
}

/* Sets an answer to ListObjectsV2.  A token is the index of the next key. */
static void
answer_list(Connection *connection, char *query)
{
	char *prefix = "", *delimiter = "", *body, *save;
	size_t begin = 0, len, most = PAGE_KEYS, count = 0, index, prefix_len;
	bool continues = false;
	FILE *out = open_memstream(&body, &len);

	for (char *part = strtok_r(query, "&", &save); part != NULL; part = strtok_r(NULL, "&", &save))
	{
		char *value = strchr(part, '=');

		if (value == NULL)
			continue;
		*value++ = '\0';
		decode(value);
		if (strcmp(part, "prefix") == 0)
			prefix = value;
		else if (strcmp(part, "delimiter") == 0)
			delimiter = value;
		else if (strcmp(part, "max-keys") == 0)
			most = (size_t) atol(value);
		else if (strcmp(part, "continuation-token") == 0)
		{
			begin = (size_t) atol(value);
			continues = true;
		}
	}
	prefix_len = strlen(prefix);
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "
	      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><EncodingType>url</EncodingType>",
	      out);
	index = continues ? begin : find(prefix);
	while (index < nobjects && count < most && strncmp(objects[index].key, prefix, prefix_len) == 0)
	{
		const Object *object = &objects[index];
		const char *slash =
			delimiter[0] != '\0' ? strchr(object->key + prefix_len, delimiter[0]) : NULL;

		count++;
		if (slash == NULL)
		{
			struct tm tm;
			char time[32];

			strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", gmtime_r(&object->modified, &tm));
			fputs("<Contents><Key>", out);
			encode(out, object->key, strlen(object->key));
			fprintf(out,
			        "</Key><LastModified>%s.000Z</LastModified><ETag>&quot;%zx-%zx&quot;</ETag>"
			        "<Size>%zu</Size><StorageClass>STANDARD</StorageClass></Contents>",
			        time,
			        object->size,
			        index,
			        object->size);
			index++;
		}
		else
		{
			size_t common = (size_t) (slash + 1 - object->key);
			char after[1100];

			fputs("<CommonPrefixes><Prefix>", out);
			encode(out, object->key, common);
			fputs("</Prefix></CommonPrefixes>", out);
			snprintf(after, sizeof(after), "%.*s%c", (int) common - 1, object->key, *slash + 1);
			index = find(after);
		}
	}
	fprintf(out, "<KeyCount>%zu</KeyCount>", count);
	if (index < nobjects && strncmp(objects[index].key, prefix, prefix_len) == 0)
		fprintf(out,
		        "<IsTruncated>true</IsTruncated>"
		        "<NextContinuationToken>%zu</NextContinuationToken>",
		        index);
	else
		fputs("<IsTruncated>false</IsTruncated>", out);
	fputs("</ListBucketResult>", out);
	fclose(out);
	answer_text(connection, "200 OK", body, len);
	free(body);
}

/* Sets an answer with an object, or a range of it. */
static void
answer_object(Connection *connection, const char *key)
{
	size_t index = find(key);
	const Object *object = &objects[index];
	const char *range = strcasestr(connection->request, "\r\nrange: bytes=");
	unsigned long long from = 0, to;
	char path[4096], line[200] = "";

	if (index == nobjects || strcmp(object->key, key) != 0)
	{
		answer_error(connection, "404 Not Found", "NoSuchKey");
		return;
	}
	to = object->size - 1;
	if (range != NULL)
	{
		(void) sscanf(range + strlen("\r\nrange: bytes="), "%llu-%llu", &from, &to);
		sprintf(line, "Content-Range: bytes %llu-%llu/%zu\r\n", from, to, object->size);
	}
	snprintf(path, sizeof(path), "%s/%s", root, key);
	connection->file = open(path, O_RDONLY | O_CLOEXEC);
	if (connection->file < 0)
		die(path);
	connection->from = (off_t) from;
	connection->to = (off_t) to + 1;
	connection->answer = malloc(500);
	if (connection->answer == NULL)
		die("malloc");
	connection->answer_len =
		(size_t) sprintf(connection->answer,
	                     "HTTP/1.1 %s\r\nServer: store\r\nETag: \"%zx-%zx\"\r\n"
	                     "%sContent-Length: %llu\r\n\r\n",
	                     range != NULL ? "206 Partial Content" : "200 OK",
	                     object->size,
	                     index,
	                     line,
	                     to + 1 - from);
}

/* Returns true if this second has had as many requests as it may have. */
static bool
is_over_rate(void)
{
	time_t this_second = (time_t) (now() / 1000000);

	if (this_second != second)
		in_second = 0;
	second = this_second;
	return rate > 0 && ++in_second > rate;
}

/* Makes the answer to the request of a connection. */
static void
make_answer(Connection *connection)
{
	char *path = strchr(connection->request, ' '), *query, *key;
	char line[HEAD_ROOM], text[100];

	snprintf(line, sizeof(line), "%s", path != NULL ? path + 1 : "");
	line[strcspn(line, " \r\n")] = '\0';
	connection->due = now() + latency;
	if (strcmp(line, "/-/counts") == 0)
	{
		sprintf(text, "%ld %ld %ld\n", requests, open_most, refused);
		answer_text(connection, "200 OK", text, strlen(text));
		requests = refused = 0;
		open_most = open_now - 1; /* without this one */
		connection->due = now();
		return;
	}
	requests++;
	query = strchr(line, '?');
	if (query != NULL)
		*query++ = '\0';
	decode(line);
	key = line[0] == '/' ? strchr(line + 1, '/') : NULL;
	if (is_over_rate())
	{
		refused++;
		answer_error(connection, "503 Slow Down", "SlowDown");
	}
	else if (query != NULL && strstr(query, "list-type=2") != NULL)
		answer_list(connection, query);
	else
		answer_object(connection, key != NULL ? key + 1 : "");
}

/* ---------- connections ---------- */

static void
watch(Connection *connection, int operation, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = connection};

	if (epoll_ctl(poll_fd, operation, connection->fd, &event) != 0)
		die("epoll_ctl");
}

static void
end_answer(Connection *connection)
{
	free(connection->answer);
	if (connection->file >= 0)
		close(connection->file);
	connection->answer = NULL;
	connection->file = -1;
	connection->answer_len = connection->sent = connection->received = 0;
	connection->due = 0;
}

static void
close_connection(Connection *connection)
{
	end_answer(connection);
	close(connection->fd);
	free(connection);
	open_now--;
}

static void
take_connection(int listener)
{
	int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	Connection *connection;

	if (fd < 0)
		return;
	(void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	connection = calloc(1, sizeof(Connection));
	if (connection == NULL)
		die("calloc");
	connection->fd = fd;
	connection->file = -1;
	open_now++;
	if (open_now > open_most)
		open_most = open_now;
	watch(connection, EPOLL_CTL_ADD, EPOLLIN);
}

/* Sends as much of an answer as the socket takes. */
static void
send_answer(Connection *connection)
{
	ssize_t count = 0;

	while (connection->sent < connection->answer_len)
	{
		count = send(connection->fd,
		             connection->answer + connection->sent,
		             connection->answer_len - connection->sent,
		             MSG_NOSIGNAL | (connection->file >= 0 ? MSG_MORE : 0));
		if (count < 0)
			break;
		connection->sent += (size_t) count;
	}
	while (count >= 0 && connection->from < connection->to)
	{
		count = sendfile(connection->fd,
		                 connection->file,
		                 &connection->from,
		                 (size_t) (connection->to - connection->from));
		if (count == 0)
			die("a file is shorter than it was");
	}
	if (count < 0 && errno == EAGAIN)
		watch(connection, EPOLL_CTL_MOD, EPOLLOUT);
	else if (count < 0)
		close_connection(connection);
	else
	{
		end_answer(connection);
		watch(connection, EPOLL_CTL_MOD, EPOLLIN);
	}
}

/* Receives a part of a request, or learns that the other side has ended. */
static void
receive(Connection *connection)
{
	ssize_t count = recv(connection->fd,
	                     connection->request + connection->received,
	                     sizeof(connection->request) - 1 - connection->received,
	                     0);

	if (count < 0 && errno == EAGAIN)
		return;
	if (count <= 0)
	{
		close_connection(connection);
		return;
	}
	connection->received += (size_t) count;
	connection->request[connection->received] = '\0';
	if (strstr(connection->request, "\r\n\r\n") == NULL)
		return;
	make_answer(connection);
	if (connection->due <= now())
	{
		send_answer(connection);
		return;
	}
	/* nothing is watched until the answer is due; latency is the same for all */
	watch(connection, EPOLL_CTL_MOD, 0);
	connection->next = NULL;
	if (first_waiting == NULL)
		first_waiting = connection;
	else
		last_waiting->next = connection;
	last_waiting = connection;
}

static void
serve(int listener)
{
	struct epoll_event events[256];

	for (;;)
	{
		struct timespec left = {0, 0};
		int count;

		if (first_waiting != NULL && first_waiting->due > now())
			left.tv_nsec = (first_waiting->due - now()) * 1000 % 1000000000;
		count = epoll_pwait2(poll_fd, events, 256, first_waiting != NULL ? &left : NULL, NULL);
		for (int i = 0; i < count; i++)
		{
			Connection *connection = events[i].data.ptr;
			char byte;

			if (connection == NULL)
				take_connection(listener);
			else if (connection == (Connection *) &poll_fd)
			{
				if (read(STDIN_FILENO, &byte, 1) <= 0)
					return;
			}
			else if (connection->due == 0)
				receive(connection);
			else if ((events[i].events & EPOLLOUT) != 0)
				send_answer(connection);
			else
				watch(connection, EPOLL_CTL_MOD, EPOLLET); /* closed; sending will tell */
		}
		while (first_waiting != NULL && first_waiting->due <= now())
		{
			Connection *connection = first_waiting;

			first_waiting = connection->next;
			send_answer(connection);
		}
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	struct epoll_event event = {.events = EPOLLIN};
	int listener;

	for (; argc > 3; argc -= 2, argv += 2)
		if (strcmp(argv[1], "--latency") == 0)
			latency = atol(argv[2]) * 1000;
		else if (strcmp(argv[1], "--rate") == 0)
			rate = atol(argv[2]);
	if (argc != 2)
	{
		fprintf(stderr, "usage: store [--latency MS] [--rate N] DIR\n");
		return 1;
	}
	signal(SIGPIPE, SIG_IGN); /* who has enough goes away */
	root = argv[1];
	root_len = strlen(root);
	if (nftw(root, add_file, 64, FTW_PHYS) != 0)
		die(root);
	qsort(objects, nobjects, sizeof(Object), compare);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *) &address, len) != 0 ||
	    listen(listener, 4096) != 0 ||
	    getsockname(listener, (struct sockaddr *) &address, &len) != 0 ||
	    (poll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0 ||
	    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &event) != 0)
		die("listen");
	event.data.ptr = &poll_fd;
	(void) epoll_ctl(poll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event); /* refuses files */
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	serve(listener);
	return 0;
}
