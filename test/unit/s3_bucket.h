/*-------------------------------------------------------------------------
 *
 * s3_bucket.h
 *	  A bucket that the test plays, a store to read it, and a list of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_BUCKET_H
#define S3_BUCKET_H

#include "model_http.h"

static inline int64_t
fake_clock(void *arg)
{
	(void) arg;
	return model_now;
}

/* A store of the bucket, and a list of a location in it. */
typedef struct Fixture
{
	FlowHost host;
	FlowS3Credentials credentials;
	FlowAccess access;
	FlowLocation *location;
	FlowObjects *objects;
	FlowError error;
} Fixture;

static inline void
set_up(Fixture *f, const char *location, int connections)
{
	FlowS3Spec spec = {.bucket = "bucket",
	                   .bucket_len = 6,
	                   .endpoint_host = "store",
	                   .path_style = true,
	                   .max_connections = connections};

	memset(f, 0, sizeof(*f));
	f->host = unit_host;
	f->host.clock = fake_clock;
	f->credentials.source = FLOW_S3_STATIC;
	f->credentials.known = true;
	strcpy(f->credentials.keys.access_key_id, "AKIA");
	strcpy(f->credentials.keys.secret_access_key, "secret");
	spec.host = &f->host;
	spec.credentials = &f->credentials;
	CHECK_INT(flow_location_parse(&f->host, location, &f->location, &f->error), FLOW_OK);
	CHECK_INT(flow_s3_create(&spec, &f->access.store, &f->error), FLOW_OK);
	model_requests = model_lists = model_fatal = 0;
	model_most_in_flight = 0;
}

static inline void
tear_down(Fixture *f)
{
	flow_objects_free(&f->host, f->objects);
	f->access.store->storage->free(f->access.store);
	flow_location_free(f->location);
	CHECK_INT(unit_state.outstanding, 0);
}

static inline void
clear_bucket(void)
{
	for (size_t i = 0; i < model_nobjects; i++)
		free(model_objects[i].data);
	memset(model_objects, 0, sizeof(model_objects));
	model_nobjects = 0;
	model_faults = 0;
	model_page_size = 1000;
	model_region = "us-east-1";
	model_ahead = 0;
}

static inline void
put(const char *key, size_t size)
{
	ModelObject *object = &model_objects[model_nobjects++];

	snprintf(object->key, sizeof(object->key), "%s", key);
	snprintf(object->etag,
	         sizeof(object->etag),
	         "\"%016llx\"",
	         (unsigned long long) model_number(UINT64_MAX));
	object->size = size;
	object->data = malloc(size + sizeof(uint64_t));
	for (size_t i = 0; i < size; i += sizeof(uint64_t))
	{
		uint64_t random = model_number(UINT64_MAX);

		memcpy(object->data + i, &random, sizeof(random));
	}
}

static inline FlowStatus
list(Fixture *f, const FlowPruner *pruner)
{
	return flow_objects_list_pruned(
		&f->host, f->location, &f->access, NULL, pruner, &f->objects, &f->error);
}

#endif /* S3_BUCKET_H */
