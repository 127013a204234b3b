/*-------------------------------------------------------------------------
 *
 * http.c
 *	  Requests over HTTP, many at a time.  No other file uses libcurl.
 *
 * libcurl tells which sockets it waits for and until when.  The host does the
 * waiting, which can be interrupted at any time.  Nothing else here waits,
 * with one exception: names are resolved by threads of libcurl.  Such a thread
 * must not run the host's signal handlers, so all signals are blocked while
 * libcurl works, and stay blocked in the threads that it starts.  When its
 * request is cancelled, the thread is left alone (CURLOPT_QUICK_EXIT), because
 * a resolver may take half a minute.
 *
 * Redirections are not followed: only the store knows what may be signed for
 * which host.  Proxies, .netrc, cookies and other ways in which a request
 * could go elsewhere than its URL says are disabled.
 *
 *-------------------------------------------------------------------------
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* SOCK_CLOEXEC */
#endif

#include "http.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_MS 5000
#define STALL_BYTES 1024 /* fewer bytes a second than this, for STALL_SECONDS, are a stall */
#define STALL_SECONDS 10
#define CONNECTION_SECONDS 300 /* older connections are not reused */
/* bounds of the size of libcurl's buffer for a transfer */
#define MIN_RECEIVE (16 * 1024)
#define MAX_RECEIVE (64 * 1024)
#define MAX_FIELDS_BYTES (64 * 1024) /* maximum size of an answer's header */
#define READY_SOCKETS 128            /* that are processed at a time */

struct FlowHttp
{
	FlowHttpSpec spec;
	CURLM *multi;
	FlowHttpRequest *first; /* requests under way */

	/*
	 * The sockets that libcurl waits for.  The host waits for their epoll
	 * instance alone, so that a wait costs the same however many there are.
	 */
	FlowSocket poll;
	uint64_t version; /* of "poll", see FlowHost */
	int64_t due;      /* when libcurl wants to be called, by the host's clock; -1: never */
	int os_errno;     /* of a system call that failed */
	bool failed;      /* true if there was an error in libcurl */
	bool starved;     /* true if libcurl was out of memory */
	uint64_t ended;   /* number of requests that have ended */
};

/* What is allocated for libcurl for a request. */
typedef struct Transfer
{
	CURL *easy;
	struct curl_slist *fields;
	char reason[CURL_ERROR_SIZE];
	size_t header_bytes;
	bool refused;   /* an address was not allowed */
	int os_errno;   /* of the socket that could not be created */
	bool enough;    /* the caller wants no more data */
	bool flooded;   /* the header is too large */
	char name[256]; /* host of the URL */
	bool tls;
} Transfer;

/* ---------- signals ---------- */

/* Blocks all signals. */
static void
block_signals(sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, old);
}

static void
restore_signals(const sigset_t *old)
{
	pthread_sigmask(SIG_SETMASK, old, NULL);
}

/* ---------- callbacks of libcurl ---------- */

/*
 * CURLMOPT_SOCKETFUNCTION: adds, changes or removes a socket to wait for.
 * "known" is not NULL for a socket that was added.
 *
 * A failure is not returned: libcurl 7.88 would then leave a transfer among
 * those of its socket, and use it after it is freed.  flow_http_work reports
 * it instead, and the caller ends all requests.
 */
static int
want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	FlowHttp *http = arg;
	struct epoll_event event = {.data.fd = (int) fd};

	(void) easy;
	if (what == CURL_POLL_REMOVE)
	{
		/* it may be closed already */
		(void) epoll_ctl(http->poll.fd, EPOLL_CTL_DEL, (int) fd, &event);
		return 0;
	}
	event.events =
		((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0);
	if (epoll_ctl(http->poll.fd, known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, (int) fd, &event) !=
	    0)
	{
		http->os_errno = errno;
		http->failed = true;
	}
	else if (known == NULL)
		(void) curl_multi_assign(http->multi, fd, http);
	return 0;
}

/* CURLMOPT_TIMERFUNCTION: sets when libcurl wants to be called. */
static int
want_time(CURLM *multi, long milliseconds, void *arg)
{
	FlowHttp *http = arg;
	const FlowHost *host = http->spec.host;

	(void) multi;
	http->due = milliseconds < 0 ? -1 : host->clock(host->arg) + milliseconds * INT64_C(1000);
	return 0;
}

/*
 * CURLOPT_OPENSOCKETFUNCTION: opens a socket if its address, which is resolved
 * here, is allowed.
 */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	FlowHttpRequest *request = arg;
	Transfer *transfer = request->transfer;
	FlowHttp *http = request->http;
	const uint8_t *bytes = NULL;
	size_t len = 0;
	int port = 0, one = 1;
	int fd;

	(void) purpose;
	/* get the address and the port */
	if (address->family == AF_INET)
	{
		const struct sockaddr_in *in = (const struct sockaddr_in *) &address->addr;

		bytes = (const uint8_t *) &in->sin_addr;
		len = 4;
		port = ntohs(in->sin_port);
	}
	else if (address->family == AF_INET6)
	{
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *) &address->addr;

		bytes = (const uint8_t *) &in->sin6_addr;
		len = 16;
		port = ntohs(in->sin6_port);
	}
	/* check the address */
	if (bytes == NULL ||
	    !http->spec
	         .allowed(http->spec.allowed_arg, transfer->name, bytes, len, port, transfer->tls))
	{
		transfer->refused = true;
		return CURL_SOCKET_BAD;
	}
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd < 0)
	{
		transfer->os_errno = errno;
		return CURL_SOCKET_BAD;
	}
	(void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/*
 * CURLOPT_HEADERFUNCTION: stores the fields of the last answer, while there is
 * room.  (Before the last answer there may be a "100 Continue".)
 */
static size_t
take_field(char *line, size_t size, size_t count, void *arg)
{
	FlowHttpRequest *request = arg;
	Transfer *transfer = request->transfer;
	size_t len = size * count;
	const char *colon = memchr(line, ':', len);
	const char *value, *end = line + len;
	char *out = request->fields_text + request->fields_len;

	transfer->header_bytes += len;
	if (transfer->header_bytes > MAX_FIELDS_BYTES)
	{
		transfer->flooded = true;
		return 0;
	}
	/* another answer begins */
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
		request->fields_len = 0;
	else if (colon != NULL)
	{
		/* trim the value */
		for (value = colon + 1; value < end && (*value == ' ' || *value == '\t');)
			value++;
		while (end > value && strchr(" \t\r\n", end[-1]) != NULL)
			end--;
		if (request->fields_len + (size_t) (colon - line) + (size_t) (end - value) + 2 <=
		    sizeof(request->fields_text))
		{
			/* add the field with its name in lower case */
			for (const char *p = line; p < colon; p++)
				*out++ = *p >= 'A' && *p <= 'Z' ? (char) (*p + ('a' - 'A')) : *p;
			*out++ = '\0';
			memcpy(out, value, (size_t) (end - value));
			out += end - value;
			*out++ = '\0';
			request->fields_len = (size_t) (out - request->fields_text);
		}
	}
	return len;
}

/* CURLOPT_WRITEFUNCTION: passes a part of the body to the caller. */
static size_t
take_body(char *data, size_t size, size_t count, void *arg)
{
	FlowHttpRequest *request = arg;
	Transfer *transfer = request->transfer;
	long status = 0;

	(void) curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	request->status = (int) status;
	if (request->receive(request, data, size * count))
		return size * count;
	transfer->enough = true;
	return size * count + 1; /* a wrong count makes libcurl end the transfer */
}

/* ---------- requests ---------- */

static void
free_transfer(Transfer *transfer)
{
	if (transfer == NULL)
		return;
	if (transfer->easy != NULL)
		curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->fields);
	free(transfer);
}

static void
unlink_request(FlowHttpRequest *request)
{
	if (request->prev != NULL)
		request->prev->next = request->next;
	else
		request->http->first = request->next;
	if (request->next != NULL)
		request->next->prev = request->prev;
	request->next = request->prev = NULL;
}

/* Removes a request that has ended, successfully or not. */
static void
end_request(FlowHttpRequest *request)
{
	Transfer *transfer = request->transfer;

	(void) curl_multi_remove_handle(request->http->multi, transfer->easy);
	unlink_request(request);
	free_transfer(transfer);
	request->transfer = NULL;
	request->http = NULL;
}

/*
 * Reads the host's name from the URL.  Returns false if there is no memory.  A
 * URL that is not well-formed has no host, which libcurl will report.
 */
static bool
read_host(Transfer *transfer, const char *url)
{
	CURLU *parsed = curl_url();
	char *name = NULL;
	CURLUcode code;

	transfer->tls = strncmp(url, "https:", 6) == 0;
	if (parsed == NULL)
		return false;
	code = curl_url_set(parsed, CURLUPART_URL, url, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(parsed, CURLUPART_HOST, &name, 0);
	if (code == CURLUE_OK)
		snprintf(transfer->name, sizeof(transfer->name), "%s", name);
	curl_free(name);
	curl_url_cleanup(parsed);
	return code != CURLUE_OUT_OF_MEMORY;
}

/*
 * Returns the size of the buffer for an answer.  Hundreds of small ones may be
 * under way.
 */
static long
receive_size(size_t expected)
{
	if (expected == 0 || expected > MAX_RECEIVE)
		return MAX_RECEIVE;
	return expected < MIN_RECEIVE ? MIN_RECEIVE : (long) expected;
}

/*
 * Sets the options of a transfer.  Returns false if there is no memory, or if
 * this libcurl does not know one of the options, which must not be ignored.
 */
static bool
set_options(FlowHttpRequest *request, Transfer *transfer)
{
	const FlowHttpSpec *spec = &request->http->spec;
	CURL *easy = transfer->easy;
	bool good = true;

#define SET(option, value) good = good && curl_easy_setopt(easy, option, value) == CURLE_OK

	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_PRIVATE, request);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_ERRORBUFFER, transfer->reason);
	SET(CURLOPT_PATH_AS_IS, 1L);

	/* go only where the URL says */
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, request);

	/* protocol and certificates */
	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	if (spec->ca_file != NULL)
		SET(CURLOPT_CAINFO, spec->ca_file);

	/* time limits and connections */
	SET(CURLOPT_CONNECTTIMEOUT_MS,
	    (long) (request->connect_ms > 0 ? request->connect_ms : CONNECT_MS));
	if (request->answer_ms > 0)
		SET(CURLOPT_TIMEOUT_MS, (long) request->answer_ms);
	SET(CURLOPT_LOW_SPEED_LIMIT, (long) STALL_BYTES);
	SET(CURLOPT_LOW_SPEED_TIME, (long) STALL_SECONDS);
	SET(CURLOPT_MAXLIFETIME_CONN, (long) CONNECTION_SECONDS);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_BUFFERSIZE, receive_size(request->expected));

	/* the answer */
	SET(CURLOPT_HEADERFUNCTION, take_field);
	SET(CURLOPT_HEADERDATA, request);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, request);

	/* the method and the body */
	if (strcmp(request->method, "HEAD") == 0)
		SET(CURLOPT_NOBODY, 1L);
	else if (request->body != NULL)
	{
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->body_len);
		SET(CURLOPT_POSTFIELDS, request->body);
	}
	if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
		SET(CURLOPT_CUSTOMREQUEST, request->method);
#undef SET
	return good;
}

/* ---------- connections ---------- */

static void
free_multi(FlowHttp *http)
{
	if (http->multi != NULL)
		(void) curl_multi_cleanup(http->multi);
	http->multi = NULL;
	if (http->poll.fd >= 0)
		(void) close(http->poll.fd);
	http->poll.fd = -1;
	http->version++;
	http->due = -1;
}

/* Sets how many connections there may be, and are kept. */
static bool
set_connections(FlowHttp *http)
{
	long connections = http->spec.max_connections;

	return curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections) ==
	           CURLM_OK &&
	       curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, connections) == CURLM_OK;
}

/* Reports the error of a system call. */
static FlowStatus
fail_waiting(int os_errno, FlowError *error)
{
	if (os_errno == ENOMEM)
		return flow_error_memory(error);
	flow_error_set(error,
	               flow_status_of_errno(os_errno) == FLOW_NO_RESOURCES ? FLOW_NO_RESOURCES
	                                                                   : FLOW_IO,
	               "could not wait for an answer over HTTP");
	error->os_errno = os_errno;
	return error->status;
}

/* Creates the handle of the connections if there is none. */
static FlowStatus
make_multi(FlowHttp *http, FlowError *error)
{
	CURLcode code;
	bool good;

	if (http->multi != NULL)
		return FLOW_OK;
	/*
	 * It counts its calls.  It is never undone, because other libraries in the
	 * process may also use libcurl.
	 */
	code = curl_global_init(CURL_GLOBAL_DEFAULT);
	if (code != CURLE_OK && code != CURLE_OUT_OF_MEMORY)
		return flow_error_set(error, FLOW_IO, "could not prepare for requests over HTTP");
	if (code != CURLE_OK || (http->multi = curl_multi_init()) == NULL)
		return flow_error_memory(error);
	http->poll.fd = epoll_create1(EPOLL_CLOEXEC);
	if (http->poll.fd < 0)
	{
		int os_errno = errno;

		free_multi(http);
		return fail_waiting(os_errno, error);
	}
	http->os_errno = 0;
	good = curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, want_socket) == CURLM_OK &&
	       curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http) == CURLM_OK &&
	       curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, want_time) == CURLM_OK &&
	       curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http) == CURLM_OK &&
	       set_connections(http);
	if (good)
		return FLOW_OK;
	free_multi(http);
	return flow_error_set(error, FLOW_IO, "could not prepare for requests over HTTP");
}

/*
 * Adds a header field.  Returns false if it is too long or there is no memory.
 */
static bool
add_field(Transfer *transfer, const char *name, const char *value)
{
	char line[8192];
	struct curl_slist *longer;
	int len;

	/*
	 * libcurl omits a field whose value is empty, unless ";" replaces the ":"
	 */
	len = snprintf(line, sizeof(line), value[0] != '\0' ? "%s: %s" : "%s;", name, value);
	if (len < 0 || (size_t) len >= sizeof(line))
		return false;
	longer = curl_slist_append(transfer->fields, line);
	explicit_bzero(line, sizeof(line));
	if (longer == NULL)
		return false;
	transfer->fields = longer;
	return true;
}

/* Creates the transfer of a request and starts it. */
static FlowStatus
start(FlowHttpRequest *request, FlowError *error)
{
	FlowHttp *http = request->http;
	Transfer *transfer = calloc(1, sizeof(Transfer));
	bool good = transfer != NULL;

	request->transfer = transfer;
	if (good)
		good = (transfer->easy = curl_easy_init()) != NULL;
	for (int i = 0; good && i < request->nfields; i++)
		good = add_field(transfer, request->fields[i].name, request->fields[i].value);
	if (good)
	{
		good =
			read_host(transfer, request->url) && set_options(request, transfer) &&
			(transfer->fields == NULL ||
		     curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->fields) == CURLE_OK) &&
			curl_multi_add_handle(http->multi, transfer->easy) == CURLM_OK;
	}
	if (!good)
	{
		free_transfer(transfer);
		request->transfer = NULL;
		request->http = NULL;
		return flow_error_memory(error);
	}
	request->next = http->first;
	if (http->first != NULL)
		http->first->prev = request;
	http->first = request;
	return FLOW_OK;
}

/* Begins a request. */
FlowStatus
flow_http_start(FlowHttp *http, FlowHttpRequest *request, FlowError *error)
{
	FlowStatus status;
	sigset_t old;

	request->done = false;
	request->result = FLOW_OK;
	request->status = 0;
	request->os_errno = 0;
	request->reason[0] = '\0';
	request->fields_len = 0;
	request->http = http;
	request->next = request->prev = NULL;
	request->transfer = NULL;

	block_signals(&old);
	status = make_multi(http, error);
	if (status == FLOW_OK)
		status = start(request, error);
	restore_signals(&old);
	return status;
}

/* Cancels a request. */
void
flow_http_cancel(FlowHttpRequest *request)
{
	sigset_t old;

	if (request->transfer == NULL)
		return;
	block_signals(&old);
	end_request(request);
	restore_signals(&old);
	request->done = true;
	request->result = FLOW_INTERRUPTED;
}

/* ---------- working ---------- */

/*
 * Returns true if a transfer failed for lack of memory.  If the TLS library
 * has no memory, libcurl has no code for it, but reports that library's
 * message.
 */
static bool
has_no_memory(const Transfer *transfer, CURLcode code)
{
	return code == CURLE_OUT_OF_MEMORY || transfer->os_errno == ENOMEM ||
	       strstr(transfer->reason, "malloc failure") != NULL ||
	       strstr(transfer->reason, "out of memory") != NULL;
}

/* Converts the result of a transfer. */
static FlowStatus
result_of(const Transfer *transfer, CURLcode code)
{
	if (code == CURLE_OK)
		return FLOW_OK;
	if (transfer->enough)
		return FLOW_LIMIT;
	if (has_no_memory(transfer, code))
		return FLOW_NO_MEMORY;
	if (transfer->refused && code == CURLE_COULDNT_CONNECT)
		return FLOW_NOT_ALLOWED;
	return FLOW_IO;
}

/* Sets the reason why a transfer failed, in a few words. */
static void
report_reason(FlowHttpRequest *request, const Transfer *transfer, CURLcode code)
{
	const char *reason = transfer->flooded             ? "the header of the answer is too large"
	                     : transfer->reason[0] != '\0' ? transfer->reason
	                                                   : curl_easy_strerror(code);

	snprintf(request->reason, sizeof(request->reason), "%s", reason);
	for (char *p = request->reason; *p != '\0'; p++)
		if ((unsigned char) *p < 0x20 || (unsigned char) *p >= 0x7F)
			*p = '?';
}

/* Completes the requests whose transfers have ended. */
static void
collect(FlowHttp *http)
{
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left)) != NULL)
	{
		CURLcode code = message->data.result;
		FlowHttpRequest *request = NULL;
		Transfer *transfer;
		long status = 0;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void) curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &request);
		(void) curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
		/* set the result */
		transfer = request->transfer;
		request->status = (int) status;
		request->result = result_of(transfer, code);
		if (request->result == FLOW_OK && transfer->header_bytes == 0)
		{
			/* an HTTP/0.9 answer, or no answer */
			request->result = FLOW_IO;
			snprintf(request->reason, sizeof(request->reason), "the answer has no header");
		}
		else if (code != CURLE_OK)
			report_reason(request, transfer, code);
		if (request->result == FLOW_IO)
			request->os_errno = transfer->os_errno;
		/* end the request */
		end_request(request);
		request->done = true;
		http->ended++;
	}
}

/*
 * Tells libcurl that a socket is ready, or that its timer has expired.  After a
 * failure all requests end, so it goes on with none of them.
 */
static void
act(FlowHttp *http, curl_socket_t fd, int what)
{
	int running;
	CURLMcode code;

	if (http->failed)
		return;
	code = curl_multi_socket_action(http->multi, fd, what, &running);
	http->starved |= code == CURLM_OUT_OF_MEMORY;
	http->failed |= code != CURLM_OK;
}

/*
 * Tells libcurl which sockets are ready.  If one was closed in the meantime,
 * libcurl does not know it any more.
 */
static void
act_on_ready(FlowHttp *http)
{
	struct epoll_event ready[READY_SOCKETS];
	int count = http->poll.fd < 0 ? 0 : epoll_wait(http->poll.fd, ready, READY_SOCKETS, 0);

	for (int i = 0; i < count; i++)
	{
		uint32_t events = ready[i].events;
		bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;

		act(http,
		    ready[i].data.fd,
		    (broken || (events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
		        (broken || (events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0));
	}
}

/* Calls libcurl if its timer has expired. */
static void
act_if_due(FlowHttp *http)
{
	const FlowHost *host = http->spec.host;

	if (http->due >= 0 && host->clock(host->arg) >= http->due)
	{
		http->due = -1;
		act(http, CURL_SOCKET_TIMEOUT, 0);
	}
}

/* Works on all requests, and waits for data. */
FlowStatus
flow_http_work(FlowHttp *http, int milliseconds, FlowError *error)
{
	const FlowHost *host = http->spec.host;
	uint64_t ended = http->ended;
	sigset_t old;

	if (flow_interrupted(host))
		return flow_error_interrupted(error);

	/* complete what is done already */
	block_signals(&old);
	act_if_due(http);
	collect(http);
	restore_signals(&old);
	if (http->ended > ended || http->failed)
		milliseconds = 0;

	/* wait for sockets, at most until libcurl's timer expires */
	if (http->due >= 0)
	{
		int64_t left = (http->due - host->clock(host->arg) + 999) / 1000;

		if (left < milliseconds)
			milliseconds = left > 0 ? (int) left : 0;
	}
	if (milliseconds > 0)
	{
		host->wait_sockets(host->arg,
		                   &http->poll,
		                   http->poll.fd >= 0 ? 1 : 0,
		                   http->version,
		                   milliseconds);
		if (flow_interrupted(host))
			return flow_error_interrupted(error);
	}

	/* pass the sockets that are ready to libcurl */
	block_signals(&old);
	act_on_ready(http);
	act_if_due(http);
	collect(http);
	restore_signals(&old);

	if (http->starved)
		return flow_error_memory(error);
	if (http->os_errno != 0)
		return fail_waiting(http->os_errno, error);
	return http->failed ? flow_error_set(error, FLOW_IO, "could not wait for an answer over HTTP")
	                    : FLOW_OK;
}

/* Performs a request. */
FlowStatus
flow_http_fetch(FlowHttp *http, FlowHttpRequest *request, FlowError *error)
{
	FlowStatus status = flow_http_start(http, request, error);

	while (status == FLOW_OK && !request->done)
		status = flow_http_work(http, 1000, error);
	if (status != FLOW_OK)
		flow_http_cancel(request);
	return status;
}

/* Returns a header field of the answer. */
const char *
flow_http_field(const FlowHttpRequest *request, const char *name)
{
	const char *p = request->fields_text, *end = p + request->fields_len;

	while (p < end)
	{
		const char *value = p + strlen(p) + 1;

		if (strcmp(p, name) == 0)
			return value;
		p = value + strlen(value) + 1;
	}
	return NULL;
}

/* Reads a date of a header field. */
int64_t
flow_http_date(const char *text)
{
	return (int64_t) curl_getdate(text, NULL);
}

/* ---------- creating and freeing ---------- */

/* Creates a FlowHttp. */
FlowStatus
flow_http_create(const FlowHttpSpec *spec, FlowHttp **result, FlowError *error)
{
	FlowHttp *http = flow_allocate(spec->host, sizeof(FlowHttp));
	FlowStatus status;
	sigset_t old;

	*result = NULL;
	if (http == NULL)
		return flow_error_memory(error);
	memset(http, 0, sizeof(*http));
	http->spec = *spec;
	http->poll = (FlowSocket) {.fd = -1, .read = true};
	http->due = -1;

	block_signals(&old);
	status = make_multi(http, error);
	restore_signals(&old);
	if (status != FLOW_OK)
		flow_http_free(http);
	else
		*result = http;
	return status;
}

/* Raises the number of connections. */
void
flow_http_allow(FlowHttp *http, int connections)
{
	http->spec.max_connections = connections;
	if (http->multi != NULL)
		(void) set_connections(http);
}

void
flow_http_free(FlowHttp *http)
{
	if (http == NULL)
		return;
	while (http->first != NULL)
		flow_http_cancel(http->first);
	flow_http_rest(http);
	flow_free(http->spec.host, http);
}

/* Closes the connections if there are no requests. */
void
flow_http_rest(FlowHttp *http)
{
	sigset_t old;

	if (http->first != NULL)
		return;
	block_signals(&old);
	free_multi(http);
	restore_signals(&old);
}
