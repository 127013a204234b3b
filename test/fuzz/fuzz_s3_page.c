/*-------------------------------------------------------------------------
 *
 * fuzz_s3_page.c
 *	  Fuzzes the readers of answers of S3 and STS with any bytes: the result is
 *	  a page that is consistent, or an error.
 *
 * The first byte determines the pieces of the answer, the second the request
 * and the page before.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/unit.h"

#include "../../flow/s3/s3.h"

static const FlowS3PageAfter afters[] = {{"", NULL, NULL, NULL},
                                         {"a", NULL, NULL, NULL},
                                         {"", "t", "b", NULL},
                                         {"a/", "t", "a/b", NULL}};

static FlowStatus
read_page(const char *body, size_t len, size_t piece, const FlowS3PageAfter *after,
          FlowS3PageReader **reader, FlowS3Page *page)
{
	FlowError error;
	FlowStatus status = flow_s3_page_begin(&unit_host, reader, &error);

	for (size_t done = 0; status == FLOW_OK && done < len; done += piece)
		status = flow_s3_page_feed(*reader,
		                           body + done,
		                           piece < len - done ? piece : len - done,
		                           &error);
	if (status == FLOW_OK)
		status = flow_s3_page_end(*reader, after, page, &error);
	if (status != FLOW_OK &&
	    (status != error.status || error.message[0] == '\0' || error.detail[0] == '\0'))
		abort();
	return status;
}

static void
check(bool good)
{
	if (!good)
		abort();
}

static void
check_item(const char *item, const char *before, const FlowS3PageAfter *after)
{
	check(strncmp(item, after->prefix, strlen(after->prefix)) == 0);
	check(before == NULL || strcmp(before, item) < 0);
	check(after->last == NULL || strcmp(after->last, item) < 0);
}

static void
check_page(const FlowS3Page *page, const FlowS3PageAfter *after)
{
	for (size_t i = 0; i < page->nentries; i++)
		check_item(page->entries[i].key, i > 0 ? page->entries[i - 1].key : NULL, after);
	for (size_t i = 0; i < page->nprefixes; i++)
		check_item(page->prefixes[i], i > 0 ? page->prefixes[i - 1] : NULL, after);
	check(page->truncated == (page->token != NULL));
	check(!page->truncated || (page->token[0] != '\0' &&
	                           (after->token == NULL || strcmp(page->token, after->token) != 0)));
}

static void
check_same(const FlowS3Page *a, const FlowS3Page *b)
{
	check(a->nentries == b->nentries && a->nprefixes == b->nprefixes &&
	      a->truncated == b->truncated);
	for (size_t i = 0; i < a->nentries; i++)
		check(strcmp(a->entries[i].key, b->entries[i].key) == 0 &&
		      strcmp(a->entries[i].etag, b->entries[i].etag) == 0 &&
		      a->entries[i].size == b->entries[i].size &&
		      a->entries[i].modified == b->entries[i].modified);
	for (size_t i = 0; i < a->nprefixes; i++)
		check(strcmp(a->prefixes[i], b->prefixes[i]) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *) data + 2;
	const FlowS3PageAfter *after;
	FlowS3PageReader *whole, *cut;
	FlowS3Page page, other;
	FlowS3Failure failure;
	FlowS3Keys keys;
	FlowError error;
	int64_t expires;
	FlowStatus status;

	if (size < 2)
		return 0;
	size -= 2;
	after = &afters[data[1] % flow_countof(afters)];
	status = read_page(body, size, size + 1, after, &whole, &page);
	check(read_page(body, size, 1 + data[0], after, &cut, &other) == status);
	if (status == FLOW_OK)
	{
		check_page(&page, after);
		check_same(&page, &other);
	}
	flow_s3_page_free(whole);
	flow_s3_page_free(cut);

	(void) flow_s3_failure_read(&unit_host, body, size, &failure, &error);
	if (flow_s3_sts_read(&unit_host, body, size, &keys, &expires, &error) == FLOW_OK)
		check(keys.access_key_id[0] != '\0' && keys.secret_access_key[0] != '\0' &&
		      keys.session_token[0] != '\0');
	check(unit_state.outstanding == 0);
	return 0;
}
