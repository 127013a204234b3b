/*-------------------------------------------------------------------------
 *
 * s3.c
 *	  The S3 store of a foreign table: its bucket and keys, and what the
 *	  administrator allows.
 *
 * The code that accesses the store is in a module of its own, which is loaded
 * when the first store is opened: loading its libraries would cost every new
 * session several milliseconds.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <stdlib.h>

#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

/*
 * Keys that were fetched from their source, by user mapping, until they expire
 * or the mapping changes.  Static keys are not kept: the mapping has them.
 */
typedef struct CachedKeys
{
	Oid umid;
	uint32 hash; /* of the mapping in the system cache */
	FlowS3Credentials credentials;
} CachedKeys;

static List *cached_keys;

/* ---------- keys ---------- */

/*
 * Erases the keys of a user mapping that has changed, or all keys if "hash" is
 * 0.  Callback of the system cache.
 */
static void
forget_keys(Datum arg, int cache, uint32 hash)
{
	ListCell *cell;

	foreach(cell, cached_keys)
	{
		CachedKeys *cached = lfirst(cell);

		if (hash != 0 && cached->hash != hash)
			continue;
		/*
		 * a scan may still point to the entry, so it is emptied, but not freed
		 */
		explicit_bzero(&cached->credentials.keys, sizeof(cached->credentials.keys));
		cached->credentials.known = false;
	}
}

/*
 * Returns the entry of a user mapping and a source; makes an empty one if
 * there is none.
 */
static FlowS3Credentials *
find_keys(Oid umid, FlowS3Source source)
{
	static bool registered = false;
	CachedKeys *cached;
	MemoryContext old;
	ListCell *cell;

	foreach(cell, cached_keys)
	{
		cached = lfirst(cell);
		if (cached->umid == umid && cached->credentials.source == source)
			return &cached->credentials;
	}

	if (!registered)
	{
		CacheRegisterSyscacheCallback(USERMAPPINGOID, forget_keys, (Datum) 0);
		registered = true;
	}
	old = MemoryContextSwitchTo(TopMemoryContext);
	cached = palloc0(sizeof(CachedKeys));
	cached->umid = umid;
	cached->hash = GetSysCacheHashValue1(USERMAPPINGOID, ObjectIdGetDatum(umid));
	cached->credentials.source = source;
	cached_keys = lappend(cached_keys, cached);
	MemoryContextSwitchTo(old);
	return &cached->credentials;
}

static void
wipe_keys(void *keys)
{
	explicit_bzero(keys, sizeof(FlowS3Keys));
}

/*
 * Returns the credentials of a user mapping.  Static keys are copied to the
 * current memory context, and erased when it is reset.
 */
static FlowS3Credentials *
read_keys(const FlowlogOptions *options, const UserMapping *mapping)
{
	FlowS3Credentials *credentials;
	MemoryContextCallback *callback;

	/* keys from other sources are fetched once, and kept */
	if (options->credential_source != FLOW_S3_STATIC &&
	    options->credential_source != FLOW_S3_ANONYMOUS)
		return find_keys(mapping->umid, options->credential_source);

	credentials = palloc0(sizeof(FlowS3Credentials));
	credentials->source = options->credential_source;
	credentials->known = true;
	if (options->credential_source == FLOW_S3_ANONYMOUS)
		return credentials;
	if (options->access_key_id == NULL)
		ereport(ERROR,
		        errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
		        errmsg("the user mapping has no keys"),
		        errhint("Set its options \"access_key_id\" and \"secret_access_key\", or "
		                "\"credential_source\"."));

	/* copy the mapping's keys, and erase them at the end */
	callback = palloc0(sizeof(MemoryContextCallback));
	callback->func = wipe_keys;
	callback->arg = &credentials->keys;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	strlcpy(credentials->keys.access_key_id,
	        options->access_key_id,
	        sizeof(credentials->keys.access_key_id));
	strlcpy(credentials->keys.secret_access_key,
	        options->secret_access_key,
	        sizeof(credentials->keys.secret_access_key));
	if (options->session_token != NULL)
		strlcpy(credentials->keys.session_token,
		        options->session_token,
		        sizeof(credentials->keys.session_token));
	return credentials;
}

/* Returns an environment variable: FlowS3Spec's environment. */
static const char *
environment(void *arg, const char *name)
{
	return getenv(name);
}

/* ---------- endpoints ---------- */

/*
 * Sets the endpoints that the administrator allows, in the current memory
 * context.
 */
static void
read_endpoints(FlowS3Spec *spec)
{
	List *list = NIL;
	ListCell *cell;
	const char **entries;

	if (flowlog_allowed_endpoints == NULL && flowlog_allowed_endpoints_refused)
		ereport(ERROR,
		        errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		        errmsg("flow logs in S3 cannot be read in this session"),
		        errdetail("The setting \"%s\" is invalid, or the session tried to change it.",
		                  "flowlog_fdw.allowed_endpoints"),
		        errhint("Set it in postgresql.conf to hosts, addresses and networks, separated "
		                "by commas."));
	if (flowlog_allowed_endpoints == NULL)
		return;
	if (!SplitGUCList(pstrdup(flowlog_allowed_endpoints), ',', &list))
		elog(ERROR, "invalid list of endpoints: \"%s\"", flowlog_allowed_endpoints);
	entries = palloc(sizeof(char *) * (list_length(list) + 1));
	foreach(cell, list)
		entries[spec->nendpoints++] = lfirst(cell);
	spec->endpoints = entries;
}

/* ---------- the store ---------- */

/* Loads the module, and returns the function that creates a store. */
static FlowS3Create
load_module(void)
{
	static FlowS3Create create;

#ifdef FLOWLOG_WITHOUT_S3
	ereport(ERROR,
	        errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
	        errmsg("flow logs in S3 cannot be read by this build of flowlog_fdw"),
	        errhint("It was built with \"make WITH_S3=no\"."));
#endif
	if (create == NULL)
		create = (FlowS3Create)
			load_external_function("$libdir/flowlog_s3", "flowlog_s3_create", true, NULL);
	return create;
}

static bool
has_mapping(Oid userid, Oid serverid)
{
	return SearchSysCacheExists2(USERMAPPINGUSERSERVER,
	                             ObjectIdGetDatum(userid),
	                             ObjectIdGetDatum(serverid));
}

/*
 * Raises an error if the role has no user mapping, nor all have one.  The
 * server's own error does not say what to create.
 */
static void
require_mapping(Oid userid, const ForeignServer *server)
{
	if (has_mapping(userid, server->serverid) || has_mapping(InvalidOid, server->serverid))
		return;
	ereport(ERROR,
	        errcode(ERRCODE_UNDEFINED_OBJECT),
	        errmsg("user mapping not found for user \"%s\", server \"%s\"",
	               GetUserNameFromId(userid, false),
	               server->servername),
	        errdetail("Requests to a bucket are signed with the keys of a user mapping."),
	        errhint("CREATE USER MAPPING FOR %s SERVER %s OPTIONS (access_key_id '...', "
	                "secret_access_key '...'); or, if everybody may read the bucket, OPTIONS "
	                "(credential_source 'anonymous').",
	                quote_identifier(GetUserNameFromId(userid, false)),
	                quote_identifier(server->servername)));
}

/* Opens the store of a location's objects; returns NULL if it is local. */
FlowStore *
flowlog_s3_open(FlowlogBackend *backend, const FlowLocation *location, Oid serverid, Oid userid)
{
	ForeignServer *server;
	UserMapping *mapping;
	FlowlogOptions of_server;
	FlowlogOptions of_user;
	FlowS3Spec spec = {0};
	FlowStore *store;
	FlowError error;

	if (flow_location_is_local(location))
		return NULL;

	/* read the options */
	server = GetForeignServer(serverid);
	require_mapping(userid, server);
	mapping = GetUserMapping(userid, serverid);
	flowlog_options_parse(&of_server, server->options, ForeignServerRelationId);
	flowlog_options_parse(&of_user, mapping->options, UserMappingRelationId);

	/* describe the store */
	spec.host = &backend->host;
	spec.bucket = flow_location_bucket(location, &spec.bucket_len);
	spec.region = of_server.region;
	spec.endpoint_host = of_server.endpoint_host;
	spec.endpoint_plain = of_server.endpoint_plain;
	spec.path_style =
		of_server.url_style == FLOWLOG_URL_PATH ||
		(of_server.url_style == FLOWLOG_URL_DEFAULT && of_server.endpoint_host != NULL);
	spec.requester_pays = of_server.requester_pays;
	spec.ca_file = of_server.ca_file;
	spec.max_connections = of_server.max_connections;
	spec.connections = flowlog_descriptors_connect;
	spec.connections_arg = &backend->descriptors;
	backend->descriptors.max_connections = of_server.max_connections;
	read_endpoints(&spec);
	spec.credentials = read_keys(&of_user, mapping);
	spec.environment = environment;
	if (load_module()(&spec, &store, &error) != FLOW_OK)
		flowlog_raise(backend, &error, NULL);
	return store;
}

FlowStore *
flowlog_store_open(FlowlogBackend *backend, const FlowLocation *location, Oid serverid, Oid userid,
                   int local_descriptors)
{
	FlowStore *store = flowlog_s3_open(backend, location, serverid, userid);

	flowlog_descriptors_reserve(&backend->descriptors,
	                            store != NULL ? store->storage->descriptors(store)
	                                          : local_descriptors);
	return store;
}

void
flowlog_store_close(FlowlogBackend *backend, FlowStore *store, FlowObjects *objects)
{
	flow_objects_free(&backend->host, objects);
	if (store != NULL)
		store->storage->free(store);
	flowlog_backend_release(backend);
	flowlog_descriptors_release(&backend->descriptors);
}
